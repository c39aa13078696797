"""Processes that die, are stopped, or are left behind."""

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError
from pathlib import Path

import psutil
import pytest

from qiskit_haiqu_provider.gateway.execution.pool import Pool, ProcessDiedError

SECONDS = 300.0
LARGE = 100_000_000


class PickyError(Exception):
    """Cannot be unpickled: it takes more than its message."""

    def __init__(self, one, two):
        super().__init__(f"{one} and {two}")


def prepare():
    os.environ["PREPARED"] = "yes"


def prepare_slowly():
    time.sleep(3.0)


def prepared():
    return os.environ.get("PREPARED")


def own_id(seconds=0.0):
    time.sleep(seconds)
    return os.getpid()


def meet(folder, count):
    """Wait in the folder until so many processes are there."""
    (folder / str(os.getpid())).touch()
    while len(list(folder.iterdir())) < count:
        time.sleep(0.01)
    return os.getpid()


def fail():
    raise ValueError("told to")


def fail_oddly():
    raise PickyError(1, 2)


def leave():
    sys.exit(3)


def end(number):
    os.kill(os.getpid(), number)


class Deadline:
    """Has the process killed shortly after this was packed, while it writes the rest."""

    def __reduce__(self):
        threading.Timer(0.02, os.kill, (os.getpid(), signal.SIGKILL)).start()
        return str, ()


def write_and_die():
    return [b"x" * (3 * LARGE), Deadline()]


@pytest.fixture(scope="module")
def context():
    return multiprocessing.get_context("forkserver")


@pytest.fixture
def pool(context):
    made = Pool(2, context=context, prepare=prepare, arguments=())
    yield made
    made.close()


def ask(pool, function, *arguments, seconds=SECONDS):
    return pool.start(function, *arguments, seconds=seconds)


def both(pool, folder):
    """The ids of the two processes of the pool; each has a call of its own."""
    folder.mkdir()
    ids = {call.result(SECONDS) for call in [ask(pool, meet, folder, 2) for _ in range(2)]}
    assert len(ids) == 2
    return ids


def test_calls_functions_in_prepared_processes(pool, tmp_path):
    ids = both(pool, tmp_path / "there")
    assert {call.result(SECONDS) for call in [ask(pool, own_id) for _ in range(6)]} <= ids
    assert os.getpid() not in ids
    assert ask(pool, prepared).result(SECONDS) == "yes"


def test_the_start_of_a_process_is_not_time_of_its_call(context):
    pool = Pool(1, context=context, prepare=prepare_slowly, arguments=())
    try:
        assert ask(pool, own_id, seconds=2.9).result(SECONDS)
    finally:
        pool.close()


def test_a_process_that_cannot_be_prepared_fails_its_call(context):
    pool = Pool(1, context=context, prepare=leave, arguments=())
    try:
        with pytest.raises(ProcessDiedError, match="exit code 3 before it had work"):
            ask(pool, own_id).result(SECONDS)
    finally:
        pool.close()


def test_carries_large_values_both_ways(pool):
    assert ask(pool, bytes.upper, b"x" * LARGE).result(SECONDS) == b"X" * LARGE


def test_an_error_arrives_with_the_lines_of_the_other_process(pool):
    error = ask(pool, fail).exception(SECONDS)
    assert isinstance(error, ValueError)
    assert "in fail" in "".join(error.__notes__)


@pytest.mark.parametrize(("function", "text"), [(fail_oddly, "1 and 2"), (leave, "SystemExit: 3")])
def test_an_error_that_cannot_travel_is_described(pool, function, text):
    error = ask(pool, function).exception(SECONDS)
    assert isinstance(error, RuntimeError)
    assert text in str(error)


def test_a_function_that_cannot_be_sent_fails_alone(pool):
    assert ask(pool, lambda: None).exception(SECONDS) is not None
    assert ask(pool, own_id).result(SECONDS)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT, signal.SIGSEGV])
def test_a_process_that_dies_takes_only_its_own_call_along(pool, number):
    others = [ask(pool, own_id, 0.3) for _ in range(2)]
    doomed = ask(pool, end, number)
    others += [ask(pool, own_id, 0.1) for _ in range(4)]
    with pytest.raises(ProcessDiedError, match=f"exit code -{int(number)}"):
        doomed.result(SECONDS)
    assert all(other.result(SECONDS) for other in others)


def test_processes_that_die_while_they_idle_are_replaced(pool, tmp_path):
    ids = both(pool, tmp_path / "before")
    processes = [psutil.Process(process_id) for process_id in ids]
    for process in processes:
        process.kill()
    psutil.wait_procs(processes, timeout=SECONDS)
    assert not ids & both(pool, tmp_path / "after")


def test_a_process_that_dies_while_it_writes_stops_no_other(pool):
    assert isinstance(ask(pool, write_and_die).exception(SECONDS), ProcessDiedError)
    assert all(call.result(SECONDS) for call in [ask(pool, own_id) for _ in range(4)])


def test_cancel_ends_a_call_that_runs(pool):
    call = ask(pool, own_id, 3600.0)
    while not call.running():
        time.sleep(0.01)
    assert call.cancel()
    with pytest.raises(CancelledError):
        call.result(SECONDS)
    assert all(other.result(SECONDS) for other in [ask(pool, own_id) for _ in range(4)])


def test_cancel_takes_back_a_call_that_waits(pool):
    running = [ask(pool, own_id, 3600.0) for _ in range(2)]
    waiting = ask(pool, own_id)
    assert waiting.cancel()
    assert waiting.cancelled()
    assert all(call.cancel() for call in running)


def test_cancel_of_a_call_that_has_ended_changes_nothing(pool):
    call = ask(pool, own_id)
    process_id = call.result(SECONDS)
    assert not call.cancel()
    assert call.result() == process_id


def test_a_call_that_takes_too_long_is_ended(pool):
    with pytest.raises(TimeoutError, match=r"0\.5 s"):
        ask(pool, own_id, 3600.0, seconds=0.5).result(SECONDS)
    assert ask(pool, own_id).result(SECONDS)


def test_close_ends_everything(context):
    pool = Pool(1, context=context, prepare=prepare, arguments=())
    process_id = ask(pool, own_id).result(SECONDS)
    running, waiting = ask(pool, own_id, 3600.0), ask(pool, own_id)
    while not running.running():
        time.sleep(0.01)
    pool.close()
    assert running.done()
    assert waiting.cancelled()
    assert not psutil.pid_exists(process_id)


def hold():
    """As Aer does while it simulates: other threads of the process do not run."""
    ctypes.PyDLL(None).sleep(3600)


SERVER = """
import multiprocessing, time
from qiskit_haiqu_provider.gateway.execution.pool import Pool
from qiskit_haiqu_provider.gateway.execution.worker import initialise
from test_pool import hold, own_id
if __name__ == "__main__":
    pool = Pool(1, context=multiprocessing.get_context("forkserver"), prepare=initialise, arguments=(None,))
    print(pool.start(own_id, seconds=60).result(), flush=True)
    call = pool.start(hold, seconds=3600)
    while not call.running():
        time.sleep(0.01)
    print("busy", flush=True)
    time.sleep(3600)
"""


def test_processes_end_with_a_server_that_is_killed(tmp_path):
    """Even one that never lets another of its threads run."""
    (tmp_path / "server.py").write_text(SERVER)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    command = [sys.executable, str(tmp_path / "server.py")]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as server:
        worker = psutil.Process(int(server.stdout.readline()))
        assert server.stdout.readline() == "busy\n"
        family = psutil.Process(server.pid).children(recursive=True)
        assert worker in family
        server.kill()
    _, left = psutil.wait_procs(family, timeout=SECONDS)
    for process in left:
        process.kill()
    assert not left

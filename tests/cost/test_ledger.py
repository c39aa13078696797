"""The ledger: what it adds up, what it refuses, and that neither races nor crashes lose a dollar."""

import json
import pickle
import signal
import stat
import subprocess
import sys
import threading

import pytest

from qiskit_haiqu_provider import HaiquBudgetError, HaiquInputError, Ledger
from qiskit_haiqu_provider.cost.ledger import ledger_of

LONG = 120
"""Seconds that a test waits at most for other processes."""


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "books" / "ledger.json", budget_usd=10)


def reserve(ledger, token, usd):
    ledger.reserve(token, usd=usd, device="ibm_fez", via="ibm")


def numbers(ledger):
    return ledger.spent_usd, ledger.reserved_usd, ledger.left_usd


def test_a_new_ledger_is_empty_and_makes_no_file(ledger):
    assert numbers(ledger) == (0, 0, 10)
    assert ledger.entries == ()
    assert not ledger.path.parent.exists()


def test_estimated_and_actual_cost_add_up(ledger):
    reserve(ledger, "a", 4)
    reserve(ledger, "b", 3.5)
    assert numbers(ledger) == (0, 7.5, 2.5)
    ledger.settle("a", usd=3)
    assert numbers(ledger) == (3, 3.5, 3.5)
    ledger.release("b")
    assert numbers(ledger) == (3, 0, 7)
    [entry] = ledger.entries
    assert (entry.token, entry.device, entry.via) == ("a", "ibm_fez", "ibm")
    assert (entry.reserved_usd, entry.actual_usd, entry.usd) == (4, 3, 3)


def test_a_run_that_would_pass_the_budget_is_refused_with_the_numbers(ledger):
    reserve(ledger, "a", 4)
    ledger.settle("a", usd=4.25)
    reserve(ledger, "b", 3)
    with pytest.raises(HaiquBudgetError) as caught:
        reserve(ledger, "c", 2.76)
    for said in (
        "10.00",
        "4.25 USD are spent",
        "3.00 USD reserved",
        "may cost 2.76",
        "Nothing was submitted",
        "ibm_fez",
    ):
        assert said in str(caught.value)
    assert [entry.token for entry in ledger.entries] == ["a", "b"]
    reserve(ledger, "c", 2.75)  # to the last cent
    assert ledger.left_usd == 0


def test_cents_add_up_exactly(tmp_path):
    ledger = Ledger(tmp_path / "ledger.json", budget_usd=0.3)
    for token in "abc":
        reserve(ledger, token, 0.1)  # as floats, 0.1 + 0.1 + 0.1 is above 0.3
    assert (ledger.reserved_usd, ledger.left_usd) == (0.3, 0)
    with pytest.raises(HaiquBudgetError):
        reserve(ledger, "d", 0.000001)


def test_each_step_may_be_repeated(ledger):
    for _ in range(2):
        reserve(ledger, "a", 6)
    assert ledger.reserved_usd == 6
    for _ in range(2):
        ledger.settle("a", usd=5)
    reserve(ledger, "a", 6)
    ledger.release("a")  # it was paid
    assert numbers(ledger) == (5, 0, 5)
    reserve(ledger, "b", 1)
    for _ in range(2):
        ledger.release("b")
    assert numbers(ledger) == (5, 0, 5)


def test_an_actual_cost_above_the_budget_is_noted(ledger):
    reserve(ledger, "a", 9)
    ledger.settle("a", usd=12)
    assert numbers(ledger) == (12, 0, -2)
    with pytest.raises(HaiquBudgetError):
        reserve(ledger, "b", 0.01)


def test_without_a_budget_cost_is_only_noted(tmp_path):
    ledger = Ledger(tmp_path / "ledger.json")
    reserve(ledger, "a", 1e6)
    assert numbers(ledger) == (0, 1e6, None)


def test_only_the_owner_can_read_it(ledger):
    reserve(ledger, "a", 1)
    assert stat.S_IMODE(ledger.path.stat().st_mode) == 0o600


def test_it_is_the_same_after_a_pickle_and_in_another_folder(ledger, tmp_path, monkeypatch):
    reserve(ledger, "a", 1)
    assert pickle.loads(pickle.dumps(ledger)) == ledger
    monkeypatch.chdir(tmp_path)
    assert Ledger("books/ledger.json", budget_usd=10) == ledger


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda ledger: Ledger(3), "ledger must be the path"),
        (lambda ledger: Ledger(ledger.path, budget_usd=-1), "budget_usd must be"),
        (lambda ledger: Ledger(ledger.path, budget_usd=float("nan")), "budget_usd must be"),
        (lambda ledger: reserve(ledger, "a", float("inf")), "usd must be"),
        (lambda ledger: ledger.settle("a", usd="3"), "usd must be"),
        (lambda ledger: ledger.settle("a", usd=3), "has no run 'a'"),
        (
            lambda ledger: ledger_of(ledger, budget_usd=3, home=lambda: ledger.path),
            "budget_usd was given beside a Ledger",
        ),
    ],
)
def test_what_cannot_be_used_is_refused(call, named, ledger):
    with pytest.raises(HaiquInputError, match=named):
        call(ledger)


def test_settings_ask_for_a_ledger_or_none(tmp_path, ledger):
    assert ledger_of(None, budget_usd=None, home=lambda: tmp_path) is None
    assert ledger_of(None, budget_usd=3, home=lambda: tmp_path) == Ledger(tmp_path / "ledger.json", budget_usd=3)
    assert ledger_of("mine.json", budget_usd=None, home=lambda: tmp_path) == Ledger("mine.json")
    assert ledger_of(ledger, budget_usd=None, home=lambda: tmp_path) is ledger


GOOD = {"token": "a", "device": "d", "via": "v", "created": "2026-01-01", "reserved_usd": 1.0, "actual_usd": None}


def book(**changes):
    return json.dumps({"format": "qiskit-haiqu-provider ledger", "version": 1, "entries": [GOOD], **changes}).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 64,
        book()[:-9],
        b"[]",
        book(version=2),
        book(format="else"),
        book(entries={}),
        book(entries=[{**GOOD, "reserved_usd": "1"}]),
        book(entries=[{**GOOD, "actual_usd": float("nan")}]),
        book(entries=[{"token": "a"}]),
        book(entries=[GOOD, GOOD]),
    ],
)
def test_a_damaged_file_is_an_error_and_stays_as_it_is(data, ledger):
    ledger.path.parent.mkdir()
    ledger.path.write_bytes(data)
    for call in (lambda: reserve(ledger, "b", 1), lambda: ledger.settle("a", usd=1), lambda: ledger.left_usd):
        with pytest.raises(HaiquBudgetError, match=r"(?s)ledger\.json is damaged or cannot be read"):
            call()
    assert ledger.path.read_bytes() == data


def test_a_good_file_of_that_form_is_read(ledger):
    ledger.path.parent.mkdir()
    ledger.path.write_bytes(book())
    assert numbers(ledger) == (0, 1, 9)


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HaiquBudgetError, match="cannot be written"):
        reserve(Ledger(tmp_path / "file" / "ledger.json"), "a", 1)


RACER = """
import sys
from qiskit_haiqu_provider import HaiquBudgetError, Ledger

name, path = sys.argv[1:]
ledger = Ledger(path, budget_usd=10)
print("ready", flush=True)
sys.stdin.readline()
got = 0
for run in range(20):
    try:
        ledger.reserve(f"{name}-{run}", usd=1, device="ibm_fez", via="ibm")
        got += 1
    except HaiquBudgetError:
        pass
print(got)
"""


def started(script, *arguments):
    """A process that has loaded the package and waits for a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    return process


def ended(process):
    """What else a process wrote; communicate() would pass over what came together with an earlier line."""
    with process:
        written = process.stdout.read()
        process.wait(LONG)
    return written


def test_processes_that_race_share_the_budget(ledger):
    racers = [started(RACER, name, ledger.path) for name in "abc"]
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    got = [int(racer.communicate(timeout=LONG)[0]) for racer in racers]
    assert sum(got) == 10
    assert numbers(ledger) == (0, 10, 0)


def test_threads_that_race_share_the_budget(ledger):
    refused = []

    def run(name):
        try:
            reserve(ledger, name, 1)
        except HaiquBudgetError:
            refused.append(name)

    threads = [threading.Thread(target=run, args=(str(index),)) for index in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert len(refused) == 6
    assert numbers(ledger) == (0, 10, 0)


WRITER = """
import sys
from itertools import count
from qiskit_haiqu_provider import Ledger

ledger = Ledger(sys.argv[1])
print("ready", flush=True)
for run in count():
    ledger.reserve(f"{run}", usd=1, device="ibm_fez", via="ibm")
    print(run, flush=True)  # said only when it is on disk
"""


def test_what_was_reserved_survives_a_kill_and_the_lock_does_not(tmp_path):
    ledger = Ledger(tmp_path / "ledger.json")
    for _ in range(3):
        ledger.path.unlink(missing_ok=True)
        writer = started(WRITER, ledger.path)
        for _ in range(5):
            writer.stdout.readline()
        writer.send_signal(signal.SIGKILL)  # at any point of a reservation
        told = 5 + len(ended(writer).splitlines())
        assert told <= len(ledger.entries) <= told + 1
        reserve(ledger, "after", 1)
        assert ledger.entries[-1].token == "after"


HOLDER = """
import os, sys
from qiskit_haiqu_provider.cost import ledger as room

def dies(*_):
    print("dies", flush=True)
    os.kill(os.getpid(), 9)

room.replacing = dies if sys.argv[2] == "before" else room.replacing
if sys.argv[2] == "after":
    os.fsync = dies
print("ready", flush=True)
room.Ledger(sys.argv[1], budget_usd=10).reserve("lost", usd=1, device="ibm_fez", via="ibm")
"""


@pytest.mark.parametrize("where", ["before", "after"])
def test_a_kill_inside_a_reservation_leaves_the_file_as_it_was(where, ledger):
    reserve(ledger, "a", 4)
    before = ledger.path.read_bytes()
    holder = started(HOLDER, ledger.path, where)
    assert ended(holder) == "dies\n"
    assert holder.returncode == -signal.SIGKILL
    assert ledger.path.read_bytes() == before
    reserve(ledger, "b", 6)
    assert numbers(ledger) == (0, 10, 0)

"""HaiquProvider: devices without network or vendor imports, and the jobs that were run on them."""

import json
import pickle
import subprocess
import sys
import threading
import warnings
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.providers import JobStatus, QiskitBackendNotFoundError

from qiskit_haiqu_provider import (
    EstimatorV2,
    HaiquBackend,
    HaiquBackendNotFoundError,
    HaiquInputError,
    HaiquJobCancelledError,
    HaiquJobNotFoundError,
    HaiquOptionError,
    HaiquProvider,
    SamplerV2,
)
from qiskit_haiqu_provider.exceptions import HaiquAccountError
from qiskit_haiqu_provider.store import JobStore

LONG = 60
"""Seconds that a test waits at most for what must happen."""


def bell():
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def tiny():
    circuit = QuantumCircuit(1, 1)
    circuit.sx(0)
    circuit.measure(0, 0)
    return circuit


def printed(script):
    """What a script in a process of its own printed."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=2 * LONG, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def ids(jobs):
    return [job.job_id() for job in jobs]


# What it costs.


@pytest.mark.parametrize(
    ("statement", "printout"),
    [
        ("print(HaiquProvider())", "<HaiquProvider(via=['local'])>"),
        ("print(len(HaiquProvider().backends()) > 60)", "True"),
        ("print(HaiquProvider().get_backend())", "<HaiquBackend('aer_simulator', via='local'"),
        (
            "print(HaiquProvider().get_backend('fake_torino'))",
            "<HaiquBackend('fake_torino', via='local', num_qubits=133",
        ),
        ("print(HaiquProvider().least_busy(min_num_qubits=127).simulator)", "True"),
        ("print(HaiquProvider().jobs())", "[]"),
    ],
    ids=["constructor", "backends", "simulator", "fake device", "least busy", "jobs"],
)
def test_looking_around_imports_no_vendor_and_opens_no_socket(statement, printout):
    script = f"""
import socket, sys
from qiskit_haiqu_provider import HaiquProvider
def refuse(*arguments, **more): raise AssertionError("a socket was opened")
socket.socket.connect = socket.socket.connect_ex = socket.create_connection = socket.getaddrinfo = refuse
{statement}
bad = {{"qiskit_ibm_runtime", "qiskit_aer", "httpx", "pydantic", "requests", "urllib3", "distributed", "braket"}}
print(sorted(bad & sys.modules.keys()))
"""
    first, last = printed(script).splitlines()
    assert first.startswith(printout)
    assert last == "[]"


def test_the_constructor_loads_no_engine():
    script = """
import sys
from qiskit_haiqu_provider import HaiquProvider
HaiquProvider(options={"default_shots": 3}, home="anywhere")
print([name for name in sys.modules if name.startswith("qiskit_haiqu_provider.engines.local") or name == "psutil"])
"""
    assert printed(script) == "[]"


# Devices.


def test_the_simulator_comes_first_then_the_snapshots_by_name(provider):
    names = [backend.name for backend in provider.backends()]
    snapshots = names[1:-2]
    assert names[0] == "aer_simulator"
    assert snapshots == sorted(snapshots)
    assert {"fake_torino", "fake_sherbrooke", "fake_armonk"} <= set(snapshots)
    assert all(name.startswith("fake_") for name in snapshots)
    assert names[-2:] == ["braket_sv", "braket_dm"]
    assert len(set(names)) == len(names)


def test_backends_are_filtered_by_all_that_is_given(provider):
    assert all(isinstance(backend, HaiquBackend) for backend in provider.backends())
    [torino] = provider.backends("fake_torino")
    assert torino.num_qubits == 133
    assert torino.provider is provider
    assert provider.backends(name="fake_torino", min_num_qubits=134) == []
    assert provider.backends(simulator=False) == []
    assert len(provider.backends(simulator=True, via="local")) == len(provider.backends())
    wide = provider.backends(min_num_qubits=127, filters=lambda backend: backend.name.startswith("fake_"))
    assert torino.name in [backend.name for backend in wide]
    assert min(backend.num_qubits for backend in wide) == 127
    assert provider.backends(filters=lambda backend: False) == []


def test_get_backend_is_the_simulator_unless_told(provider):
    assert provider.get_backend().name == "aer_simulator"
    assert provider.get_backend("fake_torino", via="local").via == "local"


def test_get_backend_takes_options(provider):
    backend = provider.get_backend(shots=12, method="stabilizer")
    assert backend.options.shots == 12
    assert backend.options.method == "stabilizer"
    assert provider.get_backend().options.shots == 1024
    with pytest.raises(HaiquOptionError, match="Did you mean 'seed_simulator'"):
        provider.get_backend(seed_simulater=1)
    with pytest.raises(HaiquInputError, match="shots must be at least 1"):
        provider.get_backend(shots=0)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("fake_torinoo", "Did you mean fake_torino"),
        ("aer_simulater", "Did you mean aer_simulator"),
        ("xyz", r"See provider\.backends\(\)"),
    ],
)
def test_an_unknown_device_suggests_the_nearest(provider, name, hint):
    with pytest.raises(HaiquBackendNotFoundError, match=f"There is no device '{name}'. {hint}") as caught:
        provider.get_backend(name)
    assert isinstance(caught.value, QiskitBackendNotFoundError)


@pytest.mark.parametrize("call", ["get_backend", "backends", "least_busy"])
def test_an_unknown_route_names_those_there_are(provider, call):
    with pytest.raises(HaiquInputError, match=r"via must be one of \['local', 'haiqu', 'ibm', .*\], not 'ibn'"):
        getattr(provider, call)(via="ibn")


def test_devices_of_vendors_are_told_from_misspelt_names(provider):
    with pytest.raises(
        HaiquAccountError, match=r"'ibm_fez' is a device of IBM Quantum.*'fake_fez' runs offline"
    ) as caught:
        provider.get_backend("ibm_fez")
    for way in ("HAIQU_API_KEY", "api_key=", "save_account(", "ibm_quantum_token", "IBM_QUANTUM_INSTANCE"):
        assert way in str(caught.value)
    with pytest.raises(HaiquAccountError, match=r"ionq_api_key \(environment: IONQ_API_KEY\)"):
        provider.get_backend("ionq_forte_1")
    with pytest.raises(HaiquBackendNotFoundError, match=r"does not run on this machine.*'fake_fez' runs offline"):
        provider.get_backend("ibm_fez", via="local")


def test_least_busy_is_the_smallest_that_matches(provider):
    assert provider.least_busy(min_num_qubits=20, filters=lambda one: "fake_" in one.name).num_qubits == 20
    assert provider.least_busy().name == "aer_simulator"
    with pytest.raises(HaiquBackendNotFoundError, match="No device matches"):
        provider.least_busy(simulator=False)


WITHOUT_RUNTIME = """
import sys
sys.modules["qiskit_ibm_runtime"] = None  # as if it were not installed
from qiskit import QuantumCircuit
from qiskit_haiqu_provider import HaiquBackendNotFoundError, HaiquDependencyError, HaiquProvider, SamplerV2
provider = HaiquProvider()
print([backend.name for backend in provider.backends()])
try:
    provider.get_backend("fake_torino")
except ImportError as error:
    print(type(error).__name__, error)
try:
    provider.get_backend("aer_simulater")
except HaiquBackendNotFoundError as error:
    print(error)
bell = QuantumCircuit(2)
bell.h(0), bell.cx(0, 1), bell.measure_all()
print(SamplerV2(provider.get_backend()).run([bell]).result()[0].data.meas.num_shots)
"""


def test_without_the_runtime_there_is_the_simulator_and_a_message_that_helps():
    devices, missing, unknown, shots = printed(WITHOUT_RUNTIME).splitlines()
    assert devices == "['aer_simulator', 'braket_sv', 'braket_dm']"
    assert missing.startswith("HaiquDependencyError fake_torino is a snapshot that comes with qiskit-ibm-runtime")
    assert "pip install 'qiskit-haiqu-provider[ibm]'" in missing
    assert "Did you mean aer_simulator?" in unknown
    assert shots == "1024"


# Options.


def test_options_are_defaults_of_all_primitives():
    backend = HaiquProvider(options={"default_shots": 77, "default_precision": 0.5}).get_backend()
    assert SamplerV2(backend).run([bell()]).result()[0].data.meas.num_shots == 77
    assert SamplerV2(backend).default_shots == 77


def test_options_are_shown_and_not_shared():
    given = {"default_shots": 77}
    provider = HaiquProvider(options=given)
    given["default_shots"] = 1
    provider.options["default_shots"] = 2
    assert provider.options == {"default_shots": 77}


def test_a_wrong_value_says_that_it_came_from_the_provider():
    with pytest.raises(HaiquInputError, match=r"default_shots \(provider\) must be at least 1"):
        SamplerV2(HaiquProvider(options={"default_shots": 0}).get_backend()).run([bell()])


def test_an_unknown_option_is_not_ignored():
    with pytest.raises(HaiquOptionError, match="Did you mean 'default_shots'"):
        SamplerV2(HaiquProvider(options={"default_shoots": 77}).get_backend()).run([bell()])


def test_options_of_the_other_primitive_are_fine():
    backend = HaiquProvider(options={"default_precision": 0.25}).get_backend()
    assert SamplerV2(backend).default_shots == 1024
    assert EstimatorV2(backend).default_precision == 0.25


# Pickling.


def test_a_provider_survives_pickling(tmp_path):
    provider = HaiquProvider(home=tmp_path / "own", options={"default_shots": 9})
    job = SamplerV2(provider.get_backend()).run([bell()])
    job.result()
    again = pickle.loads(pickle.dumps(provider))
    assert again.options == {"default_shots": 9}
    assert ids(again.jobs()) == [job.job_id()]
    assert SamplerV2(again.get_backend()).run([bell()]).result()[0].data.meas.num_shots == 9
    assert len(again.jobs()) == 2


class LocalExecutor:
    """Runs what it is given, at once; holds something that does not pickle."""

    def __init__(self):
        self.lock = threading.Lock()
        self.calls = 0

    def submit(self, fn, /, *args):
        self.calls += 1
        value = fn(*args)

        class Done:
            def done(self):
                return True

            def result(self, timeout=None):
                return value

            def cancel(self):
                return False

        return Done()


def test_a_provider_with_an_executor_pickles_without_it():
    executor = LocalExecutor()
    provider = HaiquProvider(executor=executor)
    assert SamplerV2(provider.get_backend()).run([bell()]).result()[0].data.meas.num_shots == 1024
    assert executor.calls > 0
    before = executor.calls
    again = pickle.loads(pickle.dumps(provider))
    assert SamplerV2(again.get_backend()).run([bell()]).result()[0].data.meas.num_shots == 1024
    assert executor.calls == before


def test_a_backend_survives_pickling_while_a_job_runs(provider):
    opened = threading.Event()
    backend = provider.get_backend("aer_simulator", shots=5, seed_simulator=4)
    job = SamplerV2(backend, options={"progress": lambda *_: opened.wait(LONG)}).run([bell()])
    again = pickle.loads(pickle.dumps(backend))
    opened.set()
    assert again.name == backend.name
    assert again.options_set() == {"shots": 5, "seed_simulator": 4}
    assert again.status().pending_jobs == 0
    assert again.run(bell()).result().get_counts() == backend.run(bell()).result().get_counts()
    job.result()


def test_pickling_does_not_turn_defaults_into_settings():
    backend = HaiquProvider(options={"default_shots": 9}).get_backend()
    again = pickle.loads(pickle.dumps(backend))
    assert backend.options_set() == again.options_set() == {}
    assert SamplerV2(again).default_shots == SamplerV2(backend).default_shots == 9


# Jobs.


def test_a_job_of_this_process_is_the_same_handle(provider):
    job = SamplerV2(provider.get_backend()).run([bell()])
    assert provider.job(job.job_id()) is job
    assert provider.jobs() == [job]
    job.result()
    assert provider.job(job.job_id()) is job


def test_jobs_are_the_newest_ten_unless_told(provider):
    backend = provider.get_backend()
    made = [SamplerV2(backend).run([bell()]) for _ in range(12)]
    for job in made:
        job.result()
    newest_first = ids(made)[::-1]
    assert ids(provider.jobs()) == newest_first[:10]
    assert ids(provider.jobs(limit=3)) == newest_first[:3]
    assert ids(provider.jobs(limit=None)) == newest_first
    assert ids(provider.jobs(limit=100)) == newest_first
    assert provider.jobs(limit=0) == []


def test_newest_means_submitted_last(provider):
    opened = threading.Event()
    backend = provider.get_backend()
    slow = SamplerV2(backend, options={"progress": lambda *_: opened.wait(LONG)}).run([bell()])
    quick = SamplerV2(backend).run([bell()])
    quick.result()
    assert ids(provider.jobs()) == ids([quick, slow])
    opened.set()
    slow.result()
    assert ids(provider.jobs()) == ids([quick, slow])


def test_jobs_of_a_device(provider):
    on_aer = SamplerV2(provider.get_backend()).run([bell()])
    on_fake = SamplerV2(provider.get_backend("fake_armonk")).run([tiny()])
    on_fake.result()
    on_aer.result()
    assert provider.jobs(backend_name="fake_armonk") == [on_fake]
    assert provider.jobs(backend_name="aer_simulator") == [on_aer]
    assert provider.jobs(backend_name="fake_torino") == []


def test_jobs_of_a_status(provider):
    opened = threading.Event()
    backend = provider.get_backend()
    done = SamplerV2(backend).run([bell()])
    done.result()
    reached = threading.Event()

    def hold(done, total):
        reached.set()
        opened.wait(LONG)

    running = SamplerV2(backend, options={"progress": hold}).run([bell()])
    assert reached.wait(LONG)
    assert provider.jobs(status=JobStatus.DONE) == [done]
    assert provider.jobs(status="done") == [done]
    assert provider.jobs(status="RUNNING") == [running]
    assert set(provider.jobs(status=["DONE", JobStatus.RUNNING])) == {done, running}
    assert provider.jobs(status=[]) == []
    assert provider.jobs(status=(status for status in [JobStatus.CANCELLED, "error"])) == []
    opened.set()
    running.result()
    assert provider.jobs(status="RUNNING") == []
    with pytest.raises(HaiquInputError, match=r"status must be one of .*'QUEUED'.*, not 'FINISHED'"):
        provider.jobs(status="FINISHED")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"status": 3}, "status must be one of .*, not 3"),
        ({"status": ["DONE", None]}, "status must be one of .*, not None"),
        ({"created_after": "yesterday"}, "created_after must be a datetime, not 'yesterday'"),
        ({"created_after": date(2026, 1, 31)}, "created_after must be a datetime"),
        ({"backend_name": 5}, "backend_name must be the name of a device, not 5"),
        ({"limit": 2.5}, "limit must be None or a whole number"),
    ],
)
def test_filters_of_jobs_that_cannot_be_used_are_named(provider, arguments, message):
    with pytest.raises(HaiquInputError, match=message):
        provider.jobs(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": 5}, "name must be the name of a device, not 5"),
        ({"simulator": "yes"}, "simulator must be None, True or False, not 'yes'"),
        ({"min_num_qubits": "5"}, "min_num_qubits must be None or a whole number, not '5'"),
        ({"filters": 5}, "filters must be a function of a backend, not 5"),
    ],
)
def test_filters_of_devices_that_cannot_be_used_are_named(provider, arguments, message):
    with pytest.raises(HaiquInputError, match=message):
        provider.backends(**arguments)


def test_the_limit_counts_what_matches(provider):
    backend = provider.get_backend()
    first = SamplerV2(backend).run([bell()])
    first.result()
    refused, angle = QuantumCircuit(1, 1), Parameter("angle")  # by Aer, when it runs
    with refused.for_loop(range(1, 3), angle):
        refused.rz(angle, 0)
    refused.measure(0, 0)
    for _ in range(3):
        SamplerV2(backend, options={"backend_options": {"method": "stabilizer"}}).run([refused]).wait_for_final_state()
    assert provider.jobs(limit=1, status="DONE") == [first]
    assert len(provider.jobs(limit=2, status="ERROR")) == 2


def test_jobs_submitted_after_a_time(provider):
    backend = provider.get_backend()
    start = datetime.now(UTC)
    first = SamplerV2(backend).run([bell()])
    first.result()
    between = datetime.now(UTC)
    second = SamplerV2(backend).run([bell()])
    second.result()
    assert provider.jobs(created_after=start) == [second, first]
    assert provider.jobs(created_after=between) == [second]
    assert provider.jobs(created_after=between.replace(tzinfo=None)) == [second]
    assert provider.jobs(created_after=between.astimezone(timezone(timedelta(hours=-7)))) == [second]
    assert provider.jobs(created_after=datetime.now(UTC)) == []


def test_a_record_without_time_zone_does_not_hide_the_others(provider):
    job = SamplerV2(provider.get_backend()).run([bell()])
    JobStore().flush()
    jobs = JobStore().home / "jobs"
    data = json.loads((jobs / f"{job.job_id()}.json").read_bytes())
    (jobs / "by-hand.json").write_text(json.dumps({**data, "id": "by-hand", "created": "2020-01-01T00:00:00"}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # to skip the record with a warning is as good as to read it
        assert provider.jobs(created_after=datetime(2025, 1, 1, tzinfo=UTC)) == [job]


def test_filters_work_together(provider):
    backend = provider.get_backend()
    start = datetime.now(UTC)
    opened = threading.Event()
    clifford = QuantumCircuit(1, 1)
    clifford.measure(0, 0)
    options = {"progress": lambda *_: opened.wait(LONG), "backend_options": {"method": "stabilizer"}}
    job = SamplerV2(backend, options=options).run([(clifford, None, 100_000)] * 3)
    job.cancel()
    opened.set()
    with pytest.raises(HaiquJobCancelledError):
        job.result()
    SamplerV2(backend).run([bell()]).result()
    found = provider.jobs(limit=5, backend_name="aer_simulator", status="CANCELLED", created_after=start)
    assert ids(found) == [job.job_id()]
    assert provider.jobs(backend_name="fake_torino", status="CANCELLED") == []


@pytest.mark.parametrize("limit", [-1, 1.5, "3"])
def test_a_wrong_limit_is_an_error_of_ours(provider, limit):
    with pytest.raises(HaiquInputError, match="limit"):
        provider.jobs(limit=limit)


@pytest.mark.parametrize("job_id", [None, 5, b"local-1"])
def test_an_id_that_is_no_text_is_an_error_of_ours(provider, job_id):
    with pytest.raises((HaiquInputError, HaiquJobNotFoundError)):
        provider.job(job_id)

"""Looking for a job whose id was lost: what was not seen is never taken for what is not there."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from qiskit import QuantumCircuit

from qiskit_haiqu_provider.api.client import HaiquClient
from qiskit_haiqu_provider.engines.haiqu import submission
from qiskit_haiqu_provider.engines.haiqu.execution import HaiquExecution
from qiskit_haiqu_provider.engines.haiqu.state import RunState
from qiskit_haiqu_provider.exceptions import HaiquSubmissionError
from qiskit_haiqu_provider.store import JobStore
from qiskit_haiqu_provider.submit import stored_job
from tests.api.odd_server import CUT_BEFORE_ANSWER, Answer
from tests.engines.haiqu.service import KEY


@pytest.fixture(autouse=True)
def _quick_looks(monkeypatch):
    monkeypatch.setattr(submission, "LOOKS", (0.0, 0.0))


@pytest.fixture
def hidden(desk, server):
    """A job that arrived two hours ago, and that nobody has seen since; its record."""

    def accepted(asked):
        desk.run(asked)
        return CUT_BEFORE_ANSWER

    circuit = QuantumCircuit(2)
    circuit.measure_all()
    showing(server, [])
    server.on("POST /run", accepted)
    with pytest.raises(HaiquSubmissionError):
        desk.backend().run(circuit, shots=4)
    (record,) = JobStore().records()
    record = replace(record, created=(datetime.now(UTC) - timedelta(hours=2)).isoformat())
    JobStore().write(record)
    return record


def showing(server, jobs, *, most=1_000_000):
    """Let the service have these jobs, the newest first, and show so many at a time at most."""

    def listed(asked):
        return Answer(json=jobs[: min(most, int(asked.query["limit"][0]))])

    server.on("GET /experiments/exp-1/jobs", listed)


def others(desk, count):
    (job,) = desk.jobs.values()
    return [{**json.loads(json.dumps(job)), "id": f"other-{n}", "description": ""} for n in range(count)]


def seen(desk, record, key=KEY):
    client = HaiquClient(key, url=desk.server.url)
    return stored_job(
        JobStore(),
        record.id,
        lambda _: None,
        lambda found: HaiquExecution(client, RunState.from_json(found.state)),
    )


@pytest.mark.parametrize("count", [0, 7, 99, 101, 999])
def test_a_job_that_is_not_among_all_is_not_there(desk, server, hidden, count):
    showing(server, others(desk, count))
    assert "Nothing is to be paid. Run it again." in seen(desk, hidden).error_message()
    assert JobStore().read(hidden.id).status == "ERROR"


@pytest.mark.parametrize("most", [100, 1000, 10_000])
def test_a_job_that_is_beyond_what_is_shown_may_be_there(desk, server, hidden, most):
    mine = list(desk.jobs.values())
    showing(server, others(desk, most) + mine, most=most)
    told = seen(desk, hidden).error_message()
    assert f"it is not among the newest {most:,} of the experiment" in told
    assert "Nothing is to be paid" not in told
    assert JobStore().read(hidden.id).status == "QUEUED"
    showing(server, mine)
    assert seen(desk, hidden).job_id() == "jb-1"


def test_another_key_does_not_end_the_job(desk, server, hidden):
    showing(server, [])
    told = seen(desk, hidden, key="another-key-0123456789").error_message()
    assert "this key sees none of it, but it was submitted with another key" in told
    assert JobStore().read(hidden.id).status == "QUEUED"
    showing(server, list(desk.jobs.values()))
    assert seen(desk, hidden, key="another-key-0123456789").job_id() == "jb-1"

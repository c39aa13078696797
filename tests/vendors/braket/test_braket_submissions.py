"""Submissions to Amazon Braket of which a part was refused, or nobody knows: nothing that may be paid for is lost."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ReadTimeoutError
from qiskit import QuantumCircuit

from qiskit_haiqu_provider import SamplerV2
from qiskit_haiqu_provider.engines.braket import vendor
from qiskit_haiqu_provider.engines.braket.vendor import BraketVendor
from qiskit_haiqu_provider.engines.direct.engine import DirectEngine
from qiskit_haiqu_provider.exceptions import (
    HaiquJobError,
    HaiquRequestError,
    HaiquServerError,
    HaiquSubmissionError,
    HaiquTimeoutError,
)
from qiskit_haiqu_provider.submit import stored_job
from tests.vendors.braket.server import ACCOUNT, FakeAws

DEVICE = "aws_amazon_sv1"


@pytest.fixture
def circuit():
    circuit = QuantumCircuit(2)
    circuit.x(0)
    circuit.measure_all()
    return circuit


@pytest.fixture
def interrupted(device, circuit, monkeypatch):
    """The backend of a task that arrived just before the program was stopped, two hours ago."""
    real = BraketVendor.send

    def send(self, job, **how):
        real(self, job, **how)
        raise KeyboardInterrupt

    backend = device(DEVICE)
    with monkeypatch.context() as patch:
        patch.setattr(BraketVendor, "send", send)
        with pytest.raises(KeyboardInterrupt):
            backend.run(circuit, shots=10)
    store = backend._store
    (record,) = store.records()
    store.write(replace(record, created=(datetime.now(UTC) - timedelta(hours=2)).isoformat()))
    return backend


def found(backend, engine=None):
    """The job, as somebody sees it who has its record and an engine."""
    by = engine or backend._engine
    (record,) = [one for one in backend._store.records() if one.id.startswith("braket-")]
    return stored_job(backend._store, record.id, lambda _: None, lambda one: by.resume(one.state))


def test_another_account_does_not_end_the_job(aws, web, interrupted, monkeypatch):
    web.serve("*.amazonaws.com", FakeAws(account="999999999999").site)
    told = found(interrupted, DirectEngine(BraketVendor(dict))).error_message()
    assert "AWS account 999999999999 in us-east-1 has none of it" in told
    assert f"by AWS account {ACCOUNT} in us-east-1" in told
    assert "Nothing is to be paid" not in told
    web.serve("*.amazonaws.com", aws.site)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAROTATEDROTATED00")  # a new key of the same account
    assert found(interrupted).result().get_counts() == {"01": 10}


def test_another_region_does_not_end_the_job(aws, web, interrupted, monkeypatch):
    """Simulators are in several; a task is seen only in its own."""
    web.serve("braket.us-west-2.amazonaws.com", FakeAws().site)
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    told = found(interrupted, DirectEngine(BraketVendor(dict))).error_message()
    assert f"AWS account {ACCOUNT} in us-west-2 has none of it" in told
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert found(interrupted).result().get_counts() == {"01": 10}


def test_tasks_beyond_those_that_are_looked_through_are_not_taken_for_none(aws, circuit, interrupted, monkeypatch):
    monkeypatch.setattr(vendor, "_FIND_AMONG", 2)
    for _ in range(3):
        interrupted.run(circuit, shots=10)
    told = found(interrupted).error_message()
    assert "not among the newest 2 tasks of aws_amazon_sv1 in us-east-1" in told
    assert "Nothing is to be paid" not in told
    monkeypatch.setattr(vendor, "_FIND_AMONG", 1000)
    assert found(interrupted).result().get_counts() == {"01": 10}


def test_a_task_that_never_arrived(aws, interrupted):
    aws.tasks.clear()
    assert "Nothing is to be paid. Run it again." in found(interrupted).error_message()


def test_an_account_that_aws_does_not_tell_keeps_nobody_from_running(device, circuit, monkeypatch):
    def unknown(self, region):
        raise HaiquServerError("STS is away.")

    monkeypatch.setattr("qiskit_haiqu_provider.engines.braket.aws.Aws.account", unknown)
    assert device(DEVICE).run(circuit, shots=10).result().get_counts() == {"01": 10}


@pytest.mark.parametrize("body", [b"\xff\xfe", "<html>", "{}", "[]"])
def test_an_answer_that_nobody_can_read_is_no_refusal(aws, device, circuit, body):
    aws.garbled = [body]
    job = device(DEVICE).run(circuit, shots=10)
    assert job.result().get_counts() == {"01": 10}
    assert len(aws.tasks) == 1


def test_a_bucket_that_cannot_be_had_is_no_doubt_about_the_task(aws, device, engine, circuit, monkeypatch):
    def away():
        raise ReadTimeoutError(endpoint_url="https://s3.amazonaws.com")

    backend = device(DEVICE)
    monkeypatch.setattr(engine.vendor._aws, "_buckets", {})
    monkeypatch.setattr(engine.vendor._aws.session("us-east-1"), "default_bucket", away)
    with pytest.raises(HaiquTimeoutError, match="default bucket") as caught:
        backend.run(circuit, shots=10)
    assert not caught.value.reached
    assert backend._store.records() == []
    assert not aws.arrivals


def test_a_task_that_was_done_before_another_was_refused_is_kept(device, aws, circuit, monkeypatch):
    real, sent = BraketVendor.send, []

    def send(self, job, **how):
        if sent:
            for task in aws.tasks.values():
                aws._task(task)  # the device has done it meanwhile
            raise HaiquRequestError("ServiceQuotaExceededException", reached=False)
        sent.append(job)
        return real(self, job, **how)

    backend = device(DEVICE)
    monkeypatch.setattr(BraketVendor, "send", send)
    with pytest.raises(HaiquSubmissionError, match="had ended before"):
        SamplerV2(backend).run([(circuit, None, 10), (circuit, None, 20)])
    job = found(backend)
    with pytest.raises(HaiquJobError, match="ServiceQuotaExceeded"):
        job.result()
    assert job.partial_result()[0].data.meas.get_counts() == {"01": 10}

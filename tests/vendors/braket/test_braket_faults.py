"""What goes wrong between us and AWS: nothing is paid twice, nothing is lost, and every reason is told."""

import json
import logging
import pickle
import subprocess
import sys

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.providers import JobStatus

from qiskit_haiqu_provider import (
    HaiquJobCancelledError,
    HaiquJobError,
    HaiquProvider,
    HaiquRateLimitError,
    HaiquRequestError,
    HaiquResponseError,
    HaiquServerError,
    HaiquSubmissionError,
    SamplerV2,
)
from qiskit_haiqu_provider.engines.braket.vendor import BraketVendor
from qiskit_haiqu_provider.engines.direct.engine import DirectEngine
from qiskit_haiqu_provider.run.request import RunRequest, Task
from qiskit_haiqu_provider.secret import Secret
from tests.vendors.web import Response


def flipped(qubits=6):
    circuit = QuantumCircuit(qubits, 1)
    circuit.r(Parameter("a"), 0, 2)
    circuit.measure(2, 0)
    return circuit


def sweep(count=2):
    return flipped(), [[3.141592653589793]] * count


@pytest.mark.parametrize("trouble", [{"lose": 1}, {"lose": 4}, {"throttle": 2}, {"fail": 3}])
def test_a_task_is_made_once_whatever_happens(device, aws, trouble):
    backend = device()
    vars(aws).update(trouble)
    result = SamplerV2(backend).run([sweep()], shots=4).result()
    assert result[0].data.c.array.all()
    assert len(aws.tasks) == 1
    assert max(aws.arrivals.values()) == 1 + trouble.get("lose", 0)


def test_a_task_whose_answers_are_all_lost_is_found_by_its_tag(device, aws):
    backend = device()
    for _ in range(3):
        device("aws_iqm_garnet", skip_transpilation=False).run(flipped().assign_parameters([0]), shots=1)
    aws.lose = 5
    job = SamplerV2(backend).run([sweep()], shots=4)
    assert job.job_id() == list(aws.tasks)[-1]
    assert job.result()[0].data.c.array.all()
    assert aws.lose == 0
    assert len(aws.tasks) == 4


def test_any_task_is_found_among_many(device, engine, aws):
    for _ in range(5):
        device("aws_iqm_garnet", skip_transpilation=False).run(flipped().assign_parameters([0]), shots=1)
    first = next(iter(aws.tasks.values()))
    assert engine.vendor.find(first.request["clientToken"], device="aws_iqm_garnet") == first.arn
    assert engine.vendor.find("0" * 32, device="aws_iqm_garnet") is None


def test_a_task_whose_fate_is_not_known_is_told_and_found_later(device, aws, monkeypatch):
    backend = device()
    monkeypatch.setattr(BraketVendor, "find", lambda self, token, *, device: None)
    aws.lose = 5
    with pytest.raises(HaiquSubmissionError, match="not known") as caught:
        SamplerV2(backend).run([sweep()], shots=4)
    monkeypatch.undo()
    assert len(aws.tasks) == 1
    assert "provider.job('braket-" in str(caught.value)


def test_a_run_is_found_after_a_crash(engine, aws):
    """The record that was on disk when the process ended: it has the client token, and no id."""
    states = []
    task = Task(circuit=flipped().assign_parameters([3.141592653589793]), parameter_values=np.empty((1, 0)), shots=3)
    request = RunRequest(device="aws_iqm_garnet", tasks=(task,))
    engine.submit(request, journal=states.append)
    before, _ = states
    assert before["jobs"][0]["id"] is None
    found = engine.resume(before)
    assert not found.located
    assert found.locate()
    assert found.id in aws.tasks
    assert found.wait(30)
    assert found.result().tasks[0].outcomes.all()


def test_a_job_is_read_in_a_new_process(aws, web):
    provider = HaiquProvider(
        credentials={"aws_access_key_id": "AKIAGIVENGIVENGIVEN0", "aws_secret_access_key": "s" * 40}
    )
    job = SamplerV2(provider.get_backend("aws_iqm_garnet", via="braket")).run([sweep()], shots=3)
    code = f"""
from qiskit_haiqu_provider import HaiquProvider
job = HaiquProvider().job({job.job_id()!r})
print(job.result()[0].data.c.get_counts(), job.usage()["usd"])
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.stdout.split("\n")[0] == "{'1': 6} 0.3087", found.stderr
    sent = [request.headers.get("authorization", "") for request in web.requests if request.path == "/quantum-task"]
    assert all("AKIAGIVENGIVENGIVEN0" in header for header in sent)


def test_refusals_name_what_was_wrong(device, aws):
    backend = device()
    aws.throttle = 99
    with pytest.raises(HaiquRateLimitError, match="Rate exceeded"):
        SamplerV2(backend).run([sweep()])
    aws.throttle = 0
    bad = device(s3_bucket="amazon-braket-nobodys")
    with pytest.raises(HaiquRequestError, match="amazon-braket-nobodys does not exist") as caught:
        SamplerV2(bad).run([sweep()])
    assert caught.value.request_id == "a-request"
    assert not aws.tasks


def test_a_fault_that_stays(device, aws):
    backend = device()
    aws.fail = 99
    with pytest.raises((HaiquServerError, HaiquSubmissionError), match="Something broke"):
        SamplerV2(backend).run([sweep()])
    assert not aws.tasks


def test_reasons_of_failures_arrive(device, aws):
    aws.failure = "The qubits went home"
    job = SamplerV2(device()).run([sweep()])
    with pytest.raises(HaiquJobError, match="The qubits went home"):
        job.result()
    assert job.status() is JobStatus.ERROR
    assert job.usage()["usd"] == 0.0
    assert "FAILED The qubits went home" in job.logs()


def test_a_circuit_of_a_set_that_fails(device, aws):
    aws.failing_circuit = 0
    job = SamplerV2(device()).run([sweep()])
    with pytest.raises(HaiquJobError, match=r"PUB 0: a circuit of the program set failed \(qubit lost\)\.$"):
        job.result()
    assert len(job.partial_result()) == 0


def test_a_circuit_of_a_set_that_fails_takes_no_other_pub_with_it(device, aws):
    aws.failing_circuit = 1
    backend = device()
    pubs = [flipped().assign_parameters([angle]) for angle in (0, 1, 3.141592653589793)]
    job = SamplerV2(backend).run(pubs, shots=4)
    assert len(aws.tasks) == 1
    with pytest.raises(HaiquJobError, match=r"PUB 1: .*\(qubit lost\)\. partial_result\(\) returns the other PUBs\."):
        job.result()
    partial = job.partial_result()
    assert partial.metadata["haiqu"]["pubs"] == [0, 2]
    assert [pub.data.c.get_counts() for pub in partial] == [{"0": 4}, {"1": 4}]


def test_results_that_cannot_be_read(device, aws):
    job = SamplerV2(device()).run([sweep()])
    assert job.status() is JobStatus.DONE or job._execution.wait(10)
    (place,) = aws.objects
    good = aws.objects[place]
    for bad in (b"{}", b"no JSON", good.replace(b"measuredQubits", b"measured")):
        aws.objects[place] = bad
        with pytest.raises(HaiquResponseError, match="cannot be read"):
            job.result()
    aws.objects[place] = good
    assert job.result()[0].data.c.array.all()


def test_shots_that_the_device_lost(device, aws):
    job = SamplerV2(device()).run([sweep()], shots=4)
    assert job._execution.wait(10)
    (place,) = aws.objects
    result = json.loads(aws.objects[place])
    del result["programResults"][0]["executableResults"][1]["measurements"][0]
    aws.objects[place] = json.dumps(result).encode()
    data = job.result()[0].data.c
    assert [data.get_counts(index) for index in range(2)] == [{"1": 4}, {"1": 4}]


def test_the_time_of_a_simulator_is_paid(device, aws):
    circuit = QuantumCircuit(1)
    circuit.measure_all()
    backend = device("aws_amazon_sv1")
    job = backend.run(circuit)
    job.result()
    assert job.usage()["usd"] == pytest.approx(6 / 60 * 0.075)
    (place,) = aws.objects
    aws.objects[place] = aws.objects[place].replace(b"executionDuration", b"duration")
    assert "usd" not in backend._engine.vendor.usage(job.job_id(), job._execution._state.jobs[0], device=backend.name)


def test_ids_of_others_are_refused(engine):
    with pytest.raises(HaiquJobError, match="no id of a task at Amazon Braket"):
        engine.vendor.look("a-job", device="aws_amazon_sv1")


def test_cancelling(device, aws):
    aws.hold = True
    job = SamplerV2(device()).run([sweep()])
    assert job.status() is JobStatus.QUEUED
    assert job.cancel()
    assert job.status() is JobStatus.CANCELLED
    with pytest.raises(HaiquJobCancelledError):
        job.result()
    assert job.usage()["usd"] == 0.0
    aws.hold = False
    done = SamplerV2(device()).run([sweep()])
    done.result()
    assert not done.cancel()


def test_a_word_that_nobody_knows_is_no_success(device, aws):
    aws.hold = True
    job = SamplerV2(device()).run([sweep()])
    next(iter(aws.tasks.values())).status = "PONDERING"
    assert job.status() is JobStatus.RUNNING


def test_secrets_stay_secret(aws, caplog, tmp_path, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    secrets = {
        "aws_access_key_id": "AKIARECOGNISABLE0001",
        "aws_secret_access_key": "recognisable-secret/0123456789abcdefghi+",
        "aws_session_token": "recognisable-token/0123456789abcdefghi+==",
    }
    caplog.set_level(logging.DEBUG)
    engine = DirectEngine(BraketVendor(lambda: {name: Secret(text) for name, text in secrets.items()}))
    assert engine.devices()
    aws.denied = True  # AWS repeats the token in its answer
    messages = []
    for call in (
        lambda: engine.pending_jobs("aws_iqm_garnet"),
        lambda: engine.vendor.look("a:b:c:us-east-1:e:f", device=""),
    ):
        with pytest.raises(Exception, match="AccessDenied") as caught:
            call()
        messages += [
            repr(caught.value),
            str(caught.value),
            str(caught.value.detail),
            pickle.dumps(caught.value).decode("latin1"),
        ]
        assert caught.value.__context__ is None  # the error of boto3, which a pickle of Dask would take along
    shown = "\n".join([*messages, caplog.text, repr(vars(engine.vendor))])
    assert len(caplog.records) > 100
    assert not [name for name, text in secrets.items() if text in shown]


def test_prices_of_now(device, aws, web, monkeypatch):
    def row(**fields):
        return {"Region Code": "eu-north-1", "Currency": "USD", "DeviceName": "Garnet", **fields}

    def listed(rows):
        names = ["Region Code", "Currency", "DeviceName", "Product Family", "PricePerUnit", "Version", "operation"]
        lines = ["about", "the", "offer", "in", "five", ",".join(f'"{name}"' for name in names)]
        return "\n".join([*lines, *(",".join(f'"{one.get(name, "")}"' for name in names) for one in rows)])

    rows = [
        row(**{"Product Family": "Quantum Task", "PricePerUnit": "0.5"}),
        row(**{"Product Family": "Quantum Task-Shot", "PricePerUnit": "0.01"}),
        row(**{"Product Family": "Quantum Task-Shot", "PricePerUnit": "9", "Region Code": "us-east-1"}),
    ]
    web.serve("prices.example.com", lambda request: Response(listed(rows)))
    monkeypatch.setenv("BRAKET_PRICE_OFFERS_URL", "https://prices.example.com/index.csv")
    cost = SamplerV2(device(price_list=True)).estimate_cost([sweep()], shots=100)
    assert cost.usd == pytest.approx(0.5 + 200 * 0.01)
    assert (cost.kind, cost.source) == ("price list", "AWS's price list")
    rows.pop()
    rows.pop()
    with pytest.raises(HaiquResponseError, match="0 prices"):
        SamplerV2(device(price_list=True)).estimate_cost([sweep()])

"""Answers that are not quite as documented."""

import json
import warnings

import pytest

from qiskit_haiqu_provider.api import models
from qiskit_haiqu_provider.api.replies import Replies, UnreadableError
from qiskit_haiqu_provider.exceptions import HaiquResponseError
from tests.api.odd_server import Answer
from tests.api.records import (
    CIRCUIT,
    DEVICE,
    EXPERIMENT,
    FLOW_JOB,
    JOB,
    LOCAL_JOB,
    RUN_JOB,
    TRANSPILE_JOB,
    USER,
    run_body,
)


@pytest.mark.parametrize(
    ("record", "model"),
    [
        (RUN_JOB, models.RunJob),
        (FLOW_JOB, models.FlowJob),
        (TRANSPILE_JOB, models.TranspileJob),
        (LOCAL_JOB, models.LocalJob),
        *(({**JOB, "job_type": kind}, models.Job) for kind in models.JobKind if kind not in ("Run", "Hybrid")
          and kind not in ("Transpilation", "User local job")),
    ],
)  # fmt: skip
def test_a_job_is_read_in_the_model_of_its_type(odd, client, record, model):
    odd.on("GET /jobs/jb-1", Answer(json=record))
    odd.on("GET /experiments/exp-1/jobs", Answer(json=[record, record]))
    assert type(client.job("jb-1")) is model
    assert [type(job) for job in client.jobs("exp-1")] == [model, model]


VALUES = [
    [[0.1, -2e-7], [3, 4]],
    [],
    None,
    ["a]", [1]],
    [[1], {"id": "other", "parameters": [2]}],
    {"parameters": [1, 2]},
]


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
@pytest.mark.parametrize("last", [False, True])
def test_whatever_an_acceptance_repeats_its_own_fields_are_read(values, separators, last):
    around = {"options": {"parameters": [5]}, "layers": [{"parameters": [[6]]}], "logs": '"parameters":[7'}
    rest = {name: value for name, value in {**RUN_JOB, **around}.items() if name != "parameters"}
    job = {**rest, "parameters": values} if last else {"parameters": values, **rest}
    body = json.dumps(job, separators=separators).encode()
    found = Replies().one(models.Accepted, body)
    assert found == models.Accepted.model_validate(RUN_JOB)
    for cut in range(1, len(body), 7):
        with pytest.raises(UnreadableError):
            Replies().one(models.Accepted, body[:-cut])


def test_unknown_fields_are_ignored(odd, client):
    odd.on("*", Answer(json={**RUN_JOB, "new": {"field": 1}}))
    assert client.run(run_body()).id == "jb-1"


@pytest.mark.parametrize("info", [None, {"qpu_cost": 1}, "text"])
def test_an_unknown_status_is_never_an_end(odd, client, info):
    odd.on("*", Answer(json={**RUN_JOB, "status": "Paused", "info": info}))
    with pytest.warns(UserWarning, match="'Paused', a status that is not known here; it is taken to be running"):
        job = client.job("jb-1")
    assert isinstance(job, models.RunJob)
    assert job.status is models.JobState.RUNNING
    assert job.info == {**(info if isinstance(info, dict) else {}), "unknown_status": "Paused"}


def test_an_unknown_status_is_told_once_for_each_word(odd, client):
    def status(word):
        return Answer(json={**RUN_JOB, "status": word})

    odd.on("GET /jobs/jb-1", status("Paused"), status("Paused"), status("done"), status("done"))
    odd.on("GET /experiments/exp-1/jobs", Answer(json=[{**RUN_JOB, "status": "Paused"}, RUN_JOB]))
    odd.on("POST /jobs/jb-1/cancel", status("Paused"))
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        for _ in range(4):
            assert not client.job("jb-1").status.final
        assert [job.status for job in client.jobs("exp-1")] == ["Running", "Queued"]
        assert client.cancel("jb-1").status is models.JobState.RUNNING
    assert ["'Paused'" in str(found[0].message), "'done'" in str(found[1].message), len(found)] == [True, True, 2]


def test_an_unknown_status_does_not_excuse_other_faults(odd, client):
    odd.on("*", Answer(json={**RUN_JOB, "status": "Paused", "shots": None}))
    with pytest.warns(UserWarning, match="Paused"), pytest.raises(HaiquResponseError, match="shots: Input should be"):
        client.job("jb-1")


def test_devices_that_cannot_be_read_are_left_out_with_one_warning(odd, client):
    bad = [{**DEVICE, "id": "ibm_bad", "qubits": -1}, {"id": 7}, "text", None]
    odd.on("*", Answer(json=[DEVICE, *bad, {**DEVICE, "id": "ibm_torino"}]))
    with pytest.warns(UserWarning, match="4 devices that cannot be read") as found:
        assert [device.id for device in client.devices()] == ["ibm_fez", "ibm_torino"]
    assert len(found) == 1
    assert "'ibm_bad': qubits: Input should be greater than or equal to 0" in str(found[0].message)


def test_other_lists_do_the_same(odd, client):
    odd.on("GET /experiments", Answer(json=[EXPERIMENT, {}]))
    odd.on("GET /experiments/exp-1/circuits", Answer(json=[{**CIRCUIT, "status": "Odd"}, CIRCUIT]))
    with pytest.warns(UserWarning, match="1 experiment that cannot be read, and was left out"):
        assert len(client.experiments()) == 1
    with pytest.warns(UserWarning, match=r"1 circuit that .*'circ-1': status"):
        assert len(client.circuits("exp-1")) == 1


def test_a_job_in_a_new_form_is_not_lost(odd, client):
    """Whoever looks for a submission whose answer was lost must find it, whatever is new in it."""
    program = {"layers": [{"type": "input"}, {"type": "new_layer"}, {"type": "device", "device_id": "ibm_fez"}]}
    new = {**FLOW_JOB, "program": program, "description": "[client-token:0]"}
    odd.on("GET /experiments/exp-1/jobs", Answer(json=[new, {**JOB, "job_type": "New kind"}, {"id": "jb-2"}]))
    odd.on("GET /jobs/jb-1", Answer(json=new))
    with pytest.warns(UserWarning, match="2 jobs that cannot be read"):
        (job,) = client.jobs("exp-1")
    assert type(job) is models.Job
    assert job.description == "[client-token:0]"
    with pytest.raises(HaiquResponseError, match=r"GET /jobs/jb-1: .*program.layers.1: .*new_layer"):
        client.job("jb-1")


@pytest.mark.parametrize("body", ['{"devices": []}', "null", '"text"', "", "[", "<html>"])
def test_a_list_that_is_none(odd, client, body):
    odd.on("*", Answer(body=body))
    with pytest.raises(HaiquResponseError, match="GET /devices: the answer cannot be used"):
        client.devices()


def test_an_empty_list(odd, client):
    odd.on("*", Answer(json=[]))
    assert client.devices() == client.jobs("exp-1") == client.experiments() == []


def test_numbers_of_a_circuit_are_any_object(odd, client):
    odd.on("*", Answer(json={"depth": 3, "new": [None]}), Answer(json=[1]))
    assert client.circuit_metrics("circ-1") == {"depth": 3, "new": [None]}
    with pytest.raises(HaiquResponseError):
        client.circuit_metrics("circ-1")


@pytest.mark.parametrize("body", ["", "null", "{", "OK", "[]"])
def test_answers_that_say_nothing_may_be_anything(odd, client, body):
    odd.on("*", Answer(body=body))
    assert client.log_metrics("exp-1", {"a": 1}) is None
    assert client.compute_analytics("circ-1", "core") is None
    assert client.log_circuit_metrics("exp-1", "h", {"a": 1}) is None
    assert client.log_job_metrics("exp-1", "jb-1", {"a": 1}) is None


def test_the_key_that_a_service_repeats_is_masked(odd, client):
    odd.on("GET /user", Answer(json=USER))
    odd.on("GET /experiments", Answer(json=[EXPERIMENT]))
    odd.on("*", Answer(json=EXPERIMENT))
    assert client.user().api_access_key == "***"
    found = [client.experiment("exp-1"), client.init_experiment("x"), client.create_experiment("x")]
    found += [client.update_experiment("exp-1"), *client.experiments()]
    assert {experiment.user.api_access_key for experiment in found} == {"***"}


def test_options_that_a_service_repeats_are_masked(odd, client):
    odd.on("*", Answer(json={**RUN_JOB, "options": {"ionq_api_key": "secret-of-ionq", "pack_size": 2}}))
    assert client.run(run_body()).options == {"ionq_api_key": "***", "pack_size": 2}

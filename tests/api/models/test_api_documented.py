"""The bodies that the public documentation shows are taken, and its defaults are ours."""

import pytest
from pydantic import ValidationError

from qiskit_haiqu_provider.api import models
from qiskit_haiqu_provider.api.models import (
    AiRunCreate,
    Artifact,
    Backpropagation,
    BackpropagationCreate,
    Circuit,
    CircuitAnalytics,
    CircuitCreate,
    ContextReply,
    Device,
    Experiment,
    ExperimentCreate,
    GateMap,
    JobContext,
    JobState,
    LocalJob,
    LocalJobCreate,
    LrQaoaCreate,
    ReferenceCircuit,
    RunCreate,
    RunJob,
    RunKind,
    TranspilationOptions,
    TranspileCreate,
    TranspileJob,
)

WHEN = "2023-11-07T05:31:56Z"

RUN = {
    "experiment_id": "<string>",
    "circuit_ids": [],
    "parameters": ["<unknown>"],
    "shots": 1024,
    "observables": [[[["<string>"], [123]]]],
    "device_id": "",
    "options": {},
    "use_mitigation": False,
    "name": "",
    "description": "",
    "dry_run": False,
    "run_type": "Run",
}
JOB = {
    "id": "<string>",
    "user_id": 123,
    "experiment_id": "<string>",
    "status": "Submitted",
    "job_type": "User local job",
    "creation_date": WHEN,
    "name": "<string>",
    "description": "<string>",
    "run_date": WHEN,
    "finish_date": WHEN,
    "logs": "<string>",
    "quality": 123,
    "info": {},
    "time": 123,
}
RUN_REPLY = {
    **JOB,
    "device_id": "<string>",
    "circuit_ids": ["<unknown>"],
    "shots": 123,
    "options": {},
    "use_mitigation": True,
    "dry_run": True,
    "run_type": "Run",
    "parameters": ["<unknown>"],
    "observables": [[[["<string>"], [123]]]],
    "quantum_results": ["<unknown>"],
    "estimated_qpu_cost": {},
}
LOCAL = {
    "experiment_id": "<string>",
    "hash": "",
    "circuit_hash": "",
    "results": "",
    "device_id": "",
    "shots": "",
    "name": "",
    "status": "",
    "job_type": "",
    "metrics": {},
}
LOCAL_REPLY = {
    **JOB,
    "hash": "<string>",
    "backend_name": "<string>",
    "device_id": "Haiqu OS",
    "circuit_id": "",
    "results": "",
    "shot_local": "",
    "metrics": {},
}
TERMS = [[["ZZ", 1.0, 0.0], ["XI", 0.5, -0.5]]]
BACKPROPAGATION = {
    "circuit_id": "circ-1",
    "observables": TERMS,
    "max_qwc_groups": 50,
    "max_error_total": 0.05,
    "max_error_per_slice": 0.005,
}
LR_QAOA = {
    "experiment_id": "exp-1",
    "name": "lr-qaoa-p1",
    "p": 1,
    "lp_problem": "Minimize\n obj: x\nBinary\n x\nEnd",
    "polynomial_problem": None,
    "alphas": [0.1],
    "betas": [0.2],
    "delta": 0.5,
    "initial_state_qpy": None,
}
REFERENCE = {
    "name": "QFT",
    "program_communication": 1.0,
    "critical_depth": 0.9,
    "entanglement_ratio": 0.5,
    "parallelism": 0.25,
    "liveness": 0.75,
}
CIRCUIT_REPLY = {
    "id": "circ-1",
    "hash": "14210611888780552120998296628887725035399911708659316524133503503852060728834",
    "name": "bell",
    "experiment_id": "exp-1",
    "user_id": 1,
    "creation_date": WHEN,
    "status": "Core metrics computation is done",
    "generated": False,
    "analytics": {
        "qubits": 2,
        "depth": 3,
        "depth_2q": 1,
        "gates_1q": 1,
        "gates_2q": 1,
        "gates_total": 2,
        "other_ops": 2,
        "liveness": "N/A",
        "gate_size_distribution": {"1": 0.5, "2": 0.5},
    },
    "qpy": "UUlTS0lU",
}
EXPERIMENT_REPLY = {
    "id": "exp-1",
    "name": "n",
    "description": "",
    "creation_date": WHEN,
    "user_id": 1,
    "user": {"email": "", "username": "ada", "first_name": "", "last_name": "", "api_access_key": "***"},
}


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (RunCreate, RUN),
        (RunJob, RUN_REPLY),
        (AiRunCreate, {**RUN, "circuits_qasm": ["<string>"]}),
        (ContextReply, {"context": "<string>"}),
        (LocalJobCreate, LOCAL),
        (LocalJob, LOCAL_REPLY),
        (BackpropagationCreate, BACKPROPAGATION),
        (Backpropagation, {"optimized_circuit_ids": ["circ-2"], "backpropagated_observables": TERMS}),
        (LrQaoaCreate, LR_QAOA),
        (ReferenceCircuit, REFERENCE),
    ],
)
def test_documented_bodies_are_taken_and_come_back_whole(model, body):
    read = model.model_validate(body)

    assert model.model_validate_json(read.model_dump_json()) == read
    assert set(body) <= set(read.model_dump())


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (Circuit, CIRCUIT_REPLY),
        (Experiment, EXPERIMENT_REPLY),
        (Artifact, {"name": "a", "artifact_type": "value", "artifact_data": [1, {"b": None}]}),
        (Device, {"id": "d", "vendor": "IBM", "name": "D", "qubits": 2, "status": "online", "simulator": True}),
        (GateMap, {"device_id": "d", "qubits": 2, "operations": {"cx": [[0, 1]], "delay": None}}),
        (TranspileJob, {**JOB, "circuit_ids": ["circ-1"], "device_id": "d", "transpilation_options": {"dt": None}}),
        (JobContext, {**JOB, "context": [{"00": 0.5, "11": 0.5}]}),
        (JobContext, {**JOB, "context": "still running"}),
    ],
)
def test_replies_survive_the_round_trip(model, body):
    read = model.model_validate(body)

    assert model.model_validate_json(read.model_dump_json()) == read


def test_defaults_of_a_run():
    assert RunCreate(experiment_id="e").model_dump() == {
        "experiment_id": "e",
        "circuit_ids": [],
        "parameters": None,
        "shots": 1024,
        "observables": None,
        "readout_bases": None,
        "device_id": "",
        "options": {},
        "use_mitigation": False,
        "name": "",
        "description": "",
        "dry_run": False,
        "run_type": RunKind.RUN,
    }


@pytest.mark.parametrize(
    "field", ["circuit_ids", "device_id", "options", "use_mitigation", "name", "description", "dry_run"]
)
def test_null_is_read_as_the_default(field):
    default = getattr(RunCreate(experiment_id="e"), field)

    assert getattr(RunCreate.model_validate({"experiment_id": "e", field: None}), field) == default


def test_defaults_are_not_shared():
    RunCreate(experiment_id="e").options["a"] = 1
    RunCreate(experiment_id="e", options=None).options["a"] = 1

    assert RunCreate(experiment_id="e").options == {}
    assert RunCreate.model_validate({"experiment_id": "e", "options": None}).options == {}


def test_defaults_of_experiments_circuits_and_transpilations():
    experiment = ExperimentCreate.model_validate({"name": "n", "description": None, "tags": None, "metrics": None})
    circuit = CircuitCreate(experiment_id="e", qpy_dump="UUlTS0lU", hash="1")
    transpile = TranspileCreate.model_validate({"experiment_id": "e", "device_id": "d", "name": None})

    assert experiment.model_dump() == {"name": "n", "description": "", "tags": "", "metrics": {}}
    assert (circuit.name, circuit.description, circuit.tags, circuit.metrics) == ("", "", "", {})
    assert (transpile.circuit_ids, transpile.seed_transpiler, transpile.use_fractional_gates) == ([], None, False)
    options = transpile.transpilation_options.model_dump()
    assert {name: value for name, value in options.items() if value is not None} == {
        "approximation_degree": 1.0,
        "qubits_initially_zero": True,
    }
    assert transpile.transpilation_options == TranspilationOptions()


@pytest.mark.parametrize("seeds", [None, 7, [1, 2, 3]])
def test_one_seed_or_several(seeds):
    sent = TranspileCreate(experiment_id="e", device_id="d", seed_transpiler=seeds)

    assert sent.seed_transpiler == seeds


def test_a_local_job_has_a_known_state_or_none():
    assert LocalJobCreate.model_validate({**LOCAL, "status": "Done"}).status is JobState.DONE
    with pytest.raises(ValidationError):
        LocalJobCreate.model_validate({**LOCAL, "status": "Finished"})


def test_options_do_not_show_and_replies_mask_them():
    options = {"ionq_api_key": "s3cret", "noise_model": {"basis": ["cx"]}}
    job = RunJob.model_validate({**RUN_REPLY, "options": options})
    sent = RunCreate(experiment_id="e", options=options)
    agent = AiRunCreate(experiment_id="e", circuit_ids=["c"], options=options)

    assert job.options == {"ionq_api_key": "***", "noise_model": {"basis": ["cx"]}}
    assert "options" not in repr(job)
    assert sent.options == options
    assert "s3cret" not in f"{sent!r} {sent} {agent!r} {agent}"


@pytest.mark.parametrize("state", JobState)
def test_which_states_are_final(state):
    assert state.final == (state in {"Done", "Error", "Cancelled"})


def test_a_number_or_nothing_known():
    known = CIRCUIT_REPLY["analytics"]

    assert CircuitAnalytics.model_validate({**known, "liveness": 0.5}).liveness == 0.5
    assert CircuitAnalytics.model_validate({**known, "liveness": None}).liveness is None
    with pytest.raises(ValidationError):
        CircuitAnalytics.model_validate({**known, "qubits": 0})


def test_records_of_a_database_can_be_read():
    class Row:
        def __init__(self, **fields):
            self.__dict__.update(fields)

    assert models.Job.model_validate(Row(**JOB)) == models.Job.model_validate(JOB)

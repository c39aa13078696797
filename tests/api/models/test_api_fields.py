"""What no field takes: text that cannot be stored, numbers that are none, values that are no JSON."""

import math

import pytest
from pydantic import ValidationError

from qiskit_haiqu_provider.api.models import (
    AiRunCreate,
    ArtifactCreate,
    CircuitCreate,
    ExperimentCreate,
    ExperimentUpdate,
    FlowCreate,
    MetricsCreate,
    RunCreate,
    TranspilationOptions,
    TranspileCreate,
)

PROGRAM = {"layers": [{"type": "input"}, {"type": "device", "device_id": "aer_simulator"}]}
CIRCUIT = {"experiment_id": "exp-1", "qpy_dump": "UUlTS0lU", "hash": "1"}
FLOW = {"experiment_id": "exp-1", "program": PROGRAM, "circuit_ids": ["circ-1"]}
TRANSPILE = {"experiment_id": "exp-1", "device_id": "fake_torino"}


def refused(model, body):
    with pytest.raises(ValidationError) as failure:
        model.model_validate(body)
    return failure.value.errors()[0]


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
@pytest.mark.parametrize(
    ("model", "body", "field"),
    [
        (ExperimentCreate, {}, "name"),
        (ExperimentCreate, {"name": "n"}, "description"),
        (ExperimentUpdate, {}, "description"),
        (CircuitCreate, CIRCUIT, "hash"),
        (CircuitCreate, CIRCUIT, "qpy_dump"),
        (RunCreate, {}, "experiment_id"),
        (TranspileCreate, TRANSPILE, "device_id"),
    ],
)
def test_text_that_cannot_be_stored(model, body, field, text):
    assert refused(model, {**body, field: text})["loc"][0] == field


@pytest.mark.parametrize("value", ["a\0b", "\ud800", math.nan, math.inf, 2**64, -(2**63) - 1, nested(65), {1, 2}])
def test_values_that_cannot_be_stored_are_found_at_any_depth(value):
    assert refused(MetricsCreate, {"metrics": {"m": [{"x": value}]}})["loc"] == ("metrics",)
    assert refused(RunCreate, {"experiment_id": "e", "options": {"m": value}})["loc"] == ("options",)
    assert refused(RunCreate, {"experiment_id": "e", "parameters": [[value]]})["loc"] == ("parameters",)
    assert refused(ArtifactCreate, {"name": "a", "value": [value]})["loc"] == ("value",)


@pytest.mark.parametrize("value", [2**64 - 1, -(2**63), "π", nested(60), None, True, {"a": [1.5]}])
def test_values_that_can_be_stored(value):
    assert MetricsCreate(metrics={"m": value}).metrics == {"m": value}


def test_names_inside_objects_are_checked_too():
    assert "NUL" in refused(MetricsCreate, {"metrics": {"a\0": 1}})["msg"]


@pytest.mark.parametrize(
    ("model", "body", "field", "limit"),
    [
        (ExperimentCreate, {}, "name", 200),
        (ExperimentCreate, {"name": "n"}, "tags", 1024),
        (ExperimentUpdate, {}, "name", 200),
        (CircuitCreate, CIRCUIT, "name", 200),
        (CircuitCreate, CIRCUIT, "description", 1024),
        (CircuitCreate, CIRCUIT, "tags", 1024),
        (RunCreate, {"experiment_id": "e"}, "device_id", 200),
        (RunCreate, {"experiment_id": "e"}, "name", 200),
        (RunCreate, {"experiment_id": "e"}, "description", 1024),
        (FlowCreate, FLOW, "experiment_id", 200),
        (TranspileCreate, TRANSPILE, "description", 1024),
    ],
)
def test_documented_lengths(model, body, field, limit):
    longest = "x" * limit

    assert getattr(model.model_validate({**body, field: longest}), field) == longest
    assert refused(model, {**body, field: longest + "x"})["type"] == "string_too_long"


@pytest.mark.parametrize("shots", [0, -1, 100_000_001, True, "1000", 10.5, math.nan, None])
@pytest.mark.parametrize(("model", "body"), [(RunCreate, {"experiment_id": "e"}), (FlowCreate, FLOW)])
def test_shots_that_are_none(model, body, shots):
    assert refused(model, {**body, "shots": shots})["loc"] == ("shots",)


@pytest.mark.parametrize("flag", [0, 1, "true"])
def test_flags_are_booleans(flag):
    assert refused(RunCreate, {"experiment_id": "e", "dry_run": flag})["type"] == "bool_type"


def test_unknown_fields_are_ignored_where_nothing_else_is_documented():
    assert not hasattr(ExperimentCreate.model_validate({"name": "n", "colour": "red"}), "colour")


def test_unknown_transpilation_options_are_refused():
    assert refused(TranspilationOptions, {"optimisation_level": 1})["type"] == "extra_forbidden"


@pytest.mark.parametrize(
    "options",
    [
        {"optimization_level": 4},
        {"optimization_level": True},
        {"coupling_map": [[0, 1, 2]]},
        {"coupling_map": [[0, -1]]},
        {"layout_method": "best"},
        {"approximation_degree": 1.5},
        {"approximation_degree": None},
        {"seed_transpiler": -1},
        {"seed_transpiler": 2**63},
        {"dt": math.inf},
    ],
)
def test_transpilation_options_out_of_range(options):
    assert refused(TranspilationOptions, options)["loc"][0] == next(iter(options))


@pytest.mark.parametrize("observables", [[[[["Z"], [math.nan]]]], [[[["Z"], ["1"]]]], [[[["Z"]]]], [["Z"]]])
def test_observables_of_another_shape(observables):
    assert refused(RunCreate, {"experiment_id": "e", "observables": observables})["loc"][0] == "observables"


@pytest.mark.parametrize("basis", ["", "XIZ", "xyz", "ZZ\n", 3])
def test_readout_bases_have_three_letters(basis):
    assert refused(RunCreate, {"experiment_id": "e", "readout_bases": [basis]})["loc"] == ("readout_bases", 0)


def test_an_agent_must_give_a_circuit():
    assert "circuits_qasm" in refused(AiRunCreate, {"experiment_id": "e"})["msg"]
    assert AiRunCreate(experiment_id="e", circuit_ids=["circ-1"]).circuits_qasm == []
    assert AiRunCreate(experiment_id="e", circuits_qasm=["OPENQASM 3.0;"]).circuit_ids == []


def test_points_belong_to_a_timeseries():
    points = [{"x": 1, "y": 0.5}, {"x": "2026-01-01", "y": 2}]

    assert "timeseries" in refused(ArtifactCreate, {"name": "a", "points": points})["msg"]
    assert len(ArtifactCreate.model_validate({"name": "a", "kind": "timeseries", "points": points}).points) == 2


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (RunCreate, {"options": {"ibm_quantum_token": "s3cret"}}),
        (RunCreate, {"experiment_id": "e", "options": "s3cret"}),
        (RunCreate, {"experiment_id": "e", "options": {"ibm_quantum_token": "s3cret\0"}}),
        (FlowCreate, {**FLOW, "device_credentials": {"iqm_token": ["s3cret"]}}),
        (FlowCreate, {**FLOW, "readout_bases": ["Z"], "device_credentials": {"iqm_token": "s3cret"}}),
    ],
)
def test_errors_do_not_repeat_the_input(model, body):
    with pytest.raises(ValidationError) as failure:
        model.model_validate(body)
    assert "s3cret" not in str(failure.value)
    assert not any("s3cret" in issue["msg"] for issue in failure.value.errors())

"""Programs: every rule that clients enforce holds here too, and what is sent comes back whole."""

import pytest
from pydantic import ValidationError

from qiskit_haiqu_provider.api.models import DeviceStep, FlowCreate, FlowJob, Program, TranspilationStep

INPUT = {"type": "input"}
DEVICE = {"type": "device", "device_id": "aer_simulator"}
STATE = {"type": "statevector"}
FLAGS = {
    "advanced_mitigation": True,
    "readout_mitigation": True,
    "noise_tailoring": False,
    "dynamical_decoupling": True,
    "readout_mitigation_options": {},
}
UNSET = dict.fromkeys(
    [
        "optimization_level",
        "basis_gates",
        "coupling_map",
        "initial_layout",
        "layout_method",
        "routing_method",
        "translation_method",
        "scheduling_method",
        "approximation_degree",
        "seed_transpiler",
        "dt",
        "qubits_initially_zero",
    ]
)
MIDDLE = {
    "packing": {"pack_size": None},
    "transpilation": UNSET,
    "estimator": {**FLAGS, "mitigation_enabled": False},
    "distribution_mitigation": {**FLAGS, "mitigation_enabled": True},
    "observable_split": {},
    "noise_tailoring": {},
    "dynamical_decoupling": {},
    "advanced_obs_mitigation": {},
    "advanced_dist_mitigation": {},
    "advanced_readout_mitigation": {},
    "qwc_compute": {},
    "readout_basis": {},
}


def layer(kind, **fields):
    return {"type": kind, **fields}


def program(*layers, **fields):
    return Program.model_validate({"layers": list(layers), **fields})


def message(*layers, **fields):
    with pytest.raises(ValidationError) as failure:
        program(*layers, **fields)
    return failure.value.errors()[0]["msg"]


def flow(**fields):
    body = {"experiment_id": "exp-1", "program": {"layers": [INPUT, DEVICE]}, "circuit_ids": ["circ-1"]}
    return FlowCreate.model_validate({**body, **fields})


def flow_job(**fields):
    return FlowJob.model_validate(
        {
            "id": "jb-1",
            "user_id": 1,
            "experiment_id": "exp-1",
            "status": "Submitted",
            "job_type": "Hybrid",
            "creation_date": "2026-01-02T03:04:05Z",
            "program": {"schema_version": 1, "layers": [INPUT, DEVICE]},
            "input_circuit_ids": ["circ-1"],
            "shots": 1000,
            "dry_run": False,
            **fields,
        }
    )


@pytest.mark.parametrize("kind", MIDDLE)
def test_every_layer_has_its_documented_defaults(kind):
    dumped = program(INPUT, layer(kind), DEVICE).model_dump()

    assert dumped["schema_version"] == 1
    assert dumped["layers"][1] == {"type": kind, **MIDDLE[kind]}


def test_the_ends_have_their_documented_defaults():
    dumped = program(INPUT, DEVICE).model_dump()

    assert dumped["layers"] == [INPUT, {**DEVICE, "options": {}, "auto_quality": False}]
    assert program(INPUT, STATE).model_dump()["layers"] == [INPUT, STATE]


def test_a_program_survives_the_round_trip_with_all_layers():
    kinds = [kind for kind in MIDDLE if kind not in ("estimator", "readout_basis")]
    whole = program(INPUT, *(layer(kind) for kind in kinds), DEVICE)

    assert Program.model_validate_json(whole.model_dump_json()) == whole


def test_the_transpilation_layer_hands_on_what_it_does_not_know():
    sent = layer("transpilation", optimization_level=2, unitary_synthesis_method="aqc")
    step = program(INPUT, sent, DEVICE).layers[1]

    assert isinstance(step, TranspilationStep)
    assert step.model_dump(exclude_unset=True) == sent


def test_what_the_transpilation_layer_does_not_know_must_be_json():
    assert "finite" in message(INPUT, layer("transpilation", weight=float("nan")), DEVICE)
    assert "unicode" in message(INPUT, layer("transpilation", **{"\ud800": 1}), DEVICE)
    assert "NUL" in message(INPUT, layer("transpilation", **{"a\0": 1}), DEVICE)


@pytest.mark.parametrize("name", ["\ud800", "a\0", "x" * 201])
def test_names_of_credentials_must_be_storable(name):
    with pytest.raises(ValidationError):
        flow(device_credentials={name: "s3cret"})


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ([], "empty"),
        ([INPUT], "end with"),
        ([DEVICE], "start with"),
        ([layer("packing"), DEVICE], "start with"),
        ([INPUT, layer("packing")], "end with"),
        ([INPUT, DEVICE, layer("packing")], "end with"),
        ([INPUT, INPUT, DEVICE], "more than one input"),
        ([INPUT, DEVICE, DEVICE], "more than one device"),
        ([INPUT, STATE, DEVICE], "more than one device"),
        ([INPUT, layer("estimator"), layer("estimator"), DEVICE], "one estimator or"),
        ([INPUT, layer("estimator"), layer("distribution_mitigation"), DEVICE], "one estimator or"),
        ([INPUT, layer("readout_basis"), layer("readout_basis"), DEVICE], "one readout_basis"),
        ([INPUT, layer("readout_basis"), layer("estimator"), DEVICE], "both estimator and readout_basis"),
        ([INPUT, layer("fancy"), DEVICE], "fancy"),
        ([INPUT, {}, DEVICE], "type"),
        ([INPUT, layer("packing", pack_size=1), DEVICE], "greater than or equal to 2"),
        ([INPUT, layer("packing", pack_size=True), DEVICE], "integer"),
        ([INPUT, layer("device")], "required"),
        ([INPUT, layer("device", device_id="d" * 201)], "200"),
    ],
)
def test_programs_that_cannot_be(layers, words):
    assert words in message(*layers)


@pytest.mark.parametrize("kind", [kind for kind in MIDDLE if kind != "transpilation"])
def test_an_exact_state_is_not_measured(kind):
    assert kind in message(INPUT, layer(kind), STATE)


def test_an_exact_state_may_be_transpiled():
    assert program(INPUT, layer("transpilation"), STATE).computes_state


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_other_versions_are_refused(version):
    assert "1" in message(INPUT, DEVICE, schema_version=version)


def test_what_a_program_says_of_itself():
    bases = program(INPUT, layer("readout_basis"), layer("distribution_mitigation"), DEVICE)

    assert bases.reads_bases
    assert not bases.computes_state
    assert not program(INPUT, DEVICE).reads_bases


def test_submission_defaults():
    sent = flow(name=None, description=None, device_credentials=None)

    assert (sent.name, sent.description, sent.device_credentials) == ("", "", {})
    assert (sent.shots, sent.dry_run) == (1000, False)
    assert sent.parameters is sent.observables is sent.readout_bases is None


def test_a_submission_has_a_circuit():
    with pytest.raises(ValidationError, match="at least 1 item"):
        flow(circuit_ids=[])


def test_bases_and_their_layer_come_together():
    with_layer = {"layers": [INPUT, layer("readout_basis"), DEVICE]}

    assert flow(program=with_layer, readout_bases=["XZ"]).readout_bases == ["XZ"]
    with pytest.raises(ValidationError, match="needs a readout_basis layer"):
        flow(readout_bases=["XZ"])
    for none in (None, []):
        with pytest.raises(ValidationError, match="needs readout_bases"):
            flow(program=with_layer, readout_bases=none)


def test_credentials_do_not_show():
    secret = {"layers": [INPUT, {**DEVICE, "options": {"ibm_quantum_token": "s3cret"}}]}
    sent = flow(device_credentials={"iqm_token": "s3cret", "iqm_server_url": None}, program=secret)

    assert sent.device_credentials == {"iqm_token": "s3cret", "iqm_server_url": None}
    assert "s3cret" not in f"{sent!r} {sent}"


def test_a_reply_masks_what_slipped_into_the_options_of_the_device():
    secret = {"layers": [INPUT, {**DEVICE, "options": {"ibm_quantum_token": "s3cret", "method": "mps"}}]}
    job = flow_job(program=secret)
    last = job.program.layers[-1]

    assert isinstance(last, DeviceStep)
    assert last.options == {"ibm_quantum_token": "***", "method": "mps"}


def test_a_reply_survives_the_round_trip():
    cost = {"native": {"amount": 1.0, "unit": "s"}, "converted": {"amount": 1.6, "unit": "USD"}}
    job = flow_job(
        status="Done",
        quantum_results=[[0.5]],
        observables=[[[["ZZ"], [1.0]]]],
        estimated_qpu_cost=cost,
        info={"uncertainty": [[0.01]]},
    )

    assert FlowJob.model_validate_json(job.model_dump_json()) == job
    assert job.model_dump(mode="json")["observables"] == [[[["ZZ"], [1.0]]]]
    assert job.estimated_qpu_cost.model_dump() == cost

"""What is sent: bodies that a gateway accepts and does, with every mitigation flag, and secrets only in their place."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparsePauliOp, Statevector

from qiskit_haiqu_provider.api import models
from qiskit_haiqu_provider.api.calls import send
from qiskit_haiqu_provider.engines.haiqu.layout import Kind, lay_out
from qiskit_haiqu_provider.engines.haiqu.options import MITIGATION, default_options
from qiskit_haiqu_provider.engines.haiqu.payload import circuits_of, flow_body, run_body
from qiskit_haiqu_provider.engines.haiqu.results import read_results
from qiskit_haiqu_provider.exceptions import HaiquInputError, HaiquOptionError
from qiskit_haiqu_provider.run.request import RunRequest, RunType, Task
from qiskit_haiqu_provider.run.result import Distributions, Expectations, Statevectors
from qiskit_haiqu_provider.run.rounding import by_bitstring
from qiskit_haiqu_provider.secret import Secret
from tests.engines.haiqu.small_service import serve

A, B = Parameter("a"), Parameter("b")
VALUES = np.array([[0.3, 1.1], [-0.7, 0.2], [2.0, 0.9]])
OBSERVABLES = (SparsePauliOp(["ZZI", "IXX", "III"], [0.5, 1.0, 2.0]), SparsePauliOp("YIZ"))
TOKEN = "recognisable-credential"
BODIES = pytest.mark.parametrize("make", [run_body, flow_body])


def free(*, measured=False):
    circuit = QuantumCircuit(3, global_phase=0.4)
    circuit.ry(B, 0)
    circuit.cx(0, 1)
    circuit.rx(A, 2)
    circuit.cx(1, 2)
    if measured:
        circuit.measure_all()
    return circuit


def bell():
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    return circuit


def request(*tasks, device="aer_simulator", options=None, **fields):
    return RunRequest(
        device=device, tasks=tasks, options={**default_options(device), **(options or {})}, **{"seed": 5, **fields}
    )


def task(circuit, values=None, **fields):
    values = np.empty((1, 0)) if values is None else values
    return Task(circuit=circuit, parameter_values=values, **fields)


def estimated(**fields):
    return request(task(free(), VALUES, observables=OBSERVABLES, shots=100), **fields)


def only(given_request, make=run_body, **fields):
    """The body of the only job, and the same as JSON."""
    [job] = lay_out(given_request).jobs
    ids = [f"circ-{index}" for index in range(job.num_circuits)]
    body = make(job, given_request, ids, experiment_id="exp-1", **fields)
    return body, json.loads(body.model_dump_json())


def done(given_request, make=run_body):
    """The results of every task, as they come home through the service."""
    found = {}
    for job in lay_out(given_request).jobs:
        circuits = circuits_of(job, given_request, measured=make is flow_body)
        assert len(circuits) == job.num_circuits
        nested, info = None, None
        if circuits:
            ids = [f"circ-{index}" for index in range(len(circuits))]
            nested, info = serve(make(job, given_request, ids, experiment_id="exp-1"), circuits)
        tasks, _ = read_results(job, nested, info, mitigated=False)
        found.update(zip((slot.task for slot in job.slots), tasks, strict=True))
    return [found[index] for index in range(len(given_request.tasks))]


def exact(circuit, values, observables):
    states = [Statevector(circuit.assign_parameters(row)) for row in values]
    return np.array([[state.expectation_value(each).real for state in states] for each in observables])


# There and back.


@BODIES
def test_everything_comes_home_from_a_gateway(make):
    sampled, fixed, several, values, states, nothing, none = done(
        request(
            task(free(measured=True), VALUES, shots=4000),
            task(bell(), shots=4000),
            task(bell(), np.empty((3, 0)), shots=4000),
            task(free(), VALUES, observables=OBSERVABLES, shots=4000),
            task(free(), VALUES, observables=OBSERVABLES, shots=None),
            task(free(measured=True), VALUES[:0], shots=4000),
            task(free(), VALUES[:0], observables=OBSERVABLES, shots=50),
        ),
        make,
    )
    truth = exact(free(), VALUES, OBSERVABLES)
    np.testing.assert_allclose(states.values, truth, atol=1e-12)
    assert not states.stds.any()
    assert (np.abs(values.values - truth) < 5 * values.stds + 1e-12).all()
    assert isinstance(sampled, Distributions)
    for row, found in zip(VALUES, by_bitstring(sampled), strict=True):
        probabilities = Statevector(free().assign_parameters(row)).probabilities_dict()
        assert all(abs(found.get(key, 0) - value) < 0.05 for key, value in probabilities.items())
    assert [list(each) for each in by_bitstring(fixed)] == [["00", "11"]]
    shares = [each["00"] for each in by_bitstring(several)]
    assert len(set(shares)) == 3  # every set is a run of its own
    assert (nothing.num_sets, nothing.num_clbits) == (0, 3)
    assert none.values.shape == none.stds.shape == (2, 0)


@BODIES
def test_statevectors_come_home_with_their_phase(make):
    [found] = done(
        request(task(free(measured=True), VALUES, shots=None), run_type=RunType.STATEVECTOR),
        make,
    )
    assert isinstance(found, Statevectors)
    truth = [Statevector(free().assign_parameters(row)).data for row in VALUES]
    np.testing.assert_allclose(found.amplitudes, truth, atol=1e-12)


@settings(max_examples=20)
@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(0, 3), st.sampled_from([None, 30])),
        min_size=1,
        max_size=5,
    )
)
def test_exact_values_come_home_to_the_task_that_asked(shapes):
    """Whatever else is asked for at the same time."""
    tasks = [
        task(free(), VALUES[:sets] * (index + 1), observables=OBSERVABLES[: 1 + index % 2], shots=None)
        if exactly
        else task(free(measured=True), VALUES[:sets], shots=shots or 40)
        for index, (exactly, sets, shots) in enumerate(shapes)
    ]
    for each, found in zip(tasks, done(request(*tasks)), strict=True):
        if isinstance(found, Expectations):
            np.testing.assert_allclose(
                found.values, exact(each.circuit, each.parameter_values, each.observables), atol=1e-12
            )
        else:
            assert found.num_sets == each.num_sets


def test_an_isa_circuit_on_a_snapshot_comes_home_with_noise():
    circuit = QuantumCircuit(5)
    circuit.x(1)
    for make in (run_body, flow_body):
        found = done(
            request(
                task(circuit, observables=(SparsePauliOp("IIIZI"),), shots=500),
                device="fake_manila",
                options={"method": "density_matrix"},
            ),
            make,
        )
        assert -1 <= found[0].values[0, 0] < -0.8


# Bodies.


def test_parameters_have_an_axis_for_circuits_even_for_one():
    body, data = only(estimated())
    assert data["parameters"] == [VALUES.tolist()]
    assert data["observables"] == [[[["ZZI", "IXX", "III"], [0.5, 1.0, 2.0]], [["YIZ"], [1.0]]]]
    assert (body.shots, body.device_id, body.run_type) == (100, "aer_simulator", models.RunKind.RUN)


@BODIES
def test_a_body_is_the_same_each_time_it_is_written(make):
    body, data = only(estimated(), make)
    assert json.loads(body.model_dump_json()) == json.loads(send("POST", "/run", body).content) == data
    assert data["parameters"] == [VALUES.tolist()]


def test_sampling_sends_no_observables_and_circuits_without_parameters_no_parameters():
    for make in (run_body, flow_body):
        _, data = only(request(task(bell(), shots=7)), make)
        assert (data["parameters"], data["observables"], data["shots"]) == (None, None, 7)


def test_observables_are_repeated_with_their_circuit():
    fixed = free().assign_parameters(VALUES[0])
    _, data = only(request(task(fixed, np.empty((2, 0)), observables=OBSERVABLES, shots=9)))
    assert data["circuit_ids"] == ["circ-0", "circ-1"]
    assert data["observables"][0] == data["observables"][1]
    assert data["parameters"] is None


@BODIES
def test_a_dry_run_and_the_texts_are_passed_on(make):
    _, data = only(estimated(name="sweep"), make, description="why [client-token:00]", dry_run=True)
    assert (data["name"], data["description"], data["dry_run"]) == ("sweep", "why [client-token:00]", True)


def test_states_have_no_parameters_options_or_device():
    asked = request(task(free(), VALUES, observables=OBSERVABLES, shots=None), use_mitigation=True)
    _, run = only(asked, credentials={"ibm_quantum_token": Secret(TOKEN)})
    assert (run["run_type"], run["shots"], run["device_id"], run["use_mitigation"]) == ("StatevectorRun", 1, "", False)
    assert (run["parameters"], run["observables"], run["options"]) == (None, None, {})
    _, flow = only(asked, flow_body, credentials={"ibm_quantum_token": Secret(TOKEN)})
    assert [layer["type"] for layer in flow["program"]["layers"]] == ["input", "statevector"]
    assert (flow["parameters"], flow["shots"], flow["device_credentials"]) == (None, 1, {})


def test_all_mitigation_flags_are_sent_even_when_it_is_off():
    for use in (False, True):
        asked = estimated(use_mitigation=use, mitigation={"noise_tailoring": False})
        flags = {**MITIGATION, "noise_tailoring": False}
        _, run = only(asked)
        assert (run["use_mitigation"], run["options"]["error_mitigation_options"]) == (use, flags)
        _, flow = only(asked, flow_body)
        [layer] = [each for each in flow["program"]["layers"] if each["type"] == "estimator"]
        assert layer == {"type": "estimator", "mitigation_enabled": use, **flags}
    _, flow = only(request(task(bell(), shots=7)), flow_body)
    [layer] = [each for each in flow["program"]["layers"] if each["type"] == "distribution_mitigation"]
    assert layer == {"type": "distribution_mitigation", "mitigation_enabled": False, **MITIGATION}


def test_an_unknown_mitigation_flag_is_refused():
    with pytest.raises(HaiquOptionError, match=r"no option 'readout'.*readout_mitigation"):
        only(estimated(mitigation={"readout": True}))


def test_steps_before_the_device_are_sent_as_options_or_as_layers():
    options = {
        "skip_transpilation": False,
        "transpilation_options": {"optimization_level": 2},
        "use_packing": True,
        "pack_size": np.int64(3),
        "auto_quality": True,
        "method": "matrix_product_state",
        "matrix_product_state_max_bond_dimension": np.int64(64),
    }
    device = {"method": "matrix_product_state", "matrix_product_state_max_bond_dimension": 64, "seed_simulator": 5}
    _, run = only(estimated(options=options))
    given_options = {name: value for name, value in run["options"].items() if name != "error_mitigation_options"}
    assert given_options == {
        "skip_transpilation": False,
        "transpilation_options": {"optimization_level": 2},
        "use_packing": True,
        "pack_size": 3,
        "auto_quality": True,
        **device,
    }
    _, flow = only(estimated(options=options), flow_body)
    _, packing, transpilation, _, last = flow["program"]["layers"]
    assert packing == {"type": "packing", "pack_size": 3}
    assert (transpilation["type"], transpilation["optimization_level"]) == ("transpilation", 2)
    assert last == {"type": "device", "device_id": "aer_simulator", "options": device, "auto_quality": True}


def test_by_default_nothing_is_transpiled_and_only_what_differs_is_sent():
    _, run = only(estimated(seed=None))
    assert run["options"] == {
        "error_mitigation_options": MITIGATION,
        "skip_transpilation": True,
        "use_packing": False,
    }
    _, flow = only(estimated(seed=None), flow_body)
    assert [layer["type"] for layer in flow["program"]["layers"]] == ["input", "estimator", "device"]
    assert flow["program"]["layers"][-1]["options"] == {}


@pytest.mark.filterwarnings("ignore:from_dict has been deprecated")  # Aer has no other way to read one
def test_a_noise_model_travels_as_json_and_is_used():
    from qiskit_aer.noise import NoiseModel, ReadoutError

    noise = NoiseModel()
    noise.add_all_qubit_readout_error(ReadoutError([[0.0, 1.0], [1.0, 0.0]]))
    asked = request(task(bell(), shots=50), options={"noise_model": noise})
    _, data = only(asked)
    assert data["options"]["noise_model"] == json.loads(json.dumps(noise.to_dict(serializable=True)))
    ground = QuantumCircuit(1, 1)
    ground.measure(0, 0)
    for make in (run_body, flow_body):
        [found] = done(request(task(ground, shots=50), options={"noise_model": noise}), make)
        assert list(by_bitstring(found)) == [{"1": 1.0}]


@pytest.mark.parametrize("name", ["aria-1", None])
def test_noise_of_ionq_is_a_name(name):
    _, data = only(request(task(bell(), shots=7), device="ionq_simulator", options={"noise_model": name}))
    assert data["options"].get("noise_model") == name


def test_fractional_gates_are_asked_for_on_the_device():
    asked = request(task(bell(), shots=7), device="ibm_fez", options={"use_fractional_gates": True}, seed=None)
    assert only(asked)[1]["options"]["use_fractional_gates"] is True
    assert only(asked, flow_body)[1]["program"]["layers"][-1]["options"] == {"use_fractional_gates": True}


def test_jobs_of_a_run_draw_from_streams_of_their_own():
    asked = request(task(bell(), shots=7), task(bell(), shots=8), task(bell(), shots=9), seed=5)
    bodies = [run_body(job, asked, ["circ-0"], experiment_id="exp-1") for job in lay_out(asked).jobs]
    seeds = [body.options["seed_simulator"] for body in bodies]
    assert seeds[0] == 5
    assert len(set(seeds)) == 3
    [job] = lay_out(request(task(bell(), shots=7), seed=2**90)).jobs
    body = run_body(job, request(task(bell(), shots=7), seed=2**90), ["circ-0"], experiment_id="exp-1")
    assert 0 <= body.options["seed_simulator"] < 2**31


def test_complex_coefficients_are_refused_where_bodies_are_made_too():
    asked = estimated()
    [job] = lay_out(asked).jobs
    other = request(task(free(), VALUES, observables=(SparsePauliOp("XXX", 1j),), shots=100, pub=4))
    with pytest.raises(HaiquInputError, match=r"PUB 4: .*complex"):
        run_body(job, other, ["circ-0"], experiment_id="exp-1")


@BODIES
def test_what_json_cannot_hold_is_refused_by_its_place(make):
    wrong = {"readout_mitigation_options": {"matrix": object()}}
    with pytest.raises(HaiquInputError, match=r"cannot be sent to the service: .*JSON"):
        only(estimated(mitigation=wrong), make)


# Secrets.


@BODIES
def test_credentials_are_in_the_body_and_in_no_text(make):
    secrets = {"ibm_quantum_token": Secret(TOKEN), "ibm_quantum_instance": Secret("crn:hidden")}
    body, data = only(estimated(device="ibm_fez", seed=None), make, credentials=secrets)
    place = data["options"] if make is run_body else data["device_credentials"]
    assert place["ibm_quantum_token"] == TOKEN
    for shown in (repr(body), str(body), f"{body}"):
        assert TOKEN not in shown
        assert "crn:hidden" not in shown
    if make is flow_body:
        assert TOKEN not in json.dumps(data["program"])


@BODIES
def test_dry_runs_get_no_credentials(make):
    _, data = only(estimated(), make, credentials={"ibm_quantum_token": Secret(TOKEN)}, dry_run=True)
    assert TOKEN not in json.dumps(data)


def test_errors_do_not_show_credentials():
    wrong = {"readout_mitigation_options": {"matrix": object()}}
    with pytest.raises(HaiquInputError) as caught:
        only(estimated(mitigation=wrong), credentials={"ibm_quantum_token": Secret(TOKEN)})
    assert TOKEN not in str(caught.value)
    assert caught.value.__cause__ is None


# Circuits.


def test_circuits_are_the_same_objects_where_they_come_again():
    circuit = bell()
    asked = request(task(circuit, np.empty((3, 0)), shots=7), task(circuit, shots=7))
    [job] = lay_out(asked).jobs
    assert [id(each) for each in circuits_of(job, asked)] == [id(circuit)] * 4


def test_circuits_of_states_are_bound_and_measured_only_if_asked():
    asked = request(task(free(measured=True), VALUES, shots=None), run_type=RunType.STATEVECTOR)
    [job] = lay_out(asked).jobs
    assert job.kind is Kind.STATES
    plain, measured = circuits_of(job, asked), circuits_of(job, asked, measured=True)
    assert [each.num_parameters for each in plain + measured] == [0] * 6
    assert all("measure" not in each.count_ops() for each in plain)
    assert all(each.count_ops()["measure"] == 3 for each in measured)
    assert asked.tasks[0].circuit.count_ops()["measure"] == 3

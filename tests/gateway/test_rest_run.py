"""``POST /run`` in every documented shape; results agree with exact values within shot noise."""

import math

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, transpile
from qiskit.circuit import Parameter, ParameterVector
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit_aer.noise import NoiseModel, ReadoutError, depolarizing_error

from qiskit_haiqu_provider.api import models
from tests.gateway.rest import SHOTS, Api, fields, ok
from tests.interop.exact import SIGMAS, assert_distribution, assert_value, bell, in_basis, probabilities, state, turned

T = Parameter("t")
SETS = [[0.3], [1.1], [2.5]]
OBSERVABLES = [SparsePauliOp(["ZZ", "XI"], [1.0, 0.5]), SparsePauliOp("YX"), SparsePauliOp(["II", "IZ"], [0.25, -2.0])]


@pytest.fixture(scope="module")
def api(gateway):
    return Api(gateway.client)


def wire(observables):
    """Observables of one circuit as they travel."""
    return [[list(one.paulis.to_labels()), one.coeffs.real.tolist()] for one in observables]


def exact_variance(circuit, observable, shots, values=()):
    """Upper bound of the variance of an estimate whose terms are measured with all shots each."""
    terms = observable.simplify()
    spread = 0.0
    for label, coefficient in terms.to_list():
        value = state(circuit, values).expectation_value(SparsePauliOp(label)).real
        spread += abs(coefficient) * math.sqrt(max(0.0, 1 - value**2) / shots)
    return spread**2


def assert_estimates(found, errors, circuit, observables, sets=((),), shots=SHOTS):
    """Values and uncertainties as ``[observable][set]`` are those of the circuit."""
    assert np.shape(found) == np.shape(errors) == (len(observables), len(sets))
    for row, row_errors, observable in zip(found, errors, observables, strict=True):
        for value, error, values in zip(row, row_errors, sets, strict=True):
            assert_value(value, circuit, observable, shots, values)
            assert 0 <= error <= 1.2 * math.sqrt(exact_variance(circuit, observable, shots, values)) + 0.005


# Sampling


def test_one_circuit(api):
    (found,) = api.run(turned(0.7))["quantum_results"]
    assert_distribution(found, probabilities(turned(0.7)), SHOTS)


def test_several_circuits_keep_their_order(api):
    angles = [0.1, 1.4, 3.0]
    job = api.run([turned(angle) for angle in angles])
    for found, angle in zip(job["quantum_results"], angles, strict=True):
        assert_distribution(found, probabilities(turned(angle)), SHOTS)


def test_the_same_circuit_twice_is_run_twice(api):
    circuit = api.upload(turned(0.7))["id"]
    one, two = api.run([circuit, circuit], shots=99_991)["quantum_results"]
    assert one != two


@pytest.mark.parametrize("nesting", [SETS, [SETS]], ids=["2D", "3D"])
def test_parameter_sets_of_one_circuit(api, nesting):
    (found,) = api.run(turned(T), parameters=nesting)["quantum_results"]
    for distribution, values in zip(found, SETS, strict=True):
        assert_distribution(distribution, probabilities(turned(T), values), SHOTS)


def test_one_set_of_one_circuit_as_a_plain_list(api):
    job = api.run(turned(T), parameters=[0.3])
    ((found,),) = job["quantum_results"]
    assert_distribution(found, probabilities(turned(T), [0.3]), SHOTS)
    assert job["parameters"] == [0.3]


@pytest.mark.parametrize("nesting", [[[[0.3]], [[1.1]]], [[0.3], [1.1]]], ids=["3D", "one set each"])
def test_one_set_of_each_of_several_circuits(api, nesting):
    job = api.run([turned(T), turned(2 * T)], parameters=nesting)
    for (found,), circuit, value in zip(job["quantum_results"], (turned(T), turned(2 * T)), (0.3, 1.1), strict=True):
        assert_distribution(found, probabilities(circuit, [value]), SHOTS)


def test_circuits_may_have_different_numbers_of_sets_and_parameters(api):
    vector = ParameterVector("v", 11)
    wide = QuantumCircuit(11)
    for index in reversed(range(11)):
        wide.ry(vector[index], index)
    wide.measure_all()
    values = [math.pi * (index % 2) for index in range(11)]
    job = api.run([turned(T), wide, bell()], parameters=[SETS, [values], [[], []]])
    first, second, third = job["quantum_results"]
    assert (len(first), len(second), len(third)) == (3, 1, 2)
    assert second == [{"01010101010": 1.0}], "values go in the order of circuit.parameters"
    assert_distribution(third[1], probabilities(bell()), SHOTS)


def test_bits_are_in_the_order_of_qiskit_and_registers_are_joined(api):
    qubits, low, high = QuantumRegister(3, "q"), ClassicalRegister(2, "low"), ClassicalRegister(1, "high")
    circuit = QuantumCircuit(qubits, low, high)
    circuit.x(0)
    circuit.measure([0, 1, 2], [0, 1, 2])
    assert api.run(circuit)["quantum_results"] == [{"001": 1.0}]
    circuit.x(2)
    circuit.measure(2, high[0])
    assert api.run(circuit)["quantum_results"] == [{"101": 1.0}]


def test_idle_bits_stay_and_partial_measurements_count(api):
    circuit = QuantumCircuit(3, 4)
    circuit.x(1)
    circuit.measure(1, 2)
    assert api.run(circuit)["quantum_results"] == [{"0100": 1.0}]


def test_a_dynamic_circuit(api):
    """Teleportation: measured on the way, corrected by what was found."""
    circuit = QuantumCircuit(3, 3)
    circuit.ry(0.9, 0)
    circuit.h(1)
    circuit.cx(1, 2)
    circuit.cx(0, 1)
    circuit.h(0)
    circuit.measure([0, 1], [0, 1])
    with circuit.if_test((circuit.clbits[1], 1)):
        circuit.x(2)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.z(2)
    circuit.ry(-0.9, 2)
    circuit.measure(2, 2)
    (found,) = api.run(circuit)["quantum_results"]
    assert_distribution(found, {format(value, "03b"): 0.25 for value in range(4)}, SHOTS)
    (noisy,) = api.run(circuit, device_id="fake_torino")["quantum_results"]
    assert sum(share for word, share in noisy.items() if word[0] == "0") > 0.8


# Observables


def test_observables_of_one_circuit(api):
    circuit = turned(0.7, measured=False)
    job = api.run(circuit, observables=[wire(OBSERVABLES)])
    found, errors = (
        [[value] for value in nested[0]] for nested in (job["quantum_results"], job["info"]["uncertainty"])
    )
    assert_estimates(found, errors, circuit, OBSERVABLES)
    assert job["observables"] == [wire(OBSERVABLES)]


def test_observables_ignore_final_measurements(api):
    circuit = turned(0.7)
    job = api.run(circuit, observables=[wire(OBSERVABLES)])
    found, errors = (
        [[value] for value in nested[0]] for nested in (job["quantum_results"], job["info"]["uncertainty"])
    )
    assert_estimates(found, errors, circuit, OBSERVABLES)


def test_observables_of_several_circuits_with_parameters(api):
    circuits = [turned(T, measured=False), turned(2 * T, measured=False)]
    groups, sets = [OBSERVABLES, OBSERVABLES[:1]], [SETS, SETS[:2]]
    job = api.run(circuits, observables=[wire(group) for group in groups], parameters=sets)
    nested = zip(job["quantum_results"], job["info"]["uncertainty"], circuits, groups, sets, strict=True)
    for found, errors, circuit, observables, values in nested:
        assert_estimates(found, errors, circuit, observables, values)


def test_the_uncertainty_is_that_of_the_shots(api):
    """For one Pauli term it is known exactly."""
    circuit = turned(1.2, measured=False)
    value = state(circuit).expectation_value(SparsePauliOp("IZ")).real
    for shots in (100, 10_000):
        job = api.run(circuit, observables=[[[["IZ"], [3.0]]]], shots=shots)
        expected = 3 * math.sqrt((1 - value**2) / shots)
        assert job["info"]["uncertainty"][0][0] == pytest.approx(expected, rel=0.35)


def test_the_identity_is_exact(api):
    job = api.run(bell(), observables=[[[["II"], [-1.5]]]])
    assert (job["quantum_results"], job["info"]["uncertainty"]) == ([[-1.5]], [[0.0]])


# Readout bases


def test_readout_bases(api):
    bases = ["ZZ", "XY", "YX", "ZX"]
    job = api.run(turned(0.7), readout_bases=bases)
    assert job["readout_bases"] == bases
    for found, basis in zip(job["quantum_results"][0], bases, strict=True):
        assert_distribution(found, in_basis(turned(0.7), basis), SHOTS)


def test_readout_bases_with_parameters_of_several_circuits(api):
    bases, circuits = ["XX", "YZ"], [turned(T), turned(2 * T)]
    job = api.run(circuits, readout_bases=bases, parameters=[SETS, SETS[:1]])
    for rows, circuit, sets in zip(job["quantum_results"], circuits, (SETS, SETS[:1]), strict=True):
        for row, basis in zip(rows, bases, strict=True):
            for found, values in zip(row, sets, strict=True):
                assert_distribution(found, in_basis(circuit, basis, values), SHOTS)


# Exact states


def amplitudes(pair):
    real, imaginary = pair
    return np.array(real) + 1j * np.array(imaginary)


@pytest.mark.parametrize("measured", [True, False])
def test_exact_states(api, measured):
    circuits = [turned(0.7, measured=measured), bell()]
    job = api.run(circuits, run_type="StatevectorRun", device_id="")
    for found, circuit in zip(job["quantum_results"], circuits, strict=True):
        assert np.allclose(amplitudes(found), state(circuit).data)


def test_exact_states_with_parameters(api):
    job = api.run(turned(T), run_type="StatevectorRun", device_id="", parameters=SETS)
    for found, values in zip(job["quantum_results"][0], SETS, strict=True):
        assert np.allclose(amplitudes(found), state(turned(T), values).data)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"observables": [[[["ZZ"], [1]]]]}, "run_type"),
        ({"readout_bases": ["ZZ"]}, "run_type"),
        ({"device_id": "fake_torino"}, "device_id"),
        ({"options": {"noise_model": {}}}, "options.noise_model"),
        ({"options": {"use_packing": True}}, "options.use_packing"),
    ],
)
def test_what_has_no_meaning_for_an_exact_state_is_refused(api, more, field):
    assert fields(api.post_run(bell(), run_type="StatevectorRun", **more)) == [field]


def test_a_state_that_is_none_fails_with_its_reason(api):
    circuit = QuantumCircuit(1, 1)
    circuit.h(0)
    circuit.measure(0, 0)
    circuit.h(0)
    assert "measure" in api.failed(api.post_run(circuit, run_type="StatevectorRun"))
    assert "qubits" in api.failed(api.post_run(QuantumCircuit(60), run_type="StatevectorRun"))


# Devices and options


def test_noise_of_a_snapshot_is_felt_but_small(api):
    (found,) = api.run(bell(), device_id="fake_torino")["quantum_results"]
    assert found.keys() == {"00", "01", "10", "11"}
    assert 0.8 < found["00"] + found["11"] < 1


def test_a_noise_model_travels_as_its_dictionary(api):
    model = NoiseModel()
    model.add_all_qubit_quantum_error(depolarizing_error(0.3, 2), ["cx"])
    model.add_all_qubit_readout_error(ReadoutError([[0.9, 0.1], [0.0, 1.0]]))
    (found,) = api.run(bell(), options={"noise_model": model.to_dict(serializable=True)})["quantum_results"]
    before = {"00": 0.425, "01": 0.075, "10": 0.075, "11": 0.425}
    flips = np.array([[0.9, 0.0], [0.1, 1.0]])
    after = np.kron(flips, flips) @ np.array(list(before.values()))
    assert_distribution(found, dict(zip(before, after, strict=True)), SHOTS)


@pytest.mark.parametrize("model", [{"errors": 3}, {"errors": [{"type": "x"}]}])
def test_a_wrong_noise_model_is_named(api, model):
    assert "noise_model" in api.failed(api.post_run(bell(), options={"noise_model": model}))


def test_forty_qubits_as_a_matrix_product_state(api):
    circuit = QuantumCircuit(40)
    circuit.h(0)
    for qubit in range(39):
        circuit.cx(qubit, qubit + 1)
    circuit.rz(0.3, 20)
    options = {"method": "matrix_product_state", "matrix_product_state_max_bond_dimension": 8}
    values = api.run(circuit, options=options, observables=[[[["Z" * 40], [1]], [["I" * 39 + "Z"], [1]]]])
    assert values["quantum_results"][0][0] == pytest.approx(1)
    assert values["quantum_results"][0][1] == pytest.approx(0, abs=SIGMAS / math.sqrt(SHOTS))
    circuit.measure_all()
    (found,) = api.run(circuit, options=options)["quantum_results"]
    assert_distribution(found, {"0" * 40: 0.5, "1" * 40: 0.5}, SHOTS)


def test_a_seed_repeats_results(api):
    circuit = api.upload(turned(0.7))["id"]
    one, two = (api.run([circuit], options={"seed_simulator": 11})["quantum_results"] for _ in range(2))
    assert one == two


def test_packing_keeps_the_results_and_says_how_many_copies(api):
    job = api.run(turned(0.7), device_id="fake_montreal", options={"use_packing": True, "pack_size": 3})
    assert "3 copies" in job["logs"]
    (found,) = job["quantum_results"]
    exact = probabilities(turned(0.7))
    assert all(abs(found.get(word, 0) - share) < 0.1 for word, share in exact.items())
    ideal = api.run(turned(0.7), options={"use_packing": True, "pack_size": 4}, shots=SHOTS)
    assert_distribution(ideal["quantum_results"][0], exact, SHOTS)


def test_packing_with_observables_parameters_and_bases(api):
    options = {"use_packing": True, "pack_size": 2}
    circuit = turned(T, measured=False)
    job = api.run(circuit, options=options, observables=[wire(OBSERVABLES)], parameters=SETS)
    assert_estimates(job["quantum_results"][0], job["info"]["uncertainty"][0], circuit, OBSERVABLES, SETS)
    based = api.run(turned(0.7), options=options, readout_bases=["XY", "YX"])
    for found, basis in zip(based["quantum_results"][0], ("XY", "YX"), strict=True):
        assert_distribution(found, in_basis(turned(0.7), basis), SHOTS)


def test_transpilation_options_are_used(api):
    options = {"transpilation_options": {"initial_layout": [7, 8], "optimization_level": 0, "seed_transpiler": 1}}
    (found,) = api.run(bell(), device_id="fake_torino", options=options)["quantum_results"]
    assert found["00"] + found["11"] > 0.6
    bad = {"transpilation_options": {"initial_layout": [7, 8, 9]}}
    assert "layout" in api.failed(api.post_run(bell(), device_id="fake_torino", options=bad))


def test_without_transpilation_a_circuit_must_fit_the_device(api):
    options = {"skip_transpilation": True}
    log = api.failed(api.post_run(bell(), device_id="fake_torino", options=options))
    assert "'h' on qubits (0,)" in log
    wrong_place = QuantumCircuit(3)
    wrong_place.cz(0, 2)
    wrong_place.measure_all()
    assert "'cz' on qubits (0, 2)" in api.failed(api.post_run(wrong_place, device_id="fake_torino", options=options))
    fits = QuantumCircuit(2)
    fits.sx(0)
    fits.cz(0, 1)
    fits.measure_all()
    assert api.run(fits, device_id="fake_torino", options=options)["status"] == "Done"


def test_a_circuit_transpiled_elsewhere_runs_with_observables_of_the_logical_width(api):
    circuit = turned(0.7, measured=False)
    moved = transpile(circuit, coupling_map=[[0, 1], [1, 2], [2, 3]], initial_layout=[3, 1], seed_transpiler=3)
    assert moved.num_qubits == 4
    job = api.run(moved, observables=[wire(OBSERVABLES)])
    found, errors = (
        [[value] for value in nested[0]] for nested in (job["quantum_results"], job["info"]["uncertainty"])
    )
    assert_estimates(found, errors, circuit, OBSERVABLES)


def test_a_dry_run_estimates_and_computes_nothing(api):
    job = api.run(bell(), dry_run=True)
    assert job["quantum_results"] is None
    models.Cost.model_validate(job["estimated_qpu_cost"])
    assert job["estimated_qpu_cost"]["converted"] == {"amount": 0.0, "unit": "USD"}
    assert job["time"] == 0
    assert job["info"]["pre_device_pipeline_time"] > 0
    assert job["dry_run"] is True


def test_quality_compares_with_the_ideal(api):
    ids = api.ids([bell(), turned(0.7)])
    ideal = api.run(ids, options={"auto_quality": True})
    noisy = api.run(ids, options={"auto_quality": True}, device_id="fake_montreal")
    for job in (ideal, noisy):
        scores = job["info"]["quality_assessment"]["per_circuit"]
        assert scores.keys() == set(ids)
        assert job["quality"] == pytest.approx(sum(scores.values()) / 2)
    assert ideal["quality"] > 0.995 > noisy["quality"] > 0.7
    assert api.run(ids)["quality"] is None


def test_quality_of_expectation_values(api):
    job = api.run(
        turned(T, measured=False), observables=[wire(OBSERVABLES)], parameters=SETS, options={"auto_quality": True}
    )
    assert job["quality"] > 0.98


def test_one_bad_circuit_of_many_is_named(api):
    opaque = QuantumCircuit(2)
    opaque.cx(0, 1)
    opaque.measure_all()
    log = api.failed(api.post_run([bell(), opaque], device_id="fake_torino", options={"skip_transpilation": True}))
    assert "circuit 0" in log or "circuit 1" in log


def test_a_reply_to_a_submission_repeats_it(api):
    body = {"parameters": [[0.3]], "observables": [wire(OBSERVABLES)], "options": {"seed_simulator": 3}, "shots": 7}
    job = ok(api.post_run(turned(T), **body), models.RunJob)
    assert {name: job[name] for name in body} == body


def test_results_are_probabilities_that_sum_to_one(api):
    circuit = QuantumCircuit(5)
    circuit.h(range(5))
    circuit.measure_all()
    (found,) = api.run(circuit, shots=1001)["quantum_results"]
    assert sum(found.values()) == pytest.approx(1)
    assert all(round(share * 1001) == pytest.approx(share * 1001) for share in found.values())


def test_states_agree_with_qiskit_on_a_larger_circuit(api):
    rng = np.random.default_rng(3)
    circuit = QuantumCircuit(8)
    for _ in range(6):
        for qubit in range(8):
            circuit.u(*rng.uniform(0, 6, 3), qubit)
        for qubit in range(7):
            circuit.cx(qubit, qubit + 1)
    job = api.run(circuit, run_type="StatevectorRun", device_id="")
    assert np.allclose(amplitudes(job["quantum_results"][0]), Statevector(circuit).data)

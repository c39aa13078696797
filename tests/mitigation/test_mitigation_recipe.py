"""Randomised circuits do what the original does, and their outcomes give its results."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparsePauliOp, Statevector

from qiskit_haiqu_provider import HaiquInputError
from qiskit_haiqu_provider.engines.local.engine import LocalEngine
from qiskit_haiqu_provider.exceptions import HaiquResponseError
from qiskit_haiqu_provider.mitigation.finisher import Finisher
from qiskit_haiqu_provider.mitigation.recipe import mitigate
from qiskit_haiqu_provider.mitigation.settings import MitigationSettings
from qiskit_haiqu_provider.run.request import RunRequest, RunType
from qiskit_haiqu_provider.run.result import Distributions, Expectations, RunResult, Samples
from tests.mitigation.circuits_for_mitigation import (
    copies_of,
    ideal_probabilities,
    kinds,
    measured,
    random_circuit,
    request_of,
    seeds,
    shares_of,
    task_of,
)

FEW = MitigationSettings(num_randomizations=4)
OFF = MitigationSettings(
    dynamical_decoupling=False, readout_mitigation=False, noise_tailoring=False, advanced_mitigation=False
)
ENGINE = LocalEngine()


def plan(*tasks, chosen=FEW, target=None, **more):
    return mitigate(request_of(*tasks, **more), target=target, settings=chosen)


def run(planned, noise=None, seed=3):
    options = {**ENGINE.default_options("aer_simulator"), "noise_model": noise}
    request = planned.request
    ready = RunRequest(device="aer_simulator", tasks=request.tasks, options=options, seed=seed)
    return ENGINE.submit(ready).result()


def finished(planned, **more):
    return planned.finisher.finish(run(planned, **more))


def flipped(probabilities, flips):
    order = np.arange(len(probabilities)) ^ (flips @ (1 << np.arange(len(flips))))
    return probabilities[order]


@settings(max_examples=12, deadline=None)
@given(kinds, seeds)
def test_copies_are_the_circuit_up_to_their_flips(kind, seed):
    circuit = measured(random_circuit(kind, seed))
    planned = plan(task_of(circuit), seed=seed)
    target = planned.finisher.parts[0].target
    _, expected = ideal_probabilities(circuit)
    for copy, flips in zip(copies_of(planned.request.tasks[0]), target.flips, strict=True):
        found = _known_gates(copy)
        assert np.allclose(ideal_probabilities(found)[1], flipped(expected, flips.astype(int)), atol=1e-9)


def _known_gates(circuit):
    """Native gates that carry nothing but their name become those that say what they do."""
    from qiskit_haiqu_provider.devices.native import NATIVE_GATES

    found = circuit.copy_empty_like()
    for each in circuit.data:
        known = NATIVE_GATES.get(each.name)
        found.append(each.operation if known is None else type(known)(*each.params), each.qubits, each.clbits)
    return found


@settings(max_examples=8, deadline=None)
@given(kinds, seeds, st.booleans())
def test_companions_have_the_values_that_are_stated(kind, seed, twirled):
    circuit = random_circuit(kind, seed)
    observables = (SparsePauliOp(["ZZI", "IXY", "YYY"], [0.5, 1.0, 0.2]),)
    chosen = MitigationSettings(num_randomizations=4, noise_tailoring=twirled)
    planned = plan(task_of(circuit, observables), chosen=chosen, seed=seed)
    part = planned.finisher.parts[0]
    for group in part.groups:
        first = 0
        for ensemble in group.companions.ensembles:
            copies = list(copies_of(planned.request.tasks[ensemble.task]))
            for row, flips in enumerate(ensemble.flips):
                bits, chances = ideal_probabilities(_known_gates(copies[ensemble.first + row]))
                assert tuple(bits) == ensemble.clbits
                parities = _parity_values(flipped(chances, flips.astype(int)), group.terms)
                ideal = group.companions.ideal[first + row]
                assert np.allclose(parities[ideal != 0], ideal[ideal != 0], atol=1e-9)
            first += ensemble.copies
        assert first == len(group.companions.ideal)


def _parity_values(chances, terms):
    outcomes = np.arange(len(chances))[:, None] >> np.arange(terms.shape[1]) & 1
    return chances @ (1 - 2 * ((outcomes @ terms.T) % 2))


def sweep():
    angle = Parameter("a")
    circuit = QuantumCircuit(3)
    for qubit in range(2):
        circuit.sx(qubit)
        circuit.rz(angle, qubit)
        circuit.sx(qubit)
        circuit.cz(qubit, qubit + 1)
    circuit.sx(2)
    return circuit, np.array([[0.3], [0.9], [1.7]])


def test_without_noise_nothing_changes():
    circuit, values = sweep()
    observables = (SparsePauliOp(["IIZ", "IZZ", "XII"], [1.0, 0.5, 0.25]), SparsePauliOp("ZZZ"))
    found = finished(plan(task_of(circuit, observables, parameter_values=values, shots=2000)))
    (result,), (facts,) = found.tasks, found.task_facts
    assert isinstance(result, Expectations)
    ideal = [
        [Statevector(circuit.assign_parameters(row)).expectation_value(each).real for row in values]
        for each in observables
    ]
    assert np.all(np.abs(result.values - ideal) < 5 * result.stds + 1e-9)
    assert np.all(np.abs(result.values - np.array(facts["raw"])) < 5 * result.stds + 1e-9)
    assert facts["median_damping"] == pytest.approx([1.0, 1.0])
    assert facts["unmitigated_share"] == [0.0, 0.0]


def test_samples_become_distributions_of_the_same_bits():
    circuit = QuantumCircuit(2, 5)
    circuit.x(1)
    circuit.cz(0, 1)
    circuit.measure(1, 3)
    circuit.measure(0, 0)
    found = finished(plan(task_of(circuit, shots=1000)))
    (result,), (facts,) = found.tasks, found.task_facts
    assert isinstance(result, Distributions)
    assert result.num_clbits == 5
    assert result.outcomes[result.weights > 0.5].tolist() == [[0b01000]]
    assert facts["raw_counts"] == [{"01000": 1000}]


def noise_of(error=0.03, readout=0.04):
    from qiskit_aer.noise import NoiseModel, ReadoutError, depolarizing_error

    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(error, 2), ["cz", "cx"])
    noise.add_all_qubit_readout_error(ReadoutError([[1 - readout, readout], [2 * readout, 1 - 2 * readout]]))
    return noise


def test_noise_is_divided_out_and_error_bars_say_how_well():
    circuit = random_circuit("cz", 5, steps=6)
    observables = (SparsePauliOp(["IIZ", "IZI", "ZII"], [1.0, 1.0, 1.0]),)
    ideal = Statevector(circuit).expectation_value(observables[0]).real
    found = finished(plan(task_of(circuit, observables, shots=100_000), chosen=MitigationSettings()), noise=noise_of())
    (result,), (facts,) = found.tasks, found.task_facts
    error, raw = abs(result.values[0, 0] - ideal), abs(facts["raw"][0][0] - ideal)
    assert error < 4 * result.stds[0, 0]
    assert error < raw / 2
    assert 0.3 < facts["median_damping"][0] < 0.95


def without_paths(planned):
    """The same plan, but for what is known of paths."""
    parts = []
    for part in planned.finisher.parts:
        groups = [replace(each, paths=replace(each.paths, circuit=0 * each.paths.circuit)) for each in part.groups]
        parts.append(replace(part, groups=tuple(groups)))
    return replace(planned, finisher=replace(planned.finisher, parts=tuple(parts)))


def ising(width=6, steps=12):
    """A chain in which paths add up, in gates of a device."""
    circuit = QuantumCircuit(width)
    for _ in range(steps):
        for first in (0, 1):
            for qubit in range(first, width - 1, 2):
                circuit.cx(qubit, qubit + 1)
                circuit.rz(-0.5, qubit + 1)
                circuit.cx(qubit, qubit + 1)
        for qubit in range(width):
            circuit.rx(0.6, qubit)
    return circuit


def test_factors_mind_how_paths_add_up():
    circuit = ising()
    labels = ["".join("X" if place == qubit else "I" for place in range(6)) for qubit in range(6)]
    observables = (SparsePauliOp(labels, np.ones(6) / 6),)
    ideal = Statevector(circuit).expectation_value(observables[0]).real
    planned = plan(task_of(circuit, observables, shots=1_000_000), chosen=MitigationSettings(guard=False))
    raw = run(planned, noise_of(error=0.01))
    minded, plain = (
        abs(each.finisher.finish(raw).tasks[0].values[0, 0] - ideal) for each in (planned, without_paths(planned))
    )
    assert minded < plain / 3


def test_circuits_without_gates_have_no_paths():
    chosen = MitigationSettings(advanced_mitigation=False, noise_tailoring=False)
    planned = plan(task_of(random_circuit("cz", 4, steps=2), (SparsePauliOp("ZII"),), shots=100_000), chosen=chosen)
    raw = run(planned, noise_of(error=0.0, readout=0.08))  # which bits are wrong depends on what they are
    minded, plain = planned.finisher.finish(raw), without_paths(planned).finisher.finish(raw)
    assert minded.task_facts == plain.task_facts


def test_distributions_come_nearer_to_the_ideal_one():
    circuit = measured(random_circuit("cz", 4, steps=6))
    found = finished(plan(task_of(circuit, shots=20000), chosen=MitigationSettings()), noise=noise_of())
    (result,), (facts,) = found.tasks, found.task_facts
    ideal = ideal_probabilities(circuit)[1]
    better = np.zeros(8)
    better[result.outcomes[:, 0]] = result.weights
    raw = np.zeros(8)
    for outcome, count in facts["raw_counts"][0].items():
        raw[int(outcome, 2)] = count / 20000
    assert 1 - np.sqrt(better * ideal).sum() ** 2 < (1 - np.sqrt(raw * ideal).sum() ** 2) / 2
    assert len(facts["flips"]) == 3


def test_readout_alone_is_calibrated():
    chosen = MitigationSettings(advanced_mitigation=False, noise_tailoring=False)
    circuit = random_circuit("cz", 4, steps=2)
    observables = (SparsePauliOp("ZZZ"),)
    ideal = Statevector(circuit).expectation_value(observables[0]).real
    planned = plan(task_of(circuit, observables, shots=20000), chosen=chosen)
    found = finished(planned, noise=noise_of(error=0.0))
    assert found.task_facts[0]["companions"] == {"calibration": 16}
    assert abs(found.tasks[0].values[0, 0] - ideal) < 4 * found.tasks[0].stds[0, 0]
    samples = plan(task_of(measured(circuit), shots=2000), chosen=chosen)
    assert samples.finisher.parts[0].everywhere is False


def dynamic():
    circuit = QuantumCircuit(2, 2)
    circuit.x(0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(1)
    circuit.measure(1, 1)
    return circuit


def test_of_dynamic_circuits_only_the_readout_is_mitigated():
    found = finished(plan(task_of(dynamic(), shots=4000)), noise=noise_of())
    (result,), (facts,) = found.tasks, found.task_facts
    assert facts["companions"] == {"calibration": 4}
    assert any("advanced_mitigation was left out" in each for each in facts["warnings"])
    likely = result.outcomes[np.argmax(result.weights), 0]
    raw = facts["raw_counts"][0]["11"] / 4000
    assert likely == 0b11
    assert raw < result.weights.max() < 1.0


def test_a_reset_midway_keeps_observables_readout_only():
    circuit = QuantumCircuit(1)
    circuit.x(0)
    circuit.reset(0)
    planned = plan(task_of(circuit, (SparsePauliOp("Z"),), shots=4000))
    found = finished(planned, noise=noise_of())
    assert abs(found.tasks[0].values[0, 0] - 1) < 4 * found.tasks[0].stds[0, 0] + 1e-9
    assert found.task_facts[0]["companions"] == {"calibration": 4}


def test_parameters_inside_control_flow_run_as_they_are():
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.rz(Parameter("a"), 0)
    circuit.measure(0, 0)
    planned = plan(task_of(circuit, parameter_values=np.array([[0.1]])))
    assert planned.request.tasks[0].circuit is circuit
    assert "control flow" in planned.finisher.parts[0].facts["warnings"][0]


def test_what_measures_nothing_runs_as_it_is():
    nothing = task_of(QuantumCircuit(1, 1), shots=10)
    empty = task_of(sweep()[0], (SparsePauliOp("ZZZ"),), parameter_values=np.empty((0, 1)))
    constant = task_of(QuantumCircuit(1), (SparsePauliOp("I", [2.0]),))
    found = finished(plan(nothing, empty, constant))
    assert isinstance(found.tasks[0], Samples)
    assert found.tasks[1].values.shape == (1, 0)
    assert found.tasks[2].values.tolist() == [[2.0]]


def test_circuits_that_differ_in_angles_share_their_companions():
    circuit, values = sweep()
    bound = [measured(circuit.assign_parameters(row)) for row in values]
    together = plan(*(task_of(each) for each in bound))
    assert len(together.finisher.parts) == 1
    found = finished(together)
    assert len(found.tasks) == 3
    assert found.task_facts[0]["shared_by_tasks"] == 3
    for result, each in zip(found.tasks, bound, strict=True):
        dense = np.zeros(8)
        dense[result.outcomes[:, 0]] = result.weights
        assert np.abs(dense - ideal_probabilities(each)[1]).max() < 0.1
    other = plan(task_of(bound[0]), task_of(bound[1], shots=7))
    assert len(other.finisher.parts) == 2


@pytest.mark.parametrize(
    ("rows", "values", "samples"),
    [
        (16, {"clifford": 12, "mirror": 4}, {"clifford": 8, "mirror": 8}),
        (4, {"clifford": 2, "mirror": 2}, {"clifford": 2, "mirror": 2}),
    ],
)
def test_more_companions_for_samples_know_all_parities_than_for_values(rows, values, samples):
    circuit = sweep()[0].assign_parameters([0.3])
    chosen = MitigationSettings(num_randomizations=rows)
    wanted = task_of(circuit, (SparsePauliOp(["ZZZ", "IZI"]),), shots=1000), task_of(measured(circuit), shots=1000)
    for task, expected in zip(wanted, (values, samples), strict=True):
        assert plan(task, chosen=chosen).finisher.parts[0].facts["companions"] == expected


def test_no_more_is_spent_than_twice_the_shots():
    circuit, values = sweep()
    observables = (SparsePauliOp(["ZZZ", "XII"]),)
    planned = plan(task_of(circuit, observables, parameter_values=values, shots=1000), chosen=MitigationSettings())
    spent = sum(task.num_sets * task.shots for task in planned.request.tasks)
    assert spent == planned.finisher.parts[0].facts["shots"]
    assert spent <= 2 * 1000 * len(values) * 2
    assert planned.request.use_mitigation is False


def test_with_everything_off_there_is_one_circuit():
    planned = plan(task_of(measured(random_circuit("cz", 1)), shots=100), chosen=OFF)
    (task,) = planned.request.tasks
    assert (task.num_sets, task.shots) == (1, 100)
    assert planned.finisher.parts[0].target.flips.any() == np.False_
    assert finished(planned).task_facts[0]["unmitigated_share"] == 1.0


def test_seeds_repeat():
    task = task_of(measured(random_circuit("cz", 1)))
    one, same, other = plan(task), plan(task), plan(task, seed=8)
    values = [each.request.tasks[0].parameter_values for each in (one, same, other)]
    assert np.array_equal(values[0], values[1])
    assert not np.array_equal(values[0], values[2])


def test_warnings_say_when_results_may_mislead():
    clifford = QuantumCircuit(2)
    clifford.sx(0)
    clifford.cz(0, 1)
    chosen = MitigationSettings(noise_tailoring=False)
    found = plan(task_of(clifford, (SparsePauliOp("ZI"),)), chosen=chosen).finisher.parts[0].facts["warnings"]
    assert any("Clifford circuit" in each for each in found)
    assert any("noise_tailoring is off" in each for each in found)
    controlled = QuantumCircuit(2)
    controlled.cp(0.3, 0, 1)
    controlled.cp(0.4, 0, 1)
    found = plan(task_of(controlled, (SparsePauliOp("ZI"),))).finisher.parts[0].facts
    assert any("no circuits with known values" in each for each in found["warnings"])
    assert found["companions"] == {"calibration": 4}


def test_exact_values_are_refused():
    task = task_of(QuantumCircuit(1), (SparsePauliOp("Z"),), shots=None)
    with pytest.raises(HaiquInputError, match="precision=0 asks for the exact value"):
        plan(task)
    with pytest.raises(HaiquInputError, match="a statevector has no errors"):
        plan(task_of(QuantumCircuit(1)), run_type=RunType.STATEVECTOR)


def test_the_finisher_goes_through_json():
    circuit, values = sweep()
    tasks = (
        task_of(circuit, (SparsePauliOp(["ZZZ", "XII"]),), parameter_values=values),
        task_of(measured(circuit), parameter_values=values),
    )
    planned = plan(*tasks)
    raw = run(planned, noise=noise_of())
    twin = Finisher.from_json(json.loads(json.dumps(planned.finisher.to_json())))
    one, other = planned.finisher.finish(raw), twin.finish(raw)
    assert np.array_equal(one.tasks[0].values, other.tasks[0].values)
    assert np.array_equal(one.tasks[0].stds, other.tasks[0].stds)
    assert np.array_equal(one.tasks[1].weights, other.tasks[1].weights)
    assert json.loads(json.dumps(one.task_facts)) == json.loads(json.dumps(other.task_facts))
    with pytest.raises(HaiquResponseError, match="version 99"):
        Finisher.from_json({**planned.finisher.to_json(), "version": 99})


def test_results_may_be_distributions_and_must_be_whole():
    circuit = measured(random_circuit("cz", 2))
    planned = plan(task_of(circuit, shots=800))
    raw = run(planned)
    as_shares = RunResult(tuple(shares_of(each) for each in raw.tasks))
    one, other = planned.finisher.finish(raw).tasks[0], planned.finisher.finish(as_shares).tasks[0]
    assert np.allclose(one.weights, other.weights)
    less = RunResult(tuple(Samples(each.outcomes[:-1], each.num_clbits) for each in raw.tasks))
    with pytest.raises(HaiquResponseError, match="of the 4 randomised circuits"):
        planned.finisher.finish(less)
    wrong = RunResult(tuple(Expectations(np.zeros((1, 1)), np.zeros((1, 1))) for _ in raw.tasks))
    with pytest.raises(HaiquResponseError, match="needs the outcomes"):
        planned.finisher.finish(wrong)


def test_measurement_registers_do_not_collide():
    circuit = QuantumCircuit(1)
    circuit.add_register(ClassicalRegister(1, "observable"))
    planned = plan(task_of(circuit, (SparsePauliOp("X"),)))
    assert [creg.name for creg in planned.request.tasks[0].circuit.cregs] == ["observable", "observable_"]

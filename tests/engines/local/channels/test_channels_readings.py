"""What is read of a noisy circuit, for its measurements and for measurement groups."""

import gc
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import UnitaryGate
from qiskit.quantum_info import Operator, SparsePauliOp, Statevector, random_unitary
from qiskit_aer.noise import NoiseModel, ReadoutError, amplitude_damping_error, depolarizing_error

from qiskit_haiqu_provider.engines.local.channels import readings as room
from qiskit_haiqu_provider.engines.local.channels.readings import readings
from qiskit_haiqu_provider.engines.local.channels.run import correlations, distributions
from qiskit_haiqu_provider.engines.local.prepare import prepare
from qiskit_haiqu_provider.run.measure import measurement_circuit, measurements


@pytest.fixture(scope="module")
def noise():
    model = NoiseModel()
    model.add_all_qubit_quantum_error(amplitude_damping_error(0.1), ["h", "sdg", "ry", "sx"])
    model.add_all_qubit_quantum_error(depolarizing_error(0.05, 2), ["cx"])
    model.add_all_qubit_readout_error(ReadoutError([[0.95, 0.05], [0.1, 0.9]]))
    return model


def _circuit(num_qubits=3):
    circuit = QuantumCircuit(num_qubits)
    theta = Parameter("theta")
    for qubit in range(num_qubits):
        circuit.ry(theta * (qubit + 1), qubit)
    for qubit in range(num_qubits - 1):
        circuit.cx(qubit, qubit + 1)
    return circuit


PAULIS = st.lists(st.text("IXYZ", min_size=3, max_size=3), min_size=1, max_size=9, unique=True)


@given(labels=PAULIS, gates=st.sampled_from([None, frozenset({"rz", "sx", "ry", "cx"})]))
def test_groups_are_read_as_their_measurement_circuits(noise, labels, gates):
    circuit = _circuit()
    plan = measurements([SparsePauliOp(labels)])
    values = np.array([[0.4], [1.1]])
    found = list(distributions(readings(prepare(circuit), noise, groups=plan.groups, gates=gates), values))
    assert len(found) == len(plan.groups)
    for group, rows in zip(plan.groups, found, strict=True):
        measured = prepare(measurement_circuit(circuit, group, gates))
        (alone,) = distributions(readings(measured, noise), values)
        assert np.allclose(rows, alone, atol=1e-12)


@given(labels=PAULIS)
def test_one_program_serves_all_groups_as_well_as_one_each(noise, labels):
    plan = measurements([SparsePauliOp(labels)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "_FEW", 0)
        together = readings(prepare(_circuit()), noise, groups=plan.groups)
        patch.setattr(room, "_FEW", 100)
        best = readings(prepare(_circuit()), noise, groups=plan.groups)
    assert len(together) <= 1
    values = np.array([[0.4], [1.1]])
    pairs = zip(correlations(together, values), correlations(best, values), strict=True)
    assert all(np.allclose(one, other, atol=1e-12) for one, other in pairs)


def test_without_noise_the_values_are_those_of_the_state():
    circuit = _circuit(4)
    observable = SparsePauliOp(["XXII", "IYZI", "ZZZZ", "IIIX"], [1.0, 0.5, -2.0, 0.3])
    plan = measurements([observable])
    found = readings(prepare(circuit), None, groups=plan.groups)
    total = 0.0
    for group, means in zip(plan.groups, correlations(found, np.array([[0.7]])), strict=True):
        products = group.terms.astype(int) @ (1 << np.arange(len(group.qubits)))
        total += (group.weights @ means[0, products]).item()
    state = Statevector(circuit.assign_parameters([0.7]))
    assert total == pytest.approx(state.expectation_value(observable).real)


def test_sets_are_run_in_any_portions(noise, monkeypatch):
    circuit = _circuit(4)
    circuit.measure_all()
    values = np.linspace(0, 3, 11)[:, None]
    (whole,) = distributions(readings(prepare(circuit), noise), values)
    monkeypatch.setattr("qiskit_haiqu_provider.engines.local.channels.program._AT_ONCE", 64)
    assert 1 < readings(prepare(circuit), noise)[0].program.at_once(11) < 11
    (parts,) = distributions(readings(prepare(circuit), noise), values)
    assert np.allclose(whole, parts, atol=1e-14)


@pytest.mark.parametrize("at_once", [1, 16, 2**18])
def test_parameters_that_do_not_matter_in_the_end(monkeypatch, at_once):
    monkeypatch.setattr("qiskit_haiqu_provider.engines.local.channels.program._AT_ONCE", at_once)
    theta = Parameter("theta")
    circuit = QuantumCircuit(3, 2)
    circuit.ry(theta, 2)
    circuit.rx(theta - theta + 0.7, 0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    (rows,) = distributions(readings(prepare(circuit), None), np.linspace(0, 1, 7)[:, None])
    assert len(rows) in {1, 7}
    assert np.allclose(rows, [np.cos(0.35) ** 2, 0, 0, np.sin(0.35) ** 2])


def test_matrix_products_may_be_cut_to_pieces(noise, monkeypatch):
    circuit = _circuit(6)
    circuit.cx(5, 0)
    circuit.cx(2, 4)
    circuit.measure_all()
    found = readings(prepare(circuit), noise)
    (whole,) = distributions(found, np.array([[0.7]]))
    monkeypatch.setattr("qiskit_haiqu_provider.engines.local.channels.run._PRODUCT", 512)
    (pieces,) = distributions(found, np.array([[0.7]]))
    assert np.allclose(whole, pieces, atol=1e-14)


def test_gates_on_three_qubits_and_matrices():
    circuit = QuantumCircuit(4)
    circuit.h(0)
    circuit.append(UnitaryGate(random_unitary(8, seed=1)), [3, 0, 2])
    circuit.ccx(2, 0, 1)
    circuit.cswap(1, 3, 0)
    bare = circuit.copy()
    circuit.measure_all()
    (found,) = distributions(readings(prepare(circuit), None), np.empty((1, 0)))
    assert np.allclose(found[0], np.abs(Operator(bare).data[:, 0]) ** 2)


def test_readings_can_be_sent_to_other_processes(noise):
    circuit = _circuit(4)
    circuit.measure_all()
    found = readings(prepare(circuit), noise)
    values = np.array([[0.3], [0.8]])
    (here,), (there,) = distributions(found, values), distributions(pickle.loads(pickle.dumps(found)), values)
    assert np.array_equal(here, there)


def test_only_some_measurements_of_a_circuit_are_kept(noise):
    prepared = prepare(_circuit())
    for label in ["XII", "IXI", "IIX", "YII", "IYI", "IIY", "ZII", "IZI", "IIZ", "XXX"]:
        readings(prepared, noise, groups=measurements([SparsePauliOp(label)]).groups)
        assert len(room._made[id(prepared)][1]) <= room._MOST_KEPT


def test_many_groups_of_a_wide_circuit_are_read_one_by_one(monkeypatch):
    monkeypatch.setattr(room, "_COMPILING", 2**20)
    circuit = QuantumCircuit(12)
    for qubit in range(11):
        circuit.cx(qubit, qubit + 1)
    labels = ["".join(row) for row in np.random.default_rng(1).choice(list("XYZ"), (10, 12))]
    plan = measurements([SparsePauliOp(labels)])
    found = readings(prepare(circuit), None, groups=plan.groups)
    assert len(found) == len(plan.groups) == 10
    assert max(reading.program.size for reading in found) < 4**12


def test_a_qubit_read_twice_with_errors_is_left_to_aer(noise):
    circuit = QuantumCircuit(1, 2)
    circuit.h(0)
    circuit.measure(0, 0)
    circuit.measure(0, 1)
    assert readings(prepare(circuit), noise) is None
    assert readings(prepare(circuit), None) is not None


@pytest.mark.parametrize("what", ["initialize", "wide", "multiplexer"])
def test_unknown_instructions_are_left_to_aer(what):
    circuit = QuantumCircuit(4)
    if what == "initialize":
        circuit.initialize([0.6, 0.8], 0)
    elif what == "wide":
        circuit.unitary(random_unitary(16, seed=1), range(4))
    else:
        circuit.mcp(0.3, [0, 1, 2], 3)
    circuit.measure_all()
    assert readings(prepare(circuit), NoiseModel()) is None


def test_readings_are_kept_as_long_as_their_circuit(noise):
    circuit = _circuit()
    circuit.measure_all()
    prepared = prepare(circuit)
    assert readings(prepared, noise) is readings(prepared, noise)
    assert id(prepared) in room._made
    key = id(prepared)
    del prepared
    gc.collect()
    assert key not in room._made

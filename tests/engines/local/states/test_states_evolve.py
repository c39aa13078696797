"""Statevectors evolved in numpy agree with Qiskit's, gate by gate and for whole circuits."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.circuit.library import efficient_su2, get_standard_gate_name_mapping
from qiskit.quantum_info import Statevector

from qiskit_haiqu_provider.engines.local.prepare import prepare
from qiskit_haiqu_provider.engines.local.states.evolve import evolve
from qiskit_haiqu_provider.engines.local.states.gates import IDLE, KNOWN
from qiskit_haiqu_provider.engines.local.states.program import compile_circuit, supports

GATES = get_standard_gate_name_mapping()
NAMES = sorted((KNOWN - IDLE) | {"id"})
CONSTANTS = [0.0, np.pi / 2, -np.pi / 2, np.pi, 3 * np.pi / 2, 1.3]


def assert_evolved(circuit, values):
    """The kernel's states are Qiskit's."""
    assert supports(circuit)
    program = compile_circuit(circuit)
    found = evolve(program, values)
    assert found.shape == (len(values), 2**circuit.num_qubits)
    assert np.allclose(np.abs(evolve(program, values, phases=False)), np.abs(found), rtol=0, atol=1e-12)
    for state, row in zip(found, values, strict=True):
        bound = circuit.assign_parameters(row)
        bound.global_phase = 0
        assert np.allclose(state, Statevector(bound).data, rtol=0, atol=1e-10)


def random_circuit(rng, width, names):
    """Gates with constants, shared parameters, affine expressions and others that are not, and idle qubits."""
    vector = ParameterVector("p", 4)
    angles = [vector[0], 2 * vector[1] - vector[0] + 1, vector[2] * vector[3], vector[3].sin(), -vector[2], *CONSTANTS]
    circuit = QuantumCircuit(width, global_phase=0.7)
    for name in names:
        gate = GATES.get(name)
        if gate is None:
            circuit.barrier()
        elif gate.num_qubits <= width:
            params = [angles[rng.integers(len(angles))] for _ in gate.params]
            circuit.append(type(gate)(*params) if params else gate, rng.permutation(width)[: gate.num_qubits].tolist())
    return circuit


@pytest.mark.parametrize("name", NAMES)
def test_every_gate_in_the_middle_of_a_circuit(name):
    rng = np.random.default_rng(1)
    gate = GATES[name]
    width = gate.num_qubits
    circuit = QuantumCircuit(width)
    for step in range(2):
        for qubit in range(width):
            circuit.u(*rng.uniform(-4, 4, 3), qubit)
        for qubit in range(width - 1):
            circuit.cx(qubit, qubit + 1)
        if not step:
            params = ParameterVector("p", len(gate.params))
            circuit.append(type(gate)(*params) if params else gate, rng.permutation(width).tolist())
    assert_evolved(circuit, rng.uniform(-7, 7, (2, circuit.num_parameters)))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.integers(1, 6),
    st.lists(st.sampled_from([*NAMES, "barrier"]), max_size=40),
    st.sampled_from([1, 2, 20]),
    st.integers(0, 10**6),
)
def test_random_circuits(width, names, sets, seed):
    rng = np.random.default_rng(seed)
    circuit = random_circuit(rng, width, names)
    assert_evolved(circuit, rng.uniform(-5, 5, (sets, circuit.num_parameters)))


@pytest.mark.parametrize("width", [7, 9, 10, 11, 12, 13, 14])
def test_random_circuits_on_more_qubits(width):
    rng = np.random.default_rng(width)
    circuit = random_circuit(rng, width, rng.choice([*NAMES, "rzz", "cx", "cp"], 80))
    assert_evolved(circuit, rng.uniform(-5, 5, (2, circuit.num_parameters)))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(st.sampled_from(["rx", "ry", "rz", "h", "x", "y", "s", "sx", "u", "p"]), max_size=12),
    st.integers(0, 10**6),
)
def test_gates_on_one_qubit_merge_to_what_they_are(names, seed):
    rng = np.random.default_rng(seed)
    circuit = random_circuit(rng, 1, names)
    assert_evolved(circuit, rng.uniform(-5, 5, (2, circuit.num_parameters)))


def test_more_parities_than_a_table_takes():
    circuit = QuantumCircuit(12)
    circuit.h(range(12))
    for one in range(12):
        for other in range(one):
            circuit.rzz(Parameter(f"{one} {other}"), one, other)
    circuit.ry(0.4, range(12))
    values = np.random.default_rng(3).uniform(-3, 3, (2, circuit.num_parameters))
    assert len(compile_circuit(circuit).stages[1].scattered) > 1
    assert_evolved(circuit, values)


@pytest.mark.parametrize("width", [5, 6, 7, 10, 13, 14])
def test_an_ansatz_of_any_width(width):
    circuit = efficient_su2(width, reps=2)
    assert_evolved(circuit, np.random.default_rng(width).uniform(-5, 5, (3, circuit.num_parameters)))


def test_a_layer_of_any_ansatz_is_one_stage():
    by_layer = efficient_su2(5, reps=3)
    by_qubit = QuantumCircuit(5)
    theta = ParameterVector("t", 15)
    for layer in range(3):
        for qubit in range(5):
            by_qubit.ry(theta[5 * layer + qubit], qubit)
            by_qubit.rz(0.3, qubit)
        by_qubit.cx([0, 1, 2, 3], [1, 2, 3, 4])
    assert len(compile_circuit(by_layer).stages) == 5  # the last has phases alone
    assert len(compile_circuit(by_qubit).stages) == 4


def test_transpiled_rotations_are_one_turn():
    circuit = QuantumCircuit(1)
    theta = ParameterVector("t", 3)
    circuit.rz(theta[0], 0)
    circuit.sx(0)
    circuit.rz(theta[1], 0)
    circuit.sx(0)
    circuit.rz(theta[2], 0)
    assert compile_circuit(circuit).num_turns == 1
    assert_evolved(circuit, np.random.default_rng(2).uniform(-7, 7, (3, 3)))


def test_a_circuit_of_flips_and_phases_needs_no_turn():
    circuit = QuantumCircuit(3)
    circuit.x(0)
    circuit.cx(0, 2)
    circuit.t(2)
    circuit.y(1)
    circuit.swap(1, 0)
    program = compile_circuit(circuit)
    assert (program.num_turns, len(program.stages), program.start) == (0, 1, 0b111)
    assert_evolved(circuit, np.empty((1, 0)))


def test_lent_states_are_the_same():
    circuit = efficient_su2(8, reps=1)
    program = compile_circuit(circuit)
    values = np.random.default_rng(1).uniform(-3, 3, (5, circuit.num_parameters))
    expected = evolve(program, values)
    kept = expected.copy()
    for rows in (values, values[::-1], values[:2]):
        found = evolve(program, rows, lend=True)
        assert np.allclose(found, evolve(program, rows))
    assert (expected == kept).all()


@pytest.mark.parametrize("width", [2, 4, 6, 9, 10, 12])
def test_states_do_not_depend_on_how_many_there_are(width):
    rng = np.random.default_rng(width)
    circuit = random_circuit(rng, width, rng.choice(NAMES, 60))
    program, values = compile_circuit(circuit), rng.uniform(-5, 5, (7, circuit.num_parameters))
    alone = np.vstack([evolve(program, row[None]) for row in values])
    assert np.allclose(evolve(program, values), alone, rtol=0, atol=1e-15)


def test_no_qubits():
    assert evolve(compile_circuit(QuantumCircuit(0)), np.empty((1, 0))).tolist() == [[1]]


def test_what_is_left_to_aer():
    wide = QuantumCircuit(27)
    matrix = QuantumCircuit(1)
    matrix.unitary(np.eye(2), [0])
    long = QuantumCircuit(20)
    for _ in range(100):
        long.cx(0, 1)
    assert not supports(wide)
    assert not supports(matrix)
    assert not supports(long)


def test_programs_stay_at_home():
    ready = prepare(efficient_su2(2, reps=1))
    assert ready.program is ready.program
    sent = pickle.loads(pickle.dumps(ready))
    assert "program" not in vars(sent)
    assert sent.program.num_turns == ready.program.num_turns

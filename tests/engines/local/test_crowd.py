"""Many narrow circuits at once: the same outcomes as each alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.quantum_info import Statevector

from qiskit_haiqu_provider import SamplerV2
from qiskit_haiqu_provider.engines.local import crowd
from qiskit_haiqu_provider.engines.local.gatelist import NAMES, GateList
from qiskit_haiqu_provider.engines.local.prepare import read_gates

GATES = [get_standard_gate_name_mapping()[name] for name in NAMES]
ANGLES = st.floats(-7, 7)


@st.composite
def gates(draw, num_qubits):
    """A gate and its qubits."""
    gate = draw(st.sampled_from([gate for gate in GATES if gate.num_qubits <= num_qubits]))
    qubits = draw(st.permutations(range(num_qubits)))[: gate.num_qubits]
    return gate.name, qubits, [draw(ANGLES) for _ in gate.params]


def read(circuits):
    return [GateList.read(circuit)[0] for circuit in circuits]


@st.composite
def circuits(draw):
    """Circuits of one width, some of them empty."""
    num_qubits = draw(st.integers(1, 6))
    made = []
    for _ in range(draw(st.integers(1, 12))):
        circuit = QuantumCircuit(num_qubits, global_phase=draw(ANGLES))
        for name, qubits, angles in draw(st.lists(gates(num_qubits), max_size=15)):
            circuit.append(type(get_standard_gate_name_mapping()[name])(*angles), qubits)
            if draw(st.booleans()):
                circuit.barrier()
        made.append(circuit)
    return made


@given(circuits())
def test_probabilities_are_those_of_the_statevectors(made):
    expected = [Statevector(circuit).probabilities() for circuit in made]
    np.testing.assert_allclose(crowd.probabilities(read(made)), expected, atol=1e-12)


@pytest.mark.parametrize("limits", [{"_AMPLITUDES": 2**4}, {"_STEPS": 7}])
def test_many_are_taken_in_parts(monkeypatch, limits):
    rng = np.random.default_rng(3)
    made = []
    for index in range(20):
        circuit = QuantumCircuit(2)
        for _ in range(index % 7):
            circuit.ry(rng.uniform(0, 3), 0)
            circuit.cx(0, 1)
        made.append(circuit)
    whole = crowd.probabilities(read(made))
    for name, value in limits.items():
        monkeypatch.setattr(crowd, name, value)
    np.testing.assert_allclose(crowd.probabilities(read(made)), whole, atol=1e-14)


def test_long_circuits_go_with_short_ones():
    rng = np.random.default_rng(8)
    made = []
    for length in [0, 300, 1, 40, 0, 7, 300, 2]:
        circuit = QuantumCircuit(3)
        for _ in range(length):
            kind, pair = rng.integers(4), rng.permutation(3)[:2].tolist()
            circuit.rx(0.3, pair[0])
            (circuit.cx, circuit.cz, circuit.swap, circuit.barrier)[kind](*pair)
        made.append(circuit)
    expected = [Statevector(circuit).probabilities() for circuit in made]
    np.testing.assert_allclose(crowd.probabilities(read(made)), expected, atol=1e-12)


def test_a_crowd_has_the_shots_that_each_circuit_has_alone():
    rng = np.random.default_rng(4)
    pubs = []
    for index in range(30):
        circuit = QuantumCircuit(index % 3 + 2)
        for qubit in range(circuit.num_qubits):
            circuit.ry(rng.uniform(0, 3), qubit)
        circuit.cx(0, 1)
        if index % 5 == 0:
            circuit.ccx(*range(3)) if circuit.num_qubits > 2 else circuit.rzz(0.3, 0, 1)
        circuit.measure_all()
        pubs.append((circuit, None, 10 + index))
    together = SamplerV2(options={"seed_simulator": 5}).run(pubs).result()
    alone = SamplerV2(options={"seed_simulator": 5})
    # A task's shots depend on its place in the request, so those before it are there, few and small.
    for index in range(0, 30, 7):
        before = [(pub[0], None, pub[2]) for pub in pubs[: index + 1]][-1]
        rest = [(QuantumCircuit(1, 1), None, 1)]
        rest[0][0].measure(0, 0)
        found = alone.run(rest * index + [before]).result()[index].data.meas
        assert found == together[index].data.meas


def chain(name, length, width=2):
    circuit = QuantumCircuit(width)
    for _ in range(length):
        circuit.rx(0.3, 0)
        getattr(circuit, name)(0, 1)
    return circuit


ALONE = {
    "too few": ([chain("cx", 5)] * 7, range(7)),
    "much longer than the others": ([chain("cx", 5)] * 20 + [chain("cx", 500)], [20]),
    "longer than memory takes": ([chain("cx", 9000)] * 10, range(10)),
    "long by the parts of their gates": ([chain("swap", 4500)] * 30, range(30)),
    "few of gates that have parts": ([chain("swap", 5)] * 8, range(8)),
    "none": ([chain("swap", 5)] * 30 + [chain("cx", 20)] * 30, []),
}


@pytest.mark.parametrize(("made", "alone"), ALONE.values(), ids=ALONE)
def test_circuits_go_alone_where_that_is_quicker(made, alone):
    ready = [read_gates(circuit) for circuit in made]
    crowd.evolve_together(ready)
    assert [index for index, each in enumerate(ready) if not each.has_outcomes()] == list(alone)

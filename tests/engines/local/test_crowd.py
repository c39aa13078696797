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

SINGLE = sorted(name for name in crowd._known() if name not in {"cx", "cz", "swap", "barrier", "delay"})
ANGLES = st.floats(-7, 7)


@st.composite
def gates(draw, num_qubits):
    """A gate and its qubits."""
    if num_qubits > 1 and draw(st.booleans()):
        pair = draw(st.lists(st.integers(0, num_qubits - 1), min_size=2, max_size=2, unique=True))
        return draw(st.sampled_from(["cx", "cz", "swap"])), pair, []
    gate = get_standard_gate_name_mapping()[draw(st.sampled_from(SINGLE))]
    return gate.name, [draw(st.integers(0, num_qubits - 1))], [draw(ANGLES) for _ in gate.params]


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
    assert all(map(crowd.suits, made))
    expected = [Statevector(circuit).probabilities() for circuit in made]
    np.testing.assert_allclose(crowd.probabilities(made), expected, atol=1e-12)


def test_many_are_taken_in_parts(monkeypatch):
    rng = np.random.default_rng(3)
    made = []
    for _ in range(20):
        circuit = QuantumCircuit(2)
        circuit.ry(rng.uniform(0, 3), 0)
        circuit.cx(0, 1)
        made.append(circuit)
    whole = crowd.probabilities(made)
    monkeypatch.setattr(crowd, "_AMPLITUDES", 2**4)
    np.testing.assert_allclose(crowd.probabilities(made), whole, atol=1e-14)


def open_angle(circuit):
    from qiskit.circuit import Parameter

    circuit.rx(Parameter("a"), 0)


@pytest.mark.parametrize("add", [open_angle, lambda circuit: circuit.ccx(0, 1, 2), lambda circuit: circuit.reset(0)])
def test_others_do_not_suit(add):
    circuit = QuantumCircuit(3)
    add(circuit)
    assert not crowd.suits(circuit)
    assert not crowd.suits(QuantumCircuit(7))


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

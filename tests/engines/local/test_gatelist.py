"""Circuits read as lists of gates: all of them, or not at all."""

import pickle

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Gate, Instruction, Parameter
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.quantum_info import Operator

from qiskit_haiqu_provider import SamplerV2
from qiskit_haiqu_provider.engines.local.gatelist import ARITIES, NAMES, NUM_ANGLES, GateList
from qiskit_haiqu_provider.engines.local.prepare import read_gates


def every_gate():
    """A circuit with every gate that is read, on different qubits."""
    circuit, rng = QuantumCircuit(3, 4, global_phase=0.4), np.random.default_rng(1)
    for name in NAMES:
        gate = get_standard_gate_name_mapping()[name]
        angles = rng.uniform(-3, 3, len(gate.params)).tolist()
        circuit.append(type(gate)(*angles), rng.permutation(3)[: gate.num_qubits].tolist())
    return circuit


@pytest.mark.parametrize("name", NAMES)
def test_numbers_of_qubits_and_angles_are_those_of_qiskit(name):
    gate = get_standard_gate_name_mapping()[name]
    assert (ARITIES[name], NUM_ANGLES[name]) == (gate.num_qubits, len(gate.params))


def test_the_list_is_the_circuit():
    circuit = every_gate()
    gates, measured = GateList.read(circuit)
    assert measured == ()
    assert Operator(gates.circuit()).equiv(Operator(circuit))
    assert pickle.loads(pickle.dumps(gates)) == gates


def test_what_does_nothing_is_left_out():
    circuit = QuantumCircuit(2, 2)
    circuit.barrier()
    circuit.h(0)
    circuit.delay(100, 1)
    circuit.id(0)
    circuit.barrier(0)
    circuit.cx(0, 1)
    circuit.barrier()
    gates, _ = GateList.read(circuit)
    assert [name for name, _, _ in gates.gates()] == ["h", "cx"]


def test_measurements_are_told_apart():
    circuit = QuantumCircuit(3, 4)
    circuit.x(1)
    circuit.barrier()
    circuit.measure([2, 0], [3, 1])
    circuit.barrier()
    circuit.measure(1, 3)
    gates, measured = GateList.read(circuit)
    assert len(gates.names) == 1
    assert set(measured) == {(1, 3), (0, 1)}


def fake_h():
    inner = QuantumCircuit(2, name="h")
    inner.cx(0, 1)
    return inner.to_gate()


def own(name, kind=Gate):
    """A gate that has the name of another, and is a Hadamard gate."""
    made = kind("x", 1, []) if kind is Gate else kind(name, 1, 0, [0.3])
    made.name = name
    made.definition = QuantumCircuit(1)
    made.definition.h(0)
    return made


OTHERS = {
    "a parameter": lambda circuit: circuit.rx(Parameter("a"), 0),
    "another gate": lambda circuit: circuit.ccx(0, 1, 2),
    "a reset": lambda circuit: circuit.reset(0),
    "a gate after a measurement": lambda circuit: (circuit.measure(0, 0), circuit.h(0)),
    "a delay after a measurement": lambda circuit: (circuit.measure(0, 0), circuit.delay(100, 0)),
    "a condition": lambda circuit: circuit.if_else((circuit.clbits[0], 1), QuantumCircuit(1), None, [0], []),
    "a variable": lambda circuit: circuit.add_var("a", False),
    "a gate with the name of another": lambda circuit: circuit.append(fake_h(), [0, 1]),
    "a gate with a definition of its own": lambda circuit: circuit.append(own("x"), [0]),
    "an idle gate with a definition of its own": lambda circuit: circuit.append(own("id"), [0]),
    "an instruction with the name of a gate": lambda circuit: circuit.append(own("rx", Instruction), [0]),
    "an angle that is not a number": lambda circuit: circuit.rx(float("nan"), 0),
    "an angle without end": lambda circuit: (circuit.rx(float("inf"), 0), circuit.rx(-float("inf"), 0)),
    "a gate with angles of its own": lambda circuit: circuit.append(Gate("h", 1, [0.3]), [0]),
}


@pytest.mark.parametrize("add", OTHERS.values(), ids=OTHERS)
def test_others_are_not_read(add):
    circuit = QuantumCircuit(3, 1)
    add(circuit)
    assert GateList.read(circuit) is None
    assert read_gates(circuit) is None


@pytest.mark.parametrize("width", [0, 7])
def test_no_others_are_read_than_narrow_ones(width):
    assert GateList.read(QuantumCircuit(width)) is None


def test_a_circuit_that_was_read_is_as_good_as_one_that_was_copied():
    circuit = every_gate()
    ready = read_gates(circuit)
    circuit.x(0)
    assert ready.num_gates == len(NAMES)
    assert "x" in ready.circuit.count_ops()
    assert ready.circuit.count_ops()["x"] == 1
    found = np.diff(ready.cumulative[0], prepend=0)
    circuit.data.pop()
    np.testing.assert_allclose(found, np.abs(Operator(circuit).data[:, 0]) ** 2, atol=1e-12)


def test_circuits_may_be_changed_after_they_were_given():
    circuits = []
    for index in range(40):
        circuit = QuantumCircuit(3)
        circuit.x(index % 3)
        circuit.measure_all()
        circuits.append(circuit)
    job = SamplerV2().run(circuits, shots=5)
    for circuit in circuits:
        circuit.clear()
    for index, found in enumerate(job.result()):
        assert found.data.meas.get_int_counts() == {1 << index % 3: 5}

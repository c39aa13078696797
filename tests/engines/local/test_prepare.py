"""Circuits made ready for simulation: what stands for gates that the simulator does not know."""

import threading

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Gate, Instruction, Parameter
from qiskit.circuit.library import CSGate, DCXGate, HamiltonianGate, RCCXGate, XXPlusYYGate
from qiskit.quantum_info import Operator

from qiskit_haiqu_provider.engines.local.prepare import final_outcomes, prepare
from qiskit_haiqu_provider.exceptions import HaiquCircuitError


def alone(circuit):
    circuit.unitary([[0, 1], [1j, 0]], 1)


def hidden(circuit):
    inner = QuantumCircuit(1)
    inner.append(HamiltonianGate(np.diag([1, -1]), 0.2), [0])
    circuit.append(inner.to_gate(), [1])


@pytest.mark.parametrize("gate", [CSGate(), DCXGate(), RCCXGate(), XXPlusYYGate(0.3, 0.7)], ids=lambda gate: gate.name)
@pytest.mark.parametrize("matrix", [alone, hidden])
def test_foreign_gates_beside_a_matrix(gate, matrix):
    circuit = QuantumCircuit(gate.num_qubits)
    circuit.h(0)
    matrix(circuit)
    circuit.append(gate, range(gate.num_qubits))
    ready = prepare(circuit).circuit
    assert "unitary" in ready.count_ops()
    assert gate.name not in ready.count_ops()
    assert Operator(ready) == Operator(circuit)


def test_foreign_gates_beside_a_matrix_under_a_condition():
    circuit = QuantumCircuit(2, 1)
    circuit.x(0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        alone(circuit)
        circuit.dcx(0, 1)
    (block,) = prepare(circuit).circuit.data[-1].operation.blocks
    assert dict(block.count_ops()) == {"cx": 2, "unitary": 1}


def circuit(*steps):
    """A circuit on 3 qubits and 3 clbits from method names and arguments."""
    made = QuantumCircuit(3, 3)
    for name, *arguments in steps:
        getattr(made, name)(*arguments)
    return made


STATIC = {
    "measured at the end": ([("h", 0), ("measure", 0, 2), ("measure", 1, 0)], {2: 0, 0: 1}),
    "measured before others end": ([("measure", 0, 0), ("h", 1), ("measure", 1, 1)], {0: 0, 1: 1}),
    "measured twice": ([("x", 0), ("measure", 0, 0), ("measure", 0, 1)], {0: 0, 1: 0}),
    "overwritten": ([("measure", 0, 0), ("measure", 1, 0)], {0: 1}),
    "barriers": ([("barrier",), ("measure", 0, 0), ("barrier",), ("measure", 1, 1), ("barrier",)], {0: 0, 1: 1}),
    "reset at the start": ([("reset", 0), ("h", 0), ("measure", 0, 0)], {0: 0}),
    "reset beside a measurement": ([("measure", 0, 0), ("reset", 1), ("measure", 1, 1)], {0: 0, 1: 1}),
    "a delay before": ([("h", 0), ("delay", 100, 0), ("measure", 0, 0), ("delay", 100, 1)], {0: 0}),
    "prepared at the start": ([("initialize", [0, 1], 1), ("measure", 1, 1)], {1: 1}),
    "nothing measured": ([("h", 0)], {}),
    "nothing at all": ([], {}),
}

DYNAMIC = {
    "a gate after": [("measure", 0, 0), ("h", 0)],
    "a delay after": [("measure", 0, 0), ("delay", 100, 0)],
    "a reset after a gate": [("h", 0), ("reset", 0)],
    "a reset after a measurement": [("measure", 0, 0), ("reset", 0)],
    "prepared after a gate": [("h", 0), ("initialize", [0, 1], 0)],
}


@pytest.mark.parametrize(("steps", "shown"), STATIC.values(), ids=STATIC)
def test_final_outcomes_of_static_circuits(steps, shown):
    made = circuit(*steps)
    assert final_outcomes(made) == shown
    ready = prepare(made)
    assert ready.static
    assert {clbit: ready.kept[qubit] for qubit, clbit in ready.measured} == shown
    assert "measure" not in ready.circuit.count_ops()


@pytest.mark.parametrize("steps", DYNAMIC.values(), ids=DYNAMIC)
def test_dynamic_circuits_have_no_final_outcomes(steps):
    assert final_outcomes(circuit(*steps)) is None
    assert not prepare(circuit(*steps)).static


def test_a_condition_makes_a_circuit_dynamic():
    made = circuit(("measure", 0, 0))
    with made.if_test((made.clbits[0], 1)):
        made.x(1)
    assert final_outcomes(made) is None


@pytest.mark.parametrize("metadata", [{}, {"lock": threading.Lock()}], ids=["plain", "metadata that cannot be copied"])
@pytest.mark.parametrize("wide", [False, True])
def test_measurements_are_taken_off_a_copy(metadata, wide):
    made = QuantumCircuit(4 if wide else 3, 3, metadata=metadata, global_phase=0.3)
    made.ry(Parameter("b"), 0)
    made.rx(2 * Parameter("a"), 1)
    made.cx(1, 2)
    made.barrier()
    body = QuantumCircuit(3, global_phase=0.3)
    for instruction in made.data[:3]:
        body.append(instruction.operation, [made.find_bit(bit).index for bit in instruction.qubits])
    made.measure([0, 1, 2], [2, 0, 1])
    before = list(made.data)
    ready = prepare(made)
    assert ready.kept == (0, 1, 2)
    assert ready.measured == ((0, 2), (1, 0), (2, 1))
    assert ready.columns == (0, 1)
    values = [0.4, 0.7]
    assert Operator(ready.circuit.assign_parameters(values)) == Operator(body.assign_parameters(values))
    ready.circuit.h(0)
    assert list(made.data) == before
    made.h(0)
    assert ready.circuit.count_ops()["h"] == 1


def test_only_qubits_that_something_acts_on_are_kept():
    made = circuit(("delay", 100, 0), ("barrier",), ("x", 1))
    assert prepare(made).kept == (1,)
    assert prepare(made, keep=[2]).kept == (1, 2)
    assert prepare(made, shrink=False).kept == (0, 1, 2)
    assert prepare(QuantumCircuit(3)).kept == (0,)


def own(name, kind):
    """An operation that has the name of a standard gate, and does what another does."""
    made = Gate(name, 1, []) if kind == "gate" else Instruction(name, 1, 0, [0.3])
    made.definition = QuantumCircuit(1)
    made.definition.h(0)
    return made


@pytest.mark.parametrize("width", [1, 7])
@pytest.mark.parametrize(("name", "kind"), [("x", "gate"), ("rx", "instruction"), ("id", "gate")])
def test_a_gate_that_has_the_name_of_another_does_what_it_is_defined_to_do(name, kind, width):
    made = QuantumCircuit(width)
    made.append(own(name, kind), [0])
    ready = prepare(made, keep=range(width))
    assert Operator(ready.circuit) == Operator(made)
    assert dict(ready.circuit.count_ops()) == {"h": 1}


def test_so_it_does_inside_another_and_under_a_condition():
    outer = Gate("y", 1, [])
    outer.definition = QuantumCircuit(1)
    outer.definition.append(own("x", "gate"), [0])
    made = QuantumCircuit(1, 1)
    made.append(outer, [0])
    with made.if_test((made.clbits[0], 1)):
        made.append(outer, [0])
    ready = prepare(made).circuit
    assert ready.data[0].name == "h"
    assert dict(ready.data[1].operation.blocks[0].count_ops()) == {"h": 1}


def test_a_gate_that_has_the_name_of_another_and_does_nothing_known_is_refused():
    made = QuantumCircuit(1)
    made.append(Gate("x", 1, []), [0])
    with pytest.raises(HaiquCircuitError, match="own_x"):
        prepare(made)


def test_gates_of_one_name_and_any_width_stay():
    made = QuantumCircuit(7)
    made.mcx(list(range(6)), 6)
    assert Operator(prepare(made, shrink=False).circuit) == Operator(made)

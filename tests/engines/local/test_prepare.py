"""Circuits made ready for simulation: what stands for gates that the simulator does not know."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit.library import CSGate, DCXGate, HamiltonianGate, RCCXGate, XXPlusYYGate
from qiskit.quantum_info import Operator

from qiskit_haiqu_provider.engines.local.prepare import prepare


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

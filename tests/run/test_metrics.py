"""Core metrics: counts and depths of a circuit as it stands."""

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter

from qiskit_haiqu_provider.api.models import CircuitAnalytics
from qiskit_haiqu_provider.run.metrics import core_metrics


def everything():
    circuit = QuantumCircuit(5, 2)
    circuit.h(0)
    circuit.ry(Parameter("t"), 1)
    circuit.rz(Parameter("p"), 1)
    circuit.cx(0, 1)
    circuit.cz(1, 2)
    circuit.ccx(0, 1, 2)
    circuit.barrier()
    circuit.delay(100, 0)
    circuit.reset(2)
    circuit.measure([0, 1], [0, 1])
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(2)
        circuit.x(2)
    return circuit


def test_metrics_are_those_of_the_circuit_as_it_stands():
    found = core_metrics(everything())
    counts = found.pop("operations_counts")
    depth = found.pop("depth")
    assert found == {
        "qubits": 5,
        "num_qubits_active": 3,
        "num_parameters": 2,
        "depth_2q": 2,
        "gates_1q": 3,
        "gates_2q": 2,
        "other_gates": 1,
        "gates_total": 6,
        "other_ops": 6,
        "instructions_total": 12,
    }
    assert depth == everything().depth()
    assert counts["measure"] == 2
    assert sum(counts.values()) == 12


def test_gates_in_a_row_on_one_pair_add_to_the_depth():
    circuit = QuantumCircuit(4)
    circuit.cx(0, 1)
    circuit.cx(2, 3)
    assert core_metrics(circuit)["depth_2q"] == 1
    circuit.cx(1, 2)
    assert core_metrics(circuit)["depth_2q"] == 2


@pytest.mark.parametrize("circuit", [QuantumCircuit(1), everything()], ids=["empty", "everything"])
def test_metrics_fit_the_wire(circuit):
    found = core_metrics(circuit)
    assert CircuitAnalytics.model_validate(found).model_dump(include=set(found)) == found


def test_user_made_gates_count_as_gates():
    inner = QuantumCircuit(3, name="mine")
    inner.ccx(0, 1, 2)
    circuit = QuantumCircuit(3)
    circuit.append(inner.to_gate(), [0, 1, 2])
    circuit.append(inner.to_instruction(), [0, 1, 2])
    found = core_metrics(circuit)
    assert (found["other_gates"], found["other_ops"]) == (1, 1)

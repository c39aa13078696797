"""Programs for Coda do what the circuits do, and their outcomes are read as the circuits' bits."""

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, qasm3
from qiskit.circuit import Parameter
from qiskit.circuit.library import DiagonalGate, PermutationGate, XGate
from qiskit.quantum_info import Clifford, Operator
from qiskit_aer import AerSimulator

from qiskit_haiqu_provider import HaiquCircuitError
from qiskit_haiqu_provider.engines.coda.programs import FIRST_FIRST, LAST_FIRST, counts_of, program_of, written
from qiskit_haiqu_provider.exceptions import HaiquResponseError


def seen(circuit, *, bit_order=LAST_FIRST, framework="openqasm3"):
    """The classical bits, the last first, that the program of a deterministic circuit yields."""
    program = program_of(circuit, where="PUB 0")
    read = qasm3.loads(written(program.circuit, framework))
    (outcome,) = AerSimulator().run(read, shots=3).result().get_counts()
    text = outcome[::-1] if bit_order == FIRST_FIRST else outcome
    (found,) = counts_of({text: 3}, program.clbits, circuit.num_clbits, bit_order=bit_order)
    return found


@pytest.mark.parametrize("bit_order", [LAST_FIRST, FIRST_FIRST])
def test_registers_holes_and_bits_in_any_order(bit_order):
    """Qubits 1 and 3 of 5 are flipped; bits are filled crosswise over two registers, and some never."""
    one, two = ClassicalRegister(3, "one"), ClassicalRegister(2, "two")
    circuit = QuantumCircuit(QuantumRegister(5, "q"), one, ClassicalRegister(0, "none"), two)
    circuit.x([1, 3])
    circuit.measure(3, one[2])
    circuit.measure(0, one[0])
    circuit.measure(1, two[0])
    assert seen(circuit, bit_order=bit_order) == "01100"


def test_the_last_measurement_into_a_bit_counts():
    circuit = QuantumCircuit(2, 1)
    circuit.x(1)
    circuit.measure(0, 0)
    circuit.measure(1, 0)
    assert seen(circuit) == "1"


def test_idle_qubits_are_left_out():
    circuit = QuantumCircuit(100, 1)
    circuit.cx(97, 3)
    circuit.barrier()
    circuit.measure(3, 0)
    program = program_of(circuit, where="PUB 0").circuit
    assert program.num_qubits == 2
    assert dict(program.count_ops()) == {"cx": 1, "barrier": 1, "measure": 1}


def test_what_openqasm_cannot_write_is_spelled_out():
    circuit = QuantumCircuit(3, 3)
    circuit.append(Clifford(XGate()), [0])
    circuit.append(PermutationGate([2, 0, 1]), [0, 1, 2])
    circuit.append(DiagonalGate([1, 1j]), [1])
    circuit.cx(0, 2, ctrl_state=0)
    gates = circuit.copy()
    circuit.measure([0, 1, 2], [0, 1, 2])
    text = written(program_of(circuit, where="PUB 0").circuit, "openqasm3")
    read = qasm3.loads(text).remove_final_measurements(inplace=False)
    assert Operator(read).equiv(Operator(gates))


def test_a_state_to_begin_with():
    circuit = QuantumCircuit(2, 2)
    circuit.initialize("10", [0, 1])
    circuit.measure([0, 1], [0, 1])
    assert seen(circuit) == "10"


def test_a_qiskit_program():
    circuit = QuantumCircuit(2, 2)
    circuit.x(0)
    circuit.measure([0, 1], [0, 1])
    names = {}
    exec(written(program_of(circuit, where="PUB 0").circuit, "qiskit"), names)
    assert names["qc"] == program_of(circuit, where="PUB 0").circuit


def test_values_for_parameters():
    a, b = Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(1, 1, global_phase=b)
    circuit.rx(2 * a, 0)
    circuit.measure(0, 0)
    bound = program_of(circuit, where="PUB 0").bound({a: np.pi / 2, b: 1.0})
    assert "rx(pi)" in written(bound, "openqasm3")


def _later(circuit):
    circuit.measure(0, 0)
    circuit.x(0)


def _again(circuit):
    circuit.h(0)
    circuit.reset(0)
    circuit.measure(0, 0)


def _decided(circuit):
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(1)


def _hidden(circuit):
    inner = QuantumCircuit(1, 1)
    inner.measure(0, 0)
    inner.x(0)
    circuit.append(inner.to_instruction(), [0], [0])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_later, "'x' acts on a qubit after its measurement"),
        (_again, "a qubit is reset after it was used"),
        (_decided, "'if_else' decides something"),
        (_hidden, "'x' acts on a qubit after its measurement"),
    ],
)
def test_what_has_to_happen_while_the_circuit_runs_is_refused(make, words):
    circuit = QuantumCircuit(2, 2)
    make(circuit)
    with pytest.raises(HaiquCircuitError, match=f"PUB 3: {words}.*use aer_simulator"):
        program_of(circuit, where="PUB 3")


@pytest.mark.parametrize("outcome", ["1", "111", ""])
def test_outcomes_of_another_width_are_refused(outcome):
    with pytest.raises(HaiquResponseError, match="2 bits were expected"):
        counts_of({outcome: 1}, [0, 1], 2, bit_order=LAST_FIRST)

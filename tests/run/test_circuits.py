"""Facts about circuits: registers and final measurements."""

from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.circuit import Clbit

from qiskit_haiqu_provider.run.circuits import final_measurements, measures, registers


def test_registers_are_lists_of_clbits():
    bits = [Clbit() for _ in range(3)]
    circuit = QuantumCircuit([], bits)
    circuit.add_register(ClassicalRegister(bits=[bits[2], bits[0]], name="mixed"))
    assert [(register.name, register.clbits) for register in registers(circuit)] == [("mixed", (2, 0))]


def test_measurements_are_found_inside_control_flow():
    circuit = QuantumCircuit(2, 1)
    assert not measures(circuit)
    with circuit.for_loop(range(2)):
        circuit.measure(1, 0)
    assert measures(circuit)


def test_final_measurements_are_those_that_nothing_reads():
    circuit = QuantumCircuit(3, 2)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(1)
    circuit.measure(2, 1)
    assert final_measurements(circuit) == [2]
    circuit.x(2)
    assert final_measurements(circuit) == []

"""Facts about circuits: registers, final measurements, and an identity that tells different circuits apart."""

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import AnnotatedOperation, Clbit, ControlModifier, Gate, Parameter, ParameterVector
from qiskit.circuit.classical import expr, types
from qiskit.circuit.library import PauliEvolutionGate, RYGate, UnitaryGate
from qiskit.quantum_info import SparsePauliOp
from qiskit.transpiler import CouplingMap, generate_preset_pass_manager

from qiskit_haiqu_provider.run.circuits import content_digest, final_measurements, measures, registers

THETA, PHI = Parameter("t"), Parameter("p")


def build(*steps, qubits=2, clbits=2):
    circuit = QuantumCircuit(qubits, clbits)
    for step in steps:
        step(circuit)
    return circuit


def conditional(value, *, gate="x"):
    def step(circuit):
        circuit.measure(0, 0)
        with circuit.if_test((circuit.clbits[0], value)):
            getattr(circuit, gate)(1)

    return step


def switch(case):
    def step(circuit):
        circuit.measure([0, 1], [0, 1])
        with circuit.switch(circuit.cregs[0]) as on, on(case):
            circuit.x(0)

    return step


def while_loop(value):
    def step(circuit):
        with circuit.while_loop((circuit.clbits[0], value)):
            circuit.measure(0, 0)

    return step


def expression(operator):
    def step(circuit):
        circuit.measure([0, 1], [0, 1])
        with circuit.if_test(operator(circuit.clbits[0], circuit.clbits[1])):
            circuit.x(0)

    return step


def composite(angle):
    inner = QuantumCircuit(1)
    inner.ry(angle, 0)
    return lambda circuit: circuit.append(inner.to_gate(), [0])


DIFFERENT = {
    "scaled parameter": (lambda c: c.ry(THETA, 0), lambda c: c.ry(2 * THETA, 0)),
    "negated parameter": (lambda c: c.ry(THETA, 0), lambda c: c.ry(-THETA, 0)),
    "function of a parameter": (lambda c: c.ry(THETA, 0), lambda c: c.ry(THETA.sin(), 0)),
    "parameter or constant": (lambda c: c.ry(THETA, 0), lambda c: c.ry(0.0, 0)),
    "gate": (lambda c: c.x(0), lambda c: c.y(0)),
    "qubit": (lambda c: c.x(0), lambda c: c.x(1)),
    "qubit order": (lambda c: c.cx(0, 1), lambda c: c.cx(1, 0)),
    "clbit": (lambda c: c.measure(0, 0), lambda c: c.measure(0, 1)),
    "tiny angle": (lambda c: c.rx(0.1, 0), lambda c: c.rx(0.1 + 1e-16 * 2, 0)),
    "control state": (lambda c: c.cx(0, 1), lambda c: c.cx(0, 1, ctrl_state=0)),
    "condition value": (conditional(1), conditional(0)),
    "branch body": (conditional(1), conditional(1, gate="y")),
    "switch case": (switch(1), switch(2)),
    "loop condition": (while_loop(0), while_loop(1)),
    "expression": (expression(expr.bit_and), expression(expr.bit_or)),
    "delay": (lambda c: c.delay(100, 0, "dt"), lambda c: c.delay(100, 0, "ns")),
    "delay length": (lambda c: c.delay(100, 0, "dt"), lambda c: c.delay(101, 0, "dt")),
    "global phase": (lambda c: None, lambda c: setattr(c, "global_phase", 1.0)),
    "phase parameter": (
        lambda c: setattr(c, "global_phase", THETA),
        lambda c: setattr(c, "global_phase", 2 * THETA),
    ),
    "matrix": (
        lambda c: c.append(UnitaryGate(np.eye(2)), [0]),
        lambda c: c.append(UnitaryGate(np.diag([1, -1])), [0]),
    ),
    "composite body": (composite(0.1), composite(0.2)),
    "operator of an evolution": (
        lambda c: c.append(PauliEvolutionGate(SparsePauliOp("X"), 0.3), [0]),
        lambda c: c.append(PauliEvolutionGate(SparsePauliOp("Z"), 0.3), [0]),
    ),
    "modifier": (
        lambda c: c.append(AnnotatedOperation(RYGate(0.1), ControlModifier(1)), [0, 1]),
        lambda c: c.append(AnnotatedOperation(RYGate(0.1), ControlModifier(1, 0)), [0, 1]),
    ),
    "barrier": (lambda c: c.x(0), lambda c: (c.x(0), c.barrier())),
    "opaque gate name": (lambda c: c.append(Gate("a", 1, []), [0]), lambda c: c.append(Gate("b", 1, []), [0])),
}


@pytest.mark.parametrize("pair", DIFFERENT.values(), ids=DIFFERENT)
def test_different_circuits_have_different_digests(pair):
    first, second = (content_digest(build(step)) for step in pair)
    assert first != second


@pytest.mark.parametrize("pair", DIFFERENT.values(), ids=DIFFERENT)
def test_the_same_circuit_built_twice_has_one_digest(pair):
    assert content_digest(build(pair[0])) == content_digest(build(pair[0]))


def test_parameter_order_counts():
    swapped = (
        build(lambda c: c.ry(THETA, 0), lambda c: c.ry(PHI, 1)),
        build(lambda c: c.ry(PHI, 0), lambda c: c.ry(THETA, 1)),
    )
    shared = build(lambda c: c.ry(THETA, 0), lambda c: c.ry(THETA, 1))
    assert len({content_digest(circuit) for circuit in (*swapped, shared)}) == 3


def test_names_and_metadata_do_not_count():
    first, second = build(lambda c: c.h(0)), build(lambda c: c.h(0))
    second.name, second.metadata = "other", {"a": 1}
    assert content_digest(first) == content_digest(second)


def test_registers_and_idle_bits_count():
    bits = [Clbit(), Clbit()]
    one = QuantumCircuit([*QuantumRegister(1)], bits)
    two = one.copy()
    two.add_register(ClassicalRegister(bits=bits[::-1], name="c"))
    assert content_digest(one) != content_digest(two)
    assert content_digest(QuantumCircuit(1)) != content_digest(QuantumCircuit(2))


def test_variables_count():
    def with_initial(value):
        circuit = QuantumCircuit(1, 1)
        count = circuit.add_var("count", expr.lift(value, types.Uint(8)))
        with circuit.if_test(expr.less(count, 3)):
            circuit.x(0)
        return circuit

    assert content_digest(with_initial(1)) != content_digest(with_initial(2))
    with_input = QuantumCircuit(1, inputs=[expr.Var.new("a", types.Bool())])
    assert content_digest(with_input) != content_digest(QuantumCircuit(1))


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


def test_circuits_of_different_layouts_differ_although_their_instructions_do_not():
    """Observables of the circuit before transpilation lie on other qubits."""

    def placed(qubit, layout):
        circuit = QuantumCircuit(2)
        circuit.x(qubit)
        line = CouplingMap.from_line(3)
        manager = generate_preset_pass_manager(0, coupling_map=line, basis_gates=["x"], initial_layout=layout)
        return manager.run(circuit)

    one, two = placed(0, [2, 0]), placed(1, [0, 2])
    assert one.count_ops() == two.count_ops()
    assert content_digest(one) != content_digest(two)
    assert content_digest(one) == content_digest(placed(0, [2, 0]))


def test_the_order_of_parameters_counts():
    vector = ParameterVector("w", 11)
    singles = [Parameter(f"w[{index}]") for index in range(11)]
    one, two = QuantumCircuit(1), QuantumCircuit(1)
    for left, right in zip(vector, singles, strict=True):
        one.rx(left, 0)
        two.rx(right, 0)
    assert content_digest(one) != content_digest(two)

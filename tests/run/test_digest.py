"""The identity of a circuit: it tells circuits apart that run differently, and nothing else."""

import copy
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import (
    AnnotatedOperation,
    Clbit,
    ControlModifier,
    Gate,
    Instruction,
    Measure,
    Parameter,
    ParameterVector,
)
from qiskit.circuit.classical import expr, types
from qiskit.circuit.library import PauliEvolutionGate, RXGate, RYGate, UnitaryGate
from qiskit.quantum_info import SparsePauliOp
from qiskit.transpiler import CouplingMap, generate_preset_pass_manager

from qiskit_haiqu_provider.run.circuits import content_digest
from qiskit_haiqu_provider.run.formats import read_qpy, write_qpy

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


def box(**how):
    def step(circuit):
        with circuit.box(**how):
            circuit.x(0)

    return step


def stretched(factor):
    def step(circuit):
        stretch = circuit.add_stretch("s")
        circuit.delay(expr.mul(stretch, factor), 0)

    return step


def if_bit(index):
    def step(circuit):
        with circuit.if_test((circuit.clbits[index], 1)):
            circuit.x(0)

    return step


def two_variables(*names):
    def step(circuit):
        for name in names:
            circuit.add_input(name, types.Bool())

    return step


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
    "opaque gate named as a standard gate": (lambda c: c.append(Gate("x", 1, []), [0]), lambda c: c.x(0)),
    "opaque gate named as a measurement": (
        lambda c: c.append(Instruction("measure", 1, 1, []), [0], [0]),
        lambda c: c.measure(0, 0),
    ),
    "label": (lambda c: c.append(RYGate(0.1, label="a"), [0]), lambda c: c.ry(0.1, 0)),
    "label that looks like none": (lambda c: c.append(RYGate(0.1, label="None"), [0]), lambda c: c.ry(0.1, 0)),
    "label of a measurement": (lambda c: c.append(Measure(label="a"), [0], [0]), lambda c: c.measure(0, 0)),
    "label of a barrier": (lambda c: c.barrier(label="a"), lambda c: c.barrier()),
    "angle that changes places": (
        lambda c: (c.ry(0.1, 0), c.ry(0.2, 0)),
        lambda c: (c.ry(0.2, 0), c.ry(0.1, 0)),
    ),
    "parameter that changes places": (
        lambda c: (c.ry(THETA, 0), c.ry(0.0, 0)),
        lambda c: (c.ry(0.0, 0), c.ry(THETA, 0)),
    ),
    "coefficient by the last bit": (lambda c: c.ry(0.1 * THETA, 0), lambda c: c.ry(np.nextafter(0.1, 1) * THETA, 0)),
    "sign of zero": (lambda c: c.ry(0.0, 0), lambda c: c.ry(-0.0, 0)),
    "box duration": (box(duration=100), box(duration=200)),
    "box unit": (box(duration=100, unit="ns"), box(duration=100, unit="dt")),
    "box label": (box(label="a"), box()),
    "stretched delay": (stretched(2), stretched(3)),
    "barrier width": (lambda c: c.barrier(0), lambda c: c.barrier(0, 1)),
    "block condition bit": (if_bit(0), if_bit(1)),
    "names that join": (two_variables("a", "b"), two_variables("a', 'b", "c")),
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


def placed_on(qubits):
    """Transpiled for a line of five, with the layout of that."""
    circuit = QuantumCircuit(2)
    circuit.ry(THETA, 0)
    circuit.cx(0, 1)
    circuit.measure_all()
    line = CouplingMap.from_line(5)
    return generate_preset_pass_manager(1, coupling_map=line, initial_layout=qubits, seed_transpiler=1).run(circuit)


SAMPLES = {
    **{name: build(pair[0]) for name, pair in DIFFERENT.items()},
    "transpiled": placed_on([3, 2]),
    "transpiled with swaps": placed_on([0, 4]),
}
UNWRITABLE = {"opaque gate named as a standard gate"}
"""QPY cannot tell them from what they are named after."""


@pytest.mark.parametrize("circuit", SAMPLES.values(), ids=SAMPLES)
def test_copies_have_the_same_digest(circuit):
    assert content_digest(copy.deepcopy(circuit)) == content_digest(circuit)
    assert content_digest(circuit.copy("other")) == content_digest(circuit)


@pytest.mark.parametrize("name", [name for name in SAMPLES if name not in UNWRITABLE])
def test_a_circuit_read_back_has_the_same_digest(name):
    assert content_digest(read_qpy(write_qpy(SAMPLES[name]))) == content_digest(SAMPLES[name])


def test_another_process_finds_the_same_digests():
    """Whatever the seed of its hashes is."""
    program = "import json, test_digest as t; print(json.dumps({n: t.content_digest(c) for n, c in t.SAMPLES.items()}))"
    here = {name: content_digest(circuit) for name, circuit in SAMPLES.items()}
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(done.stdout) == here


def test_a_gate_made_different_ways_is_one():
    """Angles as whole numbers, as numbers of numpy, or bound later."""
    made = (
        build(lambda c: c.rx(1, 0)),
        build(lambda c: c.rx(1.0, 0)),
        build(lambda c: c.rx(np.float64(1), 0)),
        build(lambda c: c.append(RXGate(np.int64(1)).to_mutable(), [0])),
        build(lambda c: c.rx(THETA, 0)).assign_parameters({THETA: 1.0}),
    )
    assert len({content_digest(circuit) for circuit in made}) == 1


def test_names_of_any_characters_can_be_digested():
    odd = [Parameter("\x00"), Parameter("x\ny"), Parameter("é t")]
    circuits = [build(lambda c, name=name: c.rx(name, 0)) for name in odd]
    assert len({content_digest(circuit) for circuit in circuits}) == 3


def test_a_full_turn_of_the_global_phase_is_none():
    """Qiskit keeps the one that rounding made, and drops it on copying."""
    circuit = QuantumCircuit(1, global_phase=-1e-200)
    assert content_digest(circuit) == content_digest(circuit.copy()) == content_digest(QuantumCircuit(1))


def test_a_duration_is_a_number_of_any_kind():
    one, two = (build(lambda c, length=length: c.delay(length, 0, "ns")) for length in (100, 100.0))
    assert content_digest(one) == content_digest(two)

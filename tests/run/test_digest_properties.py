"""Random circuits: digests are equal exactly where the circuits are."""

import copy

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Measure, Parameter
from qiskit.circuit.library import CXGate, RYGate
from qiskit.circuit.random import random_circuit

from qiskit_haiqu_provider.run.circuits import content_digest
from qiskit_haiqu_provider.run.formats import read_qpy, write_qpy

QUBITS, CLBITS = 4, 3
PARAMETERS = {name: Parameter(name) for name in "abc"}

qubits = st.integers(0, QUBITS - 1)
pairs = st.lists(qubits, min_size=2, max_size=2, unique=True).map(tuple)
clbits = st.integers(0, CLBITS - 1)
angles = st.one_of(
    st.floats(-7, 7).map(float.hex),
    st.tuples(st.sampled_from("abc"), st.sampled_from(["0x1p+0", "0x1p+1", "-0x1p+0", "0x1.999999999999ap-4"])),
)
"""An angle: a number, or a parameter and its factor."""

labels = st.sampled_from([None, "l", "None", "l\x00x"])
steps = st.one_of(
    st.tuples(st.sampled_from(["x", "h", "reset", "barrier"]), qubits),
    st.tuples(st.sampled_from(["cx", "cz", "barrier"]), pairs),
    st.tuples(st.sampled_from(["rx", "rz"]), angles, qubits),
    st.tuples(st.just("crx"), angles, pairs),
    st.tuples(st.just("u"), angles, angles, angles, qubits),
    st.tuples(st.just("ry"), angles, qubits, labels),
    st.tuples(st.just("controlled"), pairs, st.integers(0, 1), labels),
    st.tuples(st.just("measure"), qubits, clbits, labels),
    st.tuples(st.just("delay"), st.integers(0, 3), st.sampled_from(["dt", "ns"]), qubits),
    st.tuples(st.just("if"), clbits, st.integers(0, 1), st.sampled_from(["x", "h"]), qubits),
    st.tuples(st.just("composite"), angles, qubits),
)
"""Instructions that differ wherever their descriptions do."""

recipes = st.tuples(st.lists(steps, max_size=8), angles, st.sampled_from(["c", "d"]), st.integers(1, CLBITS))


def angle_of(angle):
    if isinstance(angle, str):
        return float.fromhex(angle)
    name, factor = angle
    return PARAMETERS[name] if factor == "0x1p+0" else float.fromhex(factor) * PARAMETERS[name]


def add_ry(circuit, angle, qubit, label):
    circuit.append(RYGate(angle_of(angle), label=label), [qubit])


def add_controlled(circuit, pair, state, label):
    circuit.append(CXGate(ctrl_state=state, label=label), pair)


def add_measure(circuit, qubit, clbit, label):
    circuit.append(Measure(label=label), [qubit], [clbit])


def add_delay(circuit, length, unit, qubit):
    circuit.delay(length, qubit, unit)


def add_if(circuit, clbit, value, gate, qubit):
    with circuit.if_test((circuit.clbits[clbit], value)):
        getattr(circuit, gate)(qubit)


def add_composite(circuit, angle, qubit):
    inner = QuantumCircuit(1)
    inner.rx(angle_of(angle), 0)
    circuit.append(inner.to_gate(), [qubit])


SPECIAL = {
    "ry": add_ry,
    "controlled": add_controlled,
    "measure": add_measure,
    "delay": add_delay,
    "if": add_if,
    "composite": add_composite,
}


def add(circuit, name, *rest):
    if name in SPECIAL:
        SPECIAL[name](circuit, *rest)
        return
    *given_angles, where = rest
    where = where if isinstance(where, tuple) else (where,)
    getattr(circuit, name)(*map(angle_of, given_angles), *where)


def built(recipe):
    program, phase, register, size = recipe
    circuit = QuantumCircuit(QuantumRegister(QUBITS, "q"))
    circuit.add_register(ClassicalRegister(CLBITS, "all"))
    circuit.add_register(ClassicalRegister(name=register, bits=circuit.clbits[:size]))
    circuit.global_phase = angle_of(phase)
    for step in program:
        add(circuit, *step)
    return circuit


def spelled(recipe):
    """The recipe, with the two ways to say one thing made one."""
    program, phase, *rest = recipe
    known = {("cx", pair): ("controlled", pair, 1, None) for pair in np.ndindex(QUBITS, QUBITS)}
    return [known.get(step, step) for step in program], angle_of(phase), *rest


@given(recipes, recipes)
def test_digests_of_different_recipes_differ(one, two):
    circuits = built(one), built(two)
    assert (content_digest(circuits[0]) == content_digest(circuits[1])) == (spelled(one) == spelled(two))


@given(recipes, st.data())
def test_one_changed_step_changes_the_digest(recipe, data):
    program, *rest = recipe
    place = data.draw(st.integers(0, len(program)))
    step = data.draw(steps)
    changed = [*program[:place], step, *program[place + 1 :]], *rest
    same = spelled(changed) == spelled(recipe)
    assert (content_digest(built(changed)) == content_digest(built(recipe))) == same


@given(recipes)
def test_the_same_recipe_has_the_same_digest_wherever_it_has_been(recipe):
    circuit = built(recipe)
    digest = content_digest(circuit)
    assert content_digest(built(recipe)) == digest
    assert content_digest(copy.deepcopy(circuit)) == digest


def survives_qpy(step):
    """QPY drops the unit of delays, and cannot read a labelled gate with a control state."""
    name, *rest = step
    return not (name == "delay" and "ns" in rest) and not (name == "controlled" and rest[1] == 0 and rest[2])


@given(recipes)
def test_the_same_recipe_has_the_same_digest_after_qpy(recipe):
    program, *rest = recipe
    circuit = built(([step for step in program if survives_qpy(step)], *rest))
    assert content_digest(read_qpy(write_qpy(circuit))) == content_digest(circuit)


@given(st.integers(1, 5), st.integers(1, 8), st.booleans(), st.booleans(), st.booleans(), st.integers(0, 2**32 - 1))
def test_circuits_of_qiskits_generator(width, depth, measure, conditional, reset, seed):
    """Made twice, copied and read back they are one; without their last instruction they are another."""

    def make():
        return random_circuit(width, depth, measure=measure, conditional=conditional, reset=reset, seed=seed)

    circuit, digest = make(), content_digest(make())
    assert content_digest(circuit) == digest
    assert content_digest(read_qpy(write_qpy(circuit))) == digest
    if circuit.data:
        circuit.data.pop()
        assert content_digest(circuit) != digest


@given(recipes)
def test_a_circuit_equal_for_qiskit_is_one_for_us(recipe):
    """As far as Qiskit compares: instruction by instruction."""
    circuit = built(recipe)
    again = circuit.copy_empty_like("other")
    for instruction in circuit.data:
        again.append(copy.deepcopy(instruction.operation), instruction.qubits, instruction.clbits)
    again.metadata = {"other": 1}
    assert circuit == again
    assert content_digest(again) == content_digest(circuit)

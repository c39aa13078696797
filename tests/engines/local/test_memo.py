"""Circuits that come back are known again, unless anything in them has changed."""

import gc

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import CXGate

from qiskit_haiqu_provider import EstimatorV2, SamplerV2
from qiskit_haiqu_provider.engines.local.memo import CircuitMemo


def circuit():
    made = QuantumCircuit(3, 2)
    made.ry(Parameter("a"), 0)
    made.rx(0.5, 1)
    made.cx(0, 1)
    made.measure(0, 0)
    return made


def known(made):
    """A memo that knows the circuit."""
    memo = CircuitMemo(10)
    for _ in range(2):
        memo.remember(made, "how", "made of it")
    assert memo.recall(made, "how") == "made of it"
    return memo


def test_a_circuit_is_known_from_the_second_time_on():
    memo, made = CircuitMemo(10), circuit()
    assert memo.recall(made, "how") is None
    memo.remember(made, "how", 1)
    assert memo.recall(made, "how") is None
    memo.remember(made, "how", 2)
    assert memo.recall(made, "how") == 2
    assert memo.recall(made, "another way") is None
    memo.remember(made, "another way", 3)
    assert (memo.recall(made, "how"), memo.recall(made, "another way")) == (2, 3)


def test_an_equal_circuit_is_another_one():
    made = circuit()
    assert known(made).recall(made.copy(), "how") is None


CHANGES = {
    "a gate more": lambda made: made.h(2),
    "a gate less": lambda made: made.data.pop(1),
    "another qubit": lambda made: replaced(made, 1, qubits=(made.qubits[2],)),
    "another order": lambda made: replaced(made, 2, qubits=made.data[2].qubits[::-1]),
    "another angle": lambda made: replaced(made, 1, params=(np.nextafter(0.5, 1),)),
    "an angle in place": lambda made: set_angle(made, 0.6),
    "another clbit": lambda made: replaced(made, 3, clbits=(made.clbits[1],)),
    "values for parameters": lambda made: made.assign_parameters([0.3], inplace=True),
    "another parameter": lambda made: made.assign_parameters([Parameter("a")], inplace=True),
    "an expression": lambda made: made.assign_parameters([2 * Parameter("a")], inplace=True),
    "another phase": lambda made: setattr(made, "global_phase", 0.1),
    "a qubit more": lambda made: made.add_bits(QuantumCircuit(1).qubits),
    "a register more": lambda made: made.add_register(ClassicalRegister(1)),
    "another control": lambda made: replaced(made, 2, operation=CXGate(ctrl_state=0)),
    "a label": lambda made: replaced(made, 2, operation=CXGate(label="noisy")),
    "nothing left": lambda made: made.clear(),
}


def replaced(made, index, *, params=None, **parts):
    if params is not None:
        parts["operation"] = made.data[index].operation.base_class(*params)
    made.data[index] = made.data[index].replace(**parts)


def set_angle(made, angle):
    operation = made.data[1].operation
    operation.params[0] = angle
    made.data[1] = made.data[1].replace(operation=operation)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_circuit_that_was_changed_is_not_known(change):
    made = circuit()
    memo = known(made)
    change(made)
    assert memo.recall(made, "how") is None


def test_a_change_that_was_taken_back_is_none():
    made = circuit()
    memo = known(made)
    made.h(2)
    made.data.pop()
    assert memo.recall(made, "how") == "made of it"


def labelled(made):
    made.append(CXGate(label="noisy"), [0, 1])


def matrix(made):
    made.unitary(np.eye(2), 0)


def condition(made):
    with made.if_test((made.clbits[0], 1)):
        made.x(1)


@pytest.mark.parametrize("add", [labelled, matrix, condition])
def test_circuits_whose_content_can_change_unseen_are_not_kept(add):
    memo, made = CircuitMemo(10), circuit()
    add(made)
    for _ in range(3):
        memo.remember(made, "how", 1)
    assert memo.recall(made, "how") is None


def test_a_circuit_that_is_gone_is_forgotten():
    memo = CircuitMemo(10)
    for _ in range(100):
        made = circuit()
        assert memo.recall(made, "how") is None  # also where the address is used again
        for _ in range(2):
            memo.remember(made, "how", 1)
    del made
    gc.collect()
    assert not memo._entries


def test_only_so_many_are_kept():
    memo, circuits = CircuitMemo(10), [circuit() for _ in range(100)]
    for made in circuits:
        for _ in range(2):
            memo.remember(made, "how", 1)
        assert memo.recall(made, "how") == 1
    assert sum(memo.recall(made, "how") is not None for made in circuits) <= 10


# Through the front door.


def test_a_circuit_may_grow_between_runs():
    growing = QuantumCircuit(2, 2)
    growing.x(0)
    growing.measure(0, 0)
    sampler = SamplerV2()
    shown = []
    for _ in range(4):
        shown += [set(sampler.run([growing]).result()[0].data.c.get_counts()) for _ in range(3)]
        growing.x(1)
        growing.measure(1, 1)
    assert shown == [{"01"}] * 3 + [{"11"}] * 3 + [{"01"}] * 3 + [{"11"}] * 3


def test_observables_and_values_may_change_between_runs():
    made = QuantumCircuit(3)
    made.ry(Parameter("a"), 0)
    estimator = EstimatorV2()
    for angle in (0.1, 0.2, 0.3):
        for observable, value in (("IIZ", np.cos(angle)), ("ZII", 1.0), ("IIX", np.sin(angle))):
            found = estimator.run([(made, observable, [angle])], precision=0).result()[0].data.evs
            assert found == pytest.approx(value, abs=1e-12)

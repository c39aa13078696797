"""Circuits that only need to be sampled, and outcomes as packed bits."""

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparsePauliOp

from qiskit_haiqu_provider.engines.direct.circuits import (
    distributions_of,
    executions,
    packed,
    samples_of_bits,
    samples_of_counts,
)
from qiskit_haiqu_provider.exceptions import HaiquInputError, HaiquResponseError
from qiskit_haiqu_provider.run.request import RunRequest, RunType, Task


def request(*tasks, **more):
    return RunRequest(device="machine", tasks=tasks, **more)


def task(circuit, values=None, **more):
    values = np.empty((1, 0)) if values is None else np.array(values, dtype=float)
    return Task(circuit=circuit, parameter_values=values, **{"shots": 10, **more})


def swept():
    circuit = QuantumCircuit(2, 1)
    circuit.ry(Parameter("t"), 0)
    circuit.measure(0, 0)
    return circuit


def test_every_parameter_set_is_a_circuit_without_parameters():
    found = list(executions(request(task(swept(), [[0.1], [0.2], [0.3]]))))
    assert [one.circuit.num_parameters for one in found] == [0, 0, 0]
    assert [one.circuit.data[0].params for one in found] == [[0.1], [0.2], [0.3]]
    assert [(one.slot.first, one.slot.sets, one.slot.group) for one in found] == [
        (0, 1, None),
        (1, 1, None),
        (2, 1, None),
    ]


def test_parameters_stay_where_the_vendor_binds_them():
    (one,) = executions(request(task(swept(), [[0.1], [0.2]])), bind=False)
    assert one.circuit.num_parameters == 1
    assert one.values.tolist() == [[0.1], [0.2]]
    assert (one.slot.first, one.slot.sets) == (0, 2)


def test_observables_become_one_circuit_for_each_group_that_commutes():
    circuit = QuantumCircuit(QuantumRegister(2, "q"), ClassicalRegister(1, "own"))
    circuit.h(0)
    observables = (SparsePauliOp(["ZI", "IZ", "XX"], [1, 2, 3]), SparsePauliOp(["ZZ", "II"], [4, 5]))
    found = list(executions(request(task(circuit, observables=observables)), gates={"h", "sdg", "cx"}))
    assert sorted(one.slot.group for one in found) == [0, 1]
    assert [one.circuit.num_clbits for one in found] == [3, 3]
    assert {name for one in found for name in one.circuit.count_ops()} <= {"h", "measure"}


def test_what_measures_nothing_is_not_sent():
    identity = (SparsePauliOp(["II"], [2.0]),)
    assert list(executions(request(task(QuantumCircuit(2, 3)), task(QuantumCircuit(2), observables=identity)))) == []
    assert list(executions(request(task(swept(), np.empty((0, 1)))))) == []


def test_exact_values_are_refused():
    with pytest.raises(HaiquInputError, match=r"PUB 0: precision=0 asks for the exact value.*aer_simulator"):
        list(executions(request(task(QuantumCircuit(1), observables=(SparsePauliOp("Z"),), shots=None))))
    with pytest.raises(HaiquInputError, match="has no statevector"):
        list(executions(request(task(QuantumCircuit(1)), run_type=RunType.STATEVECTOR)))


def test_bits_are_packed_with_the_last_character_as_bit_0():
    assert packed(["0 00000001", "100000000"], 9).tolist() == [[0, 1], [1, 0]]
    assert packed([], 9).shape == (0, 2)
    assert packed([""], 0).shape == (1, 0)
    for wrong in ("01", "0123", "0x1"):
        with pytest.raises(HaiquResponseError, match="where 3 bits were expected"):
            packed([wrong], 3)


def test_shots_from_counts_and_from_bits():
    samples = samples_of_counts([{"01": 3, "10": 1}, {"11": 4}], 2)
    assert samples.outcomes.shape == (2, 4, 1)
    assert sorted(samples.outcomes[0, :, 0].tolist()) == [1, 1, 1, 2]
    bits = np.array([[[1, 0, 0, 0, 0, 0, 0, 0, 1], [0, 1, 0, 0, 0, 0, 0, 0, 0]]], dtype=np.uint8)
    assert samples_of_bits(bits).outcomes.tolist() == [[[1, 1], [0, 2]]]
    with pytest.raises(HaiquResponseError, match="different numbers of shots"):
        samples_of_counts([{"0": 3}, {"0": 4}], 1)


def test_distributions_keep_their_sets_apart():
    found = distributions_of([{"01": 0.25, "10": 0.75}, {"11": 1.0}], 2)
    assert found.offsets.tolist() == [0, 2, 3]
    assert found.outcomes[:, 0].tolist() == [1, 2, 3]
    assert found.weights.tolist() == [0.25, 0.75, 1.0]
    assert distributions_of([], 2).num_sets == 0

"""What is done when it is submitted, and what goes on in the background."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import efficient_su2
from qiskit.quantum_info import SparsePauliOp, random_pauli_list
from qiskit_aer.noise import NoiseModel, ReadoutError

from qiskit_haiqu_provider import HaiquCapacityError, HaiquCircuitError, SamplerV2
from qiskit_haiqu_provider.engines.local import memory
from qiskit_haiqu_provider.engines.local.lowering import lower
from qiskit_haiqu_provider.engines.local.options import default_options
from qiskit_haiqu_provider.run.request import RunRequest, RunType, Task

CHAIN = SparsePauliOp.from_sparse_list(
    [("ZZ", [q, q + 1], 1.0) for q in range(9)] + [("X", [q], 0.7) for q in range(10)], num_qubits=10
)
MANY_TERMS = SparsePauliOp(random_pauli_list(10, 2000, seed=1, phase=False), np.ones(2000))
MANY_GROUPS = SparsePauliOp(random_pauli_list(13, 30, seed=2, phase=False), np.ones(30))


def bell():
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def ansatz(width=10):
    return efficient_su2(width, reps=3)


def steered():
    circuit = bell()
    circuit.if_else((circuit.clbits[0], 1), QuantumCircuit(1), None, [0], [])
    return circuit


def is_small(circuit, sets=1, *, count=1, observable=None, shots=1024, noise=None, **asked):
    values = np.zeros((sets, circuit.num_parameters))
    observables = None if observable is None else (observable,)
    task = Task(circuit=circuit, parameter_values=values, observables=observables, shots=shots)
    options = {**default_options(noisy=False), "noise_model": noise}
    request = RunRequest(device="aer_simulator", tasks=(task,) * count, options=options, **asked)
    return lower(request, device=None, workers=1).small


def long(width, gates):
    circuit = QuantumCircuit(width)
    for index in range(gates):
        circuit.rx(0.1 + index, index % width)
        circuit.rzz(0.2 + index, index % width, (index + 1) % width)
    circuit.measure_all()
    return circuit


def measured(width):
    circuit = QuantumCircuit(width)
    circuit.measure_all()
    return circuit


class Later:
    """What is done with the result takes as long as it likes."""

    def finish(self, raw):
        return raw

    def to_json(self):
        return {}


def readout():
    noise = NoiseModel()
    noise.add_all_qubit_readout_error(ReadoutError([[0.9, 0.1], [0.2, 0.8]]))
    return noise


SMALL = {
    "a pair": lambda: is_small(bell()),
    "a pair with noise": lambda: is_small(bell(), noise=readout()),
    "an exact value": lambda: is_small(ansatz(), observable=CHAIN, shots=None),
    "a sweep with shots": lambda: is_small(ansatz(), 100, observable=CHAIN, shots=4096),
    "very many shots that are counted": lambda: is_small(ansatz(4), 10, observable=SparsePauliOp("ZZZZ"), shots=10**9),
}
LARGE = {
    "a long sweep": lambda: is_small(ansatz(), 1000, observable=CHAIN, shots=4096),
    "many terms": lambda: is_small(ansatz(), 10, observable=MANY_TERMS, shots=None),
    "states of no gates": lambda: is_small(measured(18)),
    "an estimate of no gates": lambda: is_small(QuantumCircuit(18), observable=SparsePauliOp("Z" * 18)),
    "amplitudes of no gates": lambda: is_small(QuantumCircuit(18), shots=None, run_type=RunType.STATEVECTOR),
    "amplitudes of many sets": lambda: is_small(ansatz(8), 1000, shots=None, run_type=RunType.STATEVECTOR),
    "a circuit that takes long to compile": lambda: is_small(long(3, 1000)),
    "many groups": lambda: is_small(QuantumCircuit(13), observable=MANY_GROUPS, shots=100),
    "what is mitigated": lambda: is_small(bell(), finish=Later()),
    "many shots": lambda: is_small(bell(), shots=10**6),
    "many circuits": lambda: is_small(bell(), count=20),
    "wide states": lambda: is_small(ansatz(18), observable=SparsePauliOp("Z" * 18), shots=None),
    "what Aer runs": lambda: is_small(steered()),
}


@pytest.mark.parametrize("asked", SMALL.values(), ids=SMALL)
def test_runs_of_a_few_milliseconds_are_small(asked):
    assert asked()


@pytest.mark.parametrize("asked", LARGE.values(), ids=LARGE)
def test_longer_runs_are_not(asked):
    assert not asked()


@pytest.mark.parametrize("width", [1, 7])
@pytest.mark.parametrize("angle", [float("nan"), float("inf"), -float("inf")])
def test_angles_that_are_no_numbers_are_refused(width, angle):
    wrong = QuantumCircuit(width, 1)
    wrong.rx(angle, 0)
    wrong.h(range(width))
    wrong.measure(0, 0)
    with pytest.raises(HaiquCircuitError, match=f"PUB 1: the gate 'rx' has the angle {angle}"):
        SamplerV2().run([bell(), wrong])


def amplitudes(width, sets):
    circuit = QuantumCircuit(width)
    circuit.ry(Parameter("a"), 0)
    task = Task(circuit=circuit, parameter_values=np.zeros((sets, 1)), observables=None, shots=None)
    options = default_options(noisy=False)
    return RunRequest(device="aer_simulator", tasks=(task,), options=options, run_type=RunType.STATEVECTOR)


def test_statevectors_are_counted_before_they_are_made():
    assert lower(amplitudes(16, 1000), device=None, workers=1).memory_bytes >= 2 * 1000 * 16 * 2**16


def test_too_many_statevectors_are_refused(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 2**29)
    with pytest.raises(HaiquCapacityError, match="GiB"):
        lower(amplitudes(16, 1000), device=None, workers=1)

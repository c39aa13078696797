"""Circuits in the gates of several kinds of devices, and what they ideally give."""

import numpy as np
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit.library import ECRGate
from qiskit.quantum_info import Statevector

from qiskit_haiqu_provider.devices.native import GPI2Gate, GPIGate, MSGate
from qiskit_haiqu_provider.run.request import RunRequest, Task
from qiskit_haiqu_provider.run.result import Distributions


def _cz(circuit, rng):
    for qubit in range(circuit.num_qubits):
        circuit.rz(rng.uniform(-3, 3), qubit)
        circuit.sx(qubit)
        circuit.rz(rng.uniform(-3, 3), qubit)
    circuit.cz(*_pair(circuit, rng))


def _ecr(circuit, rng):
    circuit.sx(rng.integers(circuit.num_qubits))
    circuit.rz(rng.uniform(-3, 3), rng.integers(circuit.num_qubits))
    circuit.x(rng.integers(circuit.num_qubits))
    circuit.append(ECRGate(), _pair(circuit, rng))


def _rzz(circuit, rng):
    circuit.r(rng.uniform(-3, 3), rng.uniform(-3, 3), rng.integers(circuit.num_qubits))
    circuit.rzz(rng.uniform(0, 1.5), *_pair(circuit, rng))


def _cx(circuit, rng):
    circuit.u(*rng.uniform(-3, 3, 3), rng.integers(circuit.num_qubits))
    circuit.cx(*_pair(circuit, rng))


def _ms(circuit, rng):
    circuit.append(GPIGate(rng.uniform(-1, 1)), [rng.integers(circuit.num_qubits)])
    circuit.append(GPI2Gate(rng.uniform(-1, 1)), [rng.integers(circuit.num_qubits)])
    circuit.append(MSGate(0.0, 0.0, rng.uniform(0.05, 0.25)), _pair(circuit, rng))


def _pair(circuit, rng):
    return [int(qubit) for qubit in rng.choice(circuit.num_qubits, 2, replace=False)]


STEPS = {"cz": _cz, "ecr": _ecr, "rzz": _rzz, "cx": _cx, "ms": _ms}
CLIFFORD = ("cz", "ecr", "cx")
"""Kinds whose two-qubit gates are Clifford gates."""


def random_circuit(kind, seed, *, width=3, steps=4):
    """A circuit with free one-qubit gates and the two-qubit gate of some kind of device."""
    rng = np.random.default_rng(seed)
    circuit = QuantumCircuit(width)
    for _ in range(steps):
        STEPS[kind](circuit, rng)
    return circuit


def measured(circuit):
    """The circuit with all its qubits measured."""
    return circuit.measure_all(inplace=False)


kinds = st.sampled_from(sorted(STEPS))
seeds = st.integers(0, 2**16)


def no_values():
    """One parameter set of a circuit without parameters."""
    return np.empty((1, 0))


def task_of(circuit, observables=None, **more):
    """A task of one circuit without parameters, or with the values that are given."""
    given = {"parameter_values": no_values(), "shots": 1024, **more}
    return Task(circuit=circuit, observables=observables, **given)


def request_of(*tasks, **more):
    """A request for some device."""
    return RunRequest(device="machine", tasks=tasks, **{"seed": 7, **more})


def copies_of(task):
    """Every copy that a task stands for, with numbers for its parameters."""
    for row in task.parameter_values:
        yield task.circuit.assign_parameters(row) if task.circuit.num_parameters else task.circuit


def ideal_probabilities(circuit):
    """Outcome probabilities of the measured classical bits, those not written included, lowest bit first."""
    state = Statevector(circuit.remove_final_measurements(inplace=False))
    shown = {
        circuit.find_bit(each.clbits[0]).index: circuit.find_bit(each.qubits[0]).index
        for each in circuit.data
        if each.name == "measure"
    }
    bits = sorted(shown)
    return bits, state.probabilities([shown[bit] for bit in bits])


def shares_of(samples):
    """Samples as services give them that have probabilities, not shots."""
    found, weights, offsets = [], [], [0]
    for row in samples.outcomes:
        outcomes, counts = np.unique(row, axis=0, return_counts=True)
        found.append(outcomes)
        weights.append(counts / 2.0)  # scaled, as services do
        offsets.append(offsets[-1] + len(outcomes))
    return Distributions(np.concatenate(found), np.concatenate(weights), np.array(offsets), samples.num_clbits)

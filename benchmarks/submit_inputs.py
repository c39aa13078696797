"""What the submission benchmark submits. Imported by the process of haiqu-sdk too: needs Qiskit and numpy only."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparsePauliOp

QUBITS = 10
LAYERS = 10
SETS = 1000
OBSERVABLES = 10
TERMS = 10

DEVICE = "aer_simulator"
SHOTS = 1000


def circuits(first: int = 0) -> Iterator[QuantumCircuit]:
    """Measured circuits of ry and cx layers, all different; those of another ``first`` are others."""
    for number in count(first):
        rng = np.random.default_rng(number)
        circuit = _layers(rng.uniform(-3, 3, QUBITS * LAYERS))
        circuit.measure_all()
        yield circuit


def sweep(number: int) -> tuple[QuantumCircuit, list[SparsePauliOp], Any]:
    """A circuit with a parameter for each angle, observables, and values by set; another circuit for each number."""
    rng = np.random.default_rng(number)
    circuit = _layers(list(ParameterVector("p", QUBITS * LAYERS)))
    circuit.rz(float(rng.uniform()), 0)
    return circuit, [_observable(rng) for _ in range(OBSERVABLES)], rng.uniform(-3, 3, (SETS, QUBITS * LAYERS))


def _layers(angles: Any) -> QuantumCircuit:
    circuit = QuantumCircuit(QUBITS)
    for layer in range(LAYERS):
        for qubit in range(QUBITS):
            circuit.ry(angles[layer * QUBITS + qubit], qubit)
        for qubit in range(layer % 2, QUBITS - 1, 2):
            circuit.cx(qubit, qubit + 1)
    return circuit


def _observable(rng: np.random.Generator) -> SparsePauliOp:
    labels: set[str] = set()
    while len(labels) < TERMS:
        labels.add("".join(rng.choice(list("IXYZ"), QUBITS)))
    return SparsePauliOp(sorted(labels), rng.normal(size=TERMS))

"""Many narrow circuits at once, where each alone is too small to be worth the calls of numpy.

Every circuit is laid out in rounds: first a matrix for each qubit, then one permutation of the basis states. So all
circuits, however different, go through a round together. A permutation by CX and SWAP is linear in the bits of a basis
state, and is kept as its images of single bits.
"""

from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit

from qiskit_haiqu_provider.engines.local.prepare import Prepared
from qiskit_haiqu_provider.engines.local.sampling import cumulated
from qiskit_haiqu_provider.run.angles import constant_matrices
from qiskit_haiqu_provider.run.rotations import ROTATIONS

_NARROW = 6
"""Widest circuits that are taken."""

_MANY = 8
"""Fewer circuits are quicker one by one."""

_AMPLITUDES = 2**15
"""Amplitudes at a time, so that they stay in the processor's cache."""

_IDLE = frozenset({"id", "barrier", "delay"})


def suits(circuit: QuantumCircuit) -> bool:
    """Whether the circuit is narrow, without parameters, and of gates that are known here."""
    if circuit.num_qubits > _NARROW or circuit.num_parameters:
        return False
    return _known().issuperset(circuit.count_ops())


def evolve_together(circuits: Sequence[Prepared]) -> None:
    """Tell circuits that are constant their outcomes, where enough of them go together; others find out alone."""
    by_width: defaultdict[int, list[Prepared]] = defaultdict(list)
    if len(circuits) >= _MANY:
        for ready in circuits:
            if not ready.has_outcomes() and suits(ready.circuit):
                by_width[ready.num_qubits].append(ready)
    for members in by_width.values():
        if len(members) >= _MANY:
            cumulative = cumulated(probabilities([ready.circuit for ready in members]))
            for index, ready in enumerate(members):
                ready.learn(cumulative[index : index + 1])


def probabilities(circuits: Sequence[QuantumCircuit]) -> NDArray[np.float64]:
    """Probabilities of all outcomes of circuits of one width that :func:`suits`, without their measurements.

    Args:
        circuits: The circuits; all have ``n`` qubits.

    Returns:
        Shape ``(circuits, 2**n)``, in Qiskit order.
    """
    step = max(1, _AMPLITUDES >> circuits[0].num_qubits)
    found = [_evolved(circuits[start : start + step]) for start in range(0, len(circuits), step)]
    return np.concatenate(found)


def _evolved(circuits: Sequence[QuantumCircuit]) -> NDArray[np.float64]:
    rounds = _Rounds(circuits[0].num_qubits)
    for circuit in circuits:
        rounds.add(circuit)
    size = len(circuits)
    states = np.zeros((1 << rounds.num_qubits, size), dtype=np.complex128)
    states[0] = 1.0
    for turns, source in zip(rounds.matrices(), rounds.sources(), strict=True):
        for qubit, turn in enumerate(turns):
            pairs = states.reshape(-1, 2, 1 << qubit, size)
            zero, one = pairs[:, 0], pairs[:, 1]
            turned = turn[0, 0] * zero + turn[0, 1] * one
            pairs[:, 1] = turn[1, 0] * zero + turn[1, 1] * one
            pairs[:, 0] = turned
        states = states.reshape(-1).take(source)
    return np.ascontiguousarray((states.real**2 + states.imag**2).T)


class _Layout:
    """One circuit in rounds, as far as it was read."""

    def __init__(self, owner: int, num_qubits: int) -> None:
        self._owner = owner
        self.images: list[list[int]] = []
        """For each round, what the permutation makes of each single bit."""

        self.turned = [0] * num_qubits
        """For each qubit the round of its next gate."""

        self._moved = [0] * num_qubits
        """For each qubit the first round whose permutation may move it next."""

        self._before = [0] * num_qubits
        """For each qubit how many gates it has in the round of its next gate."""

    def turn(self, qubit: int) -> tuple[int, int, int, int]:
        """Take a one-qubit gate; returns its circuit, round and qubit, and how many gates are before it there."""
        at = self._moved[qubit] = self.turned[qubit]
        before = self._before[qubit]
        self._before[qubit] = before + 1
        return self._owner, at, qubit, before

    def move(self, name: str, one: int, other: int) -> None:
        """Take a CX or SWAP."""
        at = max(self._moved[one], self._moved[other])
        while len(self.images) <= at:
            self.images.append([1 << bit for bit in range(len(self.turned))])
        images = self.images[at]
        if name == "swap":
            images[one], images[other] = images[other], images[one]
        else:
            images[one] ^= images[other]
        for qubit in (one, other):
            self._moved[qubit], self.turned[qubit], self._before[qubit] = at, at + 1, 0


class _Rounds:
    """The rounds of many circuits."""

    def __init__(self, num_qubits: int) -> None:
        self.num_qubits = num_qubits
        self._count = 1
        self._images: list[list[list[int]]] = []
        """Those of every circuit."""

        self._places: defaultdict[str, list[int]] = defaultdict(list)
        """For each one-qubit gate by name: its circuit, round, qubit, and how many gates are before it there."""

        self._angles: defaultdict[str, list[Any]] = defaultdict(list)

    def add(self, circuit: QuantumCircuit) -> None:
        """Lay out a circuit. All that is done here is done very often."""
        layout = _Layout(len(self._images), self.num_qubits)
        position = {bit: index for index, bit in enumerate(circuit.qubits)}
        for instruction in circuit.data:
            name, qubits = instruction.name, instruction.qubits
            if name in _IDLE:
                continue
            if len(qubits) == 1:
                self._places[name] += layout.turn(position[qubits[0]])
                if name in ROTATIONS:
                    self._angles[name] += instruction.params
                continue
            one, other = position[qubits[0]], position[qubits[1]]
            if name == "cz":  # CX between two Hadamard gates
                self._places["h"] += layout.turn(other)
                layout.move("cx", one, other)
                self._places["h"] += layout.turn(other)
            else:
                layout.move(name, one, other)
        self._images.append(layout.images)
        self._count = max(self._count, 1 + max(layout.turned))

    def matrices(self) -> NDArray[np.complex128]:
        """The matrix of each qubit in each round of each circuit, shape ``(rounds, qubits, 2, 2, circuits)``."""
        found = np.zeros((self._count, self.num_qubits, 2, 2, len(self._images)), dtype=np.complex128)
        found[:, :, [0, 1], [0, 1]] = 1.0
        if not self._places:
            return found
        gates = np.concatenate([self._of_gate(name) for name in self._places])
        places = np.fromiter(chain.from_iterable(self._places.values()), dtype=np.intp, count=4 * len(gates))
        owners, at, qubits, before = places.reshape(-1, 4).T
        first = np.flatnonzero(before == 0)
        found[at[first], qubits[first], :, :, owners[first]] = gates[first]
        for depth in range(1, before.max() + 1):  # gates of one qubit that follow each other
            now = np.flatnonzero(before == depth)
            where = at[now], qubits[now], slice(None), slice(None), owners[now]
            found[where] = gates[now] @ found[where]
        return found

    def _of_gate(self, name: str) -> NDArray[np.complex128]:
        """The matrices of all gates of one name, shape ``(gates, 2, 2)``."""
        count = len(self._places[name]) // 4
        if name not in self._angles:
            return np.repeat(constant_matrices()[name], count, axis=0)
        return ROTATIONS[name](*np.array(self._angles[name], dtype=np.float64).reshape(count, -1).T)

    def sources(self) -> NDArray[np.intp]:
        """For each round, where each amplitude is in the flat states before it, shape ``(rounds, 2**n, circuits)``."""
        still = [1 << bit for bit in range(self.num_qubits)]
        padded = [images + [still] * (self._count - len(images)) for images in self._images]
        images = np.array(padded).transpose(1, 2, 0)
        states = np.zeros((self._count, 1 << self.num_qubits, len(self._images)), dtype=np.intp)
        for bit in range(self.num_qubits):
            states[:, 1 << bit : 2 << bit] = states[:, : 1 << bit] ^ images[:, bit, None]
        return states * len(self._images) + np.arange(len(self._images))


@cache
def _known() -> frozenset[str]:
    """Names of the gates that are known here."""
    single = {name for name, matrices in constant_matrices().items() if matrices.shape[-1] == 2}
    turns = {"rx", "ry", "rz", "p", "u1", "u", "u3", "u2", "r"}
    return frozenset(single | turns | {"cx", "cz", "swap"} | _IDLE)

"""Expectation values from samples: observables become groups of Paulis that one circuit measures together.

Paulis that agree, qubit by qubit, wherever both act (qubit-wise commuting) share a group. Each group is measured by
one circuit: the task's circuit, one basis change per measured qubit, and a measurement. Every shot then gives a
value of each observable's share in the group, so that means and standard errors follow with all covariances inside
the group; shots of different groups are independent, so their variances add.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.circuit import Gate
from qiskit.circuit.library import HGate, SdgGate
from qiskit.quantum_info import Operator, PauliList, SparsePauliOp
from qiskit.synthesis import OneQubitEulerDecomposer

from qiskit_haiqu_provider.exceptions import HaiquCircuitError

_VALUES_AT_ONCE = 2**22
"""Table entries (shots x terms) held at a time while evaluating shots: 32 MiB."""


_SAME = 1e-12
"""Contributions closer than this, in units of the largest, are the same."""


@dataclass(frozen=True)
class Levels:
    """Outcomes of a group that contribute the same to every observable, taken together."""

    values: NDArray[np.float64]
    """What each level contributes to each observable, shape ``(levels, observables)``."""

    order: NDArray[np.intp]
    """All outcomes, level by level."""

    starts: NDArray[np.intp]
    """Where each level begins in :attr:`order`."""

    def probabilities(self, outcomes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Probabilities of the levels, from those of all outcomes, the last axis of both."""
        if len(self.starts) == len(self.order):
            return outcomes
        return np.asarray(np.add.reduceat(np.take(outcomes, self.order, axis=-1), self.starts, axis=-1))


@dataclass(frozen=True)
class MeasurementGroup:
    """Paulis that are measured together, and what they contribute to each observable."""

    qubits: tuple[int, ...]
    """Measured qubits, ascending; bit ``k`` of an outcome is ``qubits[k]``."""

    bases: str
    """For each measured qubit ``X``, ``Y`` or ``Z``."""

    terms: NDArray[np.uint8]
    """Shape ``(terms, measured qubits)``: 1 where the Pauli acts."""

    weights: NDArray[np.float64]
    """Shape ``(observables, terms)``: coefficient of each Pauli in each observable."""

    def values(self, bits: NDArray[np.uint8]) -> NDArray[np.float64]:
        """What single outcomes contribute to each observable.

        Args:
            bits: Shape ``(outcomes, measured qubits)``, 0 or 1.

        Returns:
            Shape ``(outcomes, observables)``.
        """
        step = max(1, _VALUES_AT_ONCE // max(1, len(self.terms)))
        terms = self.terms.T.astype(np.float32)  # float, because only floats are multiplied by BLAS
        chunks = []
        for start in range(0, len(bits), step):
            parities = (bits[start : start + step].astype(np.float32) @ terms) % 2
            chunks.append((1.0 - 2.0 * parities) @ self.weights.T)
        return np.concatenate(chunks) if chunks else np.empty((0, len(self.weights)))

    @cached_property
    def levels(self) -> Levels:
        """All outcomes of the measured qubits, those that contribute the same taken together."""
        size = 1 << len(self.qubits)
        bits = (np.arange(size)[:, None] >> np.arange(len(self.qubits))) & 1
        values = self.values(bits.astype(np.uint8))
        kinds = np.zeros(size, dtype=np.intp)
        for column in values.T:
            steps = np.round(column / (_SAME * max(np.abs(column).max(), _SAME)))
            _, places = np.unique(steps, return_inverse=True)
            _, kinds = np.unique(kinds * size + places, return_inverse=True)
            if 2 * (kinds.max() + 1) > size:  # hardly any two are the same
                return Levels(values, np.arange(size), np.arange(size))
        order = np.argsort(kinds, kind="stable")
        starts = np.flatnonzero(np.diff(kinds[order], prepend=-1))
        return Levels(values[order[starts]], order, starts)

    def __getstate__(self) -> dict[str, Any]:
        # A worker finds the levels in less time than it takes to send them.
        return {name: value for name, value in vars(self).items() if name != "levels"}


@dataclass(frozen=True)
class Measurements:
    """All that must be measured to estimate some observables of one circuit."""

    constants: NDArray[np.float64]
    """Identity part of each observable: exact, without shot noise."""

    groups: tuple[MeasurementGroup, ...]


def measurements(observables: Sequence[SparsePauliOp]) -> Measurements:
    """Group the Paulis of some observables by qubit-wise commutation.

    What was worked out for an observable is kept, because loops estimate the same one again and again.

    Args:
        observables: Hermitian Pauli sums, all of the same width.
    """
    if len(observables) > 1 or len(observables[0]) > _MOST_KEPT:
        return _grouped(observables)
    only = observables[0]
    content = only.num_qubits, only.paulis.x.tobytes(), only.paulis.z.tobytes(), only.coeffs.real.tobytes()
    found = _kept.get(content)
    if found is None:
        if len(_kept) >= _KEPT:
            _kept.clear()
        found = _kept[content] = _grouped(observables)
    return found


_kept: dict[tuple[int, bytes, bytes, bytes], Measurements] = {}
_KEPT, _MOST_KEPT = 16, 2**10
"""Observables whose groups are kept, and the most terms of one."""


def _grouped(observables: Sequence[SparsePauliOp]) -> Measurements:
    paulis, weights = _weights(observables)
    support = paulis.x | paulis.z
    acts = support.any(axis=1)
    constants = weights[:, ~acts].sum(axis=1)
    paulis, weights, support = paulis[acts], weights[:, acts], support[acts]
    groups = []
    for members in _commuting_groups(paulis):
        qubits = np.flatnonzero(support[members].any(axis=0))
        x, z = paulis.x[members].any(axis=0)[qubits], paulis.z[members].any(axis=0)[qubits]
        bases = np.where(x & z, "Y", np.where(x, "X", "Z"))
        groups.append(
            MeasurementGroup(
                qubits=tuple(qubits.tolist()),
                bases="".join(bases),
                terms=support[np.ix_(members, qubits)].astype(np.uint8),
                weights=np.ascontiguousarray(weights[:, members]),
            )
        )
    return Measurements(constants, tuple(groups))


def measurement_circuit(
    circuit: QuantumCircuit, group: MeasurementGroup, gates: Collection[str] | None = None
) -> QuantumCircuit:
    """The circuit, then the group's basis changes and measurements into new bits after all its own.

    Args:
        circuit: The circuit that prepares the state.
        group: What to measure.
        gates: Names of the gates that the device has; ``None`` for any.

    Raises:
        HaiquCircuitError: If the device's gates cannot change the basis.
    """
    measured = circuit.copy()
    names = {creg.name for creg in circuit.cregs}
    name = "observable"
    while name in names:
        name += "_"
    bits = ClassicalRegister(len(group.qubits), name)
    measured.add_register(bits)
    for clbit, (qubit, basis) in enumerate(zip(group.qubits, group.bases, strict=True)):
        if basis != "Z":
            change = basis_change(basis, None if gates is None else frozenset(gates))
            for instruction in change.data:
                measured.append(instruction.operation, [qubit])
        measured.measure(qubit, bits[clbit])
    return measured


@lru_cache(maxsize=64)
def basis_change(basis: str, gates: frozenset[str] | None = None) -> QuantumCircuit:
    """One-qubit circuit that turns a measurement of Z into one of ``basis`` (``X`` or ``Y``).

    Args:
        basis: ``X`` or ``Y``.
        gates: Names of the gates that may be used; ``None`` for any.

    Raises:
        HaiquCircuitError: If the gates do not suffice.
    """
    change = QuantumCircuit(1)
    if basis == "Y":
        change.append(SdgGate(), [0])
    change.append(HGate(), [0])
    if gates is None or {"h", "sdg"} <= gates:
        return change
    if "gpi2" in gates:
        quarter = QuantumCircuit(1)
        quarter.append(Gate("gpi2", 1, [_QUARTERS[basis]]), [0])
        return quarter
    for name, needed in _EULER_BASES.items():
        if needed <= gates:
            synthesised: QuantumCircuit = OneQubitEulerDecomposer(name)(Operator(change).data)
            return synthesised
    raise HaiquCircuitError(
        f"gates: no way to measure {basis} with the device's gates {sorted(gates)}. "
        "Estimate observables made of I and Z only, or choose another device."
    )


_QUARTERS = {"X": -0.25, "Y": 0.0}
"""Axes of IonQ's quarter turn ``gpi2`` that change the basis, in turns."""

_EULER_BASES = {
    "ZSX": {"rz", "sx"},
    "PSX": {"p", "sx"},
    "U": {"u"},
    "U3": {"u3"},
    "RR": {"r"},
    "ZXZ": {"rz", "rx"},
    "ZYZ": {"rz", "ry"},
    "XYX": {"rx", "ry"},
}
"""Qiskit's names of one-qubit Euler bases, and the gates that each needs."""


def _weights(observables: Sequence[SparsePauliOp]) -> tuple[PauliList, NDArray[np.float64]]:
    """The distinct Paulis of all observables, and coefficients of shape ``(observables, paulis)``."""
    x = np.concatenate([observable.paulis.x for observable in observables])
    z = np.concatenate([observable.paulis.z for observable in observables])
    owner = np.repeat(np.arange(len(observables)), [len(observable) for observable in observables])
    coeffs = np.concatenate([observable.coeffs.real for observable in observables])
    rows, index = np.unique(np.concatenate([z, x], axis=1), axis=0, return_inverse=True)
    weights = np.zeros((len(observables), len(rows)))
    np.add.at(weights, (owner, index.reshape(-1)), coeffs)
    width = z.shape[1]
    return PauliList.from_symplectic(rows[:, :width], rows[:, width:]), weights


def _commuting_groups(paulis: PauliList) -> list[NDArray[np.intp]]:
    """Indices of the Paulis, group by group.

    First fit, the Paulis that act on most qubits first. Qiskit colours the graph of all pairs instead, which takes
    time and memory with the square of the number of Paulis.
    """
    x, z = paulis.x, paulis.z
    bases_x, bases_z = np.zeros_like(x), np.zeros_like(z)
    members: list[list[int]] = []
    for index in np.argsort(-(x | z).sum(axis=1), kind="stable").tolist():
        count = len(members)
        both = (bases_x[:count] | bases_z[:count]) & (x[index] | z[index])
        differs = (bases_x[:count] ^ x[index]) | (bases_z[:count] ^ z[index])
        free = np.flatnonzero(~(both & differs).any(axis=1))
        group = int(free[0]) if len(free) else count
        if group == count:
            members.append([])
        members[group].append(index)
        bases_x[group] |= x[index]
        bases_z[group] |= z[index]
    return [np.sort(group) for group in members]

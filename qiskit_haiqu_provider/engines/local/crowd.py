"""Many narrow circuits at once, where each alone is too small to be worth the calls of numpy.

Every circuit is laid out in rounds: first a matrix for each qubit, then one permutation of the basis states. So all
circuits, however different, go through a round together. They are laid out together as well, the first gates of all,
then the second, and so on. A permutation by CX is linear in the bits of a basis state, and is kept as its images of
single bits.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from qiskit_haiqu_provider.engines.local.gatelist import ARITIES, NAMES, NUM_ANGLES, GateList
from qiskit_haiqu_provider.engines.local.prepare import Prepared
from qiskit_haiqu_provider.engines.local.sampling import cumulated
from qiskit_haiqu_provider.run.angles import constant_matrices
from qiskit_haiqu_provider.run.rotations import ROTATIONS

_MANY = 8
"""Fewer circuits are quicker one by one."""

_AMPLITUDES = 2**15
"""Amplitudes at a time, so that they stay in the processor's cache."""

_STEPS = 2**17
"""Steps at a time at most, were all circuits as long as the longest: matrices of all rounds take 50 MiB then."""

_WORTH = 6
"""Gates of all circuits for each step of the longest, from where on they are quicker together."""

_LONGEST = _STEPS // _MANY
"""Steps of a circuit that goes with others."""

_Ints = NDArray[np.intp]
_Matrices = NDArray[np.complex128]

_CX = NAMES.index("cx")
_PARTS = {"cz": (("h", 1, 1), ("cx", 0, 1), ("h", 1, 1)), "swap": (("cx", 0, 1), ("cx", 1, 0), ("cx", 0, 1))}
"""What gates are made of here: other gates, each with its first and its last qubit among those of the whole."""

_COUNTS = bytes([len(_PARTS.get(name, [()])) for name in NAMES]).ljust(256, b"\0")


def evolve_together(circuits: Sequence[Prepared]) -> None:
    """Tell circuits that are constant their outcomes, where enough of them go together; others find out alone."""
    by_width: dict[int, list[tuple[Prepared, GateList]]] = {}
    if len(circuits) >= _MANY:
        for ready in circuits:
            body = ready.body
            if isinstance(body, GateList) and _num_steps(body) <= _LONGEST and not ready.has_outcomes():
                by_width.setdefault(ready.num_qubits, []).append((ready, body))
    for members in map(_worth_it, by_width.values()):
        if len(members) >= _MANY:
            cumulative = cumulated(probabilities([gates for _, gates in members]))
            for index, (ready, _) in enumerate(members):
                ready.learn(cumulative[index : index + 1])


def probabilities(circuits: Sequence[GateList]) -> NDArray[np.float64]:
    """Probabilities of all outcomes of circuits of one width.

    Args:
        circuits: The circuits; all have ``n`` qubits.

    Returns:
        Shape ``(circuits, 2**n)``, in Qiskit order.
    """
    found = np.empty((len(circuits), 1 << circuits[0].num_qubits))
    lengths = np.array([_num_steps(gates) for gates in circuits])
    for batch in _batches(np.argsort(-lengths, kind="stable"), lengths, most=_AMPLITUDES >> circuits[0].num_qubits):
        found[batch] = _evolved([circuits[index] for index in batch.tolist()])
    return found


def _worth_it(members: list[tuple[Prepared, GateList]]) -> list[tuple[Prepared, GateList]]:
    """Those that are quicker together: without the ones that are so long that the others would wait for them."""
    members = sorted(members, key=lambda member: _num_steps(member[1]))
    steps = np.array([_num_steps(gates) for _, gates in members])
    worth = np.flatnonzero(np.cumsum([len(gates.names) for _, gates in members]) >= _WORTH * steps)
    return members[: worth[-1] + 1] if len(worth) else []


def _num_steps(gates: GateList) -> int:
    """Steps of a circuit, whose gates may have several."""
    return sum(gates.names.translate(_COUNTS))


def _batches(order: _Ints, lengths: _Ints, *, most: int) -> Iterator[_Ints]:
    """Circuits, the longest first, in parts that stay small."""
    start = 0
    while start < len(order):
        stop = start + max(1, min(most, _STEPS // max(1, int(lengths[order[start]]))))
        yield order[start:stop]
        start = stop


def _evolved(circuits: Sequence[GateList]) -> NDArray[np.float64]:
    num_qubits, size = circuits[0].num_qubits, len(circuits)
    rounds = _laid_out(_steps(circuits), num_qubits, size)
    states = np.zeros((1 << num_qubits, size), dtype=np.complex128)
    states[0] = 1.0
    other, half = np.empty_like(states), np.empty((1 << num_qubits - 1, size), dtype=np.complex128)
    for turns, source in zip(rounds.matrices, rounds.sources, strict=True):
        for qubit, turn in enumerate(turns):
            shape = (-1, 2, 1 << qubit, size)
            before, after, part = states.reshape(shape), other.reshape(shape), half.reshape(-1, 1 << qubit, size)
            for bit in range(2):
                np.multiply(before[:, 0], turn[bit, 0], out=after[:, bit])
                np.multiply(before[:, 1], turn[bit, 1], out=part)
                after[:, bit] += part
            states, other = other, states
        states.reshape(-1).take(source, out=other, mode="clip")
        states, other = other, states
    return np.ascontiguousarray((states.real**2 + states.imag**2).T)


@dataclass(frozen=True)
class _Steps:
    """The steps of many circuits: the first of each, then the second of each, and so on."""

    codes: _Ints
    owners: _Ints
    one: _Ints
    other: _Ints
    """The last qubit; the same as the first in steps of one qubit."""

    angles: tuple[_Ints, NDArray[np.float64]]
    """Where the angles of each step begin, and the angles."""

    ranks: tuple[slice, ...]
    """The first steps, the second steps, and so on."""


def _steps(circuits: Sequence[GateList]) -> _Steps:
    tables = _tables()
    gates = np.frombuffer(b"".join([gates.names for gates in circuits]), dtype=np.uint8)
    qubits = np.frombuffer(b"".join([gates.qubits for gates in circuits]), dtype=np.uint8)
    owners = np.repeat(np.arange(len(circuits)), [len(gates.names) for gates in circuits])
    first, last = np.cumsum(tables.arities[gates]) - tables.arities[gates], np.cumsum(tables.arities[gates]) - 1
    angles = np.cumsum(tables.angles[gates]) - tables.angles[gates]
    # Gates become their parts.
    counts = tables.counts[gates]
    whole = np.repeat(np.arange(len(gates)), counts)
    part = np.arange(len(whole)) - np.repeat(np.cumsum(counts) - counts, counts)
    codes, one, other = tables.parts[:, gates[whole], part]
    ends = np.stack([qubits[first], qubits[last]])
    owners = owners[whole]
    # Step by step, the longest circuits first, so that those that have a step are the first of them.
    lengths = np.bincount(owners, minlength=len(circuits))
    begins, order = np.cumsum(lengths) - lengths, np.argsort(-lengths, kind="stable")
    running = np.searchsorted(-lengths[order], -np.arange(lengths.max(initial=0)))
    places = np.concatenate([begins[order[:count]] + rank for rank, count in enumerate(running.tolist())] or [whole])
    stops = np.cumsum(running).tolist()
    return _Steps(
        codes=codes[places],
        owners=owners[places],
        one=ends[one, whole][places].astype(np.intp),
        other=ends[other, whole][places].astype(np.intp),
        angles=(
            angles[whole][places],
            np.fromiter(chain.from_iterable([gates.angles for gates in circuits]), np.float64),
        ),
        ranks=tuple([slice(stop - count, stop) for stop, count in zip(stops, running.tolist(), strict=True)]),
    )


@dataclass(frozen=True)
class _Tables:
    """Facts about gates, by their codes."""

    arities: _Ints
    angles: _Ints
    counts: _Ints
    """How many parts a gate has."""

    parts: _Ints
    """Code, first and last qubit of each part of each gate, shape ``(3, codes, parts)``."""


@cache
def _tables() -> _Tables:
    parts = np.zeros((3, len(NAMES), 3), dtype=np.intp)
    for code, name in enumerate(NAMES):
        for index, (part, one, other) in enumerate(_PARTS.get(name, [(name, 0, 1)])):
            parts[:, code, index] = NAMES.index(part), one, other
    return _Tables(
        np.array([ARITIES[name] for name in NAMES]),
        np.array([NUM_ANGLES[name] for name in NAMES]),
        np.array([len(_PARTS.get(name, [()])) for name in NAMES]),
        parts,
    )


@dataclass(frozen=True)
class _Rounds:
    """The rounds of many circuits."""

    matrices: _Matrices
    """The matrix of each qubit in each round of each circuit, shape ``(rounds, qubits, 2, 2, circuits)``."""

    sources: _Ints
    """For each round, where each amplitude is in the flat states before it, shape ``(rounds, 2**n, circuits)``."""


def _laid_out(steps: _Steps, num_qubits: int, size: int) -> _Rounds:
    """Put every step into the first round that it fits."""
    moves = (steps.codes == _CX).astype(np.intp)
    first, last = steps.owners * num_qubits + steps.one, steps.owners * num_qubits + steps.other
    # Levels are the first halves of the rounds, which turn qubits, and the second ones, which move amplitudes.
    level, before = np.zeros(size * num_qubits, dtype=np.intp), np.full(size * num_qubits, -1)
    levels, depths = np.empty_like(first), np.empty_like(first)
    most = 1 + int(np.bincount(steps.owners, weights=moves, minlength=size).max(initial=0))
    images = np.tile(1 << np.arange(num_qubits), (size * most, 1)).reshape(-1)
    for now in steps.ranks:
        move, one, other = moves[now], first[now], last[now]
        last_levels = level[one]
        at = np.maximum(last_levels, level[other])
        at += (at ^ move) & 1
        level[one] = level[other] = levels[now] = at
        before[one] = depths[now] = np.where(at == last_levels, before[one] + 1, 0)
        moved = np.flatnonzero(move)
        row = (steps.owners[now][moved] * most + (at[moved] >> 1)) * num_qubits
        images[row + steps.one[now][moved]] ^= images[row + steps.other[now][moved]]
    count = 1 + int(levels.max(initial=0)) // 2
    turned = np.flatnonzero(moves == 0)
    return _Rounds(
        _matrices(steps, turned, levels[turned] // 2, depths[turned], (count, num_qubits, size)),
        _sources(images.reshape(size, most, num_qubits)[:, :count].transpose(1, 2, 0)),
    )


def _matrices(steps: _Steps, which: _Ints, rounds: _Ints, depths: _Ints, shape: tuple[int, int, int]) -> _Matrices:
    """The matrices of all rounds, from the turns and where they are; those at one place follow each other by depth."""
    count, num_qubits, size = shape
    found = np.zeros((2, 2, count * num_qubits * size), dtype=np.complex128)
    found[0, 0] = found[1, 1] = 1.0
    gates = _gate_matrices(steps, which)
    places = (rounds * num_qubits + steps.one[which]) * size + steps.owners[which]
    for depth in range(1 + int(depths.max(initial=0))):
        now = np.flatnonzero(depths == depth)
        turns, where = gates[..., now], places[now]
        found[:, :, where] = turns if depth == 0 else np.einsum("ijk,jlk->ilk", turns, found[:, :, where])
    return found.reshape(2, 2, *shape).transpose(2, 3, 0, 1, 4)


def _gate_matrices(steps: _Steps, which: _Ints) -> _Matrices:
    """The matrix of each step, shape ``(2, 2, steps)``."""
    codes, begins, angles = steps.codes[which], steps.angles[0][which], steps.angles[1]
    found = np.empty((2, 2, len(which)), dtype=np.complex128)
    for code in np.unique(codes).tolist():
        now, name = np.flatnonzero(codes == code), NAMES[code]
        given = [angles[begins[now] + index] for index in range(NUM_ANGLES[name])]
        found[..., now] = np.moveaxis(ROTATIONS[name](*given) if given else constant_matrices()[name], 0, -1)
    return found


def _sources(images: _Ints) -> _Ints:
    """Where amplitudes come from, by the images of single bits, of shape ``(rounds, qubits, circuits)``."""
    count, num_qubits, size = images.shape
    found = np.zeros((count, 1 << num_qubits, size), dtype=np.intp)
    for bit in range(num_qubits):
        np.bitwise_xor(found[:, : 1 << bit], images[:, bit, None], out=found[:, 1 << bit : 2 << bit])
    found *= size
    found += np.arange(size)
    return found

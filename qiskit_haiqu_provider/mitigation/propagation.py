"""Terms run backwards through a circuit: into one Pauli by Clifford gates, into a sum of Paulis by any.

On the way each path meets the gates that make the noise, and how many it meets is what the noise does to it.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from qiskit_haiqu_provider.mitigation.paulis import PAULIS, Images, common_images, images
from qiskit_haiqu_provider.mitigation.structure import Structure
from qiskit_haiqu_provider.run.rotations import ROTATIONS

METERS = 2
"""What is counted along a path: two-qubit gates that do not meet the identity alone, and letters X and Y behind them.

The latter since dephasing, which many qubits have more of than of relaxation, damps X and Y but not Z.
"""

STRINGS = 256
"""Most Paulis that a term is followed as; those of smaller amplitude are dropped at each step."""

_FEWEST_STRINGS = 8
_STRINGS_IN_ALL = 8192
"""Of all terms together, as long as each has the fewest: up to about a thousand terms the time is the same."""

_MOST_SETS = 8
"""Parameter sets that stand for a sweep."""

_MOST_OWNERS = 128
"""Of terms at parameter sets, where there is a sweep."""

_NOTHING = 1e-12
"""Amplitudes that are rounding errors."""

_DIGITS = 9
"""Of amplitudes that are compared."""

_Z = 3


@dataclass(frozen=True)
class Followed:
    """Terms pulled back through Clifford circuits."""

    pauli: NDArray[np.int8]
    """The Paulis on the initial state that have the values of the terms, shape ``(bodies, terms, wires)``."""

    sign: NDArray[np.int8]
    """Shape ``(bodies, terms)``."""

    met: NDArray[np.int32]
    """Counts along the path, shape ``(bodies, terms, METERS)``; 0 if nothing was counted."""


def followed(
    structure: Structure, quarters: NDArray[np.int8], terms: NDArray[np.int8], *, counted: bool = False
) -> Followed:
    """Pull terms back through Clifford circuits.

    Args:
        structure: What stays; its two-qubit gates are Clifford gates.
        quarters: Angles of the segments in quarter turns, shape ``(bodies, segments, 3)``.
        terms: Paulis by the letters' numbers on each wire, shape ``(terms, wires)``.
        counted: Whether it is counted what they meet, which takes half as long again.
    """
    image, sign_of = _segment_images()
    code = (quarters @ np.array([16, 4, 1])).astype(np.intp)
    pauli = np.repeat(terms[None], len(quarters), axis=0)
    sign = np.ones(pauli.shape[:2], dtype=np.int8)
    met = np.zeros((*pauli.shape[:2], METERS), dtype=np.int32)

    def through(wire: int, segment: int) -> None:
        at = code[:, segment, None], pauli[:, :, wire]
        np.multiply(sign, sign_of[at], out=sign)
        pauli[:, :, wire] = image[at]

    for wire, segment in enumerate(structure.last):
        through(wire, segment)
    for fixed in reversed(structure.fixed):
        if fixed.entangles and fixed.matrices is not None:
            table = common_images(fixed.matrices)
            one, two = fixed.wires
            pair = 4 * pauli[:, :, one] + pauli[:, :, two]
            if counted:
                met += _MET[pair]
            np.multiply(sign, table.sign[pair], out=sign)
            pair = table.image[pair]
            pauli[:, :, one], pauli[:, :, two] = pair >> 2, pair & 3
        for wire, segment in zip(fixed.wires, fixed.before, strict=True):
            through(wire, segment)
    return Followed(pauli, sign, met)


@dataclass(frozen=True)
class Spread:
    """Terms as sums over paths, of those paths that count in the initial state; means over some parameter sets."""

    products: NDArray[np.float64]
    """Of the sum of amplitudes and the sums of amplitudes times each of the ``METERS``, each with each.

    Shape ``(terms, 1 + METERS, 1 + METERS)``.
    """

    typical: NDArray[np.float64]
    """What a path meets, by the squares of the amplitudes, shape ``(terms, METERS)``."""


def spread(structure: Structure, terms: NDArray[np.int8]) -> Spread:
    """Pull terms back through the circuit itself, keeping only the Paulis of largest amplitude.

    Of small circuits that may be all; of large ones it is too little to tell a value. It is asked only which gates the
    paths meet that add up to it.

    Args:
        structure: What stays; its two-qubit gates are Clifford gates.
        terms: Paulis by the letters' numbers on each wire, shape ``(terms, wires)``.
    """
    sets = len(structure.unitaries)
    count = max(1, min(sets, _MOST_SETS, _MOST_OWNERS // max(1, len(terms))))
    chosen = (2 * np.arange(count) + 1) * sets // (2 * count)
    strings = max(_FEWEST_STRINGS, min(STRINGS, _STRINGS_IN_ALL // max(1, count * len(terms))))
    paths = _Strings(_rotations(structure.unitaries[chosen]), terms, strings)
    for wire, segment in enumerate(structure.last):
        paths.turn(wire, segment)
    for fixed in reversed(structure.fixed):
        if fixed.entangles and fixed.matrices is not None:
            paths.pass_gate(fixed.wires, common_images(fixed.matrices))
        for wire, segment in zip(fixed.wires, fixed.before, strict=True):
            paths.turn(wire, segment)
    sums = paths.on_zero().reshape(count, len(terms), 2, 1 + METERS)
    signed, squares = sums[:, :, 0], sums[:, :, 1].mean(axis=0)
    typical = np.divide(squares[:, 1:], squares[:, :1], out=np.zeros((len(terms), METERS)), where=squares[:, :1] > 0)
    return Spread((signed[..., None] * signed[..., None, :]).mean(axis=0), typical)


class _Strings:
    """The Paulis of all terms at all parameter sets; equal ones of the same owner are one.

    Args:
        rotations: What segments make of X, Y and Z, shape ``(sets, segments, 3, 3)``.
        terms: Shape ``(terms, wires)``.
        most: Paulis of each owner.
    """

    def __init__(self, rotations: NDArray[np.float64], terms: NDArray[np.int8], most: int) -> None:
        sets, self._most = len(rotations), most
        self._rotations = rotations
        self._owners = sets * len(terms)
        self._owner = np.arange(self._owners)
        self._set = np.repeat(np.arange(sets), len(terms))
        self._letters = np.tile(terms, (sets, 1))
        # An owner and its letters have a random number, which stands for them when equal ones are looked for.
        rng = np.random.default_rng(0)
        self._numbers = rng.integers(2**63, size=(terms.shape[1], 4), dtype=np.int64)
        self._key = rng.integers(2**63, size=self._owners, dtype=np.int64)
        for wire, letters in enumerate(self._letters.T):
            self._key ^= self._numbers[wire, letters]
        # Of the amplitudes of paths and of their squares: they themselves, and they times what the paths met.
        self._sums = np.zeros((self._owners, 2, 1 + METERS))
        self._sums[:, :, 0] = 1.0

    def turn(self, wire: int, segment: int) -> None:
        """Pull back through a segment, which makes up to three Paulis of one."""
        acted = self._letters[:, wire] > 0
        rows, others = np.flatnonzero(acted), np.flatnonzero(~acted)
        if not len(rows):
            return
        letters = self._letters[rows, wire]
        turned = self._rotations[self._set[self._owner[rows]], segment, letters - 1]
        row, place = np.nonzero(np.abs(turned) > _NOTHING)
        numbers = self._numbers[wire]
        keys = (self._key[rows] ^ numbers[letters])[row] ^ numbers[place + 1]
        order = np.argsort(keys, kind="stable")
        first = np.flatnonzero(np.diff(keys[order], prepend=keys[order[:1]] - 1))
        factors = np.stack([turned[row, place], turned[row, place] ** 2], axis=1)
        sums = np.add.reduceat((self._sums[rows[row]] * factors[:, :, None])[order], first, axis=0)
        parents, own = rows[row[order[first]]], place[order[first]] + 1
        kept = (np.abs(sums[:, 0]) > _NOTHING).any(axis=1)  # amplitudes may cancel where what was met does not
        parents, own, sums, keys = parents[kept], own[kept], sums[kept], keys[order[first]][kept]
        letters_of = self._letters[parents]
        letters_of[:, wire] = own
        self._owner = np.concatenate([self._owner[others], self._owner[parents]])
        self._letters = np.concatenate([self._letters[others], letters_of])
        self._key = np.concatenate([self._key[others], keys])
        self._sums = np.concatenate([self._sums[others], sums])
        self._cut()

    def pass_gate(self, wires: tuple[int, ...], table: Images) -> None:
        """Pull back through a two-qubit gate, which the paths meet."""
        one, two = wires
        before = 4 * self._letters[:, one] + self._letters[:, two]
        after = table.image[before]
        self._sums[:, :, 1:] += self._sums[:, :, :1] * _MET[before][:, None]
        self._sums[:, 0] *= table.sign[before][:, None]
        for wire, letters in ((one, after >> 2), (two, after & 3)):
            self._key ^= self._numbers[wire, self._letters[:, wire]] ^ self._numbers[wire, letters]
            self._letters[:, wire] = letters

    def on_zero(self) -> NDArray[np.float64]:
        """Sums over the Paulis that are 1 in the state |0..0>, for each owner."""
        counts = ((self._letters == 0) | (self._letters == _Z)).all(axis=1)
        owner, sums = self._owner[counts], self._sums[counts].reshape(-1, 2 * (1 + METERS))
        return np.stack([np.bincount(owner, column, minlength=self._owners) for column in sums.T], axis=1)

    def _cut(self) -> None:
        """Keep the largest of each owner."""
        held = np.bincount(self._owner, minlength=self._owners)
        if held.max(initial=0) <= self._most:
            return
        size = np.round(np.abs(self._sums[:, 0, 0]), _DIGITS)  # equal ones stay equal on every machine
        order = np.lexsort((-size, self._owner))
        rank = np.arange(len(order)) - np.repeat(np.cumsum(held) - held, held)
        kept = order[rank < self._most]
        self._owner, self._letters = self._owner[kept], self._letters[kept]
        self._key, self._sums = self._key[kept], self._sums[kept]


def _rotations(unitaries: NDArray[np.complex128]) -> NDArray[np.float64]:
    """The matrix ``r`` of each segment with ``u^dagger P u = sum_Q r[P, Q] Q`` for X, Y and Z."""
    letters = PAULIS[1:]
    turned = np.einsum("...ji,pjk,...kl->...pil", unitaries.conj(), letters, unitaries, optimize=True)
    found: NDArray[np.float64] = np.einsum("...pil,qli->...pq", turned, letters, optimize=True).real / 2
    return found


def _met(pair: int) -> tuple[int, int]:
    """What is counted of a pair of letters behind a gate."""
    return int(pair > 0), sum(letter in (1, 2) for letter in divmod(pair, 4))


_MET = np.array([_met(pair) for pair in range(16)], dtype=np.int32)


@lru_cache(maxsize=1)
def quarter_turns() -> NDArray[np.complex128]:
    """The ``U`` gates whose angles are quarter turns, shape ``(4, 4, 4, 2, 2)``."""
    grid = np.meshgrid(*[np.arange(4) * np.pi / 2] * 3, indexing="ij")
    return ROTATIONS["u"](*grid)


@lru_cache(maxsize=1)
def _segment_images() -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """Images and signs of I, X, Y, Z under each of them, shape ``(64, 4)``."""
    tables = [images(matrix) for matrix in quarter_turns().reshape(64, 2, 2)]
    return np.stack([table.image for table in tables]), np.stack([table.sign for table in tables])

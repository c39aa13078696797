"""Circuits with the same two-qubit gates whose ideal values are known, so that what they show is the noise alone.

A *Clifford* companion replaces each angle by one of the Clifford angles next to it, with the square of its cosine and
sine as probabilities. That samples the Paulis into which the circuit turns a term, by the weights that they have, so
that noise acts on the companion as on the term. A *mirror* companion runs half of the circuit and then its inverse,
or the inverse of the other half and then that half: every term is 1. It needs no structure of the angles, but its light
cones are narrower than those of the circuit.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qiskit_haiqu_provider.mitigation.paulis import PAULIS, common_images, inverting_pairs
from qiskit_haiqu_provider.mitigation.propagation import followed, quarter_turns
from qiskit_haiqu_provider.mitigation.structure import Builder, Fixed, Structure
from qiskit_haiqu_provider.mitigation.synthesis import euler

_POOL = 256
"""Clifford bodies among which companions are chosen."""

_EXACT = 1e-6


@dataclass(frozen=True)
class Clifford:
    """Clifford companions of a structure."""

    unitaries: NDArray[np.complex128]
    """Of the segments, shape ``(rows, segments, 2, 2)``."""

    ideal: NDArray[np.int8]
    """Ideal value of each term: -1, 0 or 1; shape ``(rows, terms)``."""

    met: NDArray[np.int32]
    """What each term meets on its path, shape ``(rows, terms, METERS)``."""


def has_cliffords(structure: Structure) -> bool:
    """Whether all two-qubit gates are Clifford gates, and nothing else stays."""
    return structure.unitary and all(_tables(fixed) for fixed in structure.fixed if fixed.entangles)


def is_clifford(structure: Structure) -> bool:
    """Whether the circuit itself is one for all parameter sets: a computer finds its values without a device."""
    quarters = _canonical(structure) / (np.pi / 2)
    return has_cliffords(structure) and bool((np.abs(quarters - np.round(quarters)) < _EXACT).all())


def cliffords(
    structure: Structure,
    terms: NDArray[np.int8],
    weights: NDArray[np.float64],
    *,
    rows: int,
    rng: np.random.Generator,
) -> Clifford:
    """Draw many Clifford bodies and keep those that tell most about the terms.

    Args:
        structure: Of gates that are Cliffords; angles are taken from all its parameter sets.
        terms: Paulis by the letters' numbers on each wire, shape ``(terms, wires)``.
        weights: How much each term matters.
        rows: How many companions.
        rng: Source of randomness.
    """
    angles = _canonical(structure)
    pool = max(_POOL, rows)
    angles = angles[rng.permutation(pool) % len(angles)]
    quarters = _path(angles, rng)
    back = followed(structure, quarters, terms)
    on_zero = ((back.pauli == 0) | (back.pauli == _Z)).all(axis=2)
    axes = _axes(back.pauli, weights, rng)
    prepared = ((back.pauli == 0) | (back.pauli == axes[:, None, :])).all(axis=2)
    known = np.concatenate([on_zero, prepared])
    chosen = _choose(known, weights, rows)
    body = chosen % pool
    unitaries = quarter_turns()[tuple(np.moveaxis(quarters[body], 2, 0))]
    first = list(structure.first)
    preparations = np.where((chosen >= pool)[:, None], axes[body], _Z)
    unitaries[:, first] = unitaries[:, first] @ _PREPARATIONS[preparations]
    ideal = np.where(known[chosen], back.sign[body], 0).astype(np.int8)
    return Clifford(unitaries, ideal, followed(structure, quarters[body], terms, counted=True).met)


def mirrors(structure: Structure) -> tuple[Structure, ...]:
    """The two mirror circuits of a structure; none if a gate has no inverse among the device's own gates.

    They begin and end at the identity: preparations and basis changes are up to the caller.
    """
    gates = [fixed for fixed in _by_layers(structure) if fixed.entangles]
    if not structure.unitary or not all(_invertible(fixed) for fixed in gates):
        return ()
    order = _by_layers(structure)
    middle = _middle(order)
    halves = (order[:middle], False), (order[middle:], True)
    return tuple(_mirror(structure, half, inverse_first=late) for half, late in halves if half)


def _mirror(structure: Structure, half: list[Fixed], *, inverse_first: bool) -> Structure:
    """A part of a circuit and its inverse.

    The early part goes with the segments before its gates, and is run first; the late part goes with those after its
    gates, and is run last. So each gate has the surroundings that it has in the circuit.
    """
    builder = Builder(structure.width, len(structure.unitaries))

    def forward() -> None:
        for fixed in half:
            if not inverse_first:
                _rotate(builder, structure, fixed.wires, fixed.before, inverse=False)
            builder.fix(fixed.instruction, fixed.wires, matrices=fixed.matrices, angles=fixed.angles)
            if inverse_first:
                _rotate(builder, structure, fixed.wires, fixed.after, inverse=False)

    def backward() -> None:
        for fixed in reversed(half):
            if inverse_first:
                _rotate(builder, structure, fixed.wires, fixed.after, inverse=True)
            _invert(builder, fixed)
            if not inverse_first:
                _rotate(builder, structure, fixed.wires, fixed.before, inverse=True)

    steps = (backward, forward) if inverse_first else (forward, backward)
    for step in steps:
        step()
    return builder.build(structure.circuit, structure.qubits, structure.measured)


def _rotate(
    builder: Builder, structure: Structure, wires: tuple[int, ...], segments: tuple[int, ...], *, inverse: bool
) -> None:
    for wire, segment in zip(wires, segments, strict=True):
        matrices = structure.unitaries[:, segment]
        builder.rotate(wire, matrices.conj().swapaxes(1, 2) if inverse else matrices)


def _invert(builder: Builder, fixed: Fixed) -> None:
    """The inverse of what stays, made of itself and Paulis around it."""
    if not fixed.entangles or fixed.matrices is None:
        builder.fix(fixed.instruction, fixed.wires)
        return
    before, after = inverting_pairs(fixed.matrices) or (0, 0)
    for place, wire in enumerate(fixed.wires):
        builder.rotate(wire, PAULIS[before >> 2 - 2 * place & 3][None])
    builder.fix(fixed.instruction, fixed.wires, matrices=fixed.matrices, angles=fixed.angles)
    for place, wire in enumerate(fixed.wires):
        builder.rotate(wire, PAULIS[after >> 2 - 2 * place & 3][None])


def _invertible(fixed: Fixed) -> bool:
    """Whether the same Paulis invert a gate at all its angles."""
    return fixed.matrices is not None and inverting_pairs(fixed.matrices) is not None


def _by_layers(structure: Structure) -> list[Fixed]:
    """What stays, in the order of its depth, so that a part of it is a part of the time."""
    depth = np.zeros(structure.width, dtype=int)
    layers = []
    for index, fixed in enumerate(structure.fixed):
        wires = list(fixed.wires)
        layer = depth[wires].max() + fixed.entangles
        depth[wires] = layer
        layers.append((layer, index))
    return [structure.fixed[index] for _, index in sorted(layers)]


def _middle(order: list[Fixed]) -> int:
    """Where half of the two-qubit gates are done."""
    done = np.cumsum([fixed.entangles for fixed in order])
    return int(np.searchsorted(done, (done[-1] + 1) // 2)) + 1 if len(done) else 0


def _tables(fixed: Fixed) -> bool:
    """Whether a gate carries all Paulis over, at all its angles in the same way."""
    return fixed.matrices is not None and common_images(fixed.matrices).clifford


def _canonical(structure: Structure) -> NDArray[np.float64]:
    """Euler angles of the segments, shape ``(sets, segments, 3)``."""
    return euler(structure.unitaries)


def _path(angles: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int8]:
    """Each angle becomes quarter turns next to it, on the axis that the squares of its cosine and sine say."""
    cos, sin = np.cos(angles), np.sin(angles)
    on_cosine = rng.random(angles.shape) < cos**2
    return np.where(on_cosine, np.where(cos > 0, 0, 2), np.where(sin > 0, 1, 3)).astype(np.int8)


def _axes(pauli: NDArray[np.int8], weights: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int8]:
    """For each body the axis of every wire's preparation, so that many terms are known.

    Terms are fitted in one after the other, in a random order in which those of large weight tend to come first.
    """
    bodies = np.arange(len(pauli))
    chances = weights + (weights.sum() * _FLOOR or 1.0)
    order = np.argsort(rng.exponential(size=pauli.shape[:2]) / chances, axis=1)
    axes = np.zeros((len(pauli), pauli.shape[2]), dtype=np.int8)
    for places in order.T:
        term = pauli[bodies, places]
        fits = ((term == 0) | (axes == 0) | (term == axes)).all(axis=1)
        axes = np.where(fits[:, None] & (axes == 0), term, axes)
    return np.where(axes == 0, _Z, axes).astype(np.int8)


def _choose(known: NDArray[np.bool_], weights: NDArray[np.float64], rows: int) -> NDArray[np.intp]:
    """The bodies that tell most, one after the other; a term counts the less the oftener it is known already."""
    seen = np.zeros(known.shape[1])
    left = np.ones(len(known))
    gains = known.astype(np.float64) * (weights + weights.sum() * _FLOOR)
    chosen = []
    for _ in range(rows):
        best = int(np.argmax(left * (gains @ (1 / (1 + seen)))))
        chosen.append(best)
        seen += known[best]
        left[best] = 0.0
    return np.array(chosen, dtype=np.intp)


_FLOOR = 1e-6
"""Of the weight of all terms: what a term without weight counts."""

_Z = 3


_HALF = np.sqrt(0.5)
_PREPARATIONS = np.array(
    [np.eye(2), np.array([[1, 1], [1, -1]]) * _HALF, np.array([[1, 1], [1j, -1j]]) * _HALF, np.eye(2)],
    dtype=np.complex128,
)
"""For I, X, Y, Z a unitary that prepares the eigenstate of +1 from |0>."""

"""A request cut into units of work. A unit is picklable and runs anywhere, so that an executor can take it.

How a request is cut does not change its results: units that draw from exact probabilities seed every block of sets by
its place in the request, and units that Aer samples are cut the same way whatever the executor.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.quantum_info import PauliList, SparsePauliOp

from qiskit_haiqu_provider.engines.local.channels.readings import Reading
from qiskit_haiqu_provider.engines.local.prepare import Prepared
from qiskit_haiqu_provider.engines.local.streams import stream
from qiskit_haiqu_provider.run.measure import Measurements
from qiskit_haiqu_provider.run.result import Expectations, Samples, Statevectors, TaskResult

_BLOCK_SETS, _BLOCK_AMPLITUDES = 64, 2**16
"""Size of a block, the parameter sets that share a random stream: at most so many sets and amplitudes."""

_AMPLITUDES = 2**18
"""Amplitudes of a unit that evolves states: 4 MiB, which stay in the processor's cache."""

_SETS = 4096
"""Parameter sets of a unit at most, so that cancelling and progress stay prompt."""

_SHOTS = 2**17
"""Shots of a unit that Aer samples from a final state."""

_TRAJECTORY = 2**28
"""Work (gates x amplitudes x shots) of a unit whose shots Aer simulates one by one: a second, more or less."""


class Route(Enum):
    """How a piece of work is done."""

    STATES = "states"
    """Evolve statevectors; everything asked follows from them exactly or by drawing."""

    SHOTS = "shots"
    """Let Aer sample: dynamic circuits, methods other than statevector, noise in wide circuits or of unknown kinds."""

    PROBABILITIES = "probabilities"
    """Outcome probabilities with noise from a density matrix; values follow from them exactly or by drawing."""

    VALUES = "values"
    """Exact expectation values computed by Aer, for methods without a statevector."""


_NOTHING_TO_MEASURE = Measurements(np.empty(0), ())


@dataclass(frozen=True)
class Piece:
    """Some parameter sets of one task."""

    task: int
    first: int
    """Index of the first set within the task; a multiple of :attr:`block`."""

    prepared: Prepared
    values: NDArray[np.float64]
    observables: tuple[SparsePauliOp, ...] | None
    shots: int | None
    statevector: bool = False
    """Whether the amplitudes themselves are asked for."""

    chunk: int = 0
    """Which part of the shots of its sets this is, where they are more than a unit takes."""

    share: float = 1.0
    """The part of the shots of its sets."""

    one_by_one: bool = False
    """Whether each shot is a simulation of its own: with noise, or in dynamic circuits."""

    readings: tuple[Reading, ...] | None = None
    """How to find exact outcomes with noise; ``None`` where Aer simulates the noise, or there is none."""

    plan: Measurements = _NOTHING_TO_MEASURE
    """What to measure for the observables, where they are estimated from outcomes."""

    @property
    def block(self) -> int:
        """Parameter sets that share a random stream; depends on the task alone, so that seeds repeat."""
        most = min(_BLOCK_SETS, _BLOCK_AMPLITUDES // self.size)
        if self.observables is None or self.one_by_one:  # else counts are drawn, not shots
            most = min(most, self.most_shots // (self.shots or 1) if self.share == 1.0 else 1)
        return max(1, most)

    @property
    def size(self) -> int:
        """Numbers of the state of a set."""
        if self.readings:
            return max(reading.program.size for reading in self.readings)
        return 1 << self.prepared.num_qubits

    @property
    def most_shots(self) -> int:
        """Shots that a unit takes; depends on the task alone."""
        if not self.one_by_one:
            return _SHOTS
        gates = max(1, self.prepared.num_gates)
        return max(16, min(_SHOTS // 4, _TRAJECTORY // (gates << min(self.prepared.width, 30))))

    def blocks(self) -> Iterator[slice]:
        """The sets of the piece, block by block."""
        for start in range(0, len(self.values), self.block):
            yield slice(start, min(start + self.block, len(self.values)))


@dataclass(frozen=True)
class Unit:
    """Pieces that run together."""

    route: Route
    pieces: tuple[Piece, ...]
    options: Mapping[str, Any]
    """Options for AerSimulator."""

    noise_model: Any
    entropy: int
    """Root of all randomness of the request."""

    gates: frozenset[str] | None
    """Gates that measurement circuits may use; ``None`` for any."""

    @property
    def num_sets(self) -> float:
        """Parameter sets in all pieces; a part of the shots of a set counts as that part of it."""
        return sum(len(piece.values) * piece.share for piece in self.pieces)

    def generator(self, piece: Piece, block: slice, number: int = 0) -> np.random.Generator:
        """A random stream of a block of sets of a piece; each ``number`` has one of its own."""
        return stream(self.entropy, piece.task, (piece.first + block.start) // piece.block, number, piece.chunk)

    def aer_seed(self) -> int:
        """The seed of the unit's Aer jobs."""
        first = self.pieces[0]
        sequence = np.random.SeedSequence(self.entropy, spawn_key=(first.task, first.first, first.chunk))
        return int(sequence.generate_state(1)[0] >> 2)


def cut(piece: Piece, route: Route, *, workers: int = 1) -> Iterator[Piece]:
    """Cut the sets of a task, and the shots of a set where they are too many, to the size of a unit."""
    shots = piece.shots or 0
    if route is Route.SHOTS and piece.one_by_one and shots > piece.most_shots:
        for first in range(len(piece.values)):
            for chunk, start in enumerate(range(0, shots, piece.most_shots)):
                part = min(piece.most_shots, shots - start)
                values = piece.values[first : first + 1]
                yield replace(piece, first=first, values=values, shots=part, chunk=chunk, share=part / shots)
        return
    if len(piece.values) == 1:  # nothing to cut, and one of many circuits perhaps
        yield piece
        return
    size = _sets_per_unit(piece, route)
    if route is not Route.SHOTS and workers > 1:
        size = min(size, -(-len(piece.values) // (2 * workers)))
    if route is not Route.SHOTS or piece.observables is None:  # others have no random stream of ours
        size = max(piece.block, size // piece.block * piece.block)
    if len(piece.values) <= size:
        if len(piece.values):
            yield piece
        return
    for first in range(0, len(piece.values), size):
        yield replace(piece, first=first, values=piece.values[first : first + size])


def pack_units(
    pieces: Sequence[tuple[Route, Piece]], *, workers: int = 1, by_qubits: bool = False
) -> Iterator[tuple[Route, tuple[Piece, ...]]]:
    """Put small pieces of the same route, in order, into one unit each as far as it takes them.

    Args:
        pieces: The pieces with their routes.
        workers: How many workers the units should keep busy.
        by_qubits: Whether pieces must share their qubits, because the noise differs from qubit to qubit.
    """
    shares = [len(piece.values) / _sets_per_unit(piece, route) for route, piece in pieces]
    room = dict.fromkeys(Route, 1.0)
    if workers > 1:  # what Aer samples must not depend on how many there are
        for each in set(Route) - {Route.SHOTS}:
            work = sum(share for share, (route, _) in zip(shares, pieces, strict=True) if route is each)
            room[each] = min(1.0, work / (2 * workers))
    batch: list[Piece] = []
    current, load = Route.STATES, 0.0
    for share, (route, piece) in zip(shares, pieces, strict=True):
        apart = bool(batch) and by_qubits and batch[0].prepared.kept != piece.prepared.kept
        if batch and (apart or route is not current or load + share > room[route]):
            yield current, tuple(batch)
            batch, load = [], 0.0
        batch.append(piece)
        current, load = route, load + share
    if batch:
        yield current, tuple(batch)


def _sets_per_unit(piece: Piece, route: Route) -> int:
    if route is Route.SHOTS:
        return max(1, min(_SETS, piece.most_shots // (piece.shots or 1)))
    if route is Route.STATES or piece.readings:
        return max(1, min(_SETS, _AMPLITUDES // piece.size))
    return piece.block


def rows_of(rows: NDArray[np.float64], block: slice) -> NDArray[np.float64]:
    """The rows of a block of sets; a single row serves all sets."""
    if len(rows) > 1:
        return rows[block]
    sets = block.stop - block.start
    return rows if sets == 1 else np.repeat(rows, sets, axis=0)


def restrict(observable: SparsePauliOp, kept: Sequence[int]) -> SparsePauliOp:
    """The observable on the kept qubits alone; it acts on no others."""
    if len(kept) == observable.num_qubits:
        return observable
    qubits = list(kept)
    paulis = PauliList.from_symplectic(observable.paulis.z[:, qubits], observable.paulis.x[:, qubits])
    return SparsePauliOp(paulis, observable.coeffs)


def support(observables: Sequence[SparsePauliOp]) -> set[int]:
    """The qubits on which any of the observables acts."""
    acts = [(observable.paulis.x | observable.paulis.z).any(axis=0) for observable in observables]
    return set(np.flatnonzero(np.any(acts, axis=0)).tolist()) if acts else set()


def empty_result(piece: Piece) -> TaskResult:
    """The result of a task without any parameter set."""
    if piece.statevector:
        return Statevectors(np.empty((0, 1 << piece.prepared.num_qubits), dtype=np.complex128))
    if piece.observables is None:
        clbits = piece.prepared.num_clbits
        return Samples(np.empty((0, piece.shots or 0, -(-clbits // 8)), dtype=np.uint8), clbits)
    nothing = np.empty((len(piece.observables), 0))
    return Expectations(nothing, nothing)

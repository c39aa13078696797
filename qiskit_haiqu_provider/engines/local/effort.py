"""How long a run takes, before it is done: what takes a few milliseconds is done at once, in the caller.

Times are nanoseconds of one core, fitted to runs of up to 16 qubits, 1400 gates and 1000 parameter sets; they are
there to tell milliseconds from tens of them, not more.
"""

from collections.abc import Sequence

from qiskit_haiqu_provider.engines.local.sampling import MOST_TALLIED
from qiskit_haiqu_provider.engines.local.states.program import Program
from qiskit_haiqu_provider.engines.local.units import Piece, Route, Unit

_MOST = 10_000_000
"""What a small run takes at most: handing it over, and keeping records meanwhile, takes a millisecond."""

_MOST_PIECES, _MOST_AMPLITUDES = 4, 2**17 - 1
"""Of a small run; times vary where states do not stay in the processor's cache."""

_CALL = 10_000
"""A step, however few numbers there are."""

_COMPILED = 8_000
"""Compiling a gate."""

_MOVED, _TOUCHED = 3, 8
"""For each amplitude: a step of a program; making the state, its probabilities, and their sums."""

_ANGLE, _SLOPE = 30, 10
"""An angle of a parameter set, and a parameter in it."""

_SHOT, _WIDE_SHOT = 10, 120
"""A shot of few outcomes, and one of more than :data:`~qiskit_haiqu_provider.engines.local.sampling.MOST_TALLIED`."""

_TERM = 6
"""A Pauli, for each amplitude."""

_GROUP, _BASIS, _COUNTS = 150_000, 12, 1_000
"""A measurement group: once, for each amplitude, and for the counts of each set."""

_LEVELS = 130
"""An outcome of a measurement group, when it is sorted for the first time, for each observable."""


def is_small(units: Sequence[Unit]) -> bool:
    """Whether a run takes a few milliseconds at most.

    Args:
        units: All of the run. Circuits are compiled only where that and the rest take little time.
    """
    pieces = [piece for unit in units for piece in unit.pieces]
    if len(pieces) > _MOST_PIECES or sum(_states(piece) * piece.size for piece in pieces) > _MOST_AMPLITUDES:
        return False
    if any(unit.route is not Route.STATES for unit in units) and any(piece.readings is None for piece in pieces):
        return False  # Aer takes longer
    effort = sum(map(_answers, pieces)) + sum(map(_preparation, pieces))
    if effort > _MOST:
        return False
    for piece in pieces:
        if not _evolves(piece):
            continue
        program = piece.prepared.program
        if program is None:
            return False
        effort += _evolution(program, _states(piece))
    return effort <= _MOST


def _evolves(piece: Piece) -> bool:
    """Whether there is a state to evolve; readings come with programs of their own, and some outcomes are known."""
    known = piece.observables is None and not piece.statevector and piece.prepared.has_outcomes()
    return piece.readings is None and not known


def _states(piece: Piece) -> int:
    """States to evolve: without parameters all sets have the same."""
    return len(piece.values) if piece.prepared.columns else min(1, len(piece.values))


def _preparation(piece: Piece) -> int:
    """What must be done before the first step."""
    if piece.readings is not None:
        sets = len(piece.values)
        return sum((sets * reading.program.size + _CALL) * len(reading.program.steps) for reading in piece.readings)
    if not _evolves(piece):
        return 0
    compiling = 0 if piece.prepared.is_compiled() else _COMPILED * piece.prepared.num_gates
    return compiling + _TOUCHED * _states(piece) * piece.size


def _evolution(program: Program, states: int) -> int:
    """The steps of a program."""
    moves = sum(len(stage.local) + len(stage.scattered) + (stage.images is not None) for stage in program.stages)
    calls = moves + sum(len(stage.turns) for stage in program.stages) + len(program.angles.slopes)
    slopes = sum(len(rows) for rows, _, _ in program.angles.slopes)
    angles = len(program.angles.constants) * _ANGLE + slopes * _SLOPE
    return calls * _CALL + states * ((moves * _MOVED << program.num_qubits) + angles)


def _answers(piece: Piece) -> int:
    """What is asked of the states: amplitudes, shots, exact values or estimates."""
    sets, shots = len(piece.values), piece.shots or 0
    amplitudes = sets * piece.size
    if piece.statevector:
        return _TOUCHED * amplitudes
    if piece.observables is None:
        return sets * shots * (_SHOT if piece.size <= MOST_TALLIED else _WIDE_SHOT)
    if piece.shots is None:
        return (_TERM * amplitudes + _CALL) * sum(len(observable) for observable in piece.observables)
    effort = 0
    for group in piece.plan.groups:
        outcomes = 1 << len(group.qubits)
        effort += _GROUP + _BASIS * amplitudes + _COUNTS * sets
        if outcomes > MOST_TALLIED:
            effort += sets * shots * _WIDE_SHOT
        elif "levels" not in vars(group):
            effort += _GROUP + _LEVELS * outcomes * len(piece.observables)
    return effort

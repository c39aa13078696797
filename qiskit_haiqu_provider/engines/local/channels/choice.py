"""Whether the density matrix of a noisy circuit is evolved here, or Aer simulates its shots."""

from collections.abc import Sequence
from math import prod

from qiskit_haiqu_provider.engines.local import memory
from qiskit_haiqu_provider.engines.local.channels.readings import Reading

_NUMBER = 8
"""Bytes of a coefficient of a state."""

_COPIES = 3
"""A state, the next one, and one with its axes moved."""

_LARGEST = 2**26
"""Numbers of the largest state that is evolved for the sake of shots: 512 MiB, 1.5 GiB with its copies."""

_SURELY_FITS = 2**20

# Measured on one core, in multiplications of a program (a quarter of a nanosecond each).
_GATE_OF_A_SHOT = 8000
"""What a gate costs Aer for every shot, however few amplitudes there are."""

_AMPLITUDE_OF_A_SHOT = 20
"""What a gate costs Aer for every shot and amplitude."""


def is_worth_it(readings: Sequence[Reading], *, shots: int | None, gates: int, width: int) -> bool:
    """Whether programs give the outcomes of a circuit sooner than Aer, and fit into memory.

    Aer's time is ``shots x gates x (a + b x 2**width)`` for every circuit, as each shot is a simulation of its own; a
    program's is that of its multiplications, however many shots there are. Exact values take a density matrix either
    way, and a program needs the smaller one.

    Args:
        readings: What to run, and the circuits that it serves.
        shots: Of each circuit; ``None`` if its exact probabilities are asked for.
        gates: Instructions of the circuit.
        width: Qubits that take part.
    """
    size = max((reading.program.size for reading in readings), default=1)
    if size > _SURELY_FITS and size * _NUMBER * _COPIES > memory.available_bytes():
        return False
    if shots is None:
        return True
    work = sum(reading.program.work for reading in readings)
    circuits = sum(len(reading.views) for reading in readings)
    by_shots = shots * circuits * max(1, gates) * (_GATE_OF_A_SHOT + (_AMPLITUDE_OF_A_SHOT << width))
    return size <= _LARGEST and work <= by_shots


def working_bytes(readings: Sequence[Reading], sets: int) -> int:
    """Peak memory while readings are taken one after the other for so many parameter sets, in bytes."""
    programs = [reading.program for reading in readings]
    return max(
        (
            _NUMBER * (_COPIES * program.size * program.at_once(sets) + prod(program.result_shape) * sets)
            for program in programs
        ),
        default=0,
    )

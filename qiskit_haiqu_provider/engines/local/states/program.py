"""A circuit compiled for many parameter sets: what its layers do, with angles that are still open."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import CircuitInstruction, Parameter

from qiskit_haiqu_provider.engines.local.states.gates import IDLE, KNOWN, apply
from qiskit_haiqu_provider.engines.local.states.layers import Layer, Layers
from qiskit_haiqu_provider.engines.local.states.linear import Angle, Angles, Columns, plus, times

MAX_QUBITS = 26
"""Wider states are left to Aer, whose threads share them."""

_WIDE, _MOST_LAYERS = 18, 48
"""Beyond this width Aer, which fuses gates to larger blocks, wins in circuits with more layers of entangling gates."""

_RANK = 8
"""Independent parities that index a table of phases: tables of 256 entries stay in the cache."""


@dataclass(frozen=True)
class Phases:
    """Diagonal gates whose product has few different values, kept in a table."""

    bits: tuple[int, ...]
    """Masks of basis states; the parity with each is a bit of the place in the table."""

    angles: tuple[int, ...]
    masks: tuple[int, ...]
    """For each angle the bits of the place in the table whose parity is its sign; no two are equal."""

    def signs(self, mask: int) -> NDArray[np.intp]:
        """For each place in the table, 1 where the sign is negative."""
        return np.asarray(np.bitwise_count(np.arange(1 << len(self.bits)) & mask) & 1, dtype=np.intp)


@dataclass(frozen=True)
class Stage:
    """A layer, ready to run: phases, then a permutation, then turns."""

    local: tuple[tuple[int, Phases], ...]
    """Phases that depend on the qubits of one of the :func:`ranges` only, with the first of these qubits."""

    scattered: tuple[Phases, ...]
    images: tuple[int, ...] | None
    """For each bit after the permutation the bits before it that it flips; ``None`` if nothing moves."""

    origin: int
    """The basis state that becomes 0."""

    turns: tuple[tuple[int, int], ...]
    """Qubits that are turned, ascending, and for each the place of its angle among the turns."""


@dataclass(frozen=True)
class Program:
    """What :func:`~qiskit_haiqu_provider.engines.local.states.evolve.evolve` runs."""

    num_qubits: int
    angles: Angles
    """Those of all turns, then those of all phases; the last turns all amplitudes."""

    num_turns: int
    start: int
    """The basis state that the circuit starts from."""

    spins: tuple[tuple[int, int], ...]
    """Qubits with a phase after their first turn, and for each the place of its angle: the start is a product state."""

    stages: tuple[Stage, ...]
    """The first has turns alone; the phases of single qubits that follow them are those of :attr:`spins`."""


def supports(circuit: QuantumCircuit) -> bool:
    """Whether the kernel knows all gates of a circuit, and is the faster way."""
    if circuit.num_qubits > MAX_QUBITS or not KNOWN.issuperset(circuit.count_ops()):
        return False
    return bool(circuit.num_qubits <= _WIDE or circuit.depth(_entangles) <= _MOST_LAYERS)


def _entangles(instruction: CircuitInstruction) -> bool:
    return len(instruction.qubits) > 1 and instruction.name not in IDLE


def compile_circuit(circuit: QuantumCircuit) -> Program:
    """Compile a circuit of gates that the kernel :func:`supports`; its global phase is left out."""
    position = {bit: index for index, bit in enumerate(circuit.qubits)}
    gates = ((each.name, [position[bit] for bit in each.qubits], each.params) for each in circuit.data)
    return compile_gates(gates, circuit.num_qubits, tuple(circuit.parameters))


def compile_gates(
    gates: Iterable[tuple[str, Sequence[int], Sequence[Any]]], num_qubits: int, parameters: tuple[Parameter, ...] = ()
) -> Program:
    """Compile gates that the kernel knows.

    Args:
        gates: Name, qubits and angles of each.
        num_qubits: How many qubits there are.
        parameters: Those of the angles, in the order in which their values come.
    """
    layers = Layers(num_qubits)
    columns = Columns(parameters)
    for name, qubits, params in gates:
        if name not in IDLE:
            apply(layers, name, qubits, [columns.angle(param) for param in params])
    layers.finish()
    first, *rest = layers.layers
    # On a basis state phases are one number, and a permutation gives another basis state.
    phase = layers.phase
    for angle in first.phases.values():
        phase = plus(phase, times(angle, -0.5))
    turns, phases = _Places(), _Places()
    early = rest[0].phases if rest else {}
    spins = [(mask.bit_length() - 1, phases(early.pop(mask))) for mask in list(early) if mask.bit_count() == 1]
    stages = [_stage(layer, num_qubits, turns, phases) for layer in (Layer(turns=first.turns), *rest)]
    return Program(
        num_qubits=num_qubits,
        angles=Angles.of([*turns.angles, *phases.angles, phase], columns, parameters),
        num_turns=len(turns.angles),
        start=0 if first.permutation is None else first.permutation.flips,
        spins=tuple(spins),
        stages=tuple(stages),
    )


class _Places:
    """Angles in the order in which they were given a place."""

    def __init__(self) -> None:
        self.angles: list[Angle] = []

    def __call__(self, angle: Angle) -> int:
        self.angles.append(angle)
        return len(self.angles) - 1


def _stage(layer: Layer, num_qubits: int, turns: _Places, phases: _Places) -> Stage:
    local, across = _by_range(layer.phases, num_qubits, phases)
    moved = layer.permutation
    return Stage(
        local=local,
        scattered=_tables(across),
        images=None if moved is None else tuple(moved.images),
        origin=0 if moved is None else moved.origin,
        turns=tuple((qubit, turns(angle)) for qubit, angle in sorted(layer.turns.items())),
    )


def ranges(num_qubits: int) -> tuple[tuple[int, int], ...]:
    """Qubits cut in three: a table of phases for each takes little memory, and the last one has 8 entries."""
    last = max(0, num_qubits - _LAST)
    half = -(-last // 2)
    return tuple((start, stop) for start, stop in ((0, half), (half, last), (last, num_qubits)) if start < stop)


_LAST = 3


def _by_range(
    found: Mapping[int, Angle], num_qubits: int, phases: _Places
) -> tuple[tuple[tuple[int, Phases], ...], dict[int, int]]:
    """The phases within each range, and the places of the other masks."""
    within: dict[int, dict[int, int]] = {}
    across = {mask: phases(angle) for mask, angle in found.items()}
    cut = ranges(num_qubits)
    for mask in list(across):
        for start, stop in cut:
            if not mask & ((1 << start) - 1) and mask < 1 << stop:
                within.setdefault(start, {})[mask >> start] = across.pop(mask)
    local = []
    for start, stop in cut:
        if start in within:
            bits = tuple(1 << bit for bit in range(stop - start))
            local.append((start, Phases(bits, tuple(within[start].values()), tuple(within[start]))))
    return tuple(local), across


def _tables(across: Mapping[int, int]) -> tuple[Phases, ...]:
    """Masks put into tables, each indexed by a few independent parities."""
    tables: list[tuple[_Span, list[int], list[int]]] = []
    for mask, angle in across.items():
        if not tables or (place := tables[-1][0].place(mask)) is None:
            tables.append((_Span(), [], []))
            place = tables[-1][0].place(mask)
        tables[-1][1].append(angle)
        tables[-1][2].append(place or 0)
    return tuple(Phases(tuple(span.basis), tuple(angles), tuple(places)) for span, angles, places in tables)


class _Span:
    """Sums modulo 2 of a few independent masks."""

    def __init__(self) -> None:
        self.basis: list[int] = []
        self._reduced: dict[int, tuple[int, int]] = {}

    def place(self, mask: int) -> int | None:
        """Which of the basis make up the mask, one more if need be; ``None`` if there is no room."""
        rest, made = mask, 0
        while rest:
            top = rest.bit_length()
            if top not in self._reduced:
                if len(self.basis) == _RANK:
                    return None
                own = 1 << len(self.basis)
                self.basis.append(mask)
                self._reduced[top] = (rest, made | own)
                return own
            other, parts = self._reduced[top]
            rest, made = rest ^ other, made ^ parts
        return made

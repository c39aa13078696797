"""Steps of a circuit put into as few layers as they allow.

A layer is, in this order: phases, a permutation of basis states, and rotations of single qubits. Every step goes into
the first layer after all earlier steps on its qubits, and merges there with others of its kind. Phases wander through
permutations, so that circuits of CX and RZ are one layer, however long they are.
"""

from cmath import exp, phase
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import atan2, cos, pi, sin

from qiskit_haiqu_provider.engines.local.states.linear import Angle, plus, times

_QUARTER = pi / 2


@dataclass
class Permutation:
    """An affine map of the bits of a basis state."""

    masks: list[int]
    """For each bit after the map the bits before it whose parity it is."""

    images: list[int]
    """For each bit after the map the bits before it that it flips: the columns of the inverse."""

    flips: int = 0
    """The bits that are flipped in the end."""

    origin: int = 0
    """The basis state that becomes 0."""

    @classmethod
    def identity(cls, num_qubits: int) -> "Permutation":
        """Nothing moves."""
        bits = [1 << qubit for qubit in range(num_qubits)]
        return cls(bits, list(bits))

    def cx(self, control: int, target: int) -> None:
        """Then flip the target where the control is 1."""
        self.masks[target] ^= self.masks[control]
        self.flips ^= (self.flips >> control & 1) << target
        self.images[control] ^= self.images[target]

    def swap(self, one: int, other: int) -> None:
        """Then exchange two bits."""
        for places in (self.masks, self.images):
            places[one], places[other] = places[other], places[one]
        if (self.flips >> one ^ self.flips >> other) & 1:
            self.flips ^= 1 << one | 1 << other

    def x(self, qubit: int) -> None:
        """Then flip a bit."""
        self.flips ^= 1 << qubit
        self.origin ^= self.images[qubit]

    def before(self, mask: int) -> tuple[int, bool]:
        """The bits before the map that have the parity of ``mask`` after it, and whether the parity is flipped."""
        found, rest = 0, mask
        while rest:
            low = rest & -rest
            found ^= self.masks[low.bit_length() - 1]
            rest ^= low
        return found, bool((self.flips & mask).bit_count() & 1)


@dataclass
class Layer:
    """Phases, then a permutation, then rotations."""

    phases: dict[int, Angle] = field(default_factory=dict)
    """For each Z mask the angle of ``exp(-i angle / 2 Z...Z)``."""

    permutation: Permutation | None = None
    turns: dict[int, Angle] = field(default_factory=dict)
    """For each qubit the angle of ``exp(-i angle / 2 Y)``."""


class Layers:
    """Takes steps (see :class:`~qiskit_haiqu_provider.engines.local.states.gates.Steps`) and puts them into layers.

    Steps on one qubit wait until an entangling step needs the qubit, because together they are mostly no more than
    a rotation between two phases.
    """

    def __init__(self, num_qubits: int) -> None:
        self._n = num_qubits
        self._waiting: list[list[tuple[str, Angle]]] = [[] for _ in range(num_qubits)]
        self._level = [0] * num_qubits
        self.layers = [Layer()]
        self.phase: Angle = (0.0, ())
        """All states are multiplied by ``exp(i phase)``."""

    def z(self, qubits: Sequence[int], angle: Angle) -> None:
        """``exp(-i angle / 2 Z...Z)``."""
        if len(qubits) == 1:
            self._wait(self._waiting[qubits[0]], "z", angle)
            return
        self._release(qubits)
        self._z(qubits, angle)

    def y(self, qubit: int, angle: Angle) -> None:
        """``exp(-i angle / 2 Y)``."""
        self._wait(self._waiting[qubit], "y", angle)

    def cx(self, control: int, target: int) -> None:
        """Flip the target where the control is 1."""
        self._release((control, target))
        self._permutation((control, target)).cx(control, target)

    def swap(self, one: int, other: int) -> None:
        """Exchange two qubits."""
        self._release((one, other))
        self._permutation((one, other)).swap(one, other)

    def shift(self, angle: Angle) -> None:
        """Multiply the state by ``exp(i angle)``."""
        self.phase = plus(self.phase, angle)

    def finish(self) -> None:
        """Put what still waits into its layers."""
        self._release(range(self._n))

    def _wait(self, steps: list[tuple[str, Angle]], kind: str, angle: Angle) -> None:
        if steps and steps[-1][0] == kind:
            angle = plus(steps.pop()[1], angle)
        if not angle[1] and angle[0] == 0.0:
            return
        turned = _turned(steps[-2][1], steps[-1][1], angle) if kind == "y" and len(steps) > 1 else None
        if turned is None:
            steps.append((kind, angle))
            return
        del steps[-2:]
        for each, part in zip("zyz", turned, strict=True):
            self._wait(steps, each, part)

    def _release(self, qubits: Sequence[int]) -> None:
        for qubit in qubits:
            steps = self._waiting[qubit]
            if steps:
                self._waiting[qubit] = []
                for kind, angle in steps:
                    if kind == "z":
                        self._z((qubit,), angle)
                    else:
                        self._y(qubit, angle)

    def _z(self, qubits: Sequence[int], angle: Angle) -> None:
        layer = self._layer_after(qubits)
        mask = sum(1 << qubit for qubit in qubits)
        if layer.permutation is not None:
            mask, flipped = layer.permutation.before(mask)
            angle = times(angle, -1) if flipped else angle
        before = layer.phases.get(mask)
        layer.phases[mask] = angle if before is None else plus(before, angle)

    def _y(self, qubit: int, angle: Angle) -> None:
        halves = round(angle[0] / pi)
        if not angle[1] and abs(angle[0] - halves * pi) < _EXACT:
            self._half_turns(qubit, halves)
            return
        turns = self.layers[self._level[qubit]].turns
        before = turns.get(qubit)
        turns[qubit] = angle if before is None else plus(before, angle)

    def _half_turns(self, qubit: int, halves: int) -> None:
        """Half turns about Y: phases and a flip."""
        if halves % 2:
            self._z((qubit,), (pi, ()))
            self._permutation((qubit,)).x(qubit)
        self.shift((halves * _QUARTER, ()))

    def _permutation(self, qubits: Sequence[int]) -> Permutation:
        layer = self._layer_after(qubits)
        if layer.permutation is None:
            layer.permutation = Permutation.identity(self._n)
        return layer.permutation

    def _layer_after(self, qubits: Sequence[int]) -> Layer:
        """The first layer whose phases and permutation come after everything on some qubits."""
        level = max(self._level[qubit] + (qubit in self.layers[self._level[qubit]].turns) for qubit in qubits)
        if level == len(self.layers):
            self.layers.append(Layer())
        for qubit in qubits:
            self._level[qubit] = level
        return self.layers[level]


_EXACT = 1e-14
"""Angles closer than this are the same."""


def _turned(first: Angle, between: Angle, last: Angle) -> tuple[Angle, Angle, Angle] | None:
    """A phase between two turns about Y as a turn between two phases, where the angles of these are affine, too."""
    if first[1] or last[1]:
        return None
    if not between[1]:
        return _euler_angles(first[0], between[0], last[0])
    if not (_is_quarter(first[0]) and _is_quarter(last[0])):
        return None
    # Between a quarter turn and its inverse RZ becomes RX, and RX is RZ(-pi / 2) RY RZ(pi / 2). What is left of the
    # quarter turns, whole half turns, joins this RY, and an odd number of them reverses the phase before it.
    sign = 1 if round(last[0] / _QUARTER) % 4 == 1 else -1
    halves = round((first[0] + last[0]) / pi)
    before = -_QUARTER if halves % 2 else _QUARTER
    return (before, ()), plus(times(between, sign), (halves * pi, ())), (-_QUARTER, ())


def _is_quarter(angle: float) -> bool:
    """Whether it is an odd number of quarter turns."""
    quarters = round(angle / _QUARTER)
    return bool(quarters % 2) and abs(angle - quarters * _QUARTER) < _EXACT


def _euler_angles(first: float, between: float, last: float) -> tuple[Angle, Angle, Angle]:
    """RZ, RY, RZ in place of RY, RZ, RY."""
    factor = exp(0.5j * between)
    stay = cos(last / 2) * cos(first / 2) / factor - sin(last / 2) * sin(first / 2) * factor
    flip = sin(last / 2) * cos(first / 2) / factor + cos(last / 2) * sin(first / 2) * factor
    total, difference = -2 * phase(stay), 2 * phase(flip)
    turn = 2 * atan2(abs(flip), abs(stay))
    return ((total - difference) / 2, ()), (turn, ()), ((total + difference) / 2, ())

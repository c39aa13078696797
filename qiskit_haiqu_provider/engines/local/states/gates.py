"""The standard gates, made of three kinds of steps.

- ``z``: ``exp(-i angle / 2 Z...Z)`` on some qubits, a diagonal matrix;
- ``y``: ``exp(-i angle / 2 Y)`` on one qubit, a real matrix;
- ``cx``, ``swap``: permutations of basis states, affine in their bits.

With phases that all qubits share, these three make every gate, and steps of a kind merge with each other. That
matrices are real or diagonal saves more time than additional steps take.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import combinations
from math import pi
from typing import Protocol

from qiskit_haiqu_provider.engines.local.states.linear import Angle, plus, times

_Qubits = Sequence[int]
_Gate = Callable[..., None]


class Steps(Protocol):
    """Takes the steps of a circuit, in order."""

    def z(self, qubits: _Qubits, angle: Angle) -> None:
        """``exp(-i angle / 2 Z...Z)``."""
        ...

    def y(self, qubit: int, angle: Angle) -> None:
        """``exp(-i angle / 2 Y)``."""
        ...

    def cx(self, control: int, target: int) -> None:
        """Flip the target where the control is 1."""
        ...

    def swap(self, one: int, other: int) -> None:
        """Exchange two qubits."""
        ...

    def shift(self, angle: Angle) -> None:
        """Multiply the state by ``exp(i angle)``."""
        ...


def _constant(value: float) -> Angle:
    return value, ()


_QUARTER, _BACK = _constant(pi / 2), _constant(-pi / 2)


def _phase(steps: Steps, qubits: _Qubits, angle: Angle) -> None:
    """``exp(i angle)`` where all qubits are 1."""
    size = 2 ** (len(qubits) - 1)
    for count in range(1, len(qubits) + 1):
        part = times(angle, -((-1) ** count) / size)
        for members in combinations(qubits, count):
            steps.z(members, part)
    steps.shift(times(angle, 0.5 / size))


def _p(steps: Steps, qubits: _Qubits, angle: Angle) -> None:
    steps.z(qubits, angle)
    steps.shift(times(angle, 0.5))


def _fixed_phase(value: float) -> _Gate:
    return lambda steps, qubits: _phase(steps, qubits, (value, ()))


def _h(steps: Steps, qubits: _Qubits) -> None:
    _p(steps, qubits, (pi, ()))
    steps.y(qubits[0], _QUARTER)


def _rx(steps: Steps, qubits: _Qubits, angle: Angle) -> None:
    steps.z(qubits, _QUARTER)
    steps.y(qubits[0], angle)
    steps.z(qubits, _BACK)


def _x(steps: Steps, qubits: _Qubits) -> None:
    _p(steps, qubits, (pi, ()))
    steps.y(qubits[0], (pi, ()))


def _y(steps: Steps, qubits: _Qubits) -> None:
    steps.y(qubits[0], (pi, ()))
    steps.shift(_QUARTER)


def _sx(steps: Steps, qubits: _Qubits, *, turn: float = pi / 2) -> None:
    _rx(steps, qubits, (turn, ()))
    steps.shift((turn / 2, ()))


def _u(steps: Steps, qubits: _Qubits, theta: Angle, phi: Angle, lam: Angle) -> None:
    steps.z(qubits, lam)
    steps.y(qubits[0], theta)
    steps.z(qubits, phi)
    steps.shift(times(plus(phi, lam), 0.5))


def _u2(steps: Steps, qubits: _Qubits, phi: Angle, lam: Angle) -> None:
    _u(steps, qubits, _QUARTER, phi, lam)


def _r(steps: Steps, qubits: _Qubits, theta: Angle, phi: Angle) -> None:
    steps.z(qubits, plus(_QUARTER, times(phi, -1)))
    steps.y(qubits[0], theta)
    steps.z(qubits, plus(phi, _BACK))


def _cx(steps: Steps, qubits: _Qubits) -> None:
    steps.cx(*qubits)


def _swap(steps: Steps, qubits: _Qubits) -> None:
    steps.swap(*qubits)


def _dcx(steps: Steps, qubits: _Qubits) -> None:
    steps.cx(qubits[0], qubits[1])
    steps.cx(qubits[1], qubits[0])


_cz = _fixed_phase(pi)


def _iswap(steps: Steps, qubits: _Qubits) -> None:
    _p(steps, qubits[:1], _QUARTER)
    _p(steps, qubits[1:], _QUARTER)
    _cz(steps, qubits)
    steps.swap(*qubits)


def _cy(steps: Steps, qubits: _Qubits) -> None:
    steps.z(qubits[1:], _BACK)
    steps.cx(*qubits)
    steps.z(qubits[1:], _QUARTER)


def _ch(steps: Steps, qubits: _Qubits) -> None:
    steps.y(qubits[1], (-pi / 4, ()))
    _cz(steps, qubits)
    steps.y(qubits[1], (pi / 4, ()))


def _on_last(phase: float) -> _Gate:
    """A phase between two Hadamard gates on the last qubit."""

    def gate(steps: Steps, qubits: _Qubits) -> None:
        _h(steps, qubits[-1:])
        _phase(steps, qubits, (phase, ()))
        _h(steps, qubits[-1:])

    return gate


_ccx = _on_last(pi)


def _cswap(steps: Steps, qubits: _Qubits) -> None:
    control, one, other = qubits
    steps.cx(other, one)
    _ccx(steps, (control, one, other))
    steps.cx(other, one)


def _rzz(steps: Steps, qubits: _Qubits, angle: Angle) -> None:
    steps.z(qubits, angle)


def _rxx(steps: Steps, qubits: _Qubits, angle: Angle) -> None:
    steps.cx(*qubits)
    _rx(steps, qubits[:1], angle)
    steps.cx(*qubits)


def _ryy(steps: Steps, qubits: _Qubits, angle: Angle) -> None:
    for qubit in qubits:
        steps.z([qubit], _BACK)
    _rxx(steps, qubits, angle)
    for qubit in qubits:
        steps.z([qubit], _QUARTER)


def _between_cz(gate: Callable[[Steps, _Qubits, Angle], None], steps: Steps, qubits: _Qubits, angle: Angle) -> None:
    """The gate on the last qubit, backwards where the first is 1."""
    _cz(steps, qubits)
    gate(steps, qubits[-1:], angle)
    _cz(steps, qubits)


def _ry(steps: Steps, qubits: _Qubits, angle: Angle) -> None:
    steps.y(qubits[0], angle)


_rz = _rzz
_rzx = partial(_between_cz, _rx)


def _controlled(gate: Callable[[Steps, _Qubits, Angle], None]) -> _Gate:
    def controlled(steps: Steps, qubits: _Qubits, angle: Angle) -> None:
        gate(steps, qubits[-1:], times(angle, 0.5))
        _between_cz(gate, steps, qubits, times(angle, -0.5))

    return controlled


def _crz(steps: Steps, qubits: _Qubits, angle: Angle) -> None:
    steps.z(qubits[-1:], times(angle, 0.5))
    steps.z(qubits, times(angle, -0.5))


def _cu3(steps: Steps, qubits: _Qubits, theta: Angle, phi: Angle, lam: Angle) -> None:
    control, target = qubits[:1], qubits[1:]
    half, difference = times(plus(phi, lam), 0.5), times(plus(lam, times(phi, -1)), 0.5)
    _p(steps, control, half)
    _p(steps, target, difference)
    steps.cx(*qubits)
    _u(steps, target, times(theta, -0.5), (0.0, ()), times(half, -1))
    steps.cx(*qubits)
    _u(steps, target, times(theta, 0.5), phi, (0.0, ()))


def _cu(steps: Steps, qubits: _Qubits, theta: Angle, phi: Angle, lam: Angle, gamma: Angle) -> None:
    _p(steps, qubits[:1], gamma)
    _cu3(steps, qubits, theta, phi, lam)


def _ecr(steps: Steps, qubits: _Qubits) -> None:
    _rzx(steps, qubits, (pi / 4, ()))
    _x(steps, qubits[:1])
    _rzx(steps, qubits, (-pi / 4, ()))


_GATES: Mapping[str, _Gate] = {
    "x": _x,
    "y": _y,
    "z": _fixed_phase(pi),
    "s": _fixed_phase(pi / 2),
    "sdg": _fixed_phase(-pi / 2),
    "t": _fixed_phase(pi / 4),
    "tdg": _fixed_phase(-pi / 4),
    "h": _h,
    "sx": _sx,
    "sxdg": partial(_sx, turn=-pi / 2),
    "p": _p,
    "u1": _p,
    "rx": _rx,
    "ry": _ry,
    "rz": _rz,
    "u": _u,
    "u2": _u2,
    "u3": _u,
    "r": _r,
    "cx": _cx,
    "cy": _cy,
    "cz": _cz,
    "ch": _ch,
    "cs": _fixed_phase(pi / 2),
    "csdg": _fixed_phase(-pi / 2),
    "csx": _on_last(pi / 2),
    "swap": _swap,
    "iswap": _iswap,
    "dcx": _dcx,
    "ecr": _ecr,
    "c3sx": _on_last(pi / 2),
    "ccx": _ccx,
    "ccz": _fixed_phase(pi),
    "cswap": _cswap,
    "cp": _phase,
    "cu1": _phase,
    "crx": _controlled(_rx),
    "cry": _controlled(_ry),
    "crz": _crz,
    "cu": _cu,
    "cu3": _cu3,
    "rxx": _rxx,
    "ryy": _ryy,
    "rzz": _rzz,
    "rzx": _rzx,
}
"""For each gate a function that takes its steps."""

IDLE = frozenset({"barrier", "delay", "id"})
"""What does nothing to a state."""

KNOWN = IDLE | _GATES.keys()
"""Names of all gates that :func:`apply` takes."""


def apply(steps: Steps, name: str, qubits: _Qubits, angles: Sequence[Angle]) -> None:
    """Take the steps of a gate that is :data:`KNOWN`."""
    if name not in IDLE:
        _GATES[name](steps, qubits, *angles)

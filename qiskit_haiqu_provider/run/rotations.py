"""Matrices of the standard gates with angles, for many gates and parameter sets together.

Every function takes one array for each angle, all of one shape, and returns matrices of that shape with two axes
more. Conventions are Qiskit's: index bit 0 is the first qubit of the gate.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Angles = NDArray[np.float64]
Matrices = NDArray[np.complex128]


def _filled(shape: tuple[int, ...], dim: int, entries: Mapping[tuple[int, int], Any]) -> Matrices:
    matrices = np.zeros((*shape, dim, dim), dtype=np.complex128)
    for (row, column), value in entries.items():
        matrices[..., row, column] = value
    return matrices


def _u(theta: Angles, phi: Angles, lam: Angles) -> Matrices:
    cos, sin = np.cos(theta / 2), np.sin(theta / 2)
    right, down = np.exp(1j * lam), np.exp(1j * phi)
    entries = {(0, 0): cos, (0, 1): -right * sin, (1, 0): down * sin, (1, 1): down * right * cos}
    return _filled(theta.shape, 2, entries)


def _r(theta: Angles, phi: Angles) -> Matrices:
    cos, sin = np.cos(theta / 2), np.sin(theta / 2)
    entries = {(0, 0): cos, (0, 1): -1j * np.exp(-1j * phi) * sin, (1, 0): -1j * np.exp(1j * phi) * sin, (1, 1): cos}
    return _filled(theta.shape, 2, entries)


def _rx(theta: Angles) -> Matrices:
    cos, sin = np.cos(theta / 2), -1j * np.sin(theta / 2)
    return _filled(theta.shape, 2, {(0, 0): cos, (0, 1): sin, (1, 0): sin, (1, 1): cos})


def _ry(theta: Angles) -> Matrices:
    cos, sin = np.cos(theta / 2), np.sin(theta / 2)
    return _filled(theta.shape, 2, {(0, 0): cos, (0, 1): -sin, (1, 0): sin, (1, 1): cos})


def _rz(theta: Angles) -> Matrices:
    half = np.exp(0.5j * theta)
    return _filled(theta.shape, 2, {(0, 0): half.conj(), (1, 1): half})


def _p(theta: Angles) -> Matrices:
    return _filled(theta.shape, 2, {(0, 0): 1, (1, 1): np.exp(1j * theta)})


def _controlled(gate: Callable[..., Matrices]) -> Callable[..., Matrices]:
    """The gate on the second qubit where the first is 1."""

    def build(*angles: Angles) -> Matrices:
        inner = gate(*angles)
        entries: dict[tuple[int, int], Any] = {(0, 0): 1, (2, 2): 1}
        for row in range(2):
            for column in range(2):
                entries[2 * row + 1, 2 * column + 1] = inner[..., row, column]
        return _filled(angles[0].shape, 4, entries)

    return build


def _two_qubit(pauli: NDArray[Any]) -> Callable[[Angles], Matrices]:
    """``exp(-i theta / 2 pauli)``."""

    def build(theta: Angles) -> Matrices:
        cos, sin = np.cos(theta / 2), -1j * np.sin(theta / 2)
        matrices: Matrices = cos[..., None, None] * np.eye(4) + sin[..., None, None] * pauli
        return matrices

    return build


_X = np.array([[0, 1], [1, 0]], dtype=np.complex128)
_Y = np.array([[0, -1j], [1j, 0]])
_Z = np.diag([1.0 + 0j, -1.0])

ROTATIONS: Mapping[str, Callable[..., Matrices]] = {
    "rx": _rx,
    "ry": _ry,
    "rz": _rz,
    "p": _p,
    "u1": _p,
    "u": _u,
    "u3": _u,
    "u2": lambda phi, lam: _u(np.full_like(phi, np.pi / 2), phi, lam),
    "r": _r,
    "cp": _controlled(_p),
    "cu1": _controlled(_p),
    "crx": _controlled(_rx),
    "cry": _controlled(_ry),
    "crz": _controlled(_rz),
    "cu3": _controlled(_u),
    "rxx": _two_qubit(np.kron(_X, _X)),
    "ryy": _two_qubit(np.kron(_Y, _Y)),
    "rzz": _two_qubit(np.kron(_Z, _Z)),
    "rzx": _two_qubit(np.kron(_X, _Z)),
}
"""For each gate, its matrices from its angles."""

"""Native gates of vendors that Qiskit does not have, with their definitions, so that they are simulated and transpiled.

Angles are in turns, as in IonQ's own documentation and in qiskit-ionq. Importing this module tells Qiskit's transpiler
how to write its gates with these, as importing qiskit-ionq does; Targets with other gates are not affected.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import Gate, Parameter
from qiskit.circuit.equivalence_library import SessionEquivalenceLibrary
from qiskit.circuit.library import RXXGate, RZZGate, UGate

TURN = 2 * math.pi


class _NativeGate(Gate):
    """A gate whose matrix follows from its definition."""

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("The matrix is computed when it is asked for; copy=False is not possible.")
        return np.asarray(self._matrix(*map(float, self.params)), dtype=dtype)

    def _matrix(self, *turns: float) -> NDArray[np.complex128]:
        raise NotImplementedError


class GPIGate(_NativeGate):
    r"""A half turn about an axis in the equator: :math:`\cos(2\pi\phi) X + \sin(2\pi\phi) Y`."""

    def __init__(self, phi: Any, label: str | None = None) -> None:
        super().__init__("gpi", 1, [phi], label=label)

    def _define(self) -> None:
        self.definition = QuantumCircuit(1, global_phase=math.pi / 2)
        self.definition.r(math.pi, TURN * self.params[0], 0)

    def _matrix(self, *turns: float) -> NDArray[np.complex128]:
        return _axis(*turns)

    def inverse(self, annotated: bool = False) -> "GPIGate":  # noqa: ARG002 - Qiskit's signature
        """The same gate."""
        return GPIGate(self.params[0])


class GPI2Gate(_NativeGate):
    r"""A quarter turn about an axis in the equator: :math:`(1 - i\,\mathrm{GPI}(\phi)) / \sqrt 2`."""

    def __init__(self, phi: Any, label: str | None = None) -> None:
        super().__init__("gpi2", 1, [phi], label=label)

    def _define(self) -> None:
        self.definition = QuantumCircuit(1)
        self.definition.r(math.pi / 2, TURN * self.params[0], 0)

    def _matrix(self, *turns: float) -> NDArray[np.complex128]:
        return (np.eye(2) - 1j * _axis(*turns)) / math.sqrt(2)

    def inverse(self, annotated: bool = False) -> "GPI2Gate":  # noqa: ARG002 - Qiskit's signature
        """A quarter turn about the opposite axis."""
        return GPI2Gate(self.params[0] + 0.5)


class MSGate(_NativeGate):
    r"""Mølmer-Sørensen gate: :math:`\exp(-i \pi\theta\,\mathrm{GPI}(\phi_0) \otimes \mathrm{GPI}(\phi_1))`."""

    def __init__(self, phi0: Any, phi1: Any, theta: Any = 0.25, label: str | None = None) -> None:
        super().__init__("ms", 2, [phi0, phi1, theta], label=label)

    def _define(self) -> None:
        phases, theta = self.params[:2], self.params[2]
        self.definition = QuantumCircuit(2)
        for qubit, phase in enumerate(phases):
            self.definition.rz(-TURN * phase, qubit)
        self.definition.rxx(TURN * theta, 0, 1)
        for qubit, phase in enumerate(phases):
            self.definition.rz(TURN * phase, qubit)

    def _matrix(self, *turns: float) -> NDArray[np.complex128]:
        phi0, phi1, theta = turns
        axes = np.kron(_axis(phi1), _axis(phi0))  # qubit 0 is the last factor in Qiskit
        return math.cos(math.pi * theta) * np.eye(4) - 1j * math.sin(math.pi * theta) * axes

    def inverse(self, annotated: bool = False) -> "MSGate":  # noqa: ARG002 - Qiskit's signature
        """The gate with the opposite angle."""
        phi0, phi1, theta = self.params
        return MSGate(phi0, phi1, -theta)


class ZZGate(_NativeGate):
    r"""Ising gate: :math:`\exp(-i \pi\theta\, Z \otimes Z)`."""

    def __init__(self, theta: Any, label: str | None = None) -> None:
        super().__init__("zz", 2, [theta], label=label)

    def _define(self) -> None:
        self.definition = QuantumCircuit(2)
        self.definition.rzz(TURN * self.params[0], 0, 1)

    def _matrix(self, *turns: float) -> NDArray[np.complex128]:
        return np.diag(np.exp(-1j * math.pi * turns[0] * np.array([1, -1, -1, 1])))

    def inverse(self, annotated: bool = False) -> "ZZGate":  # noqa: ARG002 - Qiskit's signature
        """The gate with the opposite angle."""
        return ZZGate(-self.params[0])


def _axis(phi: float) -> NDArray[np.complex128]:
    return np.array([[0, np.exp(-1j * TURN * phi)], [np.exp(1j * TURN * phi), 0]])


NATIVE_GATES: dict[str, Gate] = {
    "gpi": GPIGate(Parameter("phi")),
    "gpi2": GPI2Gate(Parameter("phi")),
    "ms": MSGate(Parameter("phi0"), Parameter("phi1"), Parameter("theta")),
    "zz": ZZGate(Parameter("theta")),
}
"""The gates by name, with free parameters."""


def _teach_the_transpiler() -> None:
    theta, phi, lam = Parameter("theta"), Parameter("phi"), Parameter("lam")
    single = QuantumCircuit(1, global_phase=(phi + lam - math.pi) / 2)
    single.append(GPI2Gate(0.5 - lam / TURN), [0])
    single.append(GPIGate((theta + phi - lam) / (2 * TURN)), [0])
    single.append(GPI2Gate(0.5 + phi / TURN), [0])
    SessionEquivalenceLibrary.add_equivalence(UGate(theta, phi, lam), single)
    for gate, native in ((RXXGate(theta), MSGate(0, 0, theta / TURN)), (RZZGate(theta), ZZGate(theta / TURN))):
        pair = QuantumCircuit(2)
        pair.append(native, [0, 1])
        SessionEquivalenceLibrary.add_equivalence(gate, pair)
    for native in NATIVE_GATES.values():  # a gate that is in rules only as their outcome is never written with others
        SessionEquivalenceLibrary.add_equivalence(native, native.definition)


_teach_the_transpiler()

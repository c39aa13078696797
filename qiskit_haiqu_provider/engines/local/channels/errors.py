"""The errors of an Aer noise model as transfer matrices.

Aer's rules: an error follows its gate; it belongs to the label of the gate, or to its name if it has none; an error of
these very qubits goes before one of all qubits. Whatever is not known here raises :class:`UnknownNoiseError`, and Aer
runs the circuit then.
"""

from collections.abc import Mapping, Sequence
from numbers import Real
from threading import Lock
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Delay
from qiskit.converters import circuit_to_dag, dag_to_circuit
from qiskit.exceptions import QiskitError
from qiskit.quantum_info import PTM, SuperOp

from qiskit_haiqu_provider.engines.local.channels import transfer
from qiskit_haiqu_provider.engines.local.channels.transfer import Matrix
from qiskit_haiqu_provider.run.angles import constant_matrices, rotation_matrices
from qiskit_haiqu_provider.run.rotations import ROTATIONS


class UnknownNoiseError(Exception):
    """Something that only Aer can simulate."""


def errors_of(noise_model: Any) -> "Errors":
    """The errors of a noise model; kept, because reading those of a whole device takes a second."""
    parts: list[Any] = []
    key = _content({} if noise_model is None else vars(noise_model), parts)
    with _lock:
        if key in _kept:
            return _kept[key][0]
    found = Errors(noise_model)
    with _lock:
        while len(_kept) >= _MOST_KEPT:
            del _kept[next(iter(_kept))]
        _kept[key] = found, parts
    return found


_MOST_KEPT = 32
_kept: dict[Any, tuple["Errors", list[Any]]] = {}
"""The parts are kept too, so that no others can get their identity."""

_lock = Lock()


def _content(value: Any, parts: list[Any]) -> Any:
    """A key for what a noise model consists of: it can be changed, but the errors in it are only ever replaced.

    Args:
        value: The attributes of the noise model, or a part of them.
        parts: Gets the parts that the key knows by their identity.
    """
    if isinstance(value, dict):
        return tuple([(key, _content(part, parts)) for key, part in value.items()])
    if isinstance(value, (list, set)):
        return tuple([_content(part, parts) for part in value])
    if value is None or isinstance(value, (str, int)):
        return value
    parts.append(value)
    return id(value)


class Errors:
    """The errors of a noise model; each matrix is computed when it is first asked for.

    Args:
        noise_model: Aer's noise model, or ``None`` for no noise.
    """

    def __init__(self, noise_model: Any) -> None:
        self._gates: dict[tuple[str, tuple[int, ...] | None], Mapping[str, Any]] = {}
        self._readout: dict[int | None, Matrix] = {}
        self._passes: Sequence[Any] | None = _noise_passes(noise_model)
        self._known: dict[Any, Matrix] = {}
        self._references: dict[Any, float] = {}
        self._unknown = ""
        for error in [] if noise_model is None else noise_model.to_dict()["errors"]:
            self._add(error)

    def after(self, label: str, qubits: tuple[int, ...]) -> Matrix | None:
        """The error that follows a gate on those qubits, in their order; ``None`` if there is none.

        Raises:
            UnknownNoiseError: If it is none that this module knows.
        """
        self._check()
        key = next((key for key in ((label, qubits), (label, None)) if key in self._gates), None)
        if key is None:
            return None
        if key not in self._known:
            self._known[key] = _matrix(self._gates[key])
        matrix = self._known[key]
        if len(matrix) != 4 ** len(qubits):
            raise UnknownNoiseError(f"the error of {label} has another number of qubits")
        return matrix

    def while_waiting(self, delay: Any, qubit: int) -> Matrix | None:
        """The relaxation of a qubit during a delay.

        Raises:
            UnknownNoiseError: If the noise model does anything else to circuits with delays.
        """
        self._check()
        if self._passes is None or delay.unit not in _UNITS or not isinstance(delay.duration, Real):
            raise UnknownNoiseError("noise of delays that cannot be read")
        if not self._passes:
            return None
        key = (qubit, delay.unit)
        if key not in self._known:
            self._known[key], self._references[key] = _relaxation(self._passes, delay.unit, qubit)
        return _longer(self._known[key], float(delay.duration) / self._references[key])

    def readout(self, qubit: int) -> Matrix:
        """The matrix ``[seen, true]`` of readout probabilities.

        Raises:
            UnknownNoiseError: If measurements have other errors than of single qubits.
        """
        self._check()
        found = self._readout.get(qubit, self._readout.get(None))
        return np.eye(2) if found is None else found

    def _check(self) -> None:
        if self._unknown:
            raise UnknownNoiseError(self._unknown)

    def _add(self, error: Mapping[str, Any]) -> None:
        places = error.get("gate_qubits") or [None]
        if error["type"] == "roerror":
            matrix = np.array(error["probabilities"]).T
            if matrix.shape != (2, 2):
                self._unknown = "readout errors of several qubits together"
            self._readout.update({None if place is None else place[0]: matrix for place in places})
            return
        for name in error["operations"]:
            if name in _NO_GATES:
                self._unknown = f"quantum errors of {name}"
            self._gates.update({(name, None if place is None else tuple(place)): error for place in places})


_NO_GATES = frozenset({"measure", "initialize", "kraus", "superop"})


def _noise_passes(noise_model: Any) -> Sequence[Any] | None:
    """What a noise model adds to circuits with delays; ``None`` if that cannot be told.

    Aer shows it nowhere in public, and without it a model from a backend would lose the relaxation of delays.
    """
    if noise_model is None:
        return ()
    passes: Sequence[Any] | None = vars(noise_model).get("_custom_noise_passes")
    if passes is None or any(_ops_of(step) != (Delay,) for step in passes):
        return None
    return tuple(passes)


def _ops_of(step: Any) -> Any:
    from qiskit_aer.noise import RelaxationNoisePass  # loaded when something is simulated

    return vars(step).get("_ops") if type(step) is RelaxationNoisePass else None


_UNITS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9, "ps": 1e12, "dt": 1e9}
"""For each unit of delays how many of it are a second, or may be."""

_LONGEST, _VISIBLE = 1e-3, 0.01


def _relaxation(passes: Sequence[Any], unit: str, qubit: int) -> tuple[Matrix, float]:
    """What the passes add to a delay, and the duration of that delay.

    The delay is about as long as T1 and T2, so that those of other durations follow without loss of digits.
    """
    duration = _LONGEST * _UNITS[unit]
    found = _of_delay(passes, duration, unit, qubit)
    while np.diag(found).min() < _VISIBLE and duration >= 10:
        duration /= 10
        found = _of_delay(passes, duration, unit, qubit)
    return found, duration


def _of_delay(passes: Sequence[Any], duration: float, unit: str, qubit: int) -> Matrix:
    """What the passes add to a single delay."""
    circuit = QuantumCircuit(qubit + 1)
    circuit.delay(int(duration) if unit == "dt" else duration, qubit, unit)
    try:
        for step in passes:
            circuit = dag_to_circuit(step.run(circuit_to_dag(circuit)))
    except QiskitError as error:
        raise UnknownNoiseError(str(error)) from error
    alone = QuantumCircuit(1)
    for instruction in circuit.data:
        alone.append(instruction.operation, [0])
    return np.asarray(PTM(SuperOp(alone)).data.real)


def _longer(relaxation: Matrix, times: float) -> Matrix:
    """Thermal relaxation for another duration: coherences and populations decay exponentially."""
    decays = np.diag(np.diag(relaxation) ** times)
    left = 1 - relaxation[3, 3]
    decays[3, 0] = relaxation[3, 0] / left * (1 - decays[3, 3]) if left else 0.0
    return decays


def _matrix(error: Mapping[str, Any]) -> Matrix:
    """The transfer matrix of an error as Aer writes it down."""
    width = 1 + max((qubit for steps in error["instructions"] for step in steps for qubit in step["qubits"]), default=0)
    sequences = _Sequences(width)
    if error["type"] == "plerror":
        found = np.eye(4**width)
        for steps, rate in zip(error["instructions"], error["rates"], strict=True):
            kept = (1 + np.exp(-2 * rate)) / 2
            found = (kept * np.eye(4**width) + (1 - kept) * sequences.matrix(steps)) @ found
        return found
    if error["type"] != "qerror":
        raise UnknownNoiseError(f"errors of type {error['type']}")
    parts = zip(error["probabilities"], error["instructions"], strict=True)
    return np.asarray(sum(probability * sequences.matrix(steps) for probability, steps in parts))


class _Sequences:
    """The circuits of one error, which are made of few different instructions."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._steps: dict[Any, Matrix] = {}

    def matrix(self, steps: Sequence[Mapping[str, Any]]) -> Matrix:
        """The transfer matrix of a circuit."""
        found = np.eye(4**self._width)
        for step in steps:
            params = step.get("params", [])
            key = (step["name"], *step["qubits"], *(param if isinstance(param, str) else id(param) for param in params))
            if key not in self._steps:
                self._steps[key] = transfer.embedded(_step(step), step["qubits"], self._width)
            found = self._steps[key] @ found
        return found


def _step(step: Mapping[str, Any]) -> Matrix:
    name, params = step["name"], step.get("params", [])
    if "condition" in step:
        raise UnknownNoiseError("errors with conditions")
    if name == "id":
        return np.eye(4)
    if name == "reset":
        return transfer.RESET
    if name == "pauli":
        return transfer.of_pauli(params[0])
    if name in {"unitary", "kraus"}:
        return transfer.of_kraus(np.array([np.asarray(matrix) for matrix in params], dtype=np.complex128))
    if name in constant_matrices():
        return transfer.of_unitaries(constant_matrices()[name][0])
    if name in ROTATIONS:
        return transfer.of_unitaries(rotation_matrices([(name, [], params)], {})[0][0])
    raise UnknownNoiseError(f"'{name}' in an error")

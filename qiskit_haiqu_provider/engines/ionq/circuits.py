"""Circuits as IonQ's JSON: a table of gates, and the qubit that each classical bit is read from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qiskit import QuantumCircuit

from qiskit_haiqu_provider.exceptions import HaiquCircuitError

QIS: Mapping[str, str] = {
    "x": "x",
    "y": "y",
    "z": "z",
    "h": "h",
    "s": "s",
    "sdg": "si",
    "t": "t",
    "tdg": "ti",
    "sx": "v",
    "sxdg": "vi",
    "rx": "rx",
    "ry": "ry",
    "rz": "rz",
    "rxx": "xx",
    "ryy": "yy",
    "rzz": "zz",
    "cx": "cnot",
    "swap": "swap",
}
"""Gates of any computer, which IonQ compiles: Qiskit's name, and IonQ's.

IonQ takes more, but with names for controlled phases that its own description of the API does not have.
"""

NATIVE = ("gpi", "gpi2", "ms", "zz")
"""Gates that the machines do as they are; angles are in turns in Qiskit too. Each machine has one of the last two."""

GATESETS = ("qis", "native")

_SILENT = frozenset({"barrier", "id"})
"""What needs nothing to be done."""

_UNREAD = -1
"""In the place of a qubit, for a classical bit that nothing is measured into."""


@dataclass(frozen=True)
class Translated:
    """A circuit as IonQ takes it."""

    gates: Sequence[Mapping[str, Any]]
    measured: tuple[int, ...]
    """For each classical bit the qubit that is read into it; -1 where none is."""

    width: int
    """Qubits that the circuit has to have for its gates and measurements."""

    two_qubit_gates: int


def measured_qubits(circuit: QuantumCircuit, *, where: str) -> tuple[int, ...]:
    """For each classical bit the qubit that is read into it at the end; -1 where none is.

    Raises:
        HaiquCircuitError: If a qubit is used after it was measured, or something depends on an outcome: circuits of
            IonQ's machines are measured once, at the end.
    """
    qubits = {bit: index for index, bit in enumerate(circuit.qubits)}
    clbits = {bit: index for index, bit in enumerate(circuit.clbits)}
    found = [_UNREAD] * len(clbits)
    ended: set[int] = set()
    for instruction in circuit.data:
        name, touched = instruction.operation.name, {qubits[bit] for bit in instruction.qubits}
        if name == "measure":
            qubit = next(iter(touched))
            found[clbits[instruction.clbits[0]]] = qubit
            ended.add(qubit)
        elif instruction.clbits or name in {"reset", "store"}:
            raise _dynamic(where, f"'{name}'")
        elif name not in _SILENT and touched & ended:
            raise _dynamic(where, f"'{name}' after a measurement of qubit {min(touched & ended)}")
    return tuple(found)


def translated(circuit: QuantumCircuit, measured: Sequence[int], gateset: str) -> Translated:
    """A circuit without parameters as IonQ takes it.

    Args:
        circuit: Made of the gate set's gates; a native one may end in the basis changes that observables need.
        measured: What :func:`measured_qubits` found.
        gateset: ``qis`` or ``native``.
    """
    qubits = {bit: index for index, bit in enumerate(circuit.qubits)}
    gates: list[Mapping[str, Any]] = []
    pairs, turned = 0, set()
    for instruction in circuit.data:
        operation = instruction.operation
        if operation.name == "measure" or operation.name in _SILENT:
            continue
        places = [qubits[bit] for bit in instruction.qubits]
        pairs += len(places) == 2
        if gateset == "qis":
            gates.append(_qis(operation, places))
        # Only a basis change of an observable is not native: of Y if there is an sdg before the h, else of X. It
        # becomes the one quarter turn that brings this axis to the one that is read.
        elif operation.name == "sdg":
            turned.add(places[0])
        elif operation.name == "h":
            gates.append({"gate": "gpi2", "target": places[0], "phase": 0.0 if places[0] in turned else 0.75})
        else:
            gates.append(_native(operation, places))
    used = {qubits[bit] for instruction in circuit.data for bit in instruction.qubits if instruction.name != "barrier"}
    return Translated(gates, tuple(measured), 1 + max(used, default=0), pairs)


def _qis(operation: Any, qubits: Sequence[int]) -> dict[str, Any]:
    gate: dict[str, Any] = {"gate": QIS[operation.name]}
    if operation.name == "cx":
        return {**gate, "control": qubits[0], "target": qubits[1]}
    gate |= {"target": qubits[0]} if len(qubits) == 1 else {"targets": list(qubits)}
    return {**gate, "rotation": float(operation.params[0])} if operation.params else gate


def _native(operation: Any, qubits: Sequence[int]) -> dict[str, Any]:
    """A native gate."""
    angles = [float(angle) for angle in operation.params]
    if operation.name == "ms":
        return {"gate": "ms", "targets": list(qubits), "phases": angles[:2], "angle": angles[2]}
    if operation.name == "zz":
        return {"gate": "zz", "targets": list(qubits), "angle": angles[0]}
    return {"gate": operation.name, "target": qubits[0], "phase": angles[0]}


def _dynamic(where: str, what: str) -> HaiquCircuitError:
    return HaiquCircuitError(
        f"{where}: IonQ measures each qubit once, at the end, so that it cannot run {what}. Move the measurements to "
        "the end, or use aer_simulator or a device of IBM."
    )

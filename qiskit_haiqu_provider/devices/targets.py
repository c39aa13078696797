"""The Target of a device, from its record."""

import warnings
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from qiskit.circuit import (
    BreakLoopOp,
    ContinueLoopOp,
    ForLoopOp,
    IfElseOp,
    SwitchCaseOp,
    WhileLoopOp,
)
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.transpiler import Target

from qiskit_haiqu_provider.devices.calibration import Place, properties
from qiskit_haiqu_provider.devices.record import DeviceRecord

MOST_PAIRED = 128
"""Widest device without a coupling map whose pairs are all spelled out; there are 16 256 of them."""

ASSUMED = ("rz", "sx", "x", "cx")
"""Gates for devices whose service does not say which they have; any service can translate these."""

FRACTIONAL_GATES = ("rx", "rzz")
"""Gates of IBM devices that have to be asked for."""


def target_from_record(record: DeviceRecord, twin: Target | None) -> Target:
    """What a device can do, with the qubits of every instruction spelled out.

    One-qubit instructions and measurements are on every qubit, two-qubit gates on the pairs of the coupling map in
    the directions that it lists (in both, if Qiskit's transpiler cannot turn the gate round); without a coupling map
    on all pairs. Gates on more qubits are left to the transpiler.
    Instructions that Qiskit does not know are left out with one warning.

    Args:
        record: The device.
        twin: A Target of the same device, for errors, durations and properties of qubits.
    """
    target = _empty_target(record, twin)
    unknown = []
    for name in _names(record, twin):
        operation = _operation(name, record, twin)
        if operation is None:
            unknown.append(name)
        elif isinstance(operation, type):
            target.add_instruction(operation, name=name.lower())
        elif operation.num_qubits in {1, 2} and operation.name not in target.operation_names:
            _add(target, operation, _places(record, operation), twin, bounds=_bounds(record, operation))
    if unknown:
        warnings.warn(
            f"{record.id} has instructions that Qiskit does not know, left out of its Target: {', '.join(unknown)}.",
            stacklevel=2,
        )
    return target


def _empty_target(record: DeviceRecord, twin: Target | None) -> Target:
    about = record.description or record.id
    if twin is None:
        return Target(description=about, num_qubits=record.num_qubits)
    qubits = list(twin.qubit_properties or ())
    return Target(
        description=about,
        num_qubits=record.num_qubits,
        dt=twin.dt,
        granularity=twin.granularity,
        min_length=twin.min_length,
        pulse_alignment=twin.pulse_alignment,
        acquire_alignment=twin.acquire_alignment,
        qubit_properties=qubits if len(qubits) == record.num_qubits else None,
    )


def _names(record: DeviceRecord, twin: Target | None) -> Sequence[str]:
    names = [name for name in record.operation_names if name.lower() not in _NEEDLESS]
    if not names and twin is not None:
        names = list(twin.operation_names)
    elif not names:
        names = list(ASSUMED)
        warnings.warn(
            f"It is not known which instructions {record.id} has. Its Target holds {', '.join(names)}, which who "
            "executes has to translate.",
            stacklevel=3,
        )
    return list(dict.fromkeys([*names, "measure"]))


def _operation(name: str, record: DeviceRecord, twin: Target | None) -> Any:
    """The instruction of that name: an object, or a class for control flow; ``None`` if nothing is known of it."""
    short = name.lower()
    if short in _CONTROL_FLOW:
        return _CONTROL_FLOW[short]
    if short in _NATIVE and not (short == "zz" and "gpi2" not in map(str.lower, record.operation_names)):
        from qiskit_haiqu_provider.devices.native import NATIVE_GATES  # teaches the transpiler, only where needed

        return NATIVE_GATES[short]
    known = _standard_gates().get(_OTHER_NAMES.get(short, short))
    if known is None and twin is not None and name in twin.operation_names:
        return twin.operation_from_name(name)
    return known


def _bounds(record: DeviceRecord, operation: Any) -> Any:
    """The angles that an instruction can have; ``None`` for any."""
    if operation.name != "rzz" or not record.id.startswith("ibm_"):
        return None
    from qiskit_haiqu_provider.devices.fractional import RZZ_BOUNDS  # teaches the transpiler, only where needed

    return RZZ_BOUNDS


def _add(target: Target, operation: Any, places: Sequence[Place] | None, twin: Target | None, *, bounds: Any) -> None:
    if places is None:
        target.add_instruction(operation)
    elif places:
        limits = {"angle_bounds": bounds} if bounds else {}
        target.add_instruction(operation, properties(twin, operation.name, places), **limits)


def _places(record: DeviceRecord, operation: Any) -> Sequence[Place] | None:
    """Where an instruction can act; ``None`` for anywhere."""
    qubits = range(record.num_qubits)
    if operation.num_qubits == 1:
        return [(qubit,) for qubit in qubits]
    if record.coupling_map is None:
        all_pairs = [(a, b) for a in qubits for b in qubits if a != b]
        return all_pairs if record.num_qubits <= MOST_PAIRED else None
    pairs = [pair for pair in record.coupling_map if pair[0] != pair[1]]
    if operation.name not in _TURNED:
        pairs += [pair[::-1] for pair in pairs]
    return list(dict.fromkeys(pairs))


@lru_cache(maxsize=1)
def _standard_gates() -> dict[str, Any]:
    gates: dict[str, Any] = get_standard_gate_name_mapping()
    return gates


_NATIVE = frozenset({"gpi", "gpi2", "ms", "zz"})

_TURNED = frozenset({"cx", "cz", "ecr", "swap", "rzx", "rxx", "ryy", "rzz"})
"""Gates that Qiskit can turn round where a pair is listed in one direction; others are taken to act in both."""

_CONTROL_FLOW = {
    "if_else": IfElseOp,
    "for_loop": ForLoopOp,
    "while_loop": WhileLoopOp,
    "switch_case": SwitchCaseOp,
    "break_loop": BreakLoopOp,
    "continue_loop": ContinueLoopOp,
}

_OTHER_NAMES = {
    "cnot": "cx",
    "i": "id",
    "not": "x",
    "phaseshift": "p",
    "cphaseshift": "cp",
    "prx": "r",
    "si": "sdg",
    "ti": "tdg",
    "v": "sx",
    "vi": "sxdg",
    "xx": "rxx",
    "yy": "ryy",
    "zz": "rzz",
}
"""Gates of Qiskit under the names of others, such as Amazon Braket."""

_NEEDLESS = frozenset(
    {
        *("barrier", "store", "gphase", "global_phase"),  # need no support
        *("mcx", "mcx_gray", "mct", "mcp", "mcphase", "toffoli", "ccnot", "cswap", "paulievolution", "unitary"),
    }
)
"""Names that no Target needs: the transpiler writes the latter with other gates."""

"""Whether a circuit fits a Target. Nothing is ever transpiled silently."""

from collections.abc import Mapping
from typing import Any

from qiskit import QuantumCircuit
from qiskit.circuit import ControlFlowOp
from qiskit.transpiler import Target

from qiskit_haiqu_provider.exceptions import HaiquCircuitError

_FIX = "Transpile it first: generate_preset_pass_manager(backend=backend, optimization_level=1).run(circuit)"


def check_isa(circuit: QuantumCircuit, target: Target, *, device: str, where: str, fix: str = _FIX) -> None:
    """Refuse a circuit that the device cannot run as it stands.

    Args:
        circuit: The circuit.
        target: What the device can do.
        device: Name of the device, for the message.
        where: What the circuit is, for the message (for example ``PUB 0``).
        fix: What to do, for the message.

    Raises:
        HaiquCircuitError: If the circuit is too wide or holds an instruction that the Target lacks; the message
            names the instruction, its qubits, and the line that fixes it.
    """
    if target.num_qubits is not None and circuit.num_qubits > target.num_qubits:
        raise HaiquCircuitError(
            f"{where}: the circuit has {circuit.num_qubits} qubits, but {device} has {target.num_qubits}. "
            "Use fewer qubits or a wider device: provider.backends(min_num_qubits=...)."
        )
    qubits = {bit: index for index, bit in enumerate(circuit.qubits)}
    bad = _first_misfit(circuit, qubits, target)
    if bad is not None:
        name, where_at = bad
        raise HaiquCircuitError(
            f"{where}: {device} cannot run '{name}' on qubits {where_at}: its instructions are "
            f"{', '.join(sorted(target.operation_names))}. {fix}"
        )


def _first_misfit(
    circuit: QuantumCircuit, qubits: Mapping[Any, int], target: Target
) -> tuple[str, tuple[int, ...]] | None:
    """The first instruction that the Target lacks, with its qubits; ``None`` if all fit."""
    known: set[tuple[str, tuple[int, ...]]] = set()
    for instruction in circuit.data:
        operation = instruction.operation
        where = tuple(qubits[bit] for bit in instruction.qubits)
        key = (operation.name, where)
        if key in known or operation.name in {"barrier", "store"}:
            continue
        if not _fits(operation, where, target):
            return key
        if isinstance(operation, ControlFlowOp):
            for block in operation.blocks:
                inner = dict(zip(block.qubits, where, strict=True))
                bad = _first_misfit(block, inner, target)
                if bad is not None:
                    return bad
        elif not operation.params:
            known.add(key)
    return None


def _fits(operation: Any, qubits: tuple[int, ...], target: Target) -> bool:
    name = operation.name
    if name not in target.operation_names:
        return name in {"break_loop", "continue_loop"}
    if isinstance(operation, ControlFlowOp):
        return True
    return bool(target.instruction_supported(name, qubits, parameters=operation.params or None))

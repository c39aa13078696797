"""How wide circuits may be that the Haiqu cloud simulates."""

from collections.abc import Mapping

from qiskit_haiqu_provider.engines.local.units import support
from qiskit_haiqu_provider.exceptions import HaiquCapacityError
from qiskit_haiqu_provider.run.request import RunRequest, RunType, Task

LIMITS: Mapping[str, int] = {
    "a statevector": 24,
    "circuits without noise": 24,
    "circuits with noise": 12,
}
"""Qubits at most, as documented for haiqu-sdk 1.7.0, whose service enforces them. Matrix product states have none."""

_FULL_STATE = frozenset({"automatic", "statevector"})
_MPS = "matrix_product_state"


def check_qubits(request: RunRequest, *, noisy: bool, aer: bool) -> None:
    """Refuse circuits that use more qubits than the cloud simulates.

    Args:
        request: What to run.
        noisy: Whether the simulation has noise.
        aer: Whether the device is simulated by Aer.

    Raises:
        HaiquCapacityError: If a circuit is too wide; names the PUB.
    """
    method = str(request.options.get("method", "automatic"))
    for task in request.tasks:
        what = _kind(request, task, method, noisy=noisy, aer=aer)
        if what is None:
            continue
        width, limit = _width(request, task), LIMITS[what]
        if width > limit:
            advice = "" if what == "a statevector" else f", or method='{_MPS}'"
            raise HaiquCapacityError(
                f"PUB {task.pub}: the circuit uses {width} qubits, but the Haiqu cloud computes {what} of at most "
                f"{limit} qubits. Use fewer qubits{advice}."
            )


def active_qubits(task: Task) -> int:
    """Qubits on which a gate, a measurement or an observable acts; an ISA circuit is as wide as its device."""
    circuit = task.circuit
    touched = {
        bit
        for instruction in circuit.data
        if instruction.name not in {"barrier", "delay"}
        for bit in instruction.qubits
    }
    places = {index for index, bit in enumerate(circuit.qubits) if bit in touched}
    return len(places | support(task.observables or ()))


def _kind(request: RunRequest, task: Task, method: str, *, noisy: bool, aer: bool) -> str | None:
    """Which limit a task has; ``None`` if it has none."""
    if request.run_type is RunType.STATEVECTOR or task.shots is None:
        return "a statevector"
    if not aer or method == _MPS:
        return None
    if noisy:
        return "circuits with noise"
    return "circuits without noise" if method in _FULL_STATE else None


def _width(request: RunRequest, task: Task) -> int:
    """Qubits that are simulated; a statevector that is asked for has all of them."""
    if request.run_type is RunType.STATEVECTOR:
        return int(task.circuit.num_qubits)
    return active_qubits(task)

"""How much fits into this machine; asked before anything is allocated."""

import math
from pathlib import Path

from qiskit_haiqu_provider.exceptions import HaiquCapacityError

AMPLITUDE = 16
"""Bytes of a complex amplitude in double precision."""

WORKING_COPIES = 3
"""A state, what the next gate makes of it, and the working arrays of a kernel, in units of the state; or a state, its
copy in another basis, and the working arrays."""

MAX_STATEVECTOR_RUN_QUBITS = 24
"""Limit of the Haiqu service for StatevectorRun, kept here so that the same code runs in both places."""

_ALWAYS_FITS_BYTES = 2**24
"""What needs no look at the memory."""

METHOD_QUBITS = {"stabilizer": 10_000, "matrix_product_state": 1024, "extended_stabilizer": 63}
"""Methods whose memory does not grow exponentially with qubits: Aer's own limits."""


def available_bytes() -> int:
    """Memory that a new allocation can use, in bytes; a container's limit counts."""
    import psutil  # loaded when something is simulated

    available = int(psutil.virtual_memory().available)
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
        used = int(Path("/sys/fs/cgroup/memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return available
    return available if limit == "max" else min(available, max(0, int(limit) - used))


def statevector_bytes(num_qubits: int) -> int:
    """Peak memory for one statevector of that width, in bytes."""
    return WORKING_COPIES * AMPLITUDE << num_qubits


def max_qubits(method: str, memory: int) -> int:
    """The widest circuit that fits into ``memory`` bytes (not counting idle qubits)."""
    if method in METHOD_QUBITS:
        return METHOD_QUBITS[method]
    amplitudes = max(2, memory // (WORKING_COPIES * AMPLITUDE))
    exponent = int(math.log2(amplitudes))
    return exponent // 2 if method == "density_matrix" else exponent


def check_total(needed: int) -> None:
    """Refuse a run whose states and results do not fit together, before anything is allocated.

    Raises:
        HaiquCapacityError: If they do not fit.
    """
    if needed <= _ALWAYS_FITS_BYTES:
        return
    available = available_bytes()
    if needed > available:
        raise HaiquCapacityError(
            f"The run needs about {needed / 2**30:,.1f} GiB, but {available / 2**30:,.1f} GiB are available. "
            "Take fewer shots or parameter sets at a time."
        )


def check_width(num_qubits: int, *, method: str, where: str) -> None:
    """Refuse a circuit that does not fit, before anything is allocated.

    Raises:
        HaiquCapacityError: If it does not fit.
    """
    size = statevector_bytes(2 * num_qubits if method == "density_matrix" else num_qubits)
    if size <= _ALWAYS_FITS_BYTES:
        return
    available = available_bytes()
    limit = max_qubits(method, available)
    if num_qubits <= limit:
        return
    if method in METHOD_QUBITS:
        raise HaiquCapacityError(
            f"{where}: the circuit uses {num_qubits} qubits, but method '{method}' takes at most {limit}."
        )
    raise HaiquCapacityError(
        f"{where}: the circuit uses {num_qubits} qubits, which needs {size / 2**30:,.0f} GiB with method "
        f"'{method}', but {available / 2**30:,.1f} GiB are available ({limit} qubits). Use fewer qubits, or "
        "method='matrix_product_state' (low entanglement) or 'stabilizer' (Clifford circuits)."
    )

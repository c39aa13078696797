"""What runs in worker processes: uploads are read and jobs are done where a crash costs nothing but themselves."""

import os
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import connection, parent_process
from typing import Any

from qiskit import QuantumCircuit
from qiskit.transpiler import Target

from qiskit_haiqu_provider.engines.local.engine import AER, LocalEngine
from qiskit_haiqu_provider.gateway.execution import pipeline, variants
from qiskit_haiqu_provider.gateway.execution.recipe import TranspileRecipe
from qiskit_haiqu_provider.run.circuits import content_digest, measures
from qiskit_haiqu_provider.run.formats import CircuitLimits, check_limits, explained, read_qasm, read_qpy, write_qpy
from qiskit_haiqu_provider.run.metrics import core_metrics

PHASES = ("Queued", "Initializing", "Validating", "Running")
"""Statuses that a worker reports, by number."""

SLOT = 3
"""Numbers that a job reports: its phase, and the parameter sets done and in all."""

_DRAWN = 400
"""Instructions that are drawn at most."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A circuit that was read, with all that the gateway keeps of it."""

    name: str
    qpy: bytes
    digest: str
    num_qubits: int
    num_clbits: int
    num_parameters: int
    measures: bool
    analytics: dict[str, Any]


class _Progress:
    """The numbers that jobs report, in memory shared with the server: no lock that a killed process could hold."""

    slots: Any = None


def initialise(memory_bytes: int | None, slots: Any = None) -> None:
    """Make a new process ready.

    Args:
        memory_bytes: Address space that the process may use, where the platform can limit it; ``None`` for no limit.
        slots: Shared memory for progress.
    """
    if memory_bytes is not None and sys.platform == "linux":
        import resource  # not on all platforms

        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    _Progress.slots = slots
    _end_with_server()


def _end_with_server() -> None:
    """A worker must not outlive a server that was killed: its work is done again by the next."""
    server = parent_process()
    if server is None:
        return
    if hasattr(os, "O_ASYNC"):
        import fcntl  # not on all platforms

        # The pipe from the server sends a signal when it is closed. The thread below would wait for the
        # interpreter's lock, which Aer holds while it simulates.
        fcntl.fcntl(server.sentinel, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(server.sentinel, fcntl.F_SETFL, fcntl.fcntl(server.sentinel, fcntl.F_GETFL) | os.O_ASYNC)
    threading.Thread(target=_wait_for_end, args=(server.sentinel,), daemon=True).start()


def _wait_for_end(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)


def read_upload(data: bytes, limits: CircuitLimits) -> Reading:
    """Read QPY from a stranger; it is kept as it came.

    Raises:
        HaiquInputError: If it cannot be read, or is too large.
    """
    with explained("qpy: the circuit", "Write it with qpy.dump."):  # what was read may still be damaged inside
        return _reading(read_qpy(data), limits, qpy=data)


def read_program(text: str, name: str, limits: CircuitLimits) -> Reading:
    """Read OpenQASM from a stranger.

    Raises:
        HaiquInputError: If it cannot be read, or is too large.
    """
    circuit = read_qasm(text)
    circuit.name = name or circuit.name
    return _reading(circuit, limits)


def draw(data: bytes) -> str:
    """The circuit as text; its first instructions if it is long."""
    circuit = read_qpy(data)
    rest = len(circuit.data) - _DRAWN
    if rest > 0:
        shorter = circuit.copy_empty_like()
        for instruction in circuit.data[:_DRAWN]:
            shorter.append(instruction)
        circuit = shorter
    drawing = str(circuit.draw("text", fold=160, idle_wires=False))
    return f"{drawing}\n… and {rest} more instructions" if rest > 0 else drawing


def do_run(work: pipeline.Work, slot: int, limit: int) -> pipeline.Outcome:
    """Run the circuits of a job.

    Raises:
        HaiquError: If the job cannot be run.
    """
    _report(slot, "Initializing", 0, 0)
    circuits = [_read_known(data) for data in work.circuits]

    def report(status: str, done: int, total: int) -> None:
        _report(slot, status, done, total)

    return pipeline.run(work, circuits, engine=_engine(), limit=limit, report=report)


def do_transpile(recipe: TranspileRecipe, circuits: Sequence[bytes], slot: int, limits: CircuitLimits) -> list[Reading]:
    """Transpile the circuits of a job.

    Raises:
        HaiquError: If they cannot be transpiled.
    """
    engine = _engine()
    target = None if recipe.device == AER else engine.target(recipe.device, {})
    done = []
    for index, data in enumerate(circuits):
        _report(slot, "Running", index, len(circuits))
        circuit = variants.transpiled(read_qpy(data), target, recipe.options, recipe.seeds)
        done.append(_reading(circuit, limits))
    return done


def gate_map(device: str) -> dict[str, list[list[int]] | None]:
    """For each instruction of a device the qubits it acts on; ``None`` for any."""
    return gates_of(_engine().target(device, {}))


def gates_of(target: Target) -> dict[str, list[list[int]] | None]:
    """For each instruction of a target the qubits it acts on; ``None`` for any."""
    found: dict[str, list[list[int]] | None] = {}
    for name in target.operation_names:
        places = target.qargs_for_operation_name(name)
        found[name] = None if places is None else sorted(list(qargs) for qargs in places)
    return found


@lru_cache(maxsize=1)
def _engine() -> LocalEngine:
    return LocalEngine()


def _read_known(data: bytes) -> QuantumCircuit:
    """The circuit; small ones are kept, as they come back job after job."""
    return _read_small(data) if len(data) <= _SMALL else read_qpy(data)


@lru_cache(maxsize=64)
def _read_small(data: bytes) -> QuantumCircuit:
    return read_qpy(data)


_SMALL = 1 << 16


def _reading(circuit: QuantumCircuit, limits: CircuitLimits, qpy: bytes | None = None) -> Reading:
    check_limits(circuit, limits)
    return Reading(
        name=circuit.name,
        qpy=write_qpy(circuit) if qpy is None else qpy,
        digest=content_digest(circuit),
        num_qubits=circuit.num_qubits,
        num_clbits=circuit.num_clbits,
        num_parameters=circuit.num_parameters,
        measures=measures(circuit),
        analytics=core_metrics(circuit),
    )


def _report(slot: int, status: str, done: int, total: int) -> None:
    if _Progress.slots is not None:
        first = slot * SLOT
        _Progress.slots[first : first + SLOT] = [PHASES.index(status), done, total]

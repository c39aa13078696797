"""The worker processes: one pool that reads uploads, one that does jobs."""

import logging
import multiprocessing
import os
import re
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from qiskit_haiqu_provider.exceptions import HaiquCapacityError, HaiquError
from qiskit_haiqu_provider.gateway.execution import worker
from qiskit_haiqu_provider.gateway.execution.pool import Call, Pool, ProcessDiedError
from qiskit_haiqu_provider.gateway.execution.worker import Reading
from qiskit_haiqu_provider.gateway.settings import Limits

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

_READERS = 2
_AT_ONCE = 20
"""Uploads that are read or wait for it; each holds a thread of the server, which has twice as many."""


def context(threads: int) -> Any:
    """How processes are made: from a clean one that has our modules already, where the platform can do that.

    Args:
        threads: Threads of Aer and BLAS in each; the libraries read it when they are loaded.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    chosen = multiprocessing.get_context("forkserver")
    chosen.set_forkserver_preload(["qiskit_haiqu_provider.gateway.execution.worker", "qiskit_aer"])
    return chosen


class BusyError(HaiquError):
    """There is more to read than the gateway takes at a time; the same request can be sent again."""


class Intake:
    """Reads uploads in processes of its own, within limits of time and memory.

    Args:
        limits: The limits.
        made: How processes are made.
    """

    def __init__(self, limits: Limits, made: Any) -> None:
        self._limits = limits
        arguments = (limits.parse_memory_bytes,)
        self._pool = Pool(_READERS, context=made, prepare=worker.initialise, arguments=arguments)
        self._room = threading.BoundedSemaphore(_AT_ONCE)

    def read_qpy(self, data: bytes) -> Reading:
        """Read a QPY file.

        Raises:
            HaiquInputError: If it cannot be read, or is too large.
        """
        return self._ask(worker.read_upload, data, self._limits.circuit)

    def read_qasm(self, text: str, name: str = "") -> Reading:
        """Read an OpenQASM program.

        Raises:
            HaiquInputError: If it cannot be read, or is too large.
        """
        return self._ask(worker.read_program, text, name, self._limits.circuit)

    def draw(self, data: bytes) -> str:
        """The drawing of a circuit; says so if it is too large to draw."""
        try:
            return self._ask(worker.draw, data)
        except HaiquError:
            return "This circuit is too large to draw."

    def gate_map(self, device_id: str) -> dict[str, list[list[int]] | None]:
        """For each instruction of a device the qubits it acts on; ``None`` for any."""
        return self._ask(worker.gate_map, device_id)

    def close(self) -> None:
        """End the process."""
        self._pool.close()

    def _ask(self, function: Callable[..., _T], *arguments: Any) -> _T:
        if not self._room.acquire(blocking=False):
            raise BusyError(f"The gateway reads {_AT_ONCE} circuits already. Send this one again in a second.")
        try:
            answer: _T = self._pool.start(function, *arguments, seconds=self._limits.parse_seconds).result()
        except TimeoutError:
            raise HaiquCapacityError(
                f"The circuit takes longer than {self._limits.parse_seconds:g} s to read. Send a smaller one."
            ) from None
        except (ProcessDiedError, MemoryError):
            raise HaiquCapacityError(
                "The circuit takes too much memory to read, or is damaged. Send a smaller one, written with qpy.dump."
            ) from None
        finally:
            self._room.release()
        return answer


class Workers:
    """Does jobs, each in one of several processes.

    Args:
        count: The number of processes.
        limits: What a job may take.
        made: How processes are made.
    """

    def __init__(self, count: int, limits: Limits, made: Any) -> None:
        self._limits = limits
        self.slots = 2 * count
        """Jobs handed over at a time; as many wait as run, so that no process idles."""

        self._progress = made.RawArray("q", worker.SLOT * self.slots)
        self._pool = Pool(count, context=made, prepare=worker.initialise, arguments=(None, self._progress))

    def start(self, slot: int, begun: Callable[[], None], function: Callable[..., Any], *arguments: Any) -> Call:
        """Hand a job over; the future stops the work when it is cancelled.

        Args:
            slot: Where it reports its progress.
            begun: Called when a process takes it up.
            function: What to call.
            arguments: What with.
        """
        first = slot * worker.SLOT
        self._progress[first : first + worker.SLOT] = [0] * worker.SLOT
        return self._pool.start(function, *arguments, seconds=self._limits.job_seconds, begun=begun)

    def progress(self, slot: int) -> tuple[str, int, int]:
        """Status of a job, and its parameter sets done and in all."""
        first = slot * worker.SLOT
        phase, done, total = self._progress[first : first + worker.SLOT]
        return worker.PHASES[phase], done, total

    def close(self) -> None:
        """End the processes, whatever they do."""
        self._pool.close()


def _for_rest(message: str) -> str:
    """A message of the local engine in the words of the REST API."""
    return _PUB.sub(r"circuit \1", _LOCAL_ID.sub("", message))


_PUB = re.compile(r"\bPUB (\d+)")
_LOCAL_ID = re.compile(r"^Job local-\w+ failed: ")


def reason(error: BaseException, limits: Limits) -> str:
    """What the log of a failed job says; never a traceback."""
    if isinstance(error, HaiquError):
        return _for_rest(str(error))
    if isinstance(error, TimeoutError):
        return f"The job ran longer than {limits.job_seconds:g} s and was stopped. Split it."
    if isinstance(error, ProcessDiedError):
        return "The process that ran the job ended, most likely for lack of memory. Split the job or use fewer qubits."
    if isinstance(error, MemoryError):
        return "The job needs more memory than there is. Split it or use fewer qubits."
    logger.error("A job failed unexpectedly.", exc_info=error)
    return f"The job failed unexpectedly ({type(error).__name__}). The server's log says more."

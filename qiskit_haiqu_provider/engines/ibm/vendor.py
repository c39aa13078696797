"""IBM Quantum behind the port of direct runs."""

import logging
import sys
import threading
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

from qiskit.providers import JobStatus
from qiskit.providers.exceptions import QiskitBackendNotFoundError
from qiskit.transpiler import Target

from qiskit_haiqu_provider.cost.estimate import CostEstimate
from qiskit_haiqu_provider.devices.record import DeviceRecord
from qiskit_haiqu_provider.engines.direct.options import check, defaults
from qiskit_haiqu_provider.engines.direct.port import Look, Sent, VendorJob
from qiskit_haiqu_provider.engines.direct.state import SentJob
from qiskit_haiqu_provider.engines.ibm import programs, results
from qiskit_haiqu_provider.engines.ibm.connection import Connection
from qiskit_haiqu_provider.engines.ibm.failures import is_of_service, wrong_input
from qiskit_haiqu_provider.engines.ibm.options import OPTIONS
from qiskit_haiqu_provider.engines.ibm.pricing import priced, usd_of
from qiskit_haiqu_provider.exceptions import HaiquError, HaiquInputError, HaiquNotFoundError
from qiskit_haiqu_provider.run.checks import is_whole
from qiskit_haiqu_provider.run.request import RunRequest
from qiskit_haiqu_provider.run.result import TaskResult
from qiskit_haiqu_provider.secret import Secret, raise_alone, scrubbed

logger = logging.getLogger(__name__)

TTL_SECONDS = 300.0
"""How long devices and what they can do are kept."""

TIMEOUT = 60.0
"""Seconds to wait for an answer if nothing is said."""

_STATUSES = {
    "INITIALIZING": JobStatus.INITIALIZING,
    "QUEUED": JobStatus.QUEUED,
    "RUNNING": JobStatus.RUNNING,
    "DONE": JobStatus.DONE,
    "ERROR": JobStatus.ERROR,
    "CANCELLED": JobStatus.CANCELLED,
}
_MOST_JOBS = 256
"""IBM's handles that are kept; each remembers that its job has ended."""


class IbmVendor:
    """IBM Quantum, reached with qiskit-ibm-runtime. Making one costs no request.

    Args:
        secrets: The credentials that are there: ``ibm_quantum_token`` and ``ibm_quantum_instance``. Without a token
            the default account is used that was saved with IBM's client.
        timeout: Seconds to wait for an answer. Default: 60.
    """

    via = "ibm"
    at_once = 1

    def __init__(self, secrets: Callable[[], Mapping[str, Secret]], *, timeout: float | None = None) -> None:
        self._timeout = timeout or TIMEOUT
        self._connection = Connection(secrets, timeout=self._timeout)
        self._records: tuple[DeviceRecord, ...] = ()
        self._listed_at = float("-inf")
        self._backends: dict[tuple[str, bool], tuple[float, Any]] = {}
        self._sessions: dict[str, Any] = {}
        self._lock = threading.RLock()
        self._job = lru_cache(_MOST_JOBS)(self._fetched_job)

    @property
    def account(self) -> str:
        """Which of IBM's instances jobs go to."""
        return self._connection.account

    def identity(self, device: str) -> str:
        """The instance that has the device, however its tokens change, as a digest.

        Raises:
            HaiquApiError: If IBM does not tell.
        """
        digest = sha256(self._instance(device).encode()).hexdigest()[:10]
        return f"IBM Quantum, instance #{digest}"

    # Devices

    def devices(self) -> Sequence[DeviceRecord]:
        """The devices of the instance.

        Raises:
            HaiquAccountError: If there is no token.
            HaiquApiError: If IBM does not tell.
        """
        with self._lock:
            if time.monotonic() - self._listed_at >= TTL_SECONDS:
                with self._connection.asking("listing the devices") as service:
                    found = service.backends() or self._nothing(service)
                read = [self._record(backend) for backend in found]
                self._records = tuple(record for record in read if record is not None)
                if self._records or not found:
                    self._listed_at = time.monotonic()
            return self._records

    def _nothing(self, service: Any) -> list[Any]:
        """No devices; raises if that is because IBM cannot be asked, which its client does not tell apart."""
        service.usage()
        return []

    def _record(self, backend: Any) -> DeviceRecord | None:
        try:
            configuration, status = backend.configuration(), backend.status()
            family = getattr(configuration, "processor_type", None) or {}
            model = " ".join(str(family[key]) for key in ("family", "revision") if family.get(key))
            online = status.operational and status.status_msg == "active"
            return DeviceRecord(
                id=backend.name,
                via=self.via,
                vendor="IBM",
                num_qubits=configuration.n_qubits,
                simulator=bool(configuration.simulator),
                description=f"IBM {model} with {configuration.n_qubits} qubits".replace("  ", " "),
                operation_names=(*configuration.basis_gates, "measure", "delay", "reset"),
                constrained=not configuration.simulator,
                coupling_map=_pairs(configuration.coupling_map),
                status="online" if online else f"not available ({status.status_msg})",
                pending_jobs=int(status.pending_jobs),
                calibration="from IBM, as of when the Target is first asked for",
            )
        except Exception as error:
            words = scrubbed(str(error), self._connection.hidden())
            warnings.warn(f"{backend.name} is left out: it cannot be read. {words}", stacklevel=4)
            return None

    def _backend(self, device: str, options: Mapping[str, Any]) -> Any:
        """IBM's object for a device; kept for a while."""
        key = device, bool(options.get("use_fractional_gates", False))
        with self._lock:
            read_at, backend = self._backends.get(key, (float("-inf"), None))
            if backend is None or time.monotonic() - read_at >= TTL_SECONDS:
                with self._connection.asking(f"looking {device} up") as service:
                    backend = self._found(service, *key)
                self._connection.careful(backend)
                self._backends[key] = time.monotonic(), backend
            return backend

    def _found(self, service: Any, device: str, fractional: bool) -> Any:
        from qiskit_ibm_runtime.exceptions import IBMInputValueError

        try:
            return service.backend(device, use_fractional_gates=fractional)
        except IBMInputValueError as error:
            raise wrong_input(error, "use_fractional_gates") from None
        except QiskitBackendNotFoundError:
            self._nothing(service)
            raise HaiquNotFoundError(f"IBM Quantum has no device '{device}' in this instance.", reached=False) from None

    def target(self, device: str, options: Mapping[str, Any]) -> Target:
        """What the device can do, with errors and durations, as IBM's client tells."""
        backend = self._backend(device, options)
        with self._connection.asking(f"reading the calibration of {device}"):
            return backend.target

    def default_options(self, device: str) -> Mapping[str, Any]:  # noqa: ARG002
        """The options of a device with their defaults."""
        return defaults(OPTIONS)

    def check_options(self, device: str, options: Mapping[str, Any]) -> None:
        """Refuse unknown options and wrong values.

        Raises:
            HaiquOptionError: If an option does not exist.
            HaiquInputError: If a value is not allowed.
        """
        check(options, OPTIONS, owner=device)

    def max_shots(self, device: str) -> int:
        """The most shots that a circuit may have."""
        return int(self._backend(device, {}).configuration().max_shots)

    def pending_jobs(self, device: str) -> int:
        """How many jobs wait for the device."""
        backend = self._backend(device, {})
        with self._connection.asking(f"asking for the queue of {device}"):
            return int(backend.status().pending_jobs)

    def simulator(self, device: str, options: Mapping[str, Any]) -> Any:
        """An AerSimulator with the noise of the device's calibration."""
        from qiskit_aer import AerSimulator

        backend = self._backend(device, options)
        with self._connection.asking(f"reading the calibration of {device}"):
            return AerSimulator.from_backend(backend)

    # Sessions

    def open_session(self, device: str, options: Mapping[str, Any], *, batch: bool, max_time: int | None) -> str:
        """Open a session, or a batch, and return its id for the option ``session_id``.

        Args:
            device: The device.
            options: Those of the backend.
            batch: Whether it is a batch.
            max_time: Seconds after which IBM closes it; ``None`` for the limit of the plan.

        Raises:
            HaiquInputError: If ``max_time`` is no time.
            HaiquApiError: If IBM refuses.
        """
        from qiskit_ibm_runtime import Batch, Session

        if max_time is not None and (not is_whole(max_time) or max_time < 1):
            raise HaiquInputError(f"max_time must be None or a whole number of seconds, not {max_time!r}. Give 600.")
        backend = self._backend(device, options)
        with self._connection.asking("opening a batch" if batch else "opening a session"):
            session = (Batch if batch else Session)(backend, max_time=max_time)
        self._sessions[session.session_id] = session
        return str(session.session_id)

    def close_session(self, session_id: str) -> None:
        """Take no more jobs into a session; those in it go on."""
        session = self._session(session_id)
        with self._connection.asking("closing a session"):
            session.close()
        del self._sessions[session_id]

    def _session(self, session_id: str) -> Any:
        if session_id not in self._sessions:
            raise HaiquInputError(
                f"session_id: no session {session_id!r} is open here. Open one: with backend.session() as backend: ..."
            )
        return self._sessions[session_id]

    # Runs

    def mitigates(self, request: RunRequest) -> bool:
        """IBM mitigates errors of expectation values."""
        return all(task.observables is not None for task in request.tasks)

    def recompiles(self, request: RunRequest) -> str:  # noqa: ARG002 - never
        """IBM runs circuits as they are."""
        return ""

    def prepare(self, request: RunRequest) -> Sequence[VendorJob]:
        """The jobs that a request takes: one, or one for samples and one for values, and for each number of shots.

        Raises:
            HaiquInputError: If IBM cannot do what is asked.
        """
        backend = self._backend(request.device, request.options)
        if request.options.get("session_id") is not None:
            self._session(request.options["session_id"])
        with self._connection.asking("preparing the run"):
            return programs.prepare(request, backend)

    def price(self, request: RunRequest, jobs: Sequence[VendorJob]) -> CostEstimate:
        """What these jobs would cost: seconds on the QPU, at the price of the instance's plan."""
        return priced(request, jobs, plan=self._plan(request.device), exact=programs.client_side())

    def _plan(self, device: str) -> str:
        """The plan of the instance that has a device."""
        instance = self._instance(device)
        with self._connection.asking("looking the plan up") as service:
            found = [one.get("plan") for one in service.instances() if one.get("crn") == instance]
        return str(found[0] if found else "")

    def _instance(self, device: str) -> str:
        return str(self._backend(device, {})._instance)  # noqa: SLF001 - the active one may be another

    def send(self, job: VendorJob, *, request: RunRequest, token: str) -> Sent:
        """Submit a job, tagged with its client token; at most one request for it leaves.

        Raises:
            HaiquInputError: If the client refuses it; nothing was sent.
            HaiquApiError: If it failed; ``reached`` says whether the job may be there all the same.
        """
        backend = self._backend(request.device, request.options)
        session_id = request.options.get("session_id")
        mode = backend if session_id is None else self._session(session_id)
        careful = self._connection.careful(backend)
        careful.begin()
        before = sys.exception()
        try:
            sent = programs.submit(job.content, mode, tag=_tag(token))
        except Exception as error:
            if not careful.left and not is_of_service(error, before=before):
                raise wrong_input(error, "The run") from None
            told = self._connection.failure(error, "submitting a job", before=before, reached=careful.taken)
            raise_alone(told)
        return Sent(str(sent.job_id()))

    def find(self, token: str, *, device: str) -> str | None:
        """The id of the job with a client token."""
        instance = self._instance(device)
        with self._connection.asking("looking for a job by its tag") as service:
            found = service.jobs(job_tags=[_tag(token)], instance=instance, limit=1)
        return str(found[0].job_id()) if found else None

    def look(self, job_id: str, *, device: str) -> Look:  # noqa: ARG002
        """Where a job stands. A word that is not known counts as running."""
        job = self._job(job_id)
        with self._connection.asking(f"asking for job {job_id}"):
            word = str(job.status())
            reason = str(job.error_message() or "") if word == "ERROR" else ""
        queue, run = self._seconds(job) if word in job.JOB_FINAL_STATES else (None, None)
        return Look(
            status=_STATUSES.get(word, JobStatus.RUNNING),
            word=word,
            reason=scrubbed(reason, self._connection.hidden()),
            queue=queue,
            run=run,
        )

    def read(self, job_id: str, job: SentJob, *, device: str) -> Sequence[TaskResult]:  # noqa: ARG002
        """The results of a job that is done.

        Raises:
            HaiquResponseError: If they cannot be read.
        """
        handle = self._job(job_id)
        with self._connection.asking(f"reading the results of job {job_id}"):
            return results.read(handle.result(timeout=self._timeout), job)

    def cancel(self, job_id: str, *, device: str) -> None:  # noqa: ARG002
        """Ask for a job to be stopped; one that has ended stays as it is."""
        from qiskit_ibm_runtime.exceptions import RuntimeInvalidStateError

        job = self._job(job_id)
        with self._connection.asking(f"cancelling job {job_id}"):
            try:
                job.cancel()
            except RuntimeInvalidStateError:
                logger.info("job %s has ended and cannot be cancelled", job_id)

    def usage(self, job_id: str, job: SentJob, *, device: str) -> Mapping[str, float]:  # noqa: ARG002
        """Seconds on the QPU as IBM charges them, and their price; nothing while IBM has not worked them out."""
        handle = self._job(job_id)
        with self._connection.asking(f"asking for the usage of job {job_id}"):
            used = handle.metrics().get("usage") or {}
        seconds = used.get("qpu_charge_time_seconds", used.get("quantum_seconds"))
        if seconds is None or used.get("status") == "pending":
            return {}
        return {"qpu_seconds": float(seconds), "usd": usd_of(float(seconds), plan=self._plan(device))}

    def _fetched_job(self, job_id: str) -> Any:
        with self._connection.asking(f"looking job {job_id} up") as service:
            return service.job(job_id)

    def _seconds(self, job: Any) -> tuple[float | None, float | None]:
        """Seconds in the queue and in the run of a job that has ended, if IBM tells."""
        try:
            with self._connection.asking("asking for the times of a job"):
                moments = job.metrics().get("timestamps") or {}
        except HaiquError:
            return None, None
        created, running, finished = (_moment(moments.get(name)) for name in ("created", "running", "finished"))
        return _between(created, running), _between(running, finished)


def _pairs(coupling_map: Any) -> tuple[tuple[int, int], ...] | None:
    return None if coupling_map is None else tuple((int(a), int(b)) for a, b in coupling_map)


def _tag(token: str) -> str:
    return f"client-token-{token}"


def _moment(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)


def _between(start: datetime | None, end: datetime | None) -> float | None:
    return None if start is None or end is None else max(0.0, (end - start).total_seconds())

"""Sends jobs to vendors: each at most once, whatever happens to the server in between.

Before a submission leaves, the job's row has the engine's state with a client token; as soon as the vendor has
answered, it has the vendor's ids. A server that starts again follows a job by this state. If it died in between, it
asks the vendor for the token, and where the vendor cannot tell, the job ends as an error that says so: it is never sent
a second time. Credentials are held in memory while a job is sent and followed, and nowhere else.
"""

import contextlib
import logging
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol, TypeVar
from uuid import NAMESPACE_URL, uuid5

from qiskit.providers import JobStatus
from sqlalchemy.exc import OperationalError

from qiskit_haiqu_provider.devices.record import DeviceRecord
from qiskit_haiqu_provider.engines.base import Execution, RemoteEngine
from qiskit_haiqu_provider.exceptions import (
    HaiquAccountError,
    HaiquAuthenticationError,
    HaiquConnectionError,
    HaiquError,
    HaiquJobError,
    HaiquNotFoundError,
    HaiquRateLimitError,
    HaiquServerError,
    HaiquSubmissionError,
    HaiquTimeoutError,
)
from qiskit_haiqu_provider.gateway.execution.pipeline import Outcome, outcome_of
from qiskit_haiqu_provider.gateway.execution.prepare import Prepared, prepare
from qiskit_haiqu_provider.gateway.execution.recipe import WITH_CREDENTIALS, RunRecipe
from qiskit_haiqu_provider.gateway.settings import Limits
from qiskit_haiqu_provider.gateway.store import running as queue
from qiskit_haiqu_provider.gateway.store.database import Database
from qiskit_haiqu_provider.run.checks import check_shots
from qiskit_haiqu_provider.run.formats import read_qpy
from qiskit_haiqu_provider.secret import Secret, scrubbed

T = TypeVar("T")
logger = logging.getLogger(__name__)

_AT_ONCE = 128
"""Vendor jobs that are followed at a time."""

_STEP = 1.0
"""Seconds after which a thread that rests looks whether the server stops."""

_SHORTEST, _LONGEST, _GROWTH = 0.1, 10.0, 1.5
"""Seconds between two looks at a job, at first and at most."""

_LOOKS = (0.0, 1.0, 2.0)
"""Seconds before each look for a job whose answer was lost: its submission may still be on its way."""

_OUTAGES = (HaiquConnectionError, HaiquTimeoutError, HaiquServerError, HaiquRateLimitError)
"""What a vendor that is away for a while looks like."""

_NOT_ITS_OWN = (HaiquAccountError, HaiquAuthenticationError, HaiquNotFoundError)
"""What the credentials of somebody else lead to."""


class Vendor(Protocol):
    """A way to devices that are not on this machine."""

    @property
    def prefix(self) -> str:
        """How the ids of its devices begin, and those of no others."""
        ...

    def devices(self) -> Sequence[DeviceRecord]:
        """The devices, as the server's own credentials see them; asks the vendor, unless that was done just now."""
        ...

    def engine(self, secrets: Mapping[str, Any]) -> RemoteEngine:
        """An engine that uses these credentials, or without any those of the server. Making it asks for nothing.

        Raises:
            HaiquInputError: If these are not the credentials that the vendor needs.
        """
        ...


def vendor_of(device: str, vendors: Sequence[Vendor]) -> Vendor | None:
    """Whose device that is; ``None`` for one of this machine, and for one that does not exist."""
    return next((vendor for vendor in vendors if device.startswith(vendor.prefix)), None)


def ids_in(state: Mapping[str, Any]) -> list[str]:
    """The ids of the vendor's jobs that a state names."""
    return [str(job["id"]) for job in state.get("jobs", ()) if job.get("id")]


def _refusal_in(state: Mapping[str, Any]) -> str:
    """Why there will be nothing of a part of the vendor's jobs; empty if none was refused."""
    return next((str(job["refused"]) for job in state.get("jobs", ()) if job.get("refused")), "")


class Dispatch:
    """A job on its way to a vendor."""

    def __init__(self, order: queue.RunnableJob) -> None:
        self.order = order
        self.state: Mapping[str, Any] = order.dispatch or {}
        """What is known of it at the vendor; empty if nothing has left."""

        self.status = "Initializing"
        self.stopped = threading.Event()

    @property
    def with_credentials(self) -> bool:
        """Whether it came with credentials of its own."""
        return bool((self.order.recipe or {}).get(WITH_CREDENTIALS))

    def cancel(self) -> None:
        """Have it stopped soon: before it is sent, or at the vendor."""
        self.stopped.set()

    def progress(self) -> tuple[str, int, int]:
        """The status as it was last seen, and the parameter sets done and in all, which vendors do not tell."""
        return self.status, 0, 0


_STATUSES = {
    JobStatus.INITIALIZING: "Initializing",
    JobStatus.QUEUED: "Queued",
    JobStatus.VALIDATING: "Validating",
}


class _NotOursError(CancelledError):
    """The job was cancelled while it was sent or looked for."""


class Dispatcher:
    """Sends jobs to vendors and waits for them, each in a thread.

    Args:
        database: Where the state of each job is kept.
        vendors: The ways to devices.
        limits: What a job may take.
    """

    def __init__(self, database: Database, vendors: Sequence[Vendor], limits: Limits) -> None:
        self._database = database
        self._vendors = vendors
        self._limits = limits
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="haiqu-dispatch")
        self._closing = threading.Event()

    def reaches(self, device: str) -> bool:
        """Whether a device is a vendor's, by its id alone."""
        return vendor_of(device, self._vendors) is not None

    def start(self, dispatch: Dispatch, recipe: RunRecipe, secrets: Mapping[str, Any] | None) -> "Future[Outcome]":
        """Send a job, or follow it if it was sent.

        Args:
            dispatch: The job.
            recipe: What to run.
            secrets: Credentials; ``None`` if the server that accepted the job is gone, and they with it.
        """
        return self._threads.submit(self._run, dispatch, recipe, secrets or {})

    def close(self) -> None:
        """Stop waiting; vendors go on, and the next server follows."""
        self._closing.set()
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _run(self, dispatch: Dispatch, recipe: RunRecipe, secrets: Mapping[str, Any]) -> Outcome:
        try:
            return self._outcome(dispatch, recipe, secrets)
        except CancelledError:
            raise
        except Exception as error:
            raise HaiquError(_explained(error, dispatch, secrets)) from None

    def _outcome(self, dispatch: Dispatch, recipe: RunRecipe, secrets: Mapping[str, Any]) -> Outcome:
        vendor = vendor_of(recipe.device, self._vendors)
        if vendor is None:
            raise HaiquError(f"There is no way to {recipe.device}.")
        engine = vendor.engine(secrets)
        make = partial(_prepared, dispatch.order, recipe, engine)
        if dispatch.state:
            execution = self._held(dispatch, engine, lambda: self._located(dispatch, engine))
            self._wait(dispatch, execution)
            prepared = self._patiently(dispatch, make)
        else:
            if dispatch.with_credentials and not secrets:
                raise HaiquError(
                    "The credentials that the job came with are gone: they are never stored, and the server or the job "
                    "was restarted. Nothing was sent, nothing is to be paid. Submit the job again."
                )
            prepared = make()
            if recipe.dry_run:
                estimate = engine.estimate(prepared.request)
                return Outcome(logs=[*prepared.logs, f"Dry run: {estimate}"], cost=estimate.to_dict())
            execution = self._held(dispatch, engine, lambda: self._sent(dispatch, engine, prepared))
            self._wait(dispatch, execution)
        result = self._patiently(dispatch, execution.result)
        ids = [circuit.id for circuit in dispatch.order.circuits]
        outcome = outcome_of(prepared, result, circuit_ids=ids, limit=self._limits.result_bytes)
        return outcome.after(execution.seconds().get("run", 0.0))

    def _held(self, dispatch: Dispatch, engine: RemoteEngine, begin: Callable[[], Execution]) -> Execution:
        """The run at the vendor; stopped there if the job was cancelled meanwhile."""
        try:
            return begin()
        except _NotOursError:
            if ids_in(dispatch.state):
                _stop(dispatch, engine.resume(dispatch.state))
            raise

    def _sent(self, dispatch: Dispatch, engine: RemoteEngine, prepared: Prepared) -> Execution:
        """Send a job; looks for it if it is not known whether the vendor has accepted it."""
        if dispatch.stopped.is_set():
            raise CancelledError
        try:
            return engine.submit(prepared.request, journal=partial(self._note, dispatch))
        except HaiquSubmissionError as error:
            return self._located(dispatch, engine, reason=str(error.detail or ""))
        except (HaiquError, CancelledError):  # the vendor has nothing of it, or was told to stop it
            raise
        except Exception as error:
            if not dispatch.state:
                raise
            logger.error("A submission to a vendor ended unexpectedly (%s).", type(error).__name__)  # noqa: TRY400
            return self._located(dispatch, engine)

    def _located(self, dispatch: Dispatch, engine: RemoteEngine, *, reason: str = "") -> Execution:
        """A run that was sent before, or may have been.

        Raises:
            HaiquError: If the vendor has not all of it, or cannot tell.
        """
        try:
            execution = engine.resume(dispatch.state)
        except HaiquJobError as error:
            raise HaiquAccountError(str(error)) from None
        if not execution.located:
            with contextlib.suppress(HaiquSubmissionError):  # a vendor that can never tell says so at once
                for pause in _LOOKS:
                    self._rest(dispatch, pause)
                    if self._patiently(dispatch, execution.locate):
                        break
            self._note(dispatch, execution.state())
        refusal = _refusal_in(dispatch.state)
        if execution.located and not refusal:
            return execution
        raise HaiquError(_lost(ids_in(dispatch.state), reason or refusal))

    def _note(self, dispatch: Dispatch, state: Mapping[str, Any]) -> None:
        """Keep the state of a job; the submission goes no further unless that was done.

        Raises:
            CancelledError: If the job is not to be sent any more.
        """
        dispatch.state = state
        order = dispatch.order
        while not dispatch.stopped.is_set():
            try:
                with self._database.write() as session:
                    if queue.set_dispatch(session, order.id, order.generation, dict(state)):
                        return
                break
            except OperationalError:
                logger.exception("The database cannot be written; the submission waits for it.")
                self._rest(dispatch, _STEP)
        raise _NotOursError

    def _wait(self, dispatch: Dispatch, execution: Execution) -> None:
        """Follow a run to its end, and stop it if the job is cancelled."""
        pause = _SHORTEST
        while not dispatch.stopped.is_set():
            if execution.wait(0.0):
                return
            with contextlib.suppress(HaiquError):  # the vendor is away, which wait() has told
                dispatch.status = _STATUSES.get(execution.status(), "Running")
            self._rest(dispatch, pause)
            pause = min(_LONGEST, pause * _GROWTH)
        _stop(dispatch, execution)
        raise CancelledError

    def _patiently(self, dispatch: Dispatch, ask: Callable[[], T]) -> T:
        """Ask a vendor that has the job, again and again while it is away: what is paid for is not given up."""
        pause = _SHORTEST
        while True:
            try:
                return ask()
            except _OUTAGES as error:
                logger.warning("The vendor of job %s cannot be asked (%s).", dispatch.order.id, type(error).__name__)
            self._rest(dispatch, pause)
            if dispatch.stopped.is_set():
                raise _NotOursError
            pause = min(_LONGEST, pause * _GROWTH)

    def _rest(self, dispatch: Dispatch, seconds: float) -> None:
        """Wait, at most until the job is cancelled.

        Raises:
            CancelledError: If the server stops.
        """
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not dispatch.stopped.wait(min(left, _STEP)):
            if self._closing.is_set():
                raise CancelledError


def _prepared(order: queue.RunnableJob, recipe: RunRecipe, engine: RemoteEngine) -> Prepared:
    check_shots(recipe.shots, where="shots", maximum=engine.max_shots(recipe.device))
    circuits = [read_qpy(circuit.qpy) for circuit in order.circuits]
    return prepare(recipe, circuits, engine, token=_token(order))


def _token(order: queue.RunnableJob) -> str:
    """The client token of a run: the same whenever it is computed."""
    return uuid5(NAMESPACE_URL, f"{order.id}/{order.generation}").hex


def _stop(dispatch: Dispatch, execution: Execution) -> None:
    """Stop a run at its vendor, as far as that can be done."""
    try:
        execution.cancel()
    except HaiquError as error:
        ids = ", ".join(ids_in(dispatch.state))
        logger.warning("Job %s was cancelled, but goes on at its vendor as %s: %s", dispatch.order.id, ids, error)


def _lost(ids: Sequence[str], reason: str) -> str:
    """What to say of a submission that came to no known end."""
    said = f" {reason}" if reason else ""
    if ids:
        return (
            f"Only a part of the job is known to have been accepted by the vendor: {', '.join(ids)}. Nothing is sent "
            f"again.{said} Look at the vendor's console for what that part yields, and for the rest."
        )
    return (
        "The job may have reached the vendor, but its answer was lost and the vendor cannot tell. It is not sent again."
        f"{said} Look at the vendor's console; restart the job only if it is not there."
    )


def _explained(error: Exception, dispatch: Dispatch, secrets: Mapping[str, Any]) -> str:
    """Why a job failed, without its credentials."""
    hidden = [Secret(text) for text in secrets.values() if isinstance(text, str)]
    if not isinstance(error, HaiquError):
        told = scrubbed("".join(traceback.format_exception(error)), hidden)
        logger.error("A job for a vendor failed unexpectedly.\n%s", told)
        return f"The job failed unexpectedly ({type(error).__name__}). The server's log says more."
    text: str = scrubbed(str(error), hidden)
    if dispatch.state and isinstance(error, _NOT_ITS_OWN):
        ids = ", ".join(ids_in(dispatch.state)) or "a job whose id is not known"
        gone = "; those that it came with are never stored" if dispatch.with_credentials and not secrets else ""
        return (
            f"The job was sent to its vendor as {ids}, but the credentials that there are cannot follow it{gone}. "
            f"It is not sent again. Look at the vendor's console. {text}"
        )
    return text

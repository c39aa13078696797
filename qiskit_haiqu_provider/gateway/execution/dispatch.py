"""Sends jobs to vendors: each at most once, whatever happens to the server in between.

Before a submission leaves, the job's row says so (``sending``, with a client token); when the vendor has answered,
the row holds the vendor's id (``sent``). A server that starts again resumes a job by that id. If it died in between,
it asks the vendor for the token, and where the vendor cannot tell, the job ends as an error that says so: it is never
sent a second time. Credentials are held in memory until the submission, and nowhere else.
"""

import logging
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Any, Protocol
from uuid import NAMESPACE_URL, uuid5

from qiskit.providers import JobStatus

from qiskit_haiqu_provider.devices.record import DeviceRecord
from qiskit_haiqu_provider.engines.base import Engine, Execution
from qiskit_haiqu_provider.exceptions import HaiquError, HaiquInputError
from qiskit_haiqu_provider.gateway.execution.pipeline import Outcome, cost_object, outcome_of
from qiskit_haiqu_provider.gateway.execution.prepare import Prepared, prepare
from qiskit_haiqu_provider.gateway.execution.recipe import WITH_CREDENTIALS, RunRecipe
from qiskit_haiqu_provider.gateway.settings import Limits
from qiskit_haiqu_provider.gateway.store import running as queue
from qiskit_haiqu_provider.gateway.store.database import Database
from qiskit_haiqu_provider.run.formats import read_qpy

logger = logging.getLogger(__name__)

_AT_ONCE = 128
"""Vendor jobs that are followed at a time."""

_POLL_SECONDS = 1.0


class VendorEngine(Engine, Protocol):
    """An engine whose runs outlive this process."""

    def resume(self, execution_id: str) -> Execution:
        """Follow a run that was submitted before."""
        ...

    def find(self, token: str) -> str | None:
        """The id of the run that was submitted with this client token; ``None`` if the vendor cannot tell."""
        ...


class Vendor(Protocol):
    """A way to devices that are not on this machine."""

    def devices(self) -> Sequence[DeviceRecord]:
        """The devices."""
        ...

    def engine(self, secrets: Mapping[str, Any]) -> VendorEngine:
        """An engine that uses these credentials, or those that the server was given."""
        ...


class Dispatch:
    """A job on its way to a vendor."""

    def __init__(self, order: queue.RunnableJob) -> None:
        self.order = order
        self.execution: Execution | None = None
        self.stopped = threading.Event()

    def cancel(self) -> None:
        """Stop it: before it is sent, or at the vendor."""
        self.stopped.set()
        if self.execution is not None:
            self.execution.cancel()

    def progress(self) -> tuple[str, int, int]:
        """Status, and the parameter sets done and in all, which vendors do not tell."""
        if self.execution is None:
            return "Initializing", 0, 0
        return _STATUSES.get(self.execution.status(), "Running"), 0, 0


_STATUSES = {
    JobStatus.INITIALIZING: "Initializing",
    JobStatus.QUEUED: "Queued",
    JobStatus.VALIDATING: "Validating",
}


class Dispatcher:
    """Sends jobs to vendors and waits for them, each in a thread.

    Args:
        database: Where the state of each job is kept.
        vendors: The ways to devices.
        limits: What a job may take.
    """

    def __init__(self, database: Database, vendors: Sequence[Vendor], limits: Limits) -> None:
        self._database = database
        self._vendor_of = {record.id: vendor for vendor in vendors for record in vendor.devices()}
        self._limits = limits
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="haiqu-dispatch")
        self._closing = threading.Event()

    def reaches(self, device: str) -> bool:
        """Whether a vendor has the device."""
        return device in self._vendor_of

    def start(self, dispatch: Dispatch, recipe: RunRecipe, secrets: Mapping[str, Any] | None) -> "Future[Outcome]":
        """Send a job, or resume it.

        Args:
            dispatch: The job.
            recipe: What to run.
            secrets: Credentials; ``None`` if the server that accepted the job is gone, and they with it.
        """
        return self._threads.submit(self._run, dispatch, recipe, secrets)

    def close(self) -> None:
        """Stop waiting; vendors go on, and the next server resumes."""
        self._closing.set()
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _run(self, dispatch: Dispatch, recipe: RunRecipe, secrets: Mapping[str, Any] | None) -> Outcome:
        order = dispatch.order
        engine = self._vendor_of[recipe.device].engine(secrets or {})
        circuits = [read_qpy(circuit.qpy) for circuit in order.circuits]
        prepared = prepare(recipe, circuits, engine, token=_token(order))
        if recipe.dry_run:
            return Outcome(logs=prepared.logs, cost=cost_object(engine.estimate(prepared.request)))
        execution = self._execution(dispatch, engine, prepared, secrets)
        dispatch.execution = execution
        if dispatch.stopped.is_set():
            execution.cancel()
        while not execution.wait(_POLL_SECONDS):
            if self._closing.is_set():
                raise CancelledError
        ids = [circuit.id for circuit in order.circuits]
        outcome = outcome_of(prepared, execution.result(), circuit_ids=ids, limit=self._limits.result_bytes)
        return outcome.after(execution.seconds().get("run", 0.0))

    def _execution(
        self, dispatch: Dispatch, engine: VendorEngine, prepared: Prepared, secrets: Mapping[str, Any] | None
    ) -> Execution:
        """The job at the vendor: resumed if it was sent, else sent."""
        state = dispatch.order.dispatch or {}
        if state.get("id"):
            return engine.resume(str(state["id"]))
        if state:
            return self._resumed(dispatch, engine)
        if secrets is None and (dispatch.order.recipe or {}).get(WITH_CREDENTIALS):
            raise HaiquError(
                "The server was restarted before the job was sent to the vendor, and credentials are never stored. "
                "Nothing was sent, nothing is to be paid. Submit the job again."
            )
        if dispatch.stopped.is_set() or not self._note(dispatch.order, {"state": "sending"}):
            raise CancelledError
        try:
            execution = engine.submit(prepared.request)
        except HaiquInputError:  # refused before anything left
            raise
        except Exception:
            logger.exception("A submission to a vendor ended without an answer.")
            return self._resumed(dispatch, engine)
        self._note(dispatch.order, {"state": "sent", "id": execution.id})
        return execution

    def _resumed(self, dispatch: Dispatch, engine: VendorEngine) -> Execution:
        """The run of a submission whose answer was lost.

        Raises:
            HaiquError: If the vendor cannot tell whether there is one.
        """
        found = engine.find(_token(dispatch.order))
        if found is None:
            raise HaiquError(
                "The job may have reached the vendor, but its answer was lost and the vendor cannot tell. It is not "
                "sent again. Look at the vendor's console; restart the job only if it is not there."
            )
        self._note(dispatch.order, {"state": "sent", "id": found})
        return engine.resume(found)

    def _note(self, order: queue.RunnableJob, state: dict[str, Any]) -> bool:
        with self._database.write() as session:
            return queue.set_dispatch(session, order.id, order.generation, state)


def _token(order: queue.RunnableJob) -> str:
    """The client token of a run: the same whenever it is computed."""
    return uuid5(NAMESPACE_URL, f"{order.id}/{order.generation}").hex

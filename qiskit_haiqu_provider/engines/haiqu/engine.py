"""The engine of the Haiqu cloud: devices, costs and runs through its REST API."""

import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qiskit import QuantumCircuit
from qiskit.transpiler import Target

from qiskit_haiqu_provider.cost.estimate import CostEstimate
from qiskit_haiqu_provider.devices.record import DeviceRecord
from qiskit_haiqu_provider.engines.base import Journal
from qiskit_haiqu_provider.engines.haiqu.adoption import Adopted, JobFilter, adopted, is_run
from qiskit_haiqu_provider.engines.haiqu.devices import PATIENCE, Calibration, DeviceList
from qiskit_haiqu_provider.engines.haiqu.execution import HaiquExecution
from qiskit_haiqu_provider.engines.haiqu.layout import Kind, Layout, lay_out
from qiskit_haiqu_provider.engines.haiqu.options import MAX_SHOTS, check_limits, check_options, default_options
from qiskit_haiqu_provider.engines.haiqu.pricing import estimate_of
from qiskit_haiqu_provider.engines.haiqu.sending import Order, Sender
from qiskit_haiqu_provider.engines.haiqu.state import RunState
from qiskit_haiqu_provider.engines.haiqu.submission import token_of
from qiskit_haiqu_provider.engines.haiqu.workspace import Workspace
from qiskit_haiqu_provider.exceptions import HaiquError, HaiquJobError
from qiskit_haiqu_provider.run.request import Progress, RunRequest
from qiskit_haiqu_provider.secret import Secret

if TYPE_CHECKING:
    from qiskit_haiqu_provider.api.client import HaiquClient

logger = logging.getLogger(__name__)

_MOST = 1000
"""Jobs of the service that are looked through at most for those that ran circuits."""


class HaiquEngine:
    """Runs circuits through the Haiqu cloud, or a gateway that serves its API. Making one costs no request.

    Args:
        client: The service.
        experiment: Name of the experiment that jobs go to; made when it is first needed.
        home: Folder of the package's data, where ids of experiments and circuits are remembered.
        credentials: The credentials that a device's vendor asks for; called when something is submitted, and only
            for the device that it is submitted to.
        api: ``run``, ``flow``, or ``auto`` for the first of them that the service has.
        calibration: Who can be asked for today's errors of a device; else they are those of a snapshot.
    """

    via = "haiqu"

    def __init__(
        self,
        client: "HaiquClient",
        *,
        experiment: str = "Default Experiment",
        home: Callable[[], Path],
        credentials: Callable[[str], Mapping[str, Secret]],
        api: str = "auto",
        calibration: Calibration | None = None,
    ) -> None:
        self.client = client
        self._workspace = Workspace(client, experiment, home=home)
        self._sender = Sender(client, self._workspace, api=api)
        self._devices = DeviceList(client, calibration=calibration)
        self._credentials = credentials

    def experiment_id(self) -> str:
        """The id of the experiment that jobs go to; made if there is none of its name."""
        return self._workspace.experiment_id()

    def circuit_ids(self, circuits: Sequence[Any]) -> list[str]:
        """The ids of circuits in the experiment; those that the service does not have are uploaded."""
        return self._workspace.circuit_ids(circuits)

    def devices(self) -> Sequence[DeviceRecord]:
        """The devices of the service, fetched on first use and kept for a while."""
        return self._devices.records()

    def target(self, device: str, options: Mapping[str, Any]) -> Target:
        """What the device can do, with calibration of its snapshot where there is one."""
        return self._devices.target(device, options)

    def default_options(self, device: str) -> Mapping[str, Any]:
        """The options of a device with their defaults."""
        return default_options(device, simulator=self._devices.record(device).simulator)

    def check_options(self, device: str, options: Mapping[str, Any]) -> None:
        """Raise for an unknown option or a wrong value.

        Raises:
            HaiquOptionError: If an option does not exist, or does not fit the device.
            HaiquInputError: If a value is not allowed.
        """
        check_options(device, options, simulator=self._devices.record(device).simulator)

    def max_shots(self, device: str) -> int:  # noqa: ARG002 - the same for every device
        """The most shots that a circuit may have."""
        return MAX_SHOTS

    def simulator(self, device: str, options: Mapping[str, Any]) -> Any:
        """An AerSimulator with the noise of the device's snapshot."""
        return self._devices.simulator(device, options)

    def pending_jobs(self, device: str) -> int:
        """How many jobs wait for the device, asked anew."""
        return self._devices.refreshed(device).pending_jobs or 0

    def mitigates(self, request: RunRequest) -> bool:  # noqa: ARG002 - always
        """The service mitigates errors."""
        return True

    def recompiles(self, request: RunRequest) -> str:
        """Whether the service is asked to transpile."""
        if request.options.get("skip_transpilation", True):
            return ""
        return "The service is asked to transpile them. Set skip_transpilation=True."

    def estimate(self, request: RunRequest) -> CostEstimate:
        """What the service says that the request costs, by a dry run, which stops before the device.

        Raises:
            HaiquJobError: If the dry run failed.
            HaiquInputError: If the request cannot run.
        """
        layout = self._laid_out(request)
        paid = tuple(job for job in layout.jobs if job.kind is not Kind.STATES and job.num_circuits)
        costs: list[Mapping[str, Any] | None] = []
        if paid:
            order = Order(request=request, layout=replace(layout, jobs=paid), dry_run=True)
            costs = HaiquExecution(self.client, self._sender.send(order, journal=_unnoted)).estimated_costs()
        return estimate_of(request, layout, costs, self._devices.record(request.device))

    def submit(
        self, request: RunRequest, *, progress: Progress | None = None, journal: Journal | None = None
    ) -> HaiquExecution:
        """Check the request and submit it: as few jobs as its shots allow, each at most once.

        Raises:
            HaiquInputError: If the request cannot run; nothing was submitted.
            HaiquAccountError: If the vendor of the device needs credentials that are not there.
            HaiquSubmissionError: If it is not known whether a job was accepted.
            HaiquApiError: If the service refused; nothing was submitted.
        """
        layout = self._laid_out(request)
        order = Order(request=request, layout=layout, credentials=self._credentials(request.device))
        state = self._sender.send(order, journal=journal or _unnoted)
        return HaiquExecution(self.client, state, progress=progress, hidden=self._hidden(state))

    def resume(self, state: Mapping[str, Any]) -> HaiquExecution:
        """Follow a run from its record.

        Raises:
            HaiquJobError: If it runs at another service.
        """
        found = RunState.from_json(state)
        if found.url != self.client.url:
            raise HaiquJobError(
                f"The job runs at {found.url}, but this provider speaks to {self.client.url}. "
                f"Make one with HaiquProvider(url='{found.url}')."
            )
        return HaiquExecution(self.client, found, hidden=self._hidden(found))

    def adopt(self, job_id: str) -> Adopted:
        """A job of the service that is not on record here, such as one that haiqu-sdk submitted.

        Raises:
            HaiquNotFoundError: If there is none of that id.
            HaiquJobError: If it is of a kind whose results are not those of circuits.
        """
        return adopted(self.client, self.client.job(job_id))

    def elsewhere(self, wanted: JobFilter, *, known: Set[str]) -> list[Adopted]:
        """The newest jobs of the experiment that ran circuits and are not known here; unreadable ones are left out.

        Args:
            wanted: Which jobs, and at most how many, those that are known included.
            known: Ids and client tokens of jobs that are known.
        """
        found, circuits = [], dict[str, QuantumCircuit]()
        for job in self._newest(wanted):
            if known.isdisjoint({job.id, token_of(job.description)}):
                try:
                    found.append(adopted(self.client, job, circuits=circuits))
                except HaiquError as error:
                    logger.warning("Job %s of the service was left out: %s", job.id, error)
        return found

    def _newest(self, wanted: JobFilter) -> list[Any]:
        """The newest jobs that are wanted; asks for more of them if others are in between."""
        limit = _MOST if wanted.limit is None else min(wanted.limit, _MOST)
        asked = limit
        while True:
            jobs = self.client.jobs(self.experiment_id(), limit=asked, patience=PATIENCE)
            runs = [job for job in jobs if is_run(job) and wanted.fits(job)]
            if len(runs) >= limit or len(jobs) < asked or asked >= _MOST:
                return runs[:limit]
            asked = min(_MOST, 4 * asked)

    def _hidden(self, state: RunState) -> Callable[[], Iterable[Secret]]:
        """The credentials that were sent with a run, as far as they are still there."""

        def look() -> Iterable[Secret]:
            with contextlib.suppress(HaiquError):
                return self._credentials(state.device).values()
            return ()

        return look

    def _laid_out(self, request: RunRequest) -> Layout:
        check_limits(request, self._devices.record(request.device), cloud=self.client.is_cloud)
        return lay_out(request)


def _unnoted(_state: Mapping[str, Any]) -> None:
    """Nothing is kept: there is nothing to pay for."""

"""The engine of a vendor: what is the same for all of them around :class:`~.port.Vendor`."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from qiskit.transpiler import Target

from qiskit_haiqu_provider.cost.estimate import CostEstimate
from qiskit_haiqu_provider.devices.record import DeviceRecord
from qiskit_haiqu_provider.engines.base import Journal
from qiskit_haiqu_provider.engines.direct.execution import DirectExecution
from qiskit_haiqu_provider.engines.direct.port import Vendor, VendorJob
from qiskit_haiqu_provider.engines.direct.sending import send_all, unnoted
from qiskit_haiqu_provider.engines.direct.slots import TaskShape
from qiskit_haiqu_provider.engines.direct.state import RunState, SentJob
from qiskit_haiqu_provider.exceptions import HaiquCapacityError, HaiquError, HaiquJobError
from qiskit_haiqu_provider.run.request import Progress, RunRequest

logger = logging.getLogger(__name__)

MOST_JOBS = 1000
"""Vendor jobs that a run may take. Each is a request of its own, and its fate is followed by asking for it."""


class DirectEngine:
    """Runs circuits at a vendor, with nobody in between. Making one costs no request.

    Args:
        vendor: Who executes.
    """

    def __init__(self, vendor: Vendor) -> None:
        self._vendor = vendor
        self._prepared: tuple[str, Sequence[VendorJob]] | None = None

    @property
    def via(self) -> str:
        """The name of the route."""
        return self._vendor.via

    @property
    def vendor(self) -> Vendor:
        """Who executes."""
        return self._vendor

    def devices(self) -> Sequence[DeviceRecord]:
        """The vendor's devices."""
        return self._vendor.devices()

    def target(self, device: str, options: Mapping[str, Any]) -> Target:
        """What the device can do."""
        return self._vendor.target(device, options)

    def default_options(self, device: str) -> Mapping[str, Any]:
        """The options of a device with their defaults."""
        return self._vendor.default_options(device)

    def check_options(self, device: str, options: Mapping[str, Any]) -> None:
        """Raise for an unknown option or a wrong value.

        Raises:
            HaiquOptionError: If an option does not exist.
            HaiquInputError: If a value is not allowed.
        """
        self._vendor.check_options(device, options)

    def max_shots(self, device: str) -> int:
        """The most shots that a circuit may have."""
        return self._vendor.max_shots(device)

    def simulator(self, device: str, options: Mapping[str, Any]) -> Any:
        """An AerSimulator that behaves as the device."""
        return self._vendor.simulator(device, options)

    def pending_jobs(self, device: str) -> int:
        """How many jobs wait for the device."""
        return self._vendor.pending_jobs(device)

    def mitigates(self, request: RunRequest) -> bool:
        """Whether the vendor can mitigate the errors of such a run."""
        return self._vendor.mitigates(request)

    def recompiles(self, request: RunRequest) -> str:
        """Why the vendor would not run circuits as they are; empty if it does."""
        return self._vendor.recompiles(request)

    def estimate(self, request: RunRequest) -> CostEstimate:
        """What the request would cost; the jobs that are priced are those that :meth:`submit` sends.

        Raises:
            HaiquInputError: If the request cannot run.
        """
        return self._vendor.price(request, self._jobs(request))

    def submit(
        self, request: RunRequest, *, progress: Progress | None = None, journal: Journal | None = None
    ) -> DirectExecution:
        """Check the request and submit it: as few jobs as the vendor allows, each at most once.

        Raises:
            HaiquInputError: If the request cannot run; nothing was submitted.
            HaiquAccountError: If a credential is missing; nothing was submitted.
            HaiquSubmissionError: If it is not known whether a job was accepted.
            HaiquApiError: If the vendor refused; nothing was submitted.
        """
        jobs = self._jobs(request)
        state = send_all(
            self._vendor, jobs, request=request, state=self._state(request, jobs), journal=journal or unnoted
        )
        self._prepared = None
        return DirectExecution(self._vendor, state, progress=progress)

    def resume(self, state: Mapping[str, Any]) -> DirectExecution:
        """Follow a run from its record.

        Raises:
            HaiquJobError: If it runs at another account or address.
        """
        found = RunState.from_json(state)
        if found.account != self._vendor.account:
            raise HaiquJobError(
                f"The job runs at {found.account}, but this provider speaks to {self._vendor.account}. Give the "
                "credentials that it was submitted with."
            )
        return DirectExecution(self._vendor, found)

    def _jobs(self, request: RunRequest) -> Sequence[VendorJob]:
        """The prepared jobs of a request; kept from its estimate to its submission."""
        prepared = self._prepared  # other threads may use the engine at the same time
        if prepared is not None and prepared[0] == request.token:
            return prepared[1]
        jobs = tuple(self._vendor.prepare(request))
        if len(jobs) > MOST_JOBS:
            raise HaiquCapacityError(
                f"The run would take {len(jobs):,} jobs on {request.device}, but at most {MOST_JOBS:,} are sent. "
                "Ask for fewer circuits, parameter sets or observables at a time."
            )
        self._prepared = request.token, jobs
        return jobs

    def _identity(self, device: str) -> str:
        """Who submits; empty if the vendor cannot tell, so that nothing is concluded from a search later."""
        try:
            return self._vendor.identity(device)
        except HaiquError as error:
            logger.warning("%s does not tell whose account this is: %s", self.via, error)
            return ""

    def _state(self, request: RunRequest, jobs: Sequence[VendorJob]) -> RunState:
        tokens = [request.token if index == 0 else uuid4().hex for index in range(len(jobs))]
        return RunState(
            token=request.token,
            via=self.via,
            account=self._vendor.account,
            device=request.device,
            tasks=tuple(map(TaskShape.of, request.tasks)),
            jobs=tuple(
                SentJob(token=token, slots=job.slots, circuits=job.circuits, shots=job.shots, facts=job.facts)
                for token, job in zip(tokens, jobs, strict=True)
            ),
            facts={
                "seed": request.seed,
                "use_mitigation": request.use_mitigation,
                "mitigation": dict(request.mitigation),
            },
            finish=None if request.finish is None else request.finish.to_json(),
            identity=self._identity(request.device) if jobs else "",
        )

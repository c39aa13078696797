"""The port that every vendor fits, and the values that pass through it.

A request goes to a vendor in four steps, which :class:`~.engine.DirectEngine` takes for all of them::

    prepare    request  -> vendor jobs      pure, as far as the vendor's client allows; what is priced is what is sent
    price      jobs     -> CostEstimate     nothing is submitted
    send       one job  -> its id           exactly one request that can be paid for
    look, read id       -> where it stands, and a result for each slot

A vendor speaks only of single jobs. That a run may take several, that each is sent at most once, that its record is on
disk before it leaves, and that it is found again after a crash, is the business of the engine.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from qiskit.providers import JobStatus
from qiskit.transpiler import Target

from qiskit_haiqu_provider.cost.estimate import CostEstimate
from qiskit_haiqu_provider.devices.record import DeviceRecord
from qiskit_haiqu_provider.engines.direct.slots import Slot
from qiskit_haiqu_provider.engines.direct.state import SentJob
from qiskit_haiqu_provider.run.request import RunRequest
from qiskit_haiqu_provider.run.result import TaskResult


@dataclass(frozen=True, kw_only=True)
class VendorJob:
    """One job as it will be sent."""

    slots: tuple[Slot, ...]
    """What its results are for, in the order in which the vendor returns them."""

    content: Any = field(repr=False)
    """What is sent, in the vendor's own objects; never stored."""

    circuits: int
    """Circuit executions that are paid for."""

    shots: int
    """Shots over all circuit executions."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    """What is needed to read the results later, in JSON values without secrets."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """Where a job stands at the vendor."""

    status: JobStatus
    word: str
    """The status in the vendor's own word."""

    reason: str = ""
    """Why it failed, as the vendor says; secrets removed."""

    queue: float | None = None
    """Seconds in the queue, as far as known."""

    run: float | None = None
    """Seconds in the run, as far as known."""


@dataclass(frozen=True)
class Sent:
    """A job that the vendor has accepted."""

    id: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What the vendor tells at this moment only, in JSON values; added to the facts of the job."""


@dataclass(frozen=True)
class Failed:
    """In place of the result of a slot of which a circuit failed, although its job is done."""

    reason: str
    """As the vendor says; secrets removed."""


class Vendor(Protocol):
    """One vendor's service, reached with the vendor's own client, which is imported when it is first used.

    Making one costs no network. Everything that asks the vendor raises an error of the tree of
    :class:`~qiskit_haiqu_provider.exceptions.HaiquApiError` if that fails, with secrets removed from what the vendor
    said; ``HaiquAccountError`` if a credential is missing; ``HaiquDependencyError`` if the client is not installed.
    Every wait is finite.

    The room of a vendor is ``engines/<via>/``, its class ``engines/<via>/vendor.py``: ``IbmVendor``, ``BraketVendor``,
    ``IonqVendor``, ``CodaVendor``. Each is made with ``credentials``, a function that looks the vendor's credentials up
    by name when they are needed, and the keyword ``timeout``, the seconds to wait for an answer.
    """

    @property
    def via(self) -> str:
        """The name of the route: ``ibm``, ``braket``, ``ionq`` or ``coda``."""
        ...

    @property
    def at_once(self) -> int:
        """How many requests may be under way at a time; each then comes from a thread of its own."""
        ...

    @property
    def account(self) -> str:
        """Which of the vendor's accounts or addresses this is, without secrets; a job is followed only there."""
        ...

    def identity(self, device: str) -> str:
        """Who asks, in words without secrets, as far as that decides which jobs :meth:`find` sees; may ask the vendor.

        Empty where :meth:`find` can never tell.
        """
        ...

    def devices(self) -> Sequence[DeviceRecord]:
        """The devices, asked for on first use and kept for a while; unreadable ones are left out with a warning."""
        ...

    def target(self, device: str, options: Mapping[str, Any]) -> Target:
        """What the device can do."""
        ...

    def default_options(self, device: str) -> Mapping[str, Any]:
        """The options of a device with their defaults, always with ``shots``, ``memory``, ``seed_simulator``."""
        ...

    def check_options(self, device: str, options: Mapping[str, Any]) -> None:
        """Raise HaiquOptionError for an unknown option, HaiquInputError for a wrong value."""
        ...

    def max_shots(self, device: str) -> int:
        """The most shots that a circuit may have."""
        ...

    def pending_jobs(self, device: str) -> int:
        """How many jobs wait for the device, asked anew; 0 if the vendor does not tell."""
        ...

    def simulator(self, device: str, options: Mapping[str, Any]) -> Any:
        """An AerSimulator that behaves as the device, as far as its errors are known."""
        ...

    def mitigates(self, request: RunRequest) -> bool:
        """Whether the vendor can mitigate the errors of such a run."""
        ...

    def recompiles(self, request: RunRequest) -> str:
        """Why circuits would not run gate by gate as they are, and what to do about it; empty if they do."""
        ...

    def prepare(self, request: RunRequest) -> Sequence[VendorJob]:
        """The jobs that the request takes, the fewest and cheapest; nothing is submitted.

        Raises:
            HaiquInputError: If the vendor cannot do what is asked; names the PUB, the reason, and what to do.
        """
        ...

    def price(self, request: RunRequest, jobs: Sequence[VendorJob]) -> CostEstimate:
        """What these jobs would cost: the vendor's quote, else its public price list, else our table."""
        ...

    def send(self, job: VendorJob, *, request: RunRequest, token: str) -> Sent:
        """Submit a job, marked with a client token where the vendor keeps one.

        At most one request that the vendor could accept may leave. An error of HaiquApiError with ``reached=False``,
        or any other HaiquError, says that the vendor has certainly not accepted the job; one with ``reached=True``
        says that it may have.
        """
        ...

    def find(self, token: str, *, device: str) -> str | None:
        """The id of the job that was submitted with a client token.

        ``None`` only if the vendor has none that :meth:`identity` could see, which takes looking at all of them.

        Raises:
            HaiquSubmissionError: If nobody can tell whether there is one, or not all were looked at.
        """
        ...

    def look(self, job_id: str, *, device: str) -> Look:
        """Where a job stands. A word that is not known is never taken for success."""
        ...

    def read(self, job_id: str, job: SentJob, *, device: str) -> Sequence[TaskResult | Failed]:
        """The results of a job that is done, one for each of its slots; those whose circuits did not all run failed.

        A slot without a group yields what the task asks for: ``Samples`` or ``Distributions`` over all classical bits
        of its circuit, or ``Expectations``. A slot with a group yields ``Samples`` or ``Distributions`` of the circuit
        that :func:`~.circuits.executions` made for it: the task's own classical bits, then one for each measured
        qubit. Each has the slot's number of sets.

        Raises:
            HaiquResponseError: If they cannot be read, or are fewer than they should be.
        """
        ...

    def cancel(self, job_id: str, *, device: str) -> None:
        """Ask for a job to be stopped; one that has ended stays as it is.

        Raises:
            HaiquJobError: If the vendor has no way to cancel.
        """
        ...

    def usage(self, job_id: str, job: SentJob, *, device: str) -> Mapping[str, float]:
        """What a job that has ended did cost: ``usd`` and ``qpu_seconds``, those that are known."""
        ...

"""IonQ behind the port of vendors."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from qiskit.providers import JobStatus
from qiskit.providers.jobstatus import JOB_FINAL_STATES
from qiskit.transpiler import Target

from qiskit_haiqu_provider.cost.estimate import CostEstimate
from qiskit_haiqu_provider.devices.record import DeviceRecord
from qiskit_haiqu_provider.engines.direct.options import Option, check, common_options, defaults
from qiskit_haiqu_provider.engines.direct.port import Look, Sent, VendorJob
from qiskit_haiqu_provider.engines.direct.state import SentJob
from qiskit_haiqu_provider.engines.ionq.answers import entries, fields, inside, number, text, unreadable
from qiskit_haiqu_provider.engines.ionq.circuits import GATESETS
from qiskit_haiqu_provider.engines.ionq.client import IonQClient
from qiskit_haiqu_provider.engines.ionq.devices import Catalogue, Machine, noisy_simulator
from qiskit_haiqu_provider.engines.ionq.payload import TOKEN, jobs_of
from qiskit_haiqu_provider.engines.ionq.pricing import price_of, usd_of
from qiskit_haiqu_provider.engines.ionq.results import distributions, read_weights
from qiskit_haiqu_provider.exceptions import HaiquInputError, HaiquRequestError, HaiquSubmissionError
from qiskit_haiqu_provider.run.checks import check_choice, check_flag
from qiskit_haiqu_provider.run.request import RunRequest
from qiskit_haiqu_provider.run.result import TaskResult
from qiskit_haiqu_provider.secret import Secret

_MOST_SHOTS = 10_000
"""Shots on a machine, as qiskit-ionq has it."""

_MOST_SIMULATED_SHOTS = 1_000_000

_PAGES = 20
"""Pages of the list of jobs that are looked through for one whose answer was lost."""

_STATUSES: Mapping[str, JobStatus] = {
    "submitted": JobStatus.INITIALIZING,
    "ready": JobStatus.QUEUED,
    "started": JobStatus.RUNNING,
    "completed": JobStatus.DONE,
    "failed": JobStatus.ERROR,
    "canceled": JobStatus.CANCELLED,
}


_SIMULATOR = "ionq_simulator"


class IonqVendor:
    """IonQ's simulator and machines. Making one costs no request.

    Args:
        credentials: Gives ``ionq_api_key``; called when something is asked of IonQ for the first time.
        timeout: Seconds of silence after which an answer counts as lost. Default: ``HAIQU_TIMEOUT``, else 30.
        retry_seconds: Seconds after which no request is sent again. Default: ``HAIQU_RETRY_SECONDS``, else 60.
    """

    via = "ionq"
    at_once = 1

    def __init__(
        self,
        credentials: Callable[[], Mapping[str, Secret]],
        *,
        timeout: float | None = None,
        retry_seconds: float | None = None,
    ) -> None:
        self._client = IonQClient(credentials, timeout=timeout, retry_seconds=retry_seconds)
        self._catalogue = Catalogue(self._client)

    @property
    def account(self) -> str:
        """The address of the API."""
        return self._client.url

    def identity(self, device: str) -> str:  # noqa: ARG002 - the key sees the jobs of all devices
        """The key, which sees the jobs of its project, as a digest."""
        return f"IonQ key #{self._client.key_digest()}"

    def devices(self) -> Sequence[DeviceRecord]:
        """The simulator and the machines, asked for on first use and kept for a while."""
        return tuple(machine.record for machine in self._catalogue.machines())

    def target(self, device: str, options: Mapping[str, Any]) -> Target:
        """The gates of the gate set, with the medians of the newest characterisation as errors and durations."""
        return self._catalogue.target(
            device, gateset=str(options.get("gateset", "qis")), noise_model=options.get("noise_model")
        )

    def default_options(self, device: str) -> Mapping[str, Any]:
        """The options of a device with their defaults."""
        return defaults(_options(self._catalogue.machine(device)))

    def check_options(self, device: str, options: Mapping[str, Any]) -> None:
        """Raise for an unknown option or a wrong value.

        Raises:
            HaiquOptionError: If an option does not exist.
            HaiquInputError: If a value is not allowed.
        """
        check(options, _options(self._catalogue.machine(device)), owner=device)

    def max_shots(self, device: str) -> int:
        """The most shots that a circuit may have."""
        return _MOST_SIMULATED_SHOTS if self._catalogue.machine(device).record.simulator else _MOST_SHOTS

    def pending_jobs(self, device: str) -> int:  # noqa: ARG002 - IonQ tells only how long they wait
        """Asks for the status of all devices anew; IonQ does not tell how many jobs wait, so that this is 0."""
        self._catalogue.refresh()
        return 0

    def simulator(self, device: str, options: Mapping[str, Any]) -> Any:
        """An AerSimulator with the medians of the newest characterisation as noise.

        Raises:
            HaiquInputError: If only IonQ knows the noise.
        """
        machine = self._catalogue.machine(device)
        measured = self._catalogue.characterisation(machine)
        return noisy_simulator(machine, measured, noise_model=options.get("noise_model"))

    def mitigates(self, request: RunRequest) -> bool:
        """IonQ debiases results of its machines, unless the option says no."""
        return request.device != _SIMULATOR and bool(request.options.get("debiasing", True))

    def recompiles(self, request: RunRequest) -> str:
        """IonQ compiles circuits for its machines that are not written in native gates."""
        if request.device == _SIMULATOR or request.options.get("gateset") == "native":
            return ""
        return "IonQ compiles them. Get the device with gateset='native' and transpile for that."

    def prepare(self, request: RunRequest) -> Sequence[VendorJob]:
        """One job for each number of shots, several if IonQ's limits ask for it.

        Raises:
            HaiquInputError: If IonQ cannot run it.
        """
        return tuple(jobs_of(request, self._catalogue.machine(request.device).name))

    def price(self, request: RunRequest, jobs: Sequence[VendorJob]) -> CostEstimate:
        """What the jobs would cost: IonQ's estimate, else the table; the simulator is free."""
        return price_of(self._client, request, jobs, backend=self._catalogue.machine(request.device).name)

    def send(self, job: VendorJob, *, request: RunRequest, token: str) -> Sent:
        """Submit a job with its token in its metadata, and return its id.

        It leaves once: IonQ would make a second job of a second request. Only where IonQ cannot have seen it, or said
        that it takes no more requests now (429), it leaves again.
        """
        name = request.name or f"haiqu {token[:8]}"
        body = job.content.body(name=name, token=token)
        accepted = text(inside(self._client.change("POST", "/jobs", body, safe=False), "id"))
        if accepted is None:
            raise unreadable("it names no job")
        return Sent(accepted)

    def find(self, token: str, *, device: str) -> str | None:  # noqa: ARG002 - the token says enough
        """The id of the job that has the token in its metadata, among the newest jobs of the key's project.

        Raises:
            HaiquSubmissionError: If it is not among them, and there are older ones.
        """
        after: str | None = None
        seen = 0
        for _ in range(_PAGES):
            page = fields(self._client.read("/jobs", query={"next": after}), "jobs", what="list of jobs")
            found = entries(page["jobs"], what="jobs")
            for job in found:
                if inside(job, "metadata", TOKEN) == token:
                    return text(inside(job, "parent_job_id")) or text(inside(job, "id"))  # circuits are jobs as well
            seen += len(found)
            after = text(page.get("next"))
            if after is None:
                return None
        raise HaiquSubmissionError(
            f"Whether IonQ accepted the job is not known: it is not among the newest {seen} of the key's project, and "
            "older ones are not looked at. Look at IonQ's console, and run it again only if it is not there."
        )

    def look(self, job_id: str, *, device: str) -> Look:  # noqa: ARG002 - the id says enough
        """Where a job stands; a word that is not known is taken for a job that goes on."""
        job = self._job(job_id)
        word = str(job["status"])
        reasons = (inside(job, "failure", "code"), inside(job, "failure", "message") or inside(job, "failure", "error"))
        milliseconds = number(job.get("execution_duration_ms"))
        return Look(
            status=_STATUSES.get(word, JobStatus.RUNNING),
            word=word,
            reason=self._client.scrubbed(": ".join(str(each)[:2000] for each in reasons if each)),
            queue=_seconds_between(job.get("submitted_at"), job.get("started_at")),
            run=None if milliseconds is None else milliseconds / 1000,
        )

    def read(self, job_id: str, job: SentJob, *, device: str) -> Sequence[TaskResult]:  # noqa: ARG002 - as above
        """The distributions of a job that is done.

        Raises:
            HaiquResponseError: If they cannot be read.
        """
        weights = read_weights(
            self._client, self._job(job_id), circuits=job.circuits, sharpen=bool(job.facts.get("sharpen"))
        )
        found, first = [], 0
        for slot, measured in zip(job.slots, job.facts["measured"], strict=True):
            found.append(distributions(weights[first : first + slot.sets], measured))
            first += slot.sets
        return found

    def cancel(self, job_id: str, *, device: str) -> None:
        """Ask for a job to be stopped; one that has ended stays as it is."""
        try:
            self._client.change("PUT", "/jobs/{job_id}/status/cancel", safe=True, job_id=job_id)
        except HaiquRequestError:
            if self.look(job_id, device=device).status not in JOB_FINAL_STATES:
                raise

    def usage(self, job_id: str, job: SentJob, *, device: str) -> Mapping[str, float]:  # noqa: ARG002 - as above
        """What a job that has ended did cost, in USD, and the seconds that it took on a machine.

        IonQ tells no cost of a job that was cancelled; one that had not started cost nothing.
        """
        if self._catalogue.machine(device).record.simulator or self._never_started(job_id):
            return {"usd": 0.0, "qpu_seconds": 0.0}
        cost = fields(self._client.read("/jobs/{job_id}/cost", job_id=job_id), what="cost").get("cost")
        known = {"usd": usd_of(cost), "qpu_seconds": self.look(job_id, device=device).run}
        return {name: value for name, value in known.items() if value is not None}

    def _never_started(self, job_id: str) -> bool:
        job = self._job(job_id)
        return _STATUSES.get(str(job["status"])) is JobStatus.CANCELLED and job.get("started_at", "") is None

    def _job(self, job_id: str) -> Mapping[str, Any]:
        return fields(self._client.read("/jobs/{job_id}", job_id=job_id), "id", "status", what="job")


def _options(machine: Machine) -> dict[str, Option]:
    """The options of a machine."""
    simulator = machine.record.simulator
    table = common_options(max_shots=_MOST_SIMULATED_SHOTS if simulator else _MOST_SHOTS)
    table["gateset"] = Option("qis", lambda value, name: check_choice(value, GATESETS, where=name))
    if simulator:
        table["noise_model"] = Option(None, lambda value, name: _check_noise(value, machine, where=name))
    else:
        table["debiasing"] = Option(True, lambda value, name: check_flag(value, where=name))
        table["sharpen"] = Option(False, lambda value, name: check_flag(value, where=name))
    return table


def _check_noise(value: Any, machine: Machine, *, where: str) -> None:
    if value is not None and not isinstance(value, str):
        raise HaiquInputError(f"{where} must be the name of a noise model such as 'aria-1', or None, not {value!r}.")
    if machine.noise_models:
        check_choice(value, (None, *machine.noise_models), where=where)


def _seconds_between(start: Any, end: Any) -> float | None:
    try:
        return max(0.0, (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds())
    except (TypeError, ValueError):
        return None

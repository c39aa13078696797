"""Amazon Braket behind the port of vendors: AWS devices, reached with Amazon's own client."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from qiskit.providers import JobStatus
from qiskit.transpiler import Target

from qiskit_haiqu_provider.cost.estimate import CostEstimate
from qiskit_haiqu_provider.cost.prices import read_prices
from qiskit_haiqu_provider.devices.record import DeviceRecord
from qiskit_haiqu_provider.engines.braket.aws import Aws
from qiskit_haiqu_provider.engines.braket.devices import DeviceList
from qiskit_haiqu_provider.engines.braket.options import table
from qiskit_haiqu_provider.engines.braket.payload import Order, prepared
from qiskit_haiqu_provider.engines.braket.pricing import cost, estimate
from qiskit_haiqu_provider.engines.braket.results import Load, results_of, seconds_of
from qiskit_haiqu_provider.engines.direct import options as checks
from qiskit_haiqu_provider.engines.direct.port import Failed, Look, Sent, VendorJob
from qiskit_haiqu_provider.engines.direct.state import SentJob
from qiskit_haiqu_provider.engines.local.noise import device_noise
from qiskit_haiqu_provider.exceptions import (
    HaiquApiError,
    HaiquBackendNotFoundError,
    HaiquInputError,
    HaiquJobError,
    HaiquSubmissionError,
)
from qiskit_haiqu_provider.run.request import RunRequest
from qiskit_haiqu_provider.run.result import TaskResult
from qiskit_haiqu_provider.secret import Secret

_TAG = "qiskit-haiqu-provider"
"""Name of the tag of a task that holds its client token."""

_STATUSES = {
    "CREATED": JobStatus.QUEUED,
    "QUEUED": JobStatus.QUEUED,
    "RUNNING": JobStatus.RUNNING,
    "CANCELLING": JobStatus.RUNNING,
    "COMPLETED": JobStatus.DONE,
    "FAILED": JobStatus.ERROR,
    "CANCELLED": JobStatus.CANCELLED,
}

_FIND_AMONG = 1000
"""The newest tasks of a device that are looked through for a client token."""


class BraketVendor:
    """Amazon Braket. Making one costs no network, and imports nothing of Amazon's.

    Args:
        credentials: Keys and region of AWS by name; without keys, those are used that boto3 finds.
        timeout: Seconds to wait for an answer.
    """

    via = "braket"
    at_once = 1
    account = "Amazon Braket"
    """The same for everybody: the id of a task names the account and the region that it belongs to."""

    def __init__(self, credentials: Callable[[], Mapping[str, Secret]], *, timeout: float | None = None) -> None:
        self._aws = Aws(credentials, timeout=timeout)
        self._devices = DeviceList(self._aws)
        self._timeout = timeout
        self._places: dict[str, tuple[str, str]] = {}
        """Bucket and folder of the results of tasks that were looked at."""

    def identity(self, device: str) -> str:
        """The account, however its keys change, and the region of the device.

        Raises:
            HaiquApiError: If AWS does not tell.
        """
        region = self._devices.device(device).region
        return f"AWS account {self._aws.account(region)} in {region}"

    def devices(self) -> Sequence[DeviceRecord]:
        """The gate-based devices of all regions."""
        return tuple(device.record for device in self._devices.all())

    def target(self, device: str, options: Mapping[str, Any]) -> Target:  # noqa: ARG002 - options change nothing
        """The device's native gates, or all gates of a simulator."""
        return self._devices.device(device).target

    def default_options(self, device: str) -> Mapping[str, Any]:
        """The options of a device with their defaults."""
        return checks.defaults(table(self._devices.device(device)))

    def check_options(self, device: str, options: Mapping[str, Any]) -> None:
        """Raise for an unknown option or a wrong value.

        Raises:
            HaiquOptionError: If an option does not exist.
            HaiquInputError: If a value is not allowed.
        """
        checks.check(options, table(self._devices.device(device)), owner=device)

    def max_shots(self, device: str) -> int:
        """The most shots that a circuit may have."""
        return self._devices.device(device).shots[1]

    def pending_jobs(self, device: str) -> int:
        """How many tasks wait for the device, asked anew."""
        return self._devices.refreshed(device).queue or 0

    def simulator(self, device: str, options: Mapping[str, Any]) -> Any:
        """An AerSimulator with the errors that the device tells of itself.

        Raises:
            HaiquBackendNotFoundError: If it tells none.
        """
        from qiskit_aer import AerSimulator  # loaded when something is simulated

        found = self._devices.device(device)
        seed = options.get("seed_simulator")
        settings = {} if seed is None else {"seed_simulator": seed}
        if found.simulator:
            return AerSimulator(**settings)
        if found.record.calibration is None:
            raise HaiquBackendNotFoundError(
                f"{device} tells no errors of its qubits, so nothing behaves as it. Use aer_simulator with a noise "
                "model."
            )
        noise = device_noise(found.target, range(len(found.qubits)))
        edges = found.record.coupling_map
        coupling = None if edges is None else [list(edge) for edge in edges]
        return AerSimulator(noise_model=noise, coupling_map=coupling, basis_gates=list(noise.basis_gates), **settings)

    def mitigates(self, request: RunRequest) -> bool:  # noqa: ARG002 - never
        """Only IonQ's debiasing is offered, as an option of the device."""
        return False

    def recompiles(self, request: RunRequest) -> str:
        """Whether the service is asked to compile, or debiasing is on, for which it does."""
        if request.options.get("error_mitigation") is not None:
            return "IonQ's debiasing runs variants of them. Set error_mitigation=None."
        if request.options.get("skip_transpilation", True):
            return ""
        return "Amazon Braket is asked to compile them. Set skip_transpilation=True."

    def prepare(self, request: RunRequest) -> Sequence[VendorJob]:
        """The tasks that a request takes.

        Raises:
            HaiquInputError: If the device cannot do what is asked.
        """
        return prepared(request, self._devices.device(request.device))

    def price(self, request: RunRequest, jobs: Sequence[VendorJob]) -> CostEstimate:
        """What the tasks cost by AWS's price list, if the option ``price_list`` asks for it, else by our table."""
        return estimate(request, jobs, self._devices.device(request.device), timeout=self._timeout)

    def send(self, job: VendorJob, *, request: RunRequest, token: str) -> Sent:
        """Create a task and return its ARN. Braket makes one task of a client token, however often it arrives."""
        device, order = self._devices.device(request.device), job.content
        assert isinstance(order, Order)  # noqa: S101 - what prepare made
        bucket = request.options.get("s3_bucket") or self._bucket(device.region)
        session = self._aws.session(device.region)
        settings = {} if order.parameters is None else {"deviceParameters": order.parameters}
        return Sent(
            self._aws.ask(
                lambda: session.create_quantum_task(
                    clientToken=token,
                    deviceArn=device.arn,
                    action=order.action,
                    shots=order.shots,
                    outputS3Bucket=bucket,
                    outputS3KeyPrefix=str(request.options.get("s3_prefix", "tasks")).strip("/"),
                    tags={_TAG: token},
                    **settings,
                ),
                f"a task for {request.device}",
            )
        )

    def find(self, token: str, *, device: str) -> str | None:
        """The ARN of the task with a client token, by its tag.

        Raises:
            HaiquSubmissionError: If it is not among the newest tasks of the device, and there are older ones.
        """
        where = self._devices.device(device)
        client = self._aws.session(where.region).braket_client
        filters = [{"name": "deviceArn", "operator": "EQUAL", "values": [where.arn]}]
        page: dict[str, Any] = {}
        seen = 0
        while seen < _FIND_AMONG:
            answer = self._aws.ask(
                lambda page=page: client.search_quantum_tasks(filters=filters, maxResults=100, **page),  # type: ignore[misc]
                "the tasks of the account",
            )
            for task in answer["quantumTasks"]:
                if (task.get("tags") or {}).get(_TAG) == token:
                    return str(task["quantumTaskArn"])
            seen += len(answer["quantumTasks"])
            if not answer.get("nextToken"):
                return None
            page = {"nextToken": answer["nextToken"]}
        raise HaiquSubmissionError(
            f"Whether Amazon Braket accepted the job is not known: it is not among the newest {seen} tasks of "
            f"{device} in {where.region}, and older ones are not looked at. Look at the console, and run it again only "
            "if it is not there."
        )

    def look(self, job_id: str, *, device: str) -> Look:  # noqa: ARG002 - the ARN says it all
        """Where a task stands."""
        task = self._task(job_id)
        word = str(task["status"])
        return Look(
            status=_STATUSES.get(word, JobStatus.RUNNING),
            word=word,
            reason=self._aws.hidden(task.get("failureReason", "")),
        )

    def read(self, job_id: str, job: SentJob, *, device: str) -> Sequence[TaskResult | Failed]:  # noqa: ARG002
        """The results of a task that is done, from S3.

        Raises:
            HaiquResponseError: If they cannot be read.
        """
        return results_of(job, self._load(job_id))

    def cancel(self, job_id: str, *, device: str) -> None:  # noqa: ARG002 - as above
        """Ask for a task to be stopped."""
        session = self._aws.session(_region(job_id))
        if self._task(job_id)["status"] not in {"COMPLETED", "FAILED", "CANCELLED", "CANCELLING"}:
            self._aws.ask(lambda: session.cancel_quantum_task(job_id), f"to cancel {job_id}")

    def usage(self, job_id: str, job: SentJob, *, device: str) -> Mapping[str, float]:
        """What a task did cost: nothing if it failed or was cancelled, else its fee and shots, or its seconds."""
        found, task = self._devices.device(device), self._task(job_id)
        if task["status"] != "COMPLETED":
            return {"usd": 0.0}
        try:
            price = read_prices().find("braket", found.arn)
        except HaiquInputError:
            return {}
        seconds = seconds_of(self._load(job_id)) if found.simulator else 0.0
        return {} if seconds is None else {"usd": cost(price, found, shots=job.shots, seconds=seconds)}

    def _bucket(self, region: str) -> str:
        try:
            return self._aws.bucket(region)
        except HaiquApiError as error:
            error.reached = False  # whatever became of the bucket, no task has left yet
            raise

    def _task(self, arn: str) -> Mapping[str, Any]:
        client = self._aws.session(_region(arn)).braket_client
        task: Mapping[str, Any] = self._aws.ask(lambda: client.get_quantum_task(quantumTaskArn=arn), f"the task {arn}")
        self._places[arn] = task["outputS3Bucket"], task["outputS3Directory"]
        return task

    def _load(self, arn: str) -> Load:
        """Reads files of a task's results, with the credentials that it was sent with."""
        if arn not in self._places:
            self._task(arn)
        bucket, folder = self._places[arn]
        client = self._aws.session(_region(arn)).s3_client

        def load(name: str) -> Any:
            where = {"Bucket": bucket, "Key": f"{folder}/{name}"}
            return json.loads(self._aws.ask(lambda: client.get_object(**where)["Body"].read(), f"the results of {arn}"))

        return load


def _region(arn: str) -> str:
    parts = arn.split(":")
    if len(parts) < 6:
        raise HaiquJobError(f"'{arn}' is no id of a task at Amazon Braket. They begin with arn:aws:braket:.")
    return parts[3]

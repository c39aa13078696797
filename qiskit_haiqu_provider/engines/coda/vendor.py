"""Coda behind the port of vendors: one circuit a job, priced by Coda's own quote, followed by asking for its status."""

import hashlib
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeGuard
from urllib.parse import urlsplit

from qiskit.providers import JobStatus
from qiskit.transpiler import Target

from qiskit_haiqu_provider.accounts.credentials import VENDORS, as_key, check_beginning, how_to_give
from qiskit_haiqu_provider.cost.estimate import CostEstimate, CostLine, JobCost
from qiskit_haiqu_provider.devices.record import DeviceRecord
from qiskit_haiqu_provider.engines.coda.client import CodaClient, address
from qiskit_haiqu_provider.engines.coda.devices import SUPPOSED_QUBITS, DeviceList, backend_of, target_of
from qiskit_haiqu_provider.engines.coda.options import MOST_SHOTS, OPTIONS, check_least
from qiskit_haiqu_provider.engines.coda.programs import (
    BIT_ORDERS,
    FIRST_FIRST,
    LAST_FIRST,
    Program,
    counts_of,
    program_of,
    written,
)
from qiskit_haiqu_provider.engines.direct.circuits import CircuitExecution, executions, samples_of_counts
from qiskit_haiqu_provider.engines.direct.options import check, defaults
from qiskit_haiqu_provider.engines.direct.port import Look, Sent, VendorJob
from qiskit_haiqu_provider.engines.direct.state import SentJob
from qiskit_haiqu_provider.exceptions import (
    HaiquAccountError,
    HaiquApiError,
    HaiquBackendNotFoundError,
    HaiquCapacityError,
    HaiquInputError,
    HaiquJobError,
    HaiquSubmissionError,
)
from qiskit_haiqu_provider.run.checks import is_real, is_whole
from qiskit_haiqu_provider.run.request import RunRequest
from qiskit_haiqu_provider.run.result import Samples
from qiskit_haiqu_provider.secret import Secret

if TYPE_CHECKING:
    import httpx

logger = logging.getLogger(__name__)

_KEPT = 1000
"""Answers that are kept until they are read."""

_STATUSES: Mapping[str, JobStatus] = {
    "submitted": JobStatus.QUEUED,
    "queued": JobStatus.QUEUED,
    "running": JobStatus.RUNNING,
    "completed": JobStatus.DONE,
    "failed": JobStatus.ERROR,
    "cancelled": JobStatus.CANCELLED,
    "canceled": JobStatus.CANCELLED,
}
"""Coda's words. One that is not known counts as running."""

_CENTS = 100.0


class CodaVendor:
    """Runs circuits on the QPUs behind Coda. Making one costs no request.

    Args:
        credentials: The credentials that were found; called when Coda is first asked.
        timeout: Seconds to wait for an answer.
        transport: A transport of ``httpx`` that takes the place of the network.
    """

    via = "coda"
    at_once = 4

    def __init__(
        self,
        credentials: Callable[[], Mapping[str, Secret]],
        *,
        timeout: float | None = None,
        transport: "httpx.BaseTransport | None" = None,
    ) -> None:
        self._credentials = credentials
        self._timeout = timeout
        self._transport = transport
        self._list = DeviceList(lambda: self._client.devices())
        self._ended: dict[str, Mapping[str, Any]] = {}
        self._warned = False

    @property
    def account(self) -> str:
        """The address, and what tells tokens apart without showing them."""
        parts = urlsplit(address())
        digest = hashlib.sha256(f"coda account\0{self._token.reveal()}".encode()).hexdigest()[:16]
        return f"{parts.netloc}{parts.path}, token {digest}"

    def identity(self, device: str) -> str:  # noqa: ARG002 - nothing is found with any
        """Nothing: jobs are not looked for."""
        return ""

    def devices(self) -> Sequence[DeviceRecord]:
        """The devices that Coda lists."""
        return self._list.records()

    def target(self, device: str, options: Mapping[str, Any]) -> Target:  # noqa: ARG002 - it is the same for all
        """What circuits for the device may be written with; Coda compiles them for the machine."""
        return target_of(self._list.record(device).num_qubits)

    def default_options(self, device: str) -> Mapping[str, Any]:  # noqa: ARG002 - all devices have the same
        """The options of a device with their defaults."""
        return defaults(OPTIONS)

    def check_options(self, device: str, options: Mapping[str, Any]) -> None:
        """Raise for an unknown option or a wrong value.

        Raises:
            HaiquOptionError: If an option does not exist.
            HaiquInputError: If a value is not allowed.
        """
        check(options, OPTIONS, owner=device)

    def max_shots(self, device: str) -> int:  # noqa: ARG002 - it is the same for all
        """The most shots that a circuit may have."""
        return MOST_SHOTS

    def pending_jobs(self, device: str) -> int:
        """How many jobs wait for the device; 0 if Coda does not tell."""
        return self._list.record(device, fresh=True).pending_jobs or 0

    def simulator(self, device: str, options: Mapping[str, Any]) -> Any:  # noqa: ARG002 - nothing is known
        """There is none: Coda does not tell the errors of its machines.

        Raises:
            HaiquBackendNotFoundError: Always.
        """
        raise HaiquBackendNotFoundError(
            f"Coda does not tell the errors of {device}, so that nothing here can behave as it does. Use aer_simulator "
            "without noise, or a fake_* device with that of another machine."
        )

    def mitigates(self, request: RunRequest) -> bool:  # noqa: ARG002 - never
        """Coda does not mitigate errors."""
        return False

    def recompiles(self, request: RunRequest) -> str:  # noqa: ARG002 - always
        """Coda compiles every circuit for the machine."""
        return "Coda compiles every circuit. Set use_mitigation=False."

    def prepare(self, request: RunRequest) -> Sequence[VendorJob]:
        """One job for each circuit, parameter set and measurement group.

        Raises:
            HaiquInputError: If Coda cannot do what is asked.
        """
        if request.use_mitigation:
            raise HaiquInputError("use_mitigation: Coda has no error mitigation. Leave it out.")
        found = [job for whole in executions(request, bind=False) for job in self._jobs(whole, request)]
        self._warn_of_order(request, found)
        return found

    def price(self, request: RunRequest, jobs: Sequence[VendorJob]) -> CostEstimate:
        """Coda's quote. Of parameter sets that differ in their values alone, one is quoted."""
        cents: dict[tuple[int, int | None], float] = {}
        for job in jobs:
            if _kind(job) not in cents:
                cents[_kind(job)] = self._quoted(job)
        costs = [cents[_kind(job)] for job in jobs]
        lines: dict[int, CostLine] = {}
        for job, cost in zip(jobs, costs, strict=True):
            pub = request.tasks[job.slots[0].task].pub
            before = lines.get(pub, CostLine(index=pub, circuits=0, shots=0, usd=0.0))
            lines[pub] = replace(
                before, circuits=before.circuits + 1, shots=before.shots + job.shots, usd=before.usd + cost / _CENTS
            )
        return CostEstimate(
            device=request.device,
            via=self.via,
            amount=math.fsum(costs),
            unit="cents",
            usd=math.fsum(costs) / _CENTS,
            circuits=len(jobs),
            shots=sum(job.shots for job in jobs),
            lines=tuple(line for _, line in sorted(lines.items())),
            basis="Quote of Coda for each circuit; of parameter sets, for the first one.",
            source="Coda, POST /qpus/estimate-cost",
            as_of=datetime.now(UTC).date(),
            jobs=tuple(
                JobCost(
                    name=f"job {number} of {len(jobs)}", circuits=1, shots=job.shots, amount=cost, usd=cost / _CENTS
                )
                for number, (job, cost) in enumerate(zip(jobs, costs, strict=True), 1)
            ),
        )

    def send(self, job: VendorJob, *, request: RunRequest, token: str) -> Sent:  # noqa: ARG002 - Coda keeps no mark
        """Submit a job, and return its id.

        Raises:
            HaiquSubmissionError: If Coda may have accepted it: nothing could tell afterwards, so it is not sent again.
            HaiquApiError: If it certainly has not.
        """
        try:
            answer = self._client.run(job.content)
            job_id = answer.get("job_id")
            if not isinstance(job_id, str) or not job_id:
                raise self._client.unusable(answer, "there is no job_id")
        except HaiquApiError as error:
            if not error.reached:
                raise
            raise _lost(error) from None
        cents = answer.get("estimated_cost_cents")
        return Sent(job_id, {"cents": float(cents)} if _is_price(cents) else {})

    def find(self, token: str, *, device: str) -> str | None:  # noqa: ARG002 - nobody can be asked
        """Nobody can tell: Coda lists no jobs, and keeps no mark. That is not the same as that there is none.

        Raises:
            HaiquSubmissionError: Always.
        """
        raise HaiquSubmissionError(f"Whether Coda accepted the job is not known. {_LOOK_YOURSELF}")

    def look(self, job_id: str, *, device: str) -> Look:  # noqa: ARG002 - the id is enough
        """Where a job stands."""
        answer = self._client.status(job_id)
        word = answer.get("status")
        if not isinstance(word, str):
            raise self._client.unusable(answer, "there is no status")
        status = _STATUSES.get(word.strip().lower(), JobStatus.RUNNING)
        if status is JobStatus.DONE:
            _keep(self._ended, job_id, answer)
        reasons = (answer.get(name) for name in ("error", "detail", "message", "reason"))
        reason = next((text for text in reasons if text), "") if status is JobStatus.ERROR else ""
        return Look(status=status, word=self._client.shown(word), reason=self._client.shown(reason))

    def read(self, job_id: str, job: SentJob, *, device: str) -> Sequence[Samples]:  # noqa: ARG002 - the id is enough
        """The shots of a job that is done.

        Raises:
            HaiquResponseError: If they cannot be read.
        """
        answer = self._ended.pop(job_id, None) or self._client.status(job_id)
        counts = answer.get("results")
        if not isinstance(counts, Mapping) or not all(is_whole(count) and count >= 0 for count in counts.values()):
            raise self._client.unusable(answer, "its results are no counts of outcomes")
        if not sum(counts.values()):
            raise self._client.unusable(answer, "its results hold no shots")
        width = job.facts["num_clbits"]
        clbits = job.facts.get("clbits", range(width))
        order = job.facts.get("bit_order", LAST_FIRST)
        return [samples_of_counts([counts_of(counts, clbits, width, bit_order=order)], width)]

    def cancel(self, job_id: str, *, device: str) -> None:  # noqa: ARG002 - it cannot be done anyhow
        """Coda has no way to cancel.

        Raises:
            HaiquJobError: Always.
        """
        raise HaiquJobError(f"Coda has no way to cancel job {job_id}: it runs to its end, and is to be paid.")

    def usage(self, job_id: str, job: SentJob, *, device: str) -> Mapping[str, float]:  # noqa: ARG002 - on record
        """The price that Coda told when it accepted the job; it tells none later."""
        return {"usd": job.facts["cents"] / _CENTS} if "cents" in job.facts else {}

    @property
    def _token(self) -> Secret:
        token = self._credentials().get("coda_token")
        if token is None:
            raise HaiquAccountError(f"Coda needs a token. {how_to_give(_CODA, _CODA.parts)}")
        check_beginning(token, _CODA.parts[0], where="coda_token")
        return as_key(token.reveal(), where="coda_token")

    @cached_property
    def _client(self) -> CodaClient:
        return CodaClient(self._token, url=address(), timeout=self._timeout, transport=self._transport)

    def _jobs(self, whole: CircuitExecution, request: RunRequest) -> list[VendorJob]:
        """The jobs of one circuit, one for each of its parameter sets."""
        where = f"PUB {whole.pub}"
        check_least(whole.shots, where=f"{where}: shots")
        program = program_of(whole.circuit, where=where)
        self._check_width(program.circuit.num_qubits, request.device, where=where)
        options = {**defaults(OPTIONS), **request.options}
        order = {
            "source_framework": options["source_framework"],
            "backend": backend_of(request.device),
            "shots": whole.shots,
            "accept_overage": options["accept_overage"],
        }
        if options["braket_execution_mode_hint"] is not None:
            order["braket_execution_mode_hint"] = options["braket_execution_mode_hint"]
        facts = _facts(program, whole.circuit.num_clbits, options["bit_order"])
        made = []
        for index, values in enumerate(whole.values):
            circuit = program.bound(dict(zip(whole.circuit.parameters, values.tolist(), strict=True)))
            made.append(
                VendorJob(
                    slots=(replace(whole.slot, first=whole.slot.first + index, sets=1),),
                    content={"code": written(circuit, options["source_framework"]), **order},
                    circuits=1,
                    shots=whole.shots,
                    facts=facts,
                )
            )
        return made

    def _warn_of_order(self, request: RunRequest, jobs: Sequence[VendorJob]) -> None:
        """Say once that the order of bits is assumed, if that can make a difference."""
        chosen = request.options.get("bit_order") is not None
        if not (chosen or self._warned) and any(_measured(job) > 1 for job in jobs):
            self._warned = True
            logger.warning(
                "Coda does not tell the order of the bits in its outcomes; the last one is taken to come first, as in "
                "Qiskit. Run a circuit that flips one of two qubits, and then set bit_order='%s' or '%s'.",
                *BIT_ORDERS,
            )

    def _check_width(self, qubits: int, device: str, *, where: str) -> None:
        record = self._list.known(device)
        known = record is not None and record.num_qubits != SUPPOSED_QUBITS
        if record is not None and known and qubits > record.num_qubits:
            raise HaiquCapacityError(
                f"{where}: the circuit uses {qubits} qubits, but {device} has {record.num_qubits}. Use fewer qubits or "
                "a wider device."
            )

    def _quoted(self, job: VendorJob) -> float:
        """What a job costs, in cents."""
        answer = self._client.estimate({name: value for name, value in job.content.items() if name != "accept_overage"})
        cents = answer.get("estimated_cost_cents")
        if not _is_price(cents):
            raise self._client.unusable(answer, "there is no price in estimated_cost_cents")
        return float(cents)


_CODA = next(vendor for vendor in VENDORS if vendor.prefix == "coda")


def _facts(program: Program, num_clbits: int, bit_order: str | None) -> dict[str, Any]:
    """What is needed to read the outcomes of a program; it is on record for every job, so nothing needless."""
    facts: dict[str, Any] = {"num_clbits": num_clbits}
    if len(program.clbits) < num_clbits:
        facts["clbits"] = list(program.clbits)
    if bit_order == FIRST_FIRST:
        facts["bit_order"] = bit_order
    return facts


def _measured(job: VendorJob) -> int:
    """How many bits of a job are measured."""
    return len(job.facts["clbits"]) if "clbits" in job.facts else int(job.facts["num_clbits"])


def _kind(job: VendorJob) -> tuple[int, int | None]:
    """What all parameter sets of a circuit have in common."""
    return job.slots[0].task, job.slots[0].group


def _is_price(value: Any) -> TypeGuard[float]:
    return is_real(value) and math.isfinite(value) and value >= 0


def _keep(kept: dict[str, Any], name: str, value: Any) -> None:
    """Keep a value; the oldest ones go when there are too many."""
    kept[name] = value
    for old in list(kept)[:-_KEPT]:
        kept.pop(old, None)


_LOOK_YOURSELF = (
    "It was possibly submitted, and is not sent again: Coda has no list of jobs to look it up in. Look at Coda's "
    "console, and run again only if it is not there."
)


def _lost(error: HaiquApiError) -> HaiquSubmissionError:
    return HaiquSubmissionError(
        f"Whether Coda accepted the job is not known: {error} {_LOOK_YOURSELF}",
        status=error.status,
        detail=error.detail,
        request_id=error.request_id,
    )

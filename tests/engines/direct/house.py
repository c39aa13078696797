"""A vendor in this process, with Aer for its machine: for tests of what is the same for all vendors."""

from dataclasses import dataclass, field
from datetime import date

from qiskit.providers import JobStatus
from qiskit_aer import AerSimulator

from qiskit_haiqu_provider.cost import CostEstimate
from qiskit_haiqu_provider.devices.record import DeviceRecord
from qiskit_haiqu_provider.engines.direct.circuits import executions, samples_of_counts
from qiskit_haiqu_provider.engines.direct.options import check, common_options, defaults
from qiskit_haiqu_provider.engines.direct.port import Failed, Look, Sent, VendorJob
from qiskit_haiqu_provider.exceptions import (
    HaiquCreditError,
    HaiquJobError,
    HaiquNotFoundError,
    HaiquResponseError,
    HaiquSubmissionError,
    HaiquTimeoutError,
)

DEVICE = "house_qpu"
_OPTIONS = common_options(max_shots=10_000)


@dataclass
class Ledger:
    """What the vendor has on its side: it is there whoever asks."""

    jobs: dict = field(default_factory=dict)
    tokens: dict = field(default_factory=dict)
    arrived: list = field(default_factory=list)


class HouseVendor:
    """Sends a few circuits with each job, and can be told what is to go wrong."""

    via = "house"
    account = "house:1"
    at_once = 1

    def __init__(self, ledger=None, *, circuits_in_a_job=2):
        self.ledger = ledger or Ledger()
        self.circuits_in_a_job = circuits_in_a_job
        self.prepared = 0
        self.refused_from = self.lost_from = None
        self.tells_tokens = self.cancels = True
        self.tells_all = True
        self.cancelled_usage = {"usd": 0.0, "qpu_seconds": 0.0}
        self.compiles = ""
        self.who = "the house's key 1"
        self.failing = {}
        self.held = set()
        self.usd_per_shot = 0.01
        self.unreadable, self.failing_tasks, self.stuck, self.gone = set(), set(), set(), set()

    def identity(self, device):
        return self.who

    def devices(self):
        return [DeviceRecord(id=DEVICE, via=self.via, vendor="House", num_qubits=5, simulator=False, constrained=False)]

    def default_options(self, device):
        return defaults(_OPTIONS)

    def check_options(self, device, options):
        check(options, _OPTIONS, owner=device)

    def max_shots(self, device):
        return 10_000

    def pending_jobs(self, device):
        return len(self.held)

    def mitigates(self, request):
        return False

    def recompiles(self, request):
        return self.compiles

    def prepare(self, request):
        self.prepared += 1
        todo = list(executions(request))
        step = self.circuits_in_a_job
        batches = [todo[start : start + step] for start in range(0, len(todo), step)]
        return [
            VendorJob(
                slots=tuple(one.slot for one in batch),
                content=batch,
                circuits=len(batch),
                shots=sum(one.shots for one in batch),
                facts={"bits": [one.circuit.num_clbits for one in batch]},
            )
            for batch in batches
        ]

    def price(self, request, jobs):
        shots = sum(job.shots for job in jobs)
        return CostEstimate(
            device=DEVICE,
            via=self.via,
            amount=shots,
            unit="shots",
            usd=shots * self.usd_per_shot,
            circuits=sum(job.circuits for job in jobs),
            shots=shots,
            lines=(),
            basis="A cent a shot.",
            source="the house",
            as_of=date(2026, 1, 1),
        )

    def send(self, job, *, request, token):
        number = len(self.ledger.arrived)
        self.ledger.arrived.append(token)
        if self.refused_from is not None and number >= self.refused_from:
            raise HaiquCreditError("Out of credit.", status=402, reached=False)
        job_id = f"job-{number}"
        counts = []
        for one in job.content:
            result = AerSimulator().run(one.circuit, shots=one.shots, seed_simulator=(request.seed or 0) + number)
            counts.append(result.result().get_counts())
        self.ledger.jobs[job_id] = counts
        self.ledger.tokens[token] = job_id
        if self.lost_from is not None and number >= self.lost_from:
            raise HaiquTimeoutError("No answer.", reached=True)
        return Sent(job_id)

    def find(self, token, *, device):
        if not self.tells_all:
            raise HaiquSubmissionError("It is not among the newest 500.")
        return self.ledger.tokens.get(token) if self.tells_tokens else None

    def look(self, job_id, *, device):
        if job_id in self.gone:
            raise HaiquNotFoundError(f"There is no job {job_id}.", status=404)
        if job_id in self.failing:
            status, reason = self.failing[job_id]
            return Look(status=status, word=status.name.lower(), reason=reason, run=1.0)
        if job_id in self.held:
            return Look(status=JobStatus.QUEUED, word="waiting")
        return Look(status=JobStatus.DONE, word="completed", queue=0.5, run=2.0)

    def read(self, job_id, job, *, device):
        if job_id in self.unreadable:
            raise HaiquResponseError(f"The results of {job_id} are damaged.")
        found = zip(job.slots, self.ledger.jobs[job_id], job.facts["bits"], strict=True)
        return [
            Failed("no luck") if slot.task in self.failing_tasks else samples_of_counts([counts], bits)
            for slot, counts, bits in found
        ]

    def cancel(self, job_id, *, device):
        if not self.cancels or job_id in self.stuck:
            raise HaiquJobError("The house cannot cancel.")
        if job_id in self.held:  # one that has ended stays as it is
            self.held.discard(job_id)
            self.failing[job_id] = JobStatus.CANCELLED, ""

    def usage(self, job_id, job, *, device):
        if job_id in self.failing:
            return self.cancelled_usage
        return {"usd": job.shots * 0.01, "qpu_seconds": 2.0}

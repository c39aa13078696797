"""Jobs of the service that were made elsewhere, such as by haiqu-sdk: followed and read as if they were ours."""

import base64
import math
from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from qiskit import QuantumCircuit
from qiskit.providers import JobStatus

from qiskit_haiqu_provider.engines.haiqu.execution import HaiquExecution
from qiskit_haiqu_provider.engines.haiqu.facts import is_final, status_of
from qiskit_haiqu_provider.engines.haiqu.layout import JobLayout, Kind, Slot, observable_facts
from qiskit_haiqu_provider.engines.haiqu.state import RunState, SentJob
from qiskit_haiqu_provider.exceptions import HaiquJobError
from qiskit_haiqu_provider.run.circuits import registers
from qiskit_haiqu_provider.run.formats import read_qpy
from qiskit_haiqu_provider.run.plan import CircuitOutline, EstimatorOutline, Outline, Plan, SamplerOutline, creg_sizes
from qiskit_haiqu_provider.store import JobRecord

if TYPE_CHECKING:
    from qiskit_haiqu_provider.api.client import HaiquClient
    from qiskit_haiqu_provider.api.models import FlowJob, RunJob

Adopted = tuple[HaiquExecution, Plan, JobRecord]
"""A run at the service, how its results come home, and the record to keep of it."""

RUNS = ("Run", "Hybrid")
"""Types of jobs that run circuits."""


@dataclass(frozen=True, kw_only=True)
class JobFilter:
    """Which jobs of the service are wanted."""

    limit: int | None = None
    device: str | None = None
    statuses: Set[JobStatus] | None = None
    after: datetime | None = None

    def fits(self, job: Any) -> bool:
        """Whether a job is wanted, as the service tells it."""
        return (
            (self.device is None or device_of(job) == self.device)
            and (self.statuses is None or status_of(job) in self.statuses)
            and (self.after is None or datetime.fromisoformat(_zoned(job.creation_date)) > self.after)
        )


def adopted(client: "HaiquClient", job: Any, *, circuits: dict[str, QuantumCircuit] | None = None) -> Adopted:
    """Follow a job of the service that is not on record here.

    One PUB is made of each circuit: with an axis for the parameter sets if there are any; for observables, and for
    readout bases, an axis before it.

    Args:
        client: The service.
        job: The job as the service tells it.
        circuits: Circuits by id that were fetched before; those that are fetched now are added.

    Raises:
        HaiquJobError: If it does not run circuits, was a dry run, or its circuits cannot be had.
    """
    if job.job_type not in RUNS:
        raise HaiquJobError(
            f"Job {job.id} is of type '{job.job_type}', which does not run circuits. "
            "See it on the dashboard of the service."
        )
    if job.dry_run:
        raise HaiquJobError(
            f"Job {job.id} was a dry run, which has no results. Its estimate: {job.estimated_qpu_cost}."
        )
    known = {} if circuits is None else circuits
    ran = [_circuit(client, circuit_id, known) for circuit_id in _circuit_ids(job)]
    sets = _sets(job.parameters, len(ran))
    asked = len(ran) if job.observables is None else len(job.observables)
    if not len(ran) == len(sets) == asked:
        raise HaiquJobError(
            f"Job {job.id} has {len(ran)} circuits, but parameters for {len(sets)} and observables for {asked}: "
            "nobody can tell which result is whose. See it on the dashboard of the service."
        )
    kind, swept = _kind(job), job.parameters is not None
    facts = [
        _Facts(job, index, circuit, count, swept=swept)
        for index, (circuit, count) in enumerate(zip(ran, sets, strict=True))
    ]
    outlines = [_OUTLINES[kind](each) for each in facts]
    layout = JobLayout(kind=kind, shots=job.shots, swept=swept, slots=tuple(each.slot for each in facts))
    device, mitigated = device_of(job), _mitigated(job)
    state = RunState(
        token=uuid4().hex,
        url=client.url,
        experiment=job.experiment_id,
        device=device,
        api="run" if job.job_type == "Run" else "flow",
        use_mitigation=mitigated,
        jobs=(SentJob(layout=layout, token="", id=job.id, left=True),),
    )
    plan = Plan(_PLANS[kind], tuple(outlines))
    # Lists may leave out the results of jobs that are done.
    whole = not is_final(job) or job.quantum_results is not None
    return HaiquExecution(client, state, seen=[job] if whole else ()), plan, _record(job, device, plan, state)


def is_run(job: Any) -> bool:
    """Whether a job ran circuits, or is to run them; a dry run stops before."""
    return job.job_type in RUNS and not getattr(job, "dry_run", False)


class _Facts:
    """What is known of one circuit of a job: what was asked of it, and its slot."""

    def __init__(self, job: Any, index: int, circuit: QuantumCircuit, sets: int, *, swept: bool) -> None:
        self.circuit = circuit
        self.shots: int = job.shots
        self.bases = len(job.readout_bases or ())
        self.observables: Sequence[Any] = job.observables[index] if job.observables is not None else ()
        self.sets = (sets,) if swept else ()
        constants, scales = observable_facts(self.observables)
        self.slot = Slot(
            task=index,
            pub=index,
            num_sets=sets * max(1, self.bases),
            num_clbits=circuit.num_clbits,
            num_qubits=circuit.num_qubits,
            constants=constants,
            scales=scales,
            bases=self.bases,
        )


def _sampler(facts: _Facts) -> Outline:
    return SamplerOutline(
        shape=(*((facts.bases,) if facts.bases else ()), *facts.sets),
        shots=facts.shots,
        registers=registers(facts.circuit),
        circuit_metadata=dict(facts.circuit.metadata or {}),
    )


def _estimator(facts: _Facts) -> Outline:
    count = len(facts.observables)
    return EstimatorOutline(
        parameter_shape=facts.sets,
        observable_shape=(count, 1) if facts.sets else (count,),
        observable_ids=tuple(range(count)),
        precision=1 / math.sqrt(facts.shots),
        shots=facts.shots,
        circuit_metadata=dict(facts.circuit.metadata or {}),
    )


def _states(facts: _Facts) -> Outline:
    circuit = facts.circuit
    return CircuitOutline(
        name=circuit.name,
        num_qubits=circuit.num_qubits,
        num_clbits=circuit.num_clbits,
        creg_sizes=creg_sizes(circuit),
        shots=facts.shots,
        memory=False,
        circuit_metadata=dict(circuit.metadata or {}),
    )


_OUTLINES = {Kind.SAMPLES: _sampler, Kind.VALUES: _estimator, Kind.STATES: _states}
_PLANS = {Kind.SAMPLES: "sampler", Kind.VALUES: "estimator", Kind.STATES: "run"}


def _circuit(client: "HaiquClient", circuit_id: str, known: dict[str, QuantumCircuit]) -> QuantumCircuit:
    if circuit_id in known:
        return known[circuit_id]
    packed = client.circuit(circuit_id).qpy
    if not packed:
        raise HaiquJobError(
            f"The service does not give the content of circuit {circuit_id}, so that its results have no registers."
        )
    known[circuit_id] = read_qpy(base64.b64decode(packed))
    return known[circuit_id]


def _circuit_ids(job: "RunJob | FlowJob") -> list[str]:
    found = getattr(job, "input_circuit_ids", None)
    return list(found if found is not None else job.circuit_ids)  # type: ignore[union-attr]


def _sets(parameters: Sequence[Any] | None, circuits: int) -> list[int]:
    """Parameter sets of each circuit; those of a single circuit may come without the axis of circuits."""
    if parameters is None:
        return [1] * circuits
    nested = bool(parameters) and all(
        isinstance(row, list) and all(isinstance(item, list) for item in row) for row in parameters
    )
    return [len(rows) for rows in parameters] if nested else [len(parameters)]


def _kind(job: Any) -> Kind:
    if getattr(job, "run_type", None) == "StatevectorRun" or getattr(
        getattr(job, "program", None), "computes_state", False
    ):
        return Kind.STATES
    return Kind.SAMPLES if job.observables is None else Kind.VALUES


def device_of(job: Any) -> str:
    """The device that a job is for."""
    if getattr(job, "program", None) is None:
        return str(job.device_id)
    return str(getattr(job.program.layers[-1], "device_id", job.device_id))


def _mitigated(job: Any) -> bool:
    if getattr(job, "program", None) is None:
        return bool(job.use_mitigation)
    return any(getattr(layer, "mitigation_enabled", False) for layer in job.program.layers)


def _record(job: Any, device: str, plan: Plan, state: RunState) -> JobRecord:
    return JobRecord(
        id=job.id,
        backend=device,
        via="haiqu",
        plan=plan.to_dict(),
        created=_zoned(job.creation_date),
        status=status_of(job).name,
        owner="",
        name=job.name or "",
        description=job.description or "",
        state=state.to_json(),
    )


def _zoned(when: datetime) -> str:
    return (when if when.tzinfo is not None else when.replace(tzinfo=UTC)).isoformat()

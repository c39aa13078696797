"""Answers in plain words, for agents: what was done, what comes out of it, and what to do next."""

from collections.abc import Mapping, Sequence
from typing import Any

from qiskit_haiqu_provider.api.models import AiRunCreate, JobKind, JobState, RunKind
from qiskit_haiqu_provider.gateway.store.tables import Job

_FOLLOW = (
    "Next: call get_job_results_and_status with this job_id, again after a second or so, until its status is Done, "
    "Error or Cancelled."
)


def run_accepted(job: Job, body: AiRunCreate, circuit_ids: Sequence[str], page: str) -> str:
    """What is said about a run that was just submitted."""
    outcome = f"When it is Done, its context is the results: {_shape(body)}."
    if body.dry_run:
        outcome = "A dry run computes no results: when it is Done, its context says what the run would cost."
    lines = [
        f"{'A dry run' if body.dry_run else 'A run'} was submitted to {job.device_id}: {_extent(body, circuit_ids)}.",
        f"job_id: {job.id}",
        f"circuit_ids: {', '.join(circuit_ids)}",
        _FOLLOW,
        outcome,
        f"Page: {page}",
    ]
    return "\n".join(lines)


def _extent(body: AiRunCreate, circuit_ids: Sequence[str]) -> str:
    circuits = _count(len(circuit_ids), "circuit")
    if body.run_type is RunKind.STATEVECTOR:
        return f"the exact state of {circuits}"
    return f"{circuits}, {body.shots} shots each"


def _shape(body: AiRunCreate) -> str:
    """How the results are nested, and what is in them."""
    axes = ["circuit", *(["observable"] if body.observables else []), *(["parameter set"] if body.parameters else [])]
    nesting = "".join(f"[{axis}]" for axis in axes)
    if body.run_type is RunKind.STATEVECTOR:
        return f"a list {nesting} of states, each [real parts, imaginary parts] of its amplitudes"
    if body.observables:
        return f"a list {nesting} of expectation values; their standard errors are in info.uncertainty"
    return (
        f"a list {nesting} of distributions, each an object from bitstring (rightmost bit = first classical bit) to "
        "its share of the shots"
    )


def transpilation_accepted(job: Job, circuit_ids: Sequence[str], page: str) -> str:
    """What is said about a transpilation that was just submitted."""
    lines = [
        f"Transpilation of {_count(len(circuit_ids), 'circuit')} for {job.device_id} was submitted.",
        f"job_id: {job.id}",
        f"circuit_ids: {', '.join(circuit_ids)}",
        _FOLLOW,
        "When it is Done, its context names the new circuits.",
        f"Page: {page}",
    ]
    return "\n".join(lines)


def standing(view: Mapping[str, Any]) -> str:
    """Where a job stands, for all jobs but those whose results are the answer."""
    state = JobState(view["status"])
    if state is JobState.ERROR:
        return f"The job failed: {view['logs'] or 'no reason is known.'}\nChange what it names, and submit again."
    if state is JobState.CANCELLED:
        return "The job was cancelled, so that there are no results. Submit it again if you need them."
    if state is not JobState.DONE:
        progress = f" {view['logs'].splitlines()[-1]}." if view["logs"] else ""
        return f"The job has not ended; its status is {state}.{progress}\n{_FOLLOW}"
    if view["job_type"] == JobKind.TRANSPILATION:
        return _transpiled(view)
    if view["job_type"] == JobKind.LOCAL:
        return f"This job ran elsewhere; its results were noted as: {view.get('results') or 'nothing'}"
    if view.get("dry_run"):
        return f"The dry run is done, and nothing was run. Estimated cost: {_cost(view['estimated_qpu_cost'])}."
    return "The job is done; it has no results."


def _transpiled(view: Mapping[str, Any]) -> str:
    pairs = zip(view["circuit_ids"], view["transpiled_circuit_ids"] or (), strict=False)
    head = f"The transpilation for {view['device_id']} is done. New circuits, each after the one it was made from:"
    follow = (
        "Next: list_circuits_in_experiment with these circuit_ids shows their depth and gates. Run them with "
        "run_circuits_on_qpu_or_simulator and the option skip_transpilation: true."
    )
    return "\n".join([head, *(f"{old} -> {new}" for old, new in pairs), follow])


def _cost(cost: Mapping[str, Any] | None) -> str:
    amounts = [(cost or {}).get(name) for name in ("native", "converted")]
    known = [f"{amount['amount']:g} {amount['unit']}" for amount in amounts if amount and amount["amount"]]
    return ", ".join(dict.fromkeys(known)) or "nothing, the run would be free"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"

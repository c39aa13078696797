"""What the service tells of a job beside its results: status, times, costs, quality. It may have any form."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from qiskit.providers import JobStatus
from qiskit.providers.jobstatus import JOB_FINAL_STATES

STATUSES = {
    "Submitted": JobStatus.INITIALIZING,
    "Initializing": JobStatus.INITIALIZING,
    "Queued": JobStatus.QUEUED,
    "Validating": JobStatus.VALIDATING,
    "Running": JobStatus.RUNNING,
    "Done": JobStatus.DONE,
    "Error": JobStatus.ERROR,
    "Cancelled": JobStatus.CANCELLED,
}

_PROGRESS = re.compile(r"(\d+) of (\d+) parameter sets")


def status_of(job: Any) -> JobStatus:
    """The status of a job; of one that was never seen the first."""
    return JobStatus.INITIALIZING if job is None else STATUSES[job.status]


def is_final(job: Any) -> bool:
    """Whether a job has ended, as far as it was seen."""
    return job is not None and STATUSES[job.status] in JOB_FINAL_STATES


def usage_of(job: Any) -> dict[str, float]:
    """``qpu_seconds`` and ``usd`` that a job cost, as far as they are told."""
    cost = _mapping(_mapping(job.info).get("qpu_cost"))
    told = {"qpu_seconds": _amount(cost, "native", "s"), "usd": _amount(cost, "converted", "USD")}
    return {name: amount for name, amount in told.items() if amount is not None}


def quality_of(job: Any) -> dict[str, Any]:
    """How close the results of a job are to the ideal ones, as the service estimates."""
    circuits = _mapping(_mapping(job.info).get("quality_assessment")).get("per_circuit")
    return {"overall": job.quality, **({"per_circuit": circuits} if circuits else {})}


def progress_of(sets: int, job: Any) -> tuple[int, int]:
    """Parameter sets done and in all of one job; services tell it in their logs, if at all."""
    if status_of(job) is JobStatus.DONE:
        return sets, sets
    told = _PROGRESS.findall((job.logs or "") if job is not None else "")
    return (min(sets, int(told[-1][0])), sets) if told else (0, sets)


def _amount(cost: Mapping[str, Any], kind: str, unit: str) -> float | None:
    part = _mapping(cost.get(kind))
    amount = part.get("amount")
    return float(amount) if part.get("unit") == unit and isinstance(amount, int | float) else None


def _mapping(value: Any) -> Mapping[str, Any]:
    """The value if it is a mapping, else an empty one: facts beside a result may have any form, and not spoil it."""
    return value if isinstance(value, Mapping) else {}


def seconds_of(job: Any) -> dict[str, float]:
    """Seconds of a job in the ``queue`` and in the ``run``, as far as they are told."""
    found: dict[str, float] = {}
    if job.run_date is not None:
        found["queue"] = _between(job.creation_date, job.run_date)
        if job.finish_date is not None:
            found["run"] = _between(job.run_date, job.finish_date)
    if job.time is not None:
        found["run"] = float(job.time)
    return found


def _between(first: datetime, last: datetime) -> float:
    """Seconds between two times; a service may leave the zone out of one of them."""
    if (first.tzinfo is None) != (last.tzinfo is None):
        first, last = first.replace(tzinfo=None), last.replace(tzinfo=None)
    return max(0.0, (last - first).total_seconds())

"""How a job has ended, as its record tells it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from qiskit.providers import JobStatus

from qiskit_haiqu_provider.exceptions import HaiquJobCancelledError
from qiskit_haiqu_provider.store import JobRecord
from qiskit_haiqu_provider.times import times


def end_of(error: Exception | None) -> tuple[JobStatus, str | None]:
    """The status of a job that ended with this error, or without one, and why it failed."""
    if error is None:
        return JobStatus.DONE, None
    return JobStatus.CANCELLED if isinstance(error, HaiquJobCancelledError) else JobStatus.ERROR, str(error)


def ended_at_once(
    known: JobRecord | Callable[[], JobRecord],
    error: Exception | None,
    seconds: Mapping[str, float],
    post_processing: float,
) -> Callable[[], JobRecord]:
    """Makes the record of a job that was over at once, when it is written or asked for.

    Args:
        known: Its record as it was submitted, or what makes it.
        error: Why it failed; ``None`` if it did not.
        seconds: Seconds in the ``queue`` and in the ``run``.
        post_processing: Seconds in which results became Qiskit's containers.
    """
    status, why = end_of(error)

    def record() -> JobRecord:
        first = known() if callable(known) else known
        metrics = times(datetime.fromisoformat(first.created), seconds, post_processing, ended=True)
        return replace(first, status=status.name, error=why, metrics=metrics)

    return record

"""What is known of a run at a vendor: enough to follow it, or to find it after a crash. JSON values, no secrets."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from qiskit_haiqu_provider.engines.direct.slots import Slot, TaskShape


@dataclass(frozen=True, kw_only=True)
class SentJob:
    """One job of the vendor."""

    token: str
    """Client token: the identity of the submission, chosen before it leaves."""

    slots: tuple[Slot, ...]
    circuits: int
    shots: int
    """Shots over all circuit executions."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    """What the vendor's room needs to read the results."""

    id: str | None = None
    """The id that the vendor gave; ``None`` while no answer has come."""

    left: bool = False
    """Whether the submission may have left this machine."""

    refused: str = ""
    """Why there will be nothing of it, and nothing to pay for it; empty if it was not refused."""

    @property
    def missing(self) -> bool:
        """Whether it may be at the vendor, under an id that is not known."""
        return self.left and self.id is None and not self.refused

    def to_json(self) -> dict[str, Any]:
        """The job as JSON values."""
        return {**vars(self), "facts": dict(self.facts), "slots": [slot.to_json() for slot in self.slots]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote."""
        return cls(**{**data, "slots": tuple(map(Slot.from_json, data["slots"]))})


@dataclass(frozen=True, kw_only=True)
class RunState:
    """The jobs that a run consists of, and the tasks that they answer."""

    token: str
    """Client token of the run: the identity of its record before the vendor has given an id."""

    via: str
    account: str
    """Which of the vendor's accounts or addresses the jobs went to."""

    device: str
    tasks: tuple[TaskShape, ...]
    jobs: tuple[SentJob, ...]
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What the metadata of the result says of how the run was set up."""

    finish: Mapping[str, Any] | None = None
    """What the results still have to go through, as JSON values."""

    identity: str = ""
    """Who submitted them, as the vendor's room tells; empty in older records, and where it does not."""

    @property
    def complete(self) -> bool:
        """Whether every job has an id, or will never have one."""
        return all(job.id is not None or job.refused for job in self.jobs)

    @property
    def ids(self) -> list[str]:
        """The ids of the jobs that were accepted."""
        return [job.id for job in self.jobs if job.id is not None]

    def leaving(self, indices: Iterable[int]) -> Self:
        """The state just before some jobs leave."""
        return self._with({index: replace(self.jobs[index], left=True) for index in indices})

    def accepted(self, index: int, job_id: str, facts: Mapping[str, Any] | None = None) -> Self:
        """The state when the vendor has accepted a job.

        Args:
            index: Which job.
            job_id: The id that the vendor gave.
            facts: What it told besides.
        """
        job = self.jobs[index]
        return self._with({index: replace(job, left=True, id=job_id, facts={**job.facts, **(facts or {})})})

    def refused(self, reasons: Mapping[int, str]) -> Self:
        """The state when it is known that there will be nothing of some jobs, and why."""
        return self._with(
            {index: replace(self.jobs[index], id=None, refused=reason) for index, reason in reasons.items()}
        )

    def _with(self, jobs: Mapping[int, SentJob]) -> Self:
        return replace(self, jobs=tuple(jobs.get(index, job) for index, job in enumerate(self.jobs)))

    def to_json(self) -> dict[str, Any]:
        """The state as JSON values."""
        return {
            **vars(self),
            "facts": dict(self.facts),
            "tasks": [task.to_json() for task in self.tasks],
            "jobs": [job.to_json() for job in self.jobs],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote."""
        return cls(
            **{
                **data,
                "tasks": tuple(map(TaskShape.from_json, data["tasks"])),
                "jobs": tuple(map(SentJob.from_json, data["jobs"])),
            }
        )

"""What is known of a run at the service: enough to follow it, or to find it after a crash. JSON values, no secrets."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from qiskit_haiqu_provider.engines.haiqu.layout import JobLayout

_UNSENT = "It was not sent, as one before it was not accepted."


@dataclass(frozen=True, kw_only=True)
class SentJob:
    """One job of the service."""

    layout: JobLayout
    token: str
    """Client token: the identity of the submission, chosen before it leaves."""

    id: str | None = None
    """The id that the service gave; ``None`` while no answer has come."""

    left: bool = False
    """Whether the submission may have left this machine."""

    refused: str = ""
    """Why there will be nothing of it, and nothing to pay for it; empty if it was not refused."""

    @property
    def missing(self) -> bool:
        """Whether it may be at the service, under an id that is not known."""
        return self.left and self.id is None and not self.refused

    @property
    def void(self) -> bool:
        """Whether there is nothing to send: no parameter set was asked for."""
        return self.layout.num_circuits == 0


@dataclass(frozen=True, kw_only=True)
class RunState:
    """The jobs that a run consists of."""

    token: str
    """Client token of the run: the identity of its record before the service has given an id."""

    url: str
    experiment: str
    device: str
    api: str
    """The endpoint that was used: ``run`` or ``flow``."""

    seed: int | None = None
    use_mitigation: bool = False
    mitigation: Mapping[str, Any] = field(default_factory=dict)
    jobs: tuple[SentJob, ...] = ()
    finish: Mapping[str, Any] | None = None
    """What the results still have to go through, as JSON values."""

    account: str = ""
    """What tells the key that submitted them from others; empty in older records."""

    @property
    def complete(self) -> bool:
        """Whether every job has been accepted, or never will be."""
        return all(job.id is not None or job.void or job.refused for job in self.jobs)

    @property
    def ids(self) -> list[str]:
        """The ids of the jobs that were accepted."""
        return [job.id for job in self.jobs if job.id is not None]

    def leaving(self, index: int) -> Self:
        """The state just before a job leaves."""
        return self._with(index, replace(self.jobs[index], left=True))

    def accepted(self, index: int, job_id: str) -> Self:
        """The state when the service has accepted a job."""
        return self._with(index, replace(self.jobs[index], left=True, id=job_id))

    def stopped(self, index: int, *, refused: str = "") -> Self:
        """The state when nothing more is sent, as a job was not accepted.

        Args:
            index: That job.
            refused: Why it was refused; empty if it may have been accepted after all.
        """
        unsent = [replace(job, refused="" if job.void else _UNSENT) for job in self.jobs[index + 1 :]]
        return replace(self, jobs=(*self.jobs[:index], replace(self.jobs[index], refused=refused), *unsent))

    def _with(self, index: int, job: SentJob) -> Self:
        return replace(self, jobs=(*self.jobs[:index], job, *self.jobs[index + 1 :]))

    def to_json(self) -> dict[str, Any]:
        """The state as JSON values."""
        jobs = [{**vars(job), "layout": job.layout.to_json()} for job in self.jobs]
        return {**vars(self), "mitigation": dict(self.mitigation), "jobs": jobs}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote."""
        jobs = tuple(SentJob(**{**job, "layout": JobLayout.from_json(job["layout"])}) for job in data["jobs"])
        return cls(**{**data, "jobs": jobs})

"""A run at a vendor: one or more of its jobs, which together have one handle."""

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from qiskit.providers import JobStatus
from qiskit.providers.jobstatus import JOB_FINAL_STATES

from qiskit_haiqu_provider.engines.direct.assembly import Part, assemble
from qiskit_haiqu_provider.engines.direct.port import Look, Vendor
from qiskit_haiqu_provider.engines.direct.state import RunState, SentJob
from qiskit_haiqu_provider.engines.direct.together import done, tried
from qiskit_haiqu_provider.engines.following import ORDER, Following, added_up
from qiskit_haiqu_provider.exceptions import HaiquJobCancelledError, HaiquJobError, HaiquSubmissionError
from qiskit_haiqu_provider.mitigation.finisher import finished
from qiskit_haiqu_provider.mitigation.settings import BY_ENGINE
from qiskit_haiqu_provider.run.request import Progress
from qiskit_haiqu_provider.run.result import RunResult, TaskResult


class DirectExecution(Following):
    """One or more jobs of a vendor that together are one run.

    Args:
        vendor: Who runs them.
        state: The jobs.
        progress: Called with the parameter sets done and those in all.
    """

    def __init__(self, vendor: Vendor, state: RunState, *, progress: Progress | None = None) -> None:
        super().__init__()
        self._vendor = vendor
        self._state = state
        self._progress = progress
        self._told: tuple[int, int] | None = None
        self._looks: list[Look | None] = [None] * len(state.jobs)
        self._lock = threading.Lock()

    @property
    def id(self) -> str:
        """The id of the only job; of several, or while there is no id, one of our own, which finds them all."""
        ids = self._state.ids
        return ids[0] if len(self._state.jobs) == 1 and ids else f"{self._state.via}-{self._state.token}"

    def state(self) -> Mapping[str, Any]:
        """What is needed to follow the run in another process."""
        return self._state.to_json()

    def layout(self) -> Sequence[Mapping[str, Any]]:
        """The jobs: their ids, circuit executions and shots, and the vendor's word for where each stands."""
        pairs = zip(self._state.jobs, self._looks, strict=True)
        return [
            {"id": job.id, "circuits": job.circuits, "shots": job.shots, "status": "" if look is None else look.word}
            for job, look in pairs
        ]

    @property
    def located(self) -> bool:
        """Whether the ids of all jobs are known."""
        return self._state.complete

    def locate(self) -> bool:
        """Ask the vendor for jobs whose ids were lost; returns whether all have one now.

        Raises:
            HaiquApiError: If the vendor does not answer.
        """
        with self._lock:
            for index, job in enumerate(self._state.jobs):
                if job.id is None and job.left:
                    found = self._vendor.find(job.token, device=self._state.device)
                    if found is not None:
                        self._state = self._state.accepted(index, found)
            return self._state.complete

    def result(self) -> RunResult:
        """The results of all jobs.

        Raises:
            HaiquJobCancelledError: If a job was cancelled.
            HaiquJobError: If a job failed; with the vendor's reason.
            HaiquResponseError: If the results cannot be read.
        """
        for job, look in zip(self._state.jobs, self._looks, strict=True):
            self._check_done(job, look)
        parts = self._parts(self._state.jobs)
        told = (BY_ENGINE,) * len(self._state.tasks) if self._state.facts.get("use_mitigation") else ()
        whole = RunResult(assemble(self._state.tasks, parts), self._facts(), task_facts=told)
        return finished(whole, self._state.finish)

    def completed(self) -> Mapping[int, TaskResult]:
        """The results of the tasks whose jobs are all done, by the index of the task; the others are left out."""
        with contextlib.suppress(HaiquSubmissionError):  # what became of one job does not matter for the others
            self.locate()
        self._look_at_all()
        if self._state.finish is not None:  # its tasks are made of all jobs together
            return dict(enumerate(self.result().tasks)) if self._status() is JobStatus.DONE else {}
        ended = [look is not None and look.status is JobStatus.DONE for look in self._looks]
        open_tasks = {
            slot.task for job, ready in zip(self._state.jobs, ended, strict=True) if not ready for slot in job.slots
        }
        jobs = [job for job, ready in zip(self._state.jobs, ended, strict=True) if ready]
        parts = [part for part in self._parts(jobs) if part[0].task not in open_tasks]
        found: dict[int, TaskResult] = {}
        for index, task in enumerate(self._state.tasks):
            if index not in open_tasks:
                own = [(slot, result) for slot, result in parts if slot.task == index]
                found[index] = assemble([task], [(_first_task(slot), result) for slot, result in own])[0]
        return found

    def cancel(self) -> bool:
        """Cancel the jobs that have not ended; returns whether the run will end without a result.

        Raises:
            HaiquJobError: If the vendor has no way to cancel.
        """
        if not self.located:
            self.locate()
        for index, job_id in self._open():
            self._vendor.cancel(job_id, device=self._state.device)
            self._looks[index] = self._vendor.look(job_id, device=self._state.device)
        return self._status() is JobStatus.CANCELLED

    def restart(self) -> bool:
        """Vendors do not run a job twice.

        Raises:
            HaiquJobError: Always.
        """
        raise HaiquJobError(
            f"Job {self.id} cannot be restarted: {self._state.via} does not offer it. Call run() again."
        )

    def logs(self) -> str:
        """The vendor's word for where each job stands, and why it failed if it did."""
        self.status()
        pairs = zip(self._state.jobs, self._looks, strict=True)
        return "\n".join(f"{job.id}: {look.word} {look.reason}".rstrip() for job, look in pairs if look is not None)

    def usage(self) -> Mapping[str, float]:
        """What the jobs did cost, as far as the vendor tells: ``usd`` and ``qpu_seconds``."""
        if not self._ended_all():
            self.status()
        calls = [
            partial(self._vendor.usage, job.id, job, device=self._state.device)
            for job, look in zip(self._state.jobs, self._looks, strict=True)
            if job.id is not None and look is not None and look.status in JOB_FINAL_STATES
        ]
        return added_up(done(calls, at_once=self._vendor.at_once))

    def seconds(self) -> Mapping[str, float]:
        """Seconds in the queue and on the device, as the vendor tells; the longest of several jobs."""
        looks = [look for look in self._looks if look is not None]
        known = {"queue": [look.queue for look in looks], "run": [look.run for look in looks]}
        longest = {
            name: max((value for value in values if value is not None), default=None) for name, values in known.items()
        }
        return {name: value for name, value in longest.items() if value is not None}

    def _look(self, *, wait: float = 0.0, patience: float | None = None) -> None:  # noqa: ARG002 - vendors answer at once
        if not self.located:
            self.locate()
        self._look_at_all()
        self._looked = time.monotonic()
        self._tell_progress()

    def _look_at_all(self) -> None:
        """Ask for every job that has an id and has not ended."""
        found = list(self._open())
        calls = [partial(self._vendor.look, job_id, device=self._state.device) for _, job_id in found]
        outcomes = tried(calls, at_once=self._vendor.at_once)
        for (index, _), (look, _) in zip(found, outcomes, strict=True):
            self._looks[index] = look or self._looks[index]
        for _, error in outcomes:
            if error is not None:
                raise error

    def _open(self) -> Iterator[tuple[int, str]]:
        """The jobs that have an id and have not been seen to end."""
        for index, (job, look) in enumerate(zip(self._state.jobs, self._looks, strict=True)):
            if job.id is not None and (look is None or look.status not in JOB_FINAL_STATES):
                yield index, job.id

    def _status(self) -> JobStatus:
        found = {JobStatus.QUEUED if look is None else look.status for look in self._looks}
        if JobStatus.ERROR in found or JobStatus.CANCELLED in found:
            going = any(look is None or look.status not in JOB_FINAL_STATES for look in self._looks)
            return JobStatus.RUNNING if going else JobStatus.ERROR if JobStatus.ERROR in found else JobStatus.CANCELLED
        return next((status for status in ORDER if status in found), JobStatus.DONE)

    def _ended_all(self) -> bool:
        return all(look is not None and look.status in JOB_FINAL_STATES for look in self._looks)

    def _parts(self, jobs: Sequence[SentJob]) -> list[Part]:
        """What jobs that are done yield."""
        calls = [partial(self._vendor.read, str(job.id), job, device=self._state.device) for job in jobs]
        found = done(calls, at_once=self._vendor.at_once)
        return [part for job, results in zip(jobs, found, strict=True) for part in zip(job.slots, results, strict=True)]

    def _check_done(self, job: SentJob, look: Look | None) -> None:
        if look is None or look.status not in JOB_FINAL_STATES:
            raise HaiquJobError(f"Job {job.id} has not ended. Wait for it first.")
        if look.status is JobStatus.CANCELLED:
            raise HaiquJobCancelledError(f"Job {job.id} was cancelled, so it has no result.{self._others()}")
        if look.status is JobStatus.ERROR:
            reason = look.reason or "it gave no reason."
            raise HaiquJobError(f"Job {job.id} failed at {self._state.via}: {reason}{self._others()}")

    def _others(self) -> str:
        some = any(look is not None and look.status is JobStatus.DONE for look in self._looks)
        return " Other jobs of the run are done: partial_result() returns what they yield." if some else ""

    def _tell_progress(self) -> None:
        if self._progress is None:
            return
        counts = [
            (sum(slot.sets for slot in job.slots), look)
            for job, look in zip(self._state.jobs, self._looks, strict=True)
        ]
        total = sum(sets for sets, _ in counts)
        news = sum(sets for sets, look in counts if look is not None and look.status is JobStatus.DONE), total
        if news != self._told:
            self._told = news
            self._progress(*news)

    def _facts(self) -> dict[str, Any]:
        return {"engine": self._state.via, "jobs": self._state.ids, **self._state.facts}


def _first_task(slot: Any) -> Any:
    return type(slot)(task=0, first=slot.first, sets=slot.sets, group=slot.group)

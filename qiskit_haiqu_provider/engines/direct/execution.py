"""A run at a vendor: one or more of its jobs, which together have one handle."""

import contextlib
import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from qiskit.providers import JobStatus
from qiskit.providers.jobstatus import JOB_FINAL_STATES

from qiskit_haiqu_provider.engines.direct.assembly import Part, assemble
from qiskit_haiqu_provider.engines.direct.port import Failed, Look, Vendor
from qiskit_haiqu_provider.engines.direct.slots import Slot
from qiskit_haiqu_provider.engines.direct.state import RunState, SentJob
from qiskit_haiqu_provider.engines.direct.together import done, tried
from qiskit_haiqu_provider.engines.following import ORDER, Following, added_up
from qiskit_haiqu_provider.exceptions import (
    HaiquError,
    HaiquJobCancelledError,
    HaiquJobError,
    HaiquNotFoundError,
    HaiquResponseError,
    HaiquSubmissionError,
)
from qiskit_haiqu_provider.mitigation.finisher import finished
from qiskit_haiqu_provider.mitigation.settings import BY_ENGINE
from qiskit_haiqu_provider.run.request import Progress
from qiskit_haiqu_provider.run.result import RunResult, TaskResult

logger = logging.getLogger(__name__)

_TOLD = 3
"""Failures of circuits that are told of one by one."""


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
        self._looks: list[Look | None] = [_seen_refused(job) for job in state.jobs]
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
        """Whether the ids of all jobs are known that were not refused."""
        return self._state.complete

    def locate(self) -> bool:
        """Ask the vendor for jobs whose ids were lost; returns whether all are known now.

        Raises:
            HaiquSubmissionError: If there may be jobs that were not seen.
            HaiquApiError: If the vendor does not answer.
        """
        with self._lock:
            doubt: HaiquSubmissionError | None = None
            for index, job in enumerate(self._state.jobs):
                if job.missing:
                    try:
                        found = self._vendor.find(job.token, device=self._state.device)
                    except HaiquSubmissionError as error:
                        doubt = error
                        continue
                    if found is not None:
                        self._state = self._state.accepted(index, found)
            if any(job.missing for job in self._state.jobs):
                self._check_all_seen(doubt)
            return self._state.complete

    def _check_all_seen(self, doubt: HaiquSubmissionError | None) -> None:
        """Raise if jobs that were not found may be there all the same."""
        if doubt is not None:
            raise doubt
        before, now = self._state.identity, self._vendor.identity(self._state.device)
        if before == now != "":
            return
        whose = f"was submitted by {before}" if before else "does not tell by whom it was submitted"
        raise HaiquSubmissionError(
            f"Whether the job was accepted is not known: {now or self._state.account} has none of it, but its record "
            f"{whose}. Ask for it with the credentials that it was submitted with, or look at the vendor's console. "
            "Run it again only if it is not there."
        )

    def result(self) -> RunResult:
        """The results of all jobs.

        Raises:
            HaiquJobCancelledError: If a job was cancelled.
            HaiquJobError: If a job failed, or a circuit of one that is done; with the vendor's reason.
            HaiquResponseError: If the results cannot be read.
        """
        for job, look in zip(self._state.jobs, self._looks, strict=True):
            self._check_done(job, look)
        parts = self._ran(self._parts(self._state.jobs))
        told = (BY_ENGINE,) * len(self._state.tasks) if self._state.facts.get("use_mitigation") else ()
        whole = RunResult(assemble(self._state.tasks, parts), self._facts(), task_facts=told)
        return finished(whole, self._state.finish)

    def completed(self) -> Mapping[int, TaskResult]:
        """The results of the tasks whose jobs are all done, by the index of the task; the others are left out."""
        with contextlib.suppress(HaiquSubmissionError):  # what became of one job does not matter for the others
            self.locate()
        with contextlib.suppress(HaiquNotFoundError, HaiquResponseError):  # of one job as well: all were asked for
            self._look_at_all()
        if self._state.finish is not None:  # its tasks are made of all jobs together
            return dict(enumerate(self.result().tasks)) if self._status() is JobStatus.DONE else {}
        ended = [look is not None and look.status is JobStatus.DONE for look in self._looks]
        open_tasks = {
            slot.task for job, ready in zip(self._state.jobs, ended, strict=True) if not ready for slot in job.slots
        }
        jobs = [job for job, ready in zip(self._state.jobs, ended, strict=True) if ready]
        yielded = self._parts(jobs, all_of_them=False)
        open_tasks |= {slot.task for slot, result in yielded if isinstance(result, Failed)}
        parts = self._ran([part for part in yielded if part[0].task not in open_tasks])
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
            HaiquApiError: If the vendor did not cancel a job; all others were asked to stop as well.
        """
        if not self.located:
            with contextlib.suppress(HaiquSubmissionError):  # what became of one job does not matter for the others
                self.locate()
        errors = [self._refusal(index, job_id) for index, job_id in self._open()]
        error = next(filter(None, errors), None)
        if error is not None:
            raise error
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
        told = [(job.id or "no job", look) for job, look in pairs if look is not None]
        return "\n".join(f"{name}: {look.word} {look.reason}".rstrip() for name, look in told)

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

    def _refusal(self, index: int, job_id: str) -> HaiquError | None:
        """Ask a job to stop; returns why it does not. One that has ended meanwhile may refuse."""
        refusal: HaiquError | None = None
        try:
            self._vendor.cancel(job_id, device=self._state.device)
        except HaiquError as error:
            refusal = error
        try:
            look = self._looks[index] = self._vendor.look(job_id, device=self._state.device)
        except HaiquError as error:
            return refusal or error
        return None if look.status in JOB_FINAL_STATES else refusal

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

    def _parts(self, jobs: Sequence[SentJob], *, all_of_them: bool = True) -> list[tuple[Slot, TaskResult | Failed]]:
        """What jobs that are done yield.

        Args:
            jobs: The jobs.
            all_of_them: Whether one whose results cannot be read makes those of the others useless.
        """
        read = self._read if all_of_them else self._read_if_readable
        found = done([partial(read, job) for job in jobs], at_once=self._vendor.at_once)
        return [part for job, results in zip(jobs, found, strict=True) for part in zip(job.slots, results, strict=True)]

    def _read(self, job: SentJob) -> Sequence[TaskResult | Failed]:
        return self._vendor.read(str(job.id), job, device=self._state.device)

    def _read_if_readable(self, job: SentJob) -> Sequence[TaskResult | Failed]:
        try:
            return self._read(job)
        except HaiquResponseError as error:
            logger.warning("The results of job %s are left out: %s", job.id, error)
            return [Failed(str(error))] * len(job.slots)

    def _ran(self, parts: Sequence[tuple[Slot, TaskResult | Failed]]) -> list[Part]:
        """The results, if all circuits ran.

        Raises:
            HaiquJobError: If one failed; names its PUB.
        """
        ran = [(slot, result) for slot, result in parts if not isinstance(result, Failed)]
        if len(ran) == len(parts):
            return ran
        reasons = {
            self._state.tasks[slot.task].pub: result.reason for slot, result in parts if isinstance(result, Failed)
        }
        told = "; ".join(f"PUB {pub}: {reason}" for pub, reason in list(reasons.items())[:_TOLD])
        more = f"; and {len(reasons) - _TOLD} more" if len(reasons) > _TOLD else ""
        others = {task.pub for task in self._state.tasks} - set(reasons)
        rest = " partial_result() returns the other PUBs." if others and self._state.finish is None else ""
        raise HaiquJobError(f"Circuits of the run failed at {self._state.via}. {told}{more}.{rest}")

    def _check_done(self, job: SentJob, look: Look | None) -> None:
        if job.refused:
            raise HaiquJobError(
                f"A job of the run was refused: {job.refused} Of those that were accepted: {self._state.ids}."
                f"{self._others()}"
            )
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


def _seen_refused(job: SentJob) -> Look | None:
    """Where a job stands that was refused; ``None`` for one that the vendor is to be asked for."""
    return Look(status=JobStatus.ERROR, word="refused", reason=job.refused) if job.refused else None


def _first_task(slot: Any) -> Any:
    return type(slot)(task=0, first=slot.first, sets=slot.sets, group=slot.group)

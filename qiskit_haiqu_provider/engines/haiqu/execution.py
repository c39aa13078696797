"""A run at the service: one or more of its jobs."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qiskit.providers import JobStatus
from qiskit.providers.jobstatus import JOB_FINAL_STATES

from qiskit_haiqu_provider.engines.following import ORDER, Following, added_up
from qiskit_haiqu_provider.engines.haiqu.facts import (
    STATUSES,
    is_final,
    progress_of,
    quality_of,
    seconds_of,
    status_of,
    usage_of,
)
from qiskit_haiqu_provider.engines.haiqu.results import merged_facts, read_results, readable_results
from qiskit_haiqu_provider.engines.haiqu.state import RunState, SentJob
from qiskit_haiqu_provider.engines.haiqu.submission import find
from qiskit_haiqu_provider.engines.haiqu.told import mitigation_told
from qiskit_haiqu_provider.exceptions import (
    HaiquApiError,
    HaiquJobCancelledError,
    HaiquJobError,
    HaiquNotFoundError,
    HaiquResponseError,
    HaiquSubmissionError,
)
from qiskit_haiqu_provider.mitigation.finisher import finished
from qiskit_haiqu_provider.run.request import Progress
from qiskit_haiqu_provider.run.result import RunResult, TaskResult
from qiskit_haiqu_provider.secret import Secret

if TYPE_CHECKING:
    from qiskit_haiqu_provider.api.client import HaiquClient

_FIND_AMONG = 10_000
"""Jobs that are looked through for one whose id was lost in a crash."""


_OF_ONE = HaiquNotFoundError, HaiquResponseError, HaiquSubmissionError
"""Errors that say something of one job, and nothing of the others."""


class HaiquExecution(Following):
    """One or more jobs of the service that together are one run.

    Args:
        client: The service.
        state: The jobs.
        progress: Called with the parameter sets done and those in all, as far as the service tells.
        hidden: The credentials that were sent, which the service might repeat in what it says.
        seen: The jobs as they were just seen, if they were.
    """

    def __init__(
        self,
        client: "HaiquClient",
        state: RunState,
        *,
        progress: Progress | None = None,
        hidden: Callable[[], Iterable[Secret]] = tuple,
        seen: Sequence[Any] = (),
    ) -> None:
        super().__init__()
        self._client = client
        self._hidden = hidden
        self._state = state
        self._progress = progress
        self._told: tuple[int, int] | None = None
        self._jobs: list[Any] = [self._masked(job) for job in seen] or [None] * len(state.jobs)
        self._lock = threading.Lock()

    @property
    def id(self) -> str:
        """The id of the first job; without jobs, or while there is no id, one of our own."""
        return next(iter(self._state.ids), f"haiqu-{self._state.token}")

    def state(self) -> Mapping[str, Any]:
        """What is needed to follow the run in another process."""
        return self._state.to_json()

    def layout(self) -> Sequence[Mapping[str, Any]]:
        """The jobs: their ids, what they are for, and the evaluations that were asked for and are paid for."""
        return [{"id": job.id, **job.layout.summary()} for job in self._state.jobs]

    @property
    def located(self) -> bool:
        """Whether the ids of all jobs are known."""
        return self._state.complete

    def locate(self) -> bool:
        """Find the jobs whose ids were lost; returns whether all have one now.

        Raises:
            HaiquSubmissionError: If not all jobs could be looked at.
            HaiquApiError: If the service does not answer.
        """
        with self._lock:
            doubt: HaiquSubmissionError | None = None
            for index, job in enumerate(self._state.jobs):
                if job.missing:
                    try:
                        found = self._find(job.token)
                    except HaiquSubmissionError as error:
                        doubt = error
                        continue
                    if found is not None:
                        self._state = self._state.accepted(index, found)
            if doubt is not None:
                raise doubt
            return self._state.complete

    def _find(self, token: str) -> str | None:
        """The id of a job by its token; ``None`` if there is none."""
        found = find(token, client=self._client, experiment=self._state.experiment, newest=_FIND_AMONG)
        if found is None and self._state.account != self._client.account:
            whose = "with another key" if self._state.account else "with a key that its record does not tell"
            raise HaiquSubmissionError(
                f"Whether the job was accepted is not known: this key sees none of it, but it was submitted {whose}. "
                "Ask for it with that one, or look at the dashboard of the service. Run it again only if it is not "
                "there."
            )
        return found

    def result(self) -> RunResult:
        """The results of all jobs.

        Raises:
            HaiquJobCancelledError: If a job was cancelled.
            HaiquJobError: If a job failed; with what the service says.
            HaiquResponseError: If the results cannot be read.
        """
        try:
            return self._read()
        except HaiquResponseError:
            self._jobs = [None] * len(self._jobs)  # so that they are asked for again
            raise

    def _read(self) -> RunResult:
        pairs = list(zip(self._state.jobs, self._jobs, strict=True))
        refused = next((sent.refused for sent, _ in pairs if sent.refused), "")
        if refused:
            raise HaiquJobError(f"A job of the run was refused: {refused} Accepted: {self._state.ids}.{self._others()}")
        for sent, job in pairs:
            self._check_not_failed(job, sent.id)  # also where another job has not ended: it is what ended the run
        tasks: dict[int, TaskResult] = {}
        told: dict[int, Mapping[str, Any]] = {}
        facts: dict[str, Any] = {}
        for sent, job in pairs:
            results, info = _outcome(sent, job)
            found, more = read_results(sent.layout, results, info, mitigated=self._state.use_mitigation)
            tasks.update(zip((slot.task for slot in sent.layout.slots), found, strict=True))
            facts = merged_facts(facts, more)
            if self._state.use_mitigation:
                about = mitigation_told(sent.layout, info, scrub=self._scrubbed)
                told.update(zip((slot.task for slot in sent.layout.slots), about, strict=True))
        whole = RunResult(
            tuple(tasks[index] for index in sorted(tasks)),
            {**facts, **self._facts()},
            task_facts=tuple(told[index] for index in sorted(told)),
        )
        return finished(whole, self._state.finish)

    def completed(self) -> Mapping[int, TaskResult]:
        """The results that can be had of the jobs that are done, by the index of the task."""
        with contextlib.suppress(*_OF_ONE):
            self._look()
        if self._state.finish is not None:  # its tasks are made of all jobs together
            return dict(enumerate(self._read().tasks)) if self._status() is JobStatus.DONE else {}
        tasks: dict[int, TaskResult] = {}
        for sent, job in zip(self._state.jobs, self._jobs, strict=True):
            if sent.void or (job is not None and status_of(job) is JobStatus.DONE):
                results, info = _outcome(sent, job)
                tasks.update(readable_results(sent.layout, results, info, mitigated=self._state.use_mitigation))
        return tasks

    def cancel(self) -> bool:
        """Cancel the jobs that have not ended; returns whether the run will end without a result.

        Raises:
            HaiquApiError: If the service did not cancel one; all others were asked to stop as well.
        """
        if not self.located:
            with contextlib.suppress(HaiquSubmissionError):  # what became of one does not matter for the others
                self.locate()
        pairs = enumerate(self._state.jobs)
        going = [(index, sent.id) for index, sent in pairs if sent.id is not None and not is_final(self._jobs[index])]
        errors = [self._refusal(index, job_id) for index, job_id in going]  # of each, also after one that goes on
        error = next(filter(None, errors), None)
        if error is not None:
            raise error
        return self._status() is JobStatus.CANCELLED

    def restart(self) -> bool:
        """Run the jobs that have ended once more; returns whether the service does so for all.

        A restart whose answer is lost is not repeated: the status of the job tells whether it took effect.
        """
        ids = [(index, sent.id) for index, sent in enumerate(self._state.jobs) if sent.id is not None]
        restarted = [self._restarted(index, job_id) for index, job_id in ids]  # each, also after one that is not
        return all(restarted)

    def logs(self) -> str:
        """What the service says of each job so far."""
        self.status()
        return "\n".join(job.logs for job in self._jobs if job is not None and job.logs)

    def usage(self) -> Mapping[str, float]:
        """What the jobs cost, as the service tells after they ran; nothing for simulators."""
        if not all(map(is_final, self._jobs)):
            self.status()
        return added_up(usage_of(job) for job in self._jobs if job is not None)

    def estimated_costs(self) -> list[Mapping[str, Any] | None]:
        """What the service estimates for each job of a dry run, once it has ended.

        Raises:
            HaiquJobError: If a dry run failed.
        """
        self.wait()
        for sent, job in zip(self._state.jobs, self._jobs, strict=True):
            self._check_not_failed(job, sent.id)
            _check_done(job, sent.id)
        costs = [job.estimated_qpu_cost for job in self._jobs]
        return [None if cost is None else cost.model_dump() for cost in costs]

    def seconds(self) -> Mapping[str, float]:
        """Seconds in the queue and on the device, as the service tells; the longest of several jobs."""
        known = [seconds_of(job) for job in self._jobs if job is not None]
        return {name: max(each.get(name, 0.0) for each in known) for name in ("queue", "run")} if known else {}

    def _look(self, *, wait: float = 0.0, patience: float | None = None) -> None:
        """Ask for every job that has not ended; the service may take its time with the first of them.

        Args:
            wait: Seconds that the service may wait for the end of a job before it answers.
            patience: Seconds after which an answer is not waited for any more.

        Raises:
            HaiquApiError: If there is no answer for one; if this concerns that job alone, all others were asked for.
        """
        errors: list[HaiquApiError] = []
        if not self.located:
            try:
                self.locate()
            except _OF_ONE as error:
                errors.append(error)
        for index, sent in enumerate(self._state.jobs):
            if sent.id is not None and not is_final(self._jobs[index]):
                try:
                    self._jobs[index] = self._asked(sent.id, wait=wait or None, patience=patience)
                except _OF_ONE as error:
                    errors.append(error)
                wait = 0.0
        if errors:
            raise errors[0]
        self._looked = time.monotonic()
        self._tell_progress()

    def _asked(self, job_id: str, **how: float | None) -> Any:
        """A job as it stands."""
        return self._masked(self._client.job(job_id, **how))

    def _masked(self, job: Any) -> Any:
        """A job with secrets masked in what the service says of it."""
        if not job.logs:
            return job
        return job.model_copy(update={"logs": self._scrubbed(job.logs)})

    def _scrubbed(self, text: str) -> str:
        """A text of the service with secrets masked."""
        return self._client.scrubbed(text, self._hidden())

    def _status(self) -> JobStatus:
        found = {
            JobStatus.ERROR if sent.refused else status_of(job)
            for sent, job in zip(self._state.jobs, self._jobs, strict=True)
            if not sent.void
        }
        return next((status for status in ORDER if status in found), JobStatus.DONE)

    def _tell_progress(self) -> None:
        if self._progress is None:
            return
        pairs = zip(self._state.jobs, self._jobs, strict=True)
        counts = [progress_of(sent.layout.evaluated_sets, job) for sent, job in pairs]
        news = sum(done for done, _ in counts), sum(total for _, total in counts)
        if news != self._told:
            self._told = news
            self._progress(*news)

    def _refusal(self, index: int, job_id: str) -> HaiquApiError | None:
        """Ask a job to stop; returns why it does not. One that has ended meanwhile may refuse."""
        refusal: HaiquApiError | None = None
        try:
            self._client.cancel(job_id)
        except HaiquApiError as error:
            refusal = error
        try:
            self._jobs[index] = self._asked(job_id)
        except HaiquApiError as error:
            return refusal or error
        return None if is_final(self._jobs[index]) else refusal

    def _restarted(self, index: int, job_id: str) -> bool:
        try:
            word = self._client.restart(job_id).status
        except HaiquApiError as error:
            if not error.reached:
                raise
            word = self._client.job(job_id).status
        self._jobs[index] = None
        self._looked = float("-inf")
        return STATUSES[word] not in JOB_FINAL_STATES

    def _check_not_failed(self, job: Any, job_id: str | None) -> None:
        status = status_of(job)
        if status is JobStatus.CANCELLED:
            raise HaiquJobCancelledError(f"Job {job_id} was cancelled, so it has no result.{self._others()}")
        if status is JobStatus.ERROR:
            reason = job.logs or "it gave no reason."
            raise HaiquJobError(f"Job {job_id} failed at the service: {reason}{self._others()}")

    def _others(self) -> str:
        """What to know of jobs of the run that go on although one has failed."""
        pairs = list(zip(self._state.jobs, self._jobs, strict=True))
        going = [sent.id for sent, job in pairs if sent.id is not None and not is_final(job)]
        done = any(job is not None and status_of(job) is JobStatus.DONE for _, job in pairs)
        rest = " Some jobs of the run are done: partial_result() returns what they yield." if done else ""
        return f" Others of the run go on: {going}. Call cancel() to stop them.{rest}" if going else rest

    def _facts(self) -> dict[str, Any]:
        state = self._state
        facts: dict[str, Any] = {
            "engine": "haiqu",
            "experiment": state.experiment,
            "jobs": state.ids,
            "api": state.api,
            "seed": state.seed,
            "use_mitigation": state.use_mitigation,
            "mitigation": dict(state.mitigation),
        }
        jobs = [job for job in self._jobs if job is not None]
        times = [job.time for job in jobs if job.time is not None]
        quality = {job.id: quality_of(job) for job in jobs if job.quality is not None}
        return {**facts, **({"seconds": sum(times)} if times else {}), **({"quality": quality} if quality else {})}


def _outcome(sent: SentJob, job: Any) -> tuple[Any, Any]:
    """Results and facts of a job that is done."""
    if sent.void:
        return [], None
    _check_done(job, sent.id)
    return job.quantum_results, job.info


def _check_done(job: Any, job_id: str | None) -> None:
    status = status_of(job)
    if status is not JobStatus.DONE:
        raise HaiquJobError(f"Job {job_id} has not ended ({status.value}). Wait for it first.")

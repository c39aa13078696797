"""Runs that were over before anyone could ask for them."""

from collections.abc import Callable, Mapping

from qiskit.providers import JobStatus

from qiskit_haiqu_provider.run.result import RunResult


class EndedExecution:
    """A run with its outcome.

    Args:
        execution_id: The id of the run.
        outcome: Its result, or why it has none.
        seconds: How long it took.
    """

    pushes = True

    def __init__(self, execution_id: str, outcome: RunResult | Exception, *, seconds: float = 0.0) -> None:
        self.id = execution_id
        self._outcome = outcome
        self._seconds = seconds

    def status(self) -> JobStatus:
        """DONE, or ERROR if it failed."""
        return JobStatus.ERROR if isinstance(self._outcome, Exception) else JobStatus.DONE

    def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002 - never waits
        """There is nothing to wait for."""
        return True

    def result(self) -> RunResult:
        """The result; raises what went wrong if there is none."""
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome

    def cancel(self) -> bool:
        """There is nothing to stop."""
        return False

    def seconds(self) -> Mapping[str, float]:
        """How long it ran; it was never in a queue."""
        return {"queue": 0.0, "run": self._seconds}

    def on_done(self, callback: Callable[[], None]) -> None:
        """Call back at once."""
        callback()

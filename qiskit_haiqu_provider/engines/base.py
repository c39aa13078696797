"""The port that every engine fits: estimate, submit, follow."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from qiskit.providers import JobStatus
from qiskit.transpiler import Target

from qiskit_haiqu_provider.cost.estimate import CostEstimate
from qiskit_haiqu_provider.devices.record import DeviceRecord
from qiskit_haiqu_provider.run.request import Progress, RunRequest
from qiskit_haiqu_provider.run.result import RunResult, TaskResult


class Future(Protocol):
    """A call on an executor, as in ``concurrent.futures``."""

    def done(self) -> bool:
        """Whether it has ended, or was cancelled."""
        ...

    def result(self, timeout: float | None = None) -> Any:
        """What the call returned; raises what it raised, or TimeoutError after ``timeout`` seconds."""
        ...

    def cancel(self) -> bool:
        """Do not begin it, if it has not begun; returns whether it will not."""
        ...


class Executor(Protocol):
    """What runs parts of a job elsewhere: a ``concurrent.futures`` executor or a Dask client."""

    def submit(self, fn: Callable[..., Any], /, *args: Any) -> Future:
        """Start a call and return its future."""
        ...


Journal = Callable[[Mapping[str, Any]], None]
"""Keeps what an engine needs to find or follow a run, each time before something leaves; JSON values, no secrets."""


class Execution(Protocol):
    """A submitted run."""

    @property
    def id(self) -> str:
        """The id by which the service knows the run."""
        ...

    @property
    def pushes(self) -> bool:
        """Whether it calls back by itself when it ends; otherwise it is looked at when somebody asks or waits."""
        ...

    def status(self) -> JobStatus:
        """Where the run stands."""
        ...

    def wait(self, timeout: float | None = None) -> bool:
        """Wait at most ``timeout`` seconds for a final status; returns whether there is one."""
        ...

    def result(self) -> RunResult:
        """The result of a run that is done; raises what went wrong otherwise."""
        ...

    def cancel(self) -> bool:
        """Ask the run to stop; returns whether it will not yield a result."""
        ...

    def seconds(self) -> Mapping[str, float]:
        """Seconds in the ``queue`` and in the ``run``, as far as known."""
        ...

    def on_done(self, callback: Callable[[], None]) -> None:
        """Call back once when the status is final; at once if it is."""
        ...


@runtime_checkable
class RemoteExecution(Execution, Protocol):
    """A run at a service, which goes on without this process. It does not push."""

    def state(self) -> Mapping[str, Any]:
        """What :meth:`RemoteEngine.resume` needs; JSON values, no secrets."""
        ...

    def layout(self) -> Sequence[Mapping[str, Any]]:
        """The jobs of the service that the run was laid out as."""
        ...

    @property
    def located(self) -> bool:
        """Whether the ids of all its jobs are known; not so if their submission was interrupted."""
        ...

    def locate(self) -> bool:
        """Ask the service for jobs whose ids are not known; returns whether all are known now."""
        ...

    def completed(self) -> Mapping[int, TaskResult]:
        """The results that there are, by the index of their task in the request; asks the service."""
        ...

    def logs(self) -> str:
        """What the service says about the run so far."""
        ...

    def usage(self) -> Mapping[str, float]:
        """What the run cost: ``qpu_seconds``, ``usd``, and as ``untold`` how many jobs do not tell their ``usd``."""
        ...

    def restart(self) -> bool:
        """Have the service run it once more; returns whether it does."""
        ...


class Engine(Protocol):
    """A place where runs execute."""

    @property
    def via(self) -> str:
        """The name of the route, as in ``get_backend(name, via=...)``."""
        ...

    def devices(self) -> Sequence[DeviceRecord]:
        """The devices that this engine reaches."""
        ...

    def target(self, device: str, options: Mapping[str, Any]) -> Target:
        """What the device can do; may load or fetch it."""
        ...

    def default_options(self, device: str) -> Mapping[str, Any]:
        """The options of a device with their defaults."""
        ...

    def check_options(self, device: str, options: Mapping[str, Any]) -> None:
        """Raise HaiquOptionError for an unknown option or a wrong value."""
        ...

    def max_shots(self, device: str) -> int:
        """The most shots that a circuit may have on the device."""
        ...

    def simulator(self, device: str, options: Mapping[str, Any]) -> Any:
        """An AerSimulator that behaves as the device."""
        ...

    def pending_jobs(self, device: str) -> int:
        """How many jobs wait or run on the device."""
        ...

    def mitigates(self, request: RunRequest) -> bool:
        """Whether who executes can mitigate the errors of such a run."""
        ...

    def recompiles(self, request: RunRequest) -> str:
        """Why circuits would not run gate by gate as they are, and what to do about it; empty if they do."""
        ...

    def estimate(self, request: RunRequest) -> CostEstimate:
        """What the request would cost; nothing is submitted."""
        ...

    def submit(
        self, request: RunRequest, *, progress: Progress | None = None, journal: Journal | None = None
    ) -> Execution:
        """Check the request and start it. Raises before anything is started if it cannot run."""
        ...


@runtime_checkable
class RemoteEngine(Engine, Protocol):
    """An engine whose runs outlive this process."""

    def resume(self, state: Mapping[str, Any]) -> RemoteExecution:
        """Follow a run from the state in its record; asks nobody until it is asked itself."""
        ...

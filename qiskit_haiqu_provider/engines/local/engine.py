"""The local engine: simulators and noisy device snapshots on this machine."""

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any

from qiskit.transpiler import Target

from qiskit_haiqu_provider.cost.estimate import CostEstimate, CostLine
from qiskit_haiqu_provider.devices.fakes import fake_records, load_fake
from qiskit_haiqu_provider.devices.record import DeviceRecord
from qiskit_haiqu_provider.engines.base import Execution, Executor, Journal
from qiskit_haiqu_provider.engines.local import memory
from qiskit_haiqu_provider.engines.local.again import lower_ideal
from qiskit_haiqu_provider.engines.local.execution import LocalExecution, assemble, run_now
from qiskit_haiqu_provider.engines.local.lowering import Lowered, NoisyDevice, lower
from qiskit_haiqu_provider.engines.local.noise import device_noise
from qiskit_haiqu_provider.engines.local.options import (
    DEVICE_NOISE,
    MAX_SHOTS,
    aer_options,
    check_options,
    default_options,
)
from qiskit_haiqu_provider.engines.local.sharing import workers_for
from qiskit_haiqu_provider.engines.local.targets import SIMULATOR_OPERATIONS, TARGET_QUBITS, simulator_target
from qiskit_haiqu_provider.exceptions import HaiquOptionError
from qiskit_haiqu_provider.run.request import Finish, Progress, RunRequest
from qiskit_haiqu_provider.run.result import RunResult, TaskResult

AER = "aer_simulator"


class LocalEngine:
    """Runs ``aer_simulator`` and the ``fake_*`` snapshots.

    Args:
        executor: Runs the units of a sweep elsewhere: an executor of ``concurrent.futures`` or a Dask client.
            By default they run one after the other in a background thread.
    """

    via = "local"

    def __init__(self, executor: Executor | None = None) -> None:
        self._executor = executor
        self._lock = threading.Lock()
        self._running: set[LocalExecution] = set()

    def __getstate__(self) -> dict[str, Any]:
        # Executors and running jobs belong to this process.
        return {}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__init__()  # type: ignore[misc]

    def devices(self) -> Sequence[DeviceRecord]:
        """The simulator, then every snapshot of the installed qiskit-ibm-runtime."""
        return (_aer_record(), *fake_records())

    def target(self, device: str, options: Mapping[str, Any]) -> Target:
        """What the device can do; loads a snapshot on first use."""
        if device == AER:
            return simulator_target(_aer_qubits(str(options.get("method", "automatic"))))
        return _snapshot(device).target

    def default_options(self, device: str) -> Mapping[str, Any]:
        """The options of a device with their defaults."""
        return default_options(noisy=device != AER)

    def check_options(self, device: str, options: Mapping[str, Any]) -> None:
        """Raise for an unknown option or a wrong value.

        Raises:
            HaiquOptionError: If an option does not exist, or does not fit the device.
            HaiquInputError: If a value is not allowed.
        """
        check_options(options, device=device)
        if device == AER and options.get("noise_model") == DEVICE_NOISE:
            raise HaiquOptionError(
                f"noise_model='{DEVICE_NOISE}' needs a device with noise, and {AER} is ideal. "
                "Give a qiskit_aer.noise.NoiseModel, or choose a fake_* device."
            )

    def max_shots(self, device: str) -> int:  # noqa: ARG002 - the same for every local device
        """The most shots that a circuit may have."""
        return MAX_SHOTS

    def simulator(self, device: str, options: Mapping[str, Any]) -> Any:
        """An AerSimulator that behaves as the device, with its whole noise model."""
        from qiskit_aer import AerSimulator  # loaded when something is simulated

        noise = options.get("noise_model")
        if noise == DEVICE_NOISE:
            noise = _noise(device, tuple(range(_snapshot(device).num_qubits)))
        settings = {**aer_options(options), "noise_model": noise}
        if options.get("seed_simulator") is not None:
            settings["seed_simulator"] = options["seed_simulator"]
        if device == AER:
            return AerSimulator(**settings)
        # With the whole Target: told gates and couplings alone, Aer takes the device for one of 30 qubits.
        return AerSimulator.from_backend(_snapshot(device), **settings)

    def pending_jobs(self, device: str) -> int:  # noqa: ARG002 - all local devices share this machine
        """How many jobs wait or run on this machine."""
        with self._lock:
            return len(self._running)

    def mitigates(self, request: RunRequest) -> bool:  # noqa: ARG002 - never
        """Simulators do not mitigate the errors that they are told to make."""
        return False

    def recompiles(self, request: RunRequest) -> str:  # noqa: ARG002 - never
        """Circuits run as they are."""
        return ""

    def estimate(self, request: RunRequest) -> CostEstimate:
        """Nothing is paid locally: counts circuit executions and predicts memory."""
        lowered = self._lower(request)
        lines = tuple(
            CostLine(index=index, circuits=circuits, shots=shots, usd=0.0)
            for index, (circuits, shots) in sorted(lowered.work.items())
        )
        return CostEstimate(
            device=request.device,
            via=self.via,
            amount=0.0,
            unit="USD",
            usd=0.0,
            circuits=sum(line.circuits for line in lines),
            shots=sum(line.shots for line in lines),
            lines=lines,
            basis="Local simulation is free.",
            source="counted from the prepared run",
            as_of=datetime.now(UTC).date(),
            memory_bytes=lowered.memory_bytes,
            kind="free",
        )

    def submit(
        self,
        request: RunRequest,
        *,
        progress: Progress | None = None,
        journal: Journal | None = None,  # noqa: ARG002 - a run of this process cannot be resumed
    ) -> Execution:
        """Check the request and start it in the background, or do it now, if it is small.

        Raises:
            HaiquInputError: If the request cannot run here; nothing was started.
        """
        lowered = self._lower(request)
        name, finish = f"local-{request.token}", partial(_assemble, lowered, request.finish)
        if lowered.small and self._executor is None and progress is None:
            return run_now(name, lowered.units, finish)
        execution = LocalExecution(name, lowered.units, finish, executor=self._executor, progress=progress)
        with self._lock:
            self._running.add(execution)
        execution.on_done(partial(self._forget, execution))
        execution.start()
        return execution

    def _forget(self, execution: LocalExecution) -> None:
        with self._lock:
            self._running.discard(execution)

    def _lower(self, request: RunRequest) -> Lowered:
        workers = workers_for(self._executor)
        if request.device == AER:
            return lower_ideal(request, workers=workers)
        gates = frozenset(self.target(request.device, request.options).operation_names)
        device = NoisyDevice(gates, partial(_noise, request.device))
        return lower(request, device=device, workers=workers)


def _assemble(lowered: Lowered, finish: Finish | None, parts: Sequence[Sequence[TaskResult]]) -> RunResult:
    places = [(piece.task, piece.first, piece.shots or 0) for unit in lowered.units for piece in unit.pieces]
    flat = [part for unit_parts in parts for part in unit_parts]
    found = RunResult(assemble(places, flat, lowered.empty), lowered.facts)
    return found if finish is None else finish.finish(found)


def _aer_record() -> DeviceRecord:
    return DeviceRecord(
        id=AER,
        via="local",
        vendor="Qiskit",
        num_qubits=_aer_qubits("automatic"),
        simulator=True,
        description="Ideal simulator, or with a noise model of yours; any Aer method",
        constrained=False,
        operation_names=SIMULATOR_OPERATIONS,
    )


@lru_cache(maxsize=8)
def _aer_qubits(method: str) -> int:
    """Width of the simulator's Target; fixed for the process, so that a Target does not change under its user."""
    return min(TARGET_QUBITS, memory.max_qubits(method, memory.available_bytes()))


@lru_cache(maxsize=8)
def _snapshot(device: str) -> Any:
    """The fake backend; loading one takes a second, so it is kept."""
    return load_fake(device)


@lru_cache(maxsize=32)
def _noise(device: str, qubits: tuple[int, ...]) -> Any:
    """Aer's noise model of some qubits of a snapshot; kept, because circuits come back to the same qubits."""
    return device_noise(_snapshot(device).target, qubits)

"""Braket's simulators on this machine, which need no credentials and cost nothing."""

import secrets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from qiskit.transpiler import Target

from qiskit_haiqu_provider.cost.estimate import CostEstimate, CostLine
from qiskit_haiqu_provider.devices.record import DeviceRecord
from qiskit_haiqu_provider.devices.targets import target_from_record
from qiskit_haiqu_provider.engines.base import Journal
from qiskit_haiqu_provider.engines.braket.openqasm import CHANNELS, STANDARD, expanded, unrolled
from qiskit_haiqu_provider.engines.braket.simulation import MIXED, STATES, run_unit
from qiskit_haiqu_provider.engines.local import memory
from qiskit_haiqu_provider.engines.local.execution import LocalExecution, assemble
from qiskit_haiqu_provider.engines.local.options import MAX_SHOTS
from qiskit_haiqu_provider.engines.local.prepare import Prepared, final_outcomes, prepare
from qiskit_haiqu_provider.engines.local.units import (
    Piece,
    Route,
    Unit,
    cut,
    empty_result,
    pack_units,
    restrict,
    support,
)
from qiskit_haiqu_provider.exceptions import HaiquCapacityError, HaiquCircuitError, HaiquInputError
from qiskit_haiqu_provider.run.checks import check_flag, check_seed, check_shots, unknown_option
from qiskit_haiqu_provider.run.measure import measurements
from qiskit_haiqu_provider.run.request import Progress, RunRequest, RunType, Task
from qiskit_haiqu_provider.run.result import RunResult, TaskResult

_WIDTHS = {STATES: 26, MIXED: 13}
"""Qubits that Braket states for each simulator; idle ones do not count."""

_GATES = tuple(name for name in STANDARD if name != "iswap")
"""Gates that reach the simulators: those that Aer has too, as circuits are made ready for both in the same way."""

_OPTIONS: Mapping[str, Any] = {"shots": 1024, "memory": False, "seed_simulator": None}


@lru_cache(maxsize=1)
def simulators_installed() -> bool:
    """Whether the simulators, which amazon-braket-sdk brings, are installed; nothing of them is loaded."""
    try:
        version("amazon-braket-default-simulator")
    except PackageNotFoundError:
        return False
    return True


class BraketSimulators:
    """Runs ``braket_sv`` and ``braket_dm``.

    Braket's simulator gives the probabilities of outcomes, and shots are drawn from them, so that seeds repeat.
    """

    via = "local"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[LocalExecution] = set()

    def __getstate__(self) -> dict[str, Any]:
        # Running jobs belong to this process.
        return {}

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__init__()  # type: ignore[misc]

    def devices(self) -> Sequence[DeviceRecord]:
        """Both simulators; none if they are not installed."""
        return tuple(_RECORDS.values()) if simulators_installed() else ()

    def target(self, device: str, options: Mapping[str, Any]) -> Target:  # noqa: ARG002 - options change nothing
        """Braket's gates, from any qubit to any other."""
        return _target(device)

    def default_options(self, device: str) -> Mapping[str, Any]:  # noqa: ARG002 - the same for both
        """The options of a device with their defaults."""
        return dict(_OPTIONS)

    def check_options(self, device: str, options: Mapping[str, Any]) -> None:
        """Raise for an unknown option or a wrong value.

        Raises:
            HaiquOptionError: If an option does not exist.
            HaiquInputError: If a value is not allowed.
        """
        for name, value in options.items():
            if name not in _OPTIONS:
                raise unknown_option(name, _OPTIONS, owner=device)
            if name == "shots":
                check_shots(value, maximum=MAX_SHOTS)
            elif name == "memory":
                check_flag(value, where=name)
            else:
                check_seed(value)

    def max_shots(self, device: str) -> int:  # noqa: ARG002 - the same for both
        """The most shots that a circuit may have."""
        return MAX_SHOTS

    def simulator(self, device: str, options: Mapping[str, Any]) -> Any:
        """An ideal AerSimulator of the same method."""
        from qiskit_aer import AerSimulator  # loaded when something is simulated

        method = "statevector" if device == STATES else "density_matrix"
        seed = options.get("seed_simulator")
        return AerSimulator(method=method, **({} if seed is None else {"seed_simulator": seed}))

    def pending_jobs(self, device: str) -> int:  # noqa: ARG002 - both share this machine
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
        """Nothing is paid locally: counts circuit executions."""
        lines: dict[int, CostLine] = {}
        for piece, task in zip(_pieces(request), request.tasks, strict=True):
            known = lines.get(task.pub, CostLine(index=task.pub, circuits=0, shots=0, usd=0.0))
            circuits = len(piece.values) * (len(piece.plan.groups) if task.observables is not None else 1)
            lines[task.pub] = replace(
                known, circuits=known.circuits + circuits, shots=known.shots + circuits * (task.shots or 0)
            )
        return CostEstimate(
            device=request.device,
            via=self.via,
            amount=0.0,
            unit="USD",
            usd=0.0,
            circuits=sum(line.circuits for line in lines.values()),
            shots=sum(line.shots for line in lines.values()),
            lines=tuple(lines[index] for index in sorted(lines)),
            basis="Local simulation is free.",
            source="counted from the prepared run",
            as_of=datetime.now(UTC).date(),
            kind="free",
        )

    def submit(
        self,
        request: RunRequest,
        *,
        progress: Progress | None = None,
        journal: Journal | None = None,  # noqa: ARG002 - a run of this process cannot be resumed
    ) -> LocalExecution:
        """Check the request and start it in the background.

        Raises:
            HaiquInputError: If the request cannot run here; nothing was started.
        """
        pieces = _pieces(request)
        parts = [(Route.PROBABILITIES, part) for piece in pieces for part in cut(piece, Route.PROBABILITIES)]
        entropy = secrets.randbits(128) if request.seed is None else request.seed
        units = tuple(
            Unit(route, batch, {"simulator": request.device}, None, entropy, None) for route, batch in pack_units(parts)
        )
        places = [(piece.task, piece.first, piece.shots or 0) for unit in units for piece in unit.pieces]
        finish = partial(_assemble, places, [empty_result(piece) for piece in pieces], request)
        execution = LocalExecution(f"local-{request.token}", units, finish, run=run_unit, progress=progress)
        with self._lock:
            self._running.add(execution)
        execution.on_done(partial(self._forget, execution))
        execution.start()
        return execution

    def _forget(self, execution: LocalExecution) -> None:
        with self._lock:
            self._running.discard(execution)


def _assemble(
    places: Sequence[tuple[int, int, int]],
    empty: Sequence[TaskResult],
    request: RunRequest,
    parts: Sequence[Sequence[TaskResult]],
) -> RunResult:
    flat = [part for unit_parts in parts for part in unit_parts]
    found = RunResult(assemble(places, flat, empty), {"method": request.device, "noise": "none", "seed": request.seed})
    return found if request.finish is None else request.finish.finish(found)


def _pieces(request: RunRequest) -> list[Piece]:
    """The tasks as pieces of work, checked.

    Raises:
        HaiquInputError: If one cannot run.
    """
    if request.use_mitigation:
        raise HaiquInputError(
            f"use_mitigation: {request.device} does not mitigate errors, and has none. Set use_mitigation=False."
        )
    states = request.run_type is RunType.STATEVECTOR
    if states and request.device == MIXED:
        raise HaiquInputError(f"run_type: {MIXED} has density matrices and no statevectors. Use {STATES}.")
    return [_piece(index, task, request, states=states) for index, task in enumerate(request.tasks)]


def _piece(index: int, task: Task, request: RunRequest, *, states: bool) -> Piece:
    where = f"PUB {task.pub}"
    keep = sorted(support(task.observables or ()))
    ready = _prepared(task, keep, request.device, shrink=not states)
    _check_width(ready.width if not states else ready.num_qubits, request.device, where=where, states=states)
    values = task.parameter_values[:, list(ready.columns)]
    observables = task.observables
    if observables is not None:
        observables = tuple(restrict(observable, ready.kept) for observable in observables)
    piece = Piece(index, 0, ready, values, observables, task.shots, states)
    return piece if observables is None else replace(piece, plan=measurements(observables))


def _prepared(task: Task, keep: Sequence[int], device: str, *, shrink: bool) -> Prepared:
    """The circuit in Braket's gates, without its final measurements."""
    channels = CHANNELS if device == MIXED else ()
    gates = [*_GATES, "unitary", *channels]
    circuit = expanded(task.circuit, gates)
    if final_outcomes(circuit, channels=bool(channels)) is None:
        noise = f" Channels run on {MIXED}." if not set(CHANNELS).isdisjoint(circuit.count_ops()) else ""
        raise HaiquCircuitError(
            f"PUB {task.pub}: {device} runs gates and final measurements only, no mid-circuit measurement, reset or "
            f"control flow.{noise} Use aer_simulator for this circuit."
        )
    ready = prepare(unrolled(circuit, gates), keep=keep, shrink=shrink, channels=bool(channels))
    places = {parameter: index for index, parameter in enumerate(task.circuit.parameters)}
    return replace(ready, columns=tuple(places[parameter] for parameter in ready.circuit.parameters))


def _check_width(width: int, device: str, *, where: str, states: bool) -> None:
    if states and width > memory.MAX_STATEVECTOR_RUN_QUBITS:
        raise HaiquCapacityError(
            f"{where}: a statevector of {width} qubits was asked for, but at most "
            f"{memory.MAX_STATEVECTOR_RUN_QUBITS} are possible. Estimate observables instead: EstimatorV2 with "
            "precision=0."
        )
    if width > _WIDTHS[device]:
        raise HaiquCapacityError(
            f"{where}: the circuit uses {width} qubits, but {device} takes at most {_WIDTHS[device]}. "
            "Use fewer qubits, or aer_simulator."
        )
    memory.check_width(width, method="statevector" if device == STATES else "density_matrix", where=where)


def _record(name: str, description: str) -> DeviceRecord:
    return DeviceRecord(
        id=name,
        via="local",
        vendor="Amazon Braket",
        num_qubits=_WIDTHS[name],
        simulator=True,
        description=description,
        constrained=False,
        operation_names=STANDARD,
    )


_RECORDS = {
    STATES: _record(STATES, "Amazon Braket's ideal simulator of state vectors, on this machine"),
    MIXED: _record(MIXED, "Amazon Braket's simulator of density matrices, on this machine; runs channels too"),
}


@lru_cache(maxsize=2)
def _target(device: str) -> Target:
    return target_from_record(_RECORDS[device], None)

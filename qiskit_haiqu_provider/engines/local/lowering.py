"""From a run request to units of work: checks what can run here, and chooses how."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from qiskit_haiqu_provider.engines.local import memory
from qiskit_haiqu_provider.engines.local.channels.choice import is_worth_it, working_bytes
from qiskit_haiqu_provider.engines.local.channels.readings import readings
from qiskit_haiqu_provider.engines.local.effort import is_small
from qiskit_haiqu_provider.engines.local.memo import CircuitMemo
from qiskit_haiqu_provider.engines.local.methods import check_method
from qiskit_haiqu_provider.engines.local.noise import confusions
from qiskit_haiqu_provider.engines.local.options import DEVICE_NOISE, aer_options
from qiskit_haiqu_provider.engines.local.prepare import Prepared, prepare, read_gates
from qiskit_haiqu_provider.engines.local.sampling import MOST_TALLIED
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
from qiskit_haiqu_provider.engines.local.unroll import operation_names
from qiskit_haiqu_provider.exceptions import HaiquCapacityError, HaiquCircuitError, HaiquInputError
from qiskit_haiqu_provider.run.measure import measurements
from qiskit_haiqu_provider.run.request import RunRequest, RunType, Task
from qiskit_haiqu_provider.run.result import TaskResult

_STATE_METHODS = frozenset({"automatic", "statevector"})


@dataclass(frozen=True)
class Lowered:
    """A request, ready to run."""

    units: tuple[Unit, ...]
    empty: tuple[TaskResult, ...]
    """For each task its result without any parameter set."""

    work: Mapping[int, tuple[int, int]]
    """For each PUB its circuit executions and shots."""

    memory_bytes: int
    small: bool
    """Whether the run takes less time than starting a thread for it."""

    facts: Mapping[str, Any]
    """What the result's metadata says about the execution."""


@dataclass(frozen=True)
class NoisyDevice:
    """What lowering must know of a device with noise of its own."""

    gates: frozenset[str]
    noise: Callable[[tuple[int, ...]], Any]
    """Aer's noise model of some qubits, renumbered in the given order."""


def lower(request: RunRequest, *, device: NoisyDevice | None, workers: int) -> Lowered:
    """Check a request and cut it into units.

    Args:
        request: What to run.
        device: The device if it has noise of its own; ``None`` for the simulator.
        workers: How many workers the units should keep busy.

    Raises:
        HaiquCapacityError: If a circuit does not fit into memory or the method.
        HaiquCircuitError: If a circuit cannot be simulated as asked.
        HaiquInputError: If mitigation is asked for, which this engine does not do.
    """
    if request.use_mitigation:
        raise HaiquInputError("use_mitigation: the local engine does not mitigate errors. Set use_mitigation=False.")
    noise = None if request.run_type is RunType.STATEVECTOR else request.options["noise_model"]

    def noise_of(ready: Prepared) -> Any:
        return device.noise(ready.kept) if device is not None and noise == DEVICE_NOISE else noise

    def noise_for_aer(batch: Sequence[Piece]) -> Any:
        return noise_of(batch[0].prepared) if any(piece.readings is None for piece in batch) else None

    gates = None if device is None or noise is None else device.gates
    pieces = [
        _piece(index, task, ready, request, noise_of(ready), gates)
        for index, (task, ready) in enumerate(zip(request.tasks, _prepare_all(request, noise), strict=True))
    ]
    parts = [(route, part) for route, piece in pieces for part in cut(piece, route, workers=workers)]
    entropy = entropy_of(request)
    by_qubits = noise == DEVICE_NOISE
    units = tuple(
        Unit(route, batch, _unit_options(route, request.options), noise_for_aer(batch), entropy, gates)
        for route, batch in pack_units(parts, workers=workers, by_qubits=by_qubits)
    )
    needed = _memory(units)
    memory.check_total(needed)
    empty = tuple(empty_result(piece) for _, piece in pieces)
    small = request.finish is None and is_small(units)  # what comes after a run may take long
    return Lowered(units, empty, _work(request.tasks, pieces), needed, small, _facts(request, units, noise))


def entropy_of(request: RunRequest) -> int:
    """The root of all randomness of a request: its seed, or a number that nobody can foresee."""
    return secrets.randbits(128) if request.seed is None else request.seed


def _piece(
    index: int,
    task: Task,
    ready: Prepared,
    request: RunRequest,
    noise_model: Any,
    gates: frozenset[str] | None,
) -> tuple[Route, Piece]:
    """A task as one piece of work, and the route that it takes."""
    where = f"PUB {task.pub}"
    observables = task.observables
    if observables is not None:
        observables = tuple(restrict(observable, ready.kept) for observable in observables)
    statevector = request.run_type is RunType.STATEVECTOR
    # A copy: the caller may go on using the array.
    values = task.parameter_values[:, list(ready.columns)] if ready.columns else np.empty((task.num_sets, 0))
    one_by_one = noise_model is not None or not ready.static
    piece = Piece(index, 0, ready, values, observables, task.shots, statevector, one_by_one=one_by_one)
    if statevector:
        return _statevector_route(ready, where), piece
    method = str(request.options["method"])
    noisy = _with_readings(piece, method, noise_model, gates)
    if noisy is not None:
        return Route.PROBABILITIES, noisy
    route = _route(piece, method, noise_model, where)
    if route in {Route.SHOTS, Route.VALUES} and method != "automatic":
        check_method(ready.circuit, values, method, where=where)
    if route is Route.PROBABILITIES and noise_model is not None:
        confusions(noise_model, ())  # refuses now what it could not undo later
    if observables is not None and (task.shots is not None or route is Route.PROBABILITIES):
        piece = replace(piece, plan=measurements(observables))
    return route, piece


def _with_readings(piece: Piece, method: str, noise_model: Any, gates: frozenset[str] | None) -> Piece | None:
    """The piece with readings for its outcomes with noise; ``None`` if Aer is the one to simulate it."""
    noisy = method == "density_matrix" or (method == "automatic" and noise_model is not None)
    if not noisy or not piece.prepared.static:
        return None
    if piece.observables is not None:
        piece = replace(piece, plan=measurements(piece.observables))
    groups = None if piece.observables is None else piece.plan.groups
    made = readings(piece.prepared, noise_model, groups=groups, gates=gates)
    gate_count, width = piece.prepared.num_gates, piece.prepared.width
    if made is None or not is_worth_it(made, shots=piece.shots, gates=gate_count, width=width):
        return None
    return replace(piece, readings=made, one_by_one=False)


def _work(tasks: Sequence[Task], pieces: Sequence[tuple[Route, Piece]]) -> dict[int, tuple[int, int]]:
    """For each PUB its circuit executions and shots."""
    work: dict[int, tuple[int, int]] = {}
    for task, (_, piece) in zip(tasks, pieces, strict=True):
        circuits, shots = work.get(task.pub, (0, 0))
        executions = _executions(piece)
        work[task.pub] = circuits + executions, shots + executions * (task.shots or 0)
    return work


def _prepare_all(request: RunRequest, noise: Any) -> list[Prepared]:
    """Every circuit made ready, on the qubits that it and its observables use."""
    # A noise model of the user's numbers qubits as the circuit does; Aer leaves idle ones out by itself.
    local_noise = noise is not None and noise != DEVICE_NOISE and bool(noise.noise_qubits)
    shrink = request.run_type is not RunType.STATEVECTOR and not local_noise
    method = "automatic" if request.run_type is RunType.STATEVECTOR else str(request.options["method"])
    remember = len(request.tasks) <= _REMEMBERED
    by_gates = noise is None and shrink and method in _STATE_METHODS
    ready: dict[tuple[int, frozenset[int]], Prepared] = {}
    found = []
    for task in request.tasks:
        keep = _NONE if task.observables is None else frozenset(support(task.observables))
        key = id(task.circuit), keep
        if key not in ready:
            gates = by_gates and task.observables is None
            ready[key] = _prepared(task, keep, shrink=shrink, method=method, gates=gates, remember=remember)
        found.append(ready[key])
    return found


_NONE: frozenset[int] = frozenset()


def _prepared(task: Task, keep: frozenset[int], *, shrink: bool, method: str, gates: bool, remember: bool) -> Prepared:
    """A circuit made ready, now or when it was here before.

    Args:
        task: Has the circuit.
        keep: Qubits that must stay even if idle.
        shrink: Drop other idle qubits.
        method: Aer's method.
        gates: Whether the gates are enough, where they are common ones.
        remember: Whether it is kept for when it comes again.
    """
    how = keep, shrink, method, gates
    known = _PREPARED.recall(task.circuit, how) if remember else None
    if known is not None:
        return known
    ready = read_gates(task.circuit) if gates else None
    if ready is None:
        _refuse_foreign(task)
        where = f"PUB {task.pub}"
        ready = prepare(task.circuit, keep=sorted(keep), shrink=shrink, method=method, where=where)
    if remember and ready.width <= _REMEMBERED_WIDTH:
        _PREPARED.remember(task.circuit, how, ready)
    return ready


_REMEMBERED = 256
"""Circuits that are remembered; more of them in one request would make each other be forgotten."""

_PREPARED: CircuitMemo[Prepared] = CircuitMemo(_REMEMBERED)
_REMEMBERED_WIDTH = 16
"""Making wider circuits ready takes little of their time."""


def _refuse_foreign(task: Task) -> None:
    """Refuse what Aer cannot run, or what is meant for Aer alone."""
    if task.circuit.num_vars:
        raise HaiquCircuitError(
            f"PUB {task.pub}: the circuit has real-time variables, which Aer cannot simulate. "
            "Use classical registers instead."
        )
    for name in operation_names(task.circuit):
        if name.startswith(("save_", "set_")):
            raise HaiquCircuitError(
                f"PUB {task.pub}: '{name}' is an instruction for Aer itself. "
                "Use backend.statevector(circuit), or run the circuit on backend.to_aer()."
            )


def _statevector_route(ready: Prepared, where: str) -> Route:
    """Checks of a StatevectorRun, with the limits of the Haiqu service."""
    limit = memory.MAX_STATEVECTOR_RUN_QUBITS
    width = ready.circuit.num_qubits
    if width > limit:
        raise HaiquCapacityError(
            f"{where}: a statevector of {width} qubits was asked for, but at most {limit} are possible. "
            "Estimate observables instead: EstimatorV2 with precision=0."
        )
    if not ready.static:
        raise HaiquCircuitError(
            f"{where}: a circuit with mid-circuit measurement, reset or control flow has no single statevector. "
            "Sample it with SamplerV2 instead."
        )
    memory.check_width(width, method="statevector", where=where)
    return Route.STATES


def _route(piece: Piece, method: str, noise: Any, where: str) -> Route:
    ready = piece.prepared
    width = ready.width
    exact = piece.observables is not None and piece.shots is None
    if exact and not ready.static:
        raise HaiquCircuitError(
            f"{where}: precision=0 asks for an exact value, which a circuit with mid-circuit measurement, reset or "
            "control flow does not have here. Give a precision above 0, for example 0.01."
        )
    beyond = method == "automatic" and ready.clifford and not _fits(width)
    if noise is None and ready.static and method in _STATE_METHODS and not beyond:
        memory.check_width(width, method="statevector", where=where)
        return Route.STATES
    if not exact:
        if not beyond:
            checked = "statevector" if method == "automatic" else method
            memory.check_width(width, method=checked, where=where)
        return Route.SHOTS
    if noise is not None or method == "density_matrix":
        memory.check_width(width, method="density_matrix", where=where)
        return Route.PROBABILITIES
    if method == "extended_stabilizer":
        raise HaiquInputError(
            f"{where}: method 'extended_stabilizer' cannot give exact values. Give a precision above 0, "
            "or another method."
        )
    memory.check_width(width, method="stabilizer" if beyond else method, where=where)
    return Route.VALUES


def _fits(num_qubits: int) -> bool:
    return num_qubits <= _SURELY_FITS or num_qubits <= memory.max_qubits("statevector", memory.available_bytes())


_SURELY_FITS = 16
"""Width whose statevector, 3 MiB with its working arrays, needs no look at the memory."""


def _unit_options(route: Route, options: Mapping[str, Any]) -> dict[str, Any]:
    settings = {name: value for name, value in aer_options(options).items() if value is not None}
    if route is Route.STATES:
        settings["method"] = "statevector"
    elif route is Route.VALUES and settings["method"] == "automatic":
        settings["method"] = "stabilizer"
    return settings


def _executions(piece: Piece) -> int:
    """Circuit executions of a task: one for each set and, where shots are taken, each measurement group."""
    sets = len(piece.values)
    return sets if piece.observables is None or piece.shots is None else sets * len(piece.plan.groups)


_BYTES_A_SHOT = 50
"""Of the shots of a block of wide states, while they are drawn and put in order; of others only a copy is made."""


def _memory(units: Sequence[Unit]) -> int:
    """Predicted peak: the largest unit while it runs, and the results of all."""
    peak, results = 0, 0
    for unit in units:
        working = 0
        for piece in unit.pieces:
            sets, width = len(piece.values), piece.prepared.width
            if unit.route is Route.STATES:
                working += sets * memory.statevector_bytes(piece.prepared.num_qubits)
            elif piece.readings is not None:
                working = max(working, working_bytes(piece.readings, sets))
            elif unit.route is Route.PROBABILITIES:
                working = max(working, memory.statevector_bytes(2 * width))
            elif unit.options["method"] in {"automatic", "statevector"} and not piece.prepared.clifford:
                working = max(working, memory.statevector_bytes(width))
            if piece.statevector:
                results += 2 * sets * memory.AMPLITUDE * piece.size  # in parts, and put together
            elif piece.observables is None:
                shots, size = sets * (piece.shots or 0), -(-piece.prepared.num_clbits // 8)
                results += shots * size
                each = size if piece.size <= MOST_TALLIED else _BYTES_A_SHOT
                working += each * min(shots, piece.block * (piece.shots or 0))
        peak = max(peak, working)
    return peak + results


def _facts(request: RunRequest, units: Sequence[Unit], noise: Any) -> dict[str, Any]:
    noisy = {None: "none", DEVICE_NOISE: "device"}.get(noise if isinstance(noise, str) else None, "custom")
    return {
        "method": request.options["method"],
        "noise": "none" if noise is None else noisy,
        "seed": request.seed,
        "routes": sorted({unit.route.value for unit in units}),
    }

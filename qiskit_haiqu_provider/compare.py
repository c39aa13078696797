"""One workload on many devices: what it costs, how long it takes, and how well it may go. Nothing is submitted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

import numpy as np
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.observables_array import ObservablesArray
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.transpiler import generate_preset_pass_manager

from qiskit_haiqu_provider.backend import HaiquBackend
from qiskit_haiqu_provider.cost.amounts import money
from qiskit_haiqu_provider.cost.estimate import CostEstimate
from qiskit_haiqu_provider.devices.fidelity import circuit_seconds, expected_fidelity
from qiskit_haiqu_provider.exceptions import HaiquDependencyError, HaiquError, HaiquInputError
from qiskit_haiqu_provider.run.plan import Plan, plan_estimator, plan_sampler
from qiskit_haiqu_provider.run.pubs import check_estimable, check_samplable, estimator_pub, sampler_pub
from qiskit_haiqu_provider.run.request import Task
from qiskit_haiqu_provider.run_settings import RunSettings

_SEED = 42
"""Of the transpiler, so that the same question has the same answer."""


@dataclass(frozen=True, kw_only=True)
class DeviceCost:
    """What a workload would be like on one device."""

    device: str
    via: str
    usd: float | None
    """Price in USD; ``None`` if the workload cannot run there, or nobody can tell its price."""

    usd_low: float | None = None
    usd_high: float | None = None
    seconds: float | None = None
    """Seconds on the device, as billed or else of the circuits alone; ``None`` if durations are not known."""

    pending_jobs: int | None = None
    """Jobs that wait for the device; ``None`` if it could not be asked."""

    fidelity: float | None = None
    """Probability that no instruction fails, of the circuit that fares worst; ``None`` without error data."""

    note: str = ""
    """Why there is no price, or what to know about it."""

    estimate: CostEstimate | None = None
    """The whole estimate."""


class CostComparison(tuple[DeviceCost, ...]):
    """The devices, the cheapest first; those without a price come last. Prints as a table."""

    __slots__ = ()

    def __str__(self) -> str:
        head = ("device", "via", "USD", "range", "seconds", "pending", "fidelity", "note")
        rows = [head, *map(_cells, self)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
        return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)

    __repr__ = __str__

    def to_dataframe(self) -> Any:
        """The table as a ``pandas.DataFrame``, without the whole estimates.

        Raises:
            HaiquDependencyError: If pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError:
            raise HaiquDependencyError("pandas is not installed. Run: pip install pandas") from None
        names = [item.name for item in fields(DeviceCost) if item.name != "estimate"]
        return pd.DataFrame([[getattr(row, name) for name in names] for row in self], columns=names)


def compare(backends: Iterable[HaiquBackend], pubs: Iterable[Any], *, shots: int, precision: float) -> CostComparison:
    """Price a workload on several devices. Circuits are transpiled for each of them.

    Args:
        backends: The devices.
        pubs: PUBs of a sampler or of an estimator, with circuits that need not fit any device.
        shots: Shots of sampler PUBs that do not say.
        precision: Precision of estimator PUBs that do not say.

    Raises:
        HaiquInputError: If the PUBs cannot be read.
    """
    workload = _read(list(pubs), shots=shots, precision=precision)
    rows = [_row(backend, workload) for backend in backends]
    return CostComparison(sorted(rows, key=_order))


Pubs = Sequence[SamplerPub] | Sequence[EstimatorPub]


def _row(backend: HaiquBackend, pubs: Pubs) -> DeviceCost:
    about = partial(DeviceCost, device=backend.name, via=backend.via)
    try:
        tasks = _tasks(backend, pubs)
        estimate = backend.price(tasks, RunSettings())
        pending = backend.status().pending_jobs
    except HaiquError as error:
        return about(usd=None, note=str(error))
    low, high = estimate.usd_range
    target = backend.target if backend.record.constrained else None
    qualities = [] if target is None else [expected_fidelity(task.circuit, target) for task in tasks]
    known = [quality for quality in qualities if quality is not None]
    return about(
        usd=estimate.usd,
        usd_low=low,
        usd_high=high,
        seconds=_seconds(estimate, tasks, target),
        pending_jobs=pending,
        fidelity=min(known) if known else None,
        note=estimate.unknown,
        estimate=estimate,
    )


def _tasks(backend: HaiquBackend, pubs: Pubs) -> tuple[Task, ...]:
    """The tasks of the PUBs on a device, their circuits transpiled for it."""
    for pub in pubs:
        if backend.record.constrained and pub.circuit.num_qubits > backend.num_qubits:
            raise HaiquInputError(f"It has {backend.num_qubits} qubits, and {pub.circuit.num_qubits} are needed.")
    if not backend.record.constrained:
        return _planned(pubs)[1]
    manager = generate_preset_pass_manager(optimization_level=1, backend=backend, seed_transpiler=_SEED)
    try:
        return _planned([_transpiled(pub, manager) for pub in pubs])[1]
    except HaiquError:
        raise
    except Exception as error:  # the transpiler raises many kinds
        raise HaiquInputError(f"The circuits cannot be transpiled for it: {error}") from error


def _planned(pubs: Any) -> tuple[Plan, tuple[Task, ...]]:
    return plan_sampler(pubs) if isinstance(pubs[0], SamplerPub) else plan_estimator(pubs)


def _transpiled(pub: Any, manager: Any) -> Any:
    circuit = manager.run(pub.circuit)
    if isinstance(pub, SamplerPub):
        return SamplerPub(circuit, pub.parameter_values, pub.shots, validate=False)
    observables = pub.observables.apply_layout(circuit.layout, num_qubits=circuit.num_qubits)
    return EstimatorPub(circuit, observables, pub.parameter_values, pub.precision, validate=False)


def _seconds(estimate: CostEstimate, tasks: Sequence[Task], target: Any) -> float | None:
    if estimate.unit in {"s", "seconds"}:
        return estimate.amount
    if target is None:
        return None
    shot = [circuit_seconds(task.circuit, target) for task in tasks]
    if any(seconds is None for seconds in shot):
        return None
    executions = {line.index: line.shots for line in estimate.lines}
    longest: dict[int, float] = {}
    for task, seconds in zip(tasks, shot, strict=True):
        longest[task.pub] = max(longest.get(task.pub, 0.0), seconds or 0.0)
    return float(np.sum([executions.get(pub, 0) * seconds for pub, seconds in longest.items()]))


def _has_observables(pub: Any) -> bool:
    """Whether a PUB is one of an estimator; numbers are no observables."""
    if isinstance(pub, EstimatorPub):
        return True
    if not isinstance(pub, (tuple, list)) or len(pub) < 2 or pub[1] is None:
        return False
    try:
        ObservablesArray.coerce(pub[1])
    except Exception:
        return False
    return True


def _read(pubs: Sequence[Any], *, shots: int, precision: float) -> Pubs:
    """The PUBs made whole: those of an estimator if any has observables."""
    if not pubs:
        raise HaiquInputError("pubs is empty. Give the PUBs of a sampler or of an estimator, for example [circuit].")
    places = [f"PUB {index}" for index in range(len(pubs))]
    if any(map(_has_observables, pubs)):
        estimated = [estimator_pub(pub, precision, where=where) for pub, where in zip(pubs, places, strict=True)]
        for each, where in zip(estimated, places, strict=True):
            check_estimable(each.circuit, where=where)
        return estimated
    sampled = [sampler_pub(pub, shots, where=where) for pub, where in zip(pubs, places, strict=True)]
    for one, where in zip(sampled, places, strict=True):
        check_samplable(one.circuit, where=where)
    return sampled


def _order(row: DeviceCost) -> tuple[bool, float, float, str]:
    worse = 1.0 if row.fidelity is None else -row.fidelity
    return row.usd is None, row.usd or 0.0, worse, row.device


def _cells(row: DeviceCost) -> tuple[str, ...]:
    spread = ""
    if row.usd_low is not None and row.usd_high is not None and row.usd_low != row.usd_high:
        spread = f"{money(row.usd_low)} - {money(row.usd_high)}"
    return (
        row.device,
        row.via,
        "-" if row.usd is None else money(row.usd),
        spread,
        "-" if row.seconds is None else f"{row.seconds:.3g}",
        "-" if row.pending_jobs is None else str(row.pending_jobs),
        "-" if row.fidelity is None else f"{row.fidelity:.3f}",
        row.note,
    )

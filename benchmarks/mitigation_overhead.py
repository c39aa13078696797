"""What mitigation costs this machine: ``python -m benchmarks.mitigation_overhead``.

CPU time, because it does not mind what else the machine does. The goal is a share of the time that Aer takes for the
same circuits on one thread. The local engine simulates them without Aer, and sooner, so its time is told as well. How
the time grows is measured without noise, where outcomes come sooner still.
"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from unittest.mock import patch

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp, random_pauli_list

from benchmarks.mitigation_methods import ENGINE
from benchmarks.mitigation_report import PICTURE, Facts, save, text
from benchmarks.mitigation_suite import CIRCUITS, Case
from benchmarks.report import RESULTS
from qiskit_haiqu_provider.engines.local import lowering, work
from qiskit_haiqu_provider.mitigation.recipe import mitigate
from qiskit_haiqu_provider.mitigation.settings import MitigationSettings
from qiskit_haiqu_provider.run.request import RunRequest, Task

DEVICE = "fake_torino"
SHOTS = 8192
REPETITIONS = 2
SIZES = {
    "circuits": (1, 2, 4, 8, 16),
    "terms": (8, 16, 32, 64, 128, 256),
    "randomisations": (16, 32, 64, 128, 256, 512),
}
TAIL = 4
"""The exponent is that of the largest sizes, where fixed costs no longer hide it."""


def main() -> None:
    case = Case(DEVICE, "stoch", "tfim 8 x 3")
    values = _values(case.wide(case.circuit), case.wide_observables)
    samples = _task(case.wide(case.measured), None)
    rows = [_ratio("values", values), _ratio("samples", samples)]
    facts: Facts = {
        "settings": {"device": DEVICE, "shots": SHOTS, "repetitions": REPETITIONS},
        "ratios": {row["run"]: row["ratio"] for row in rows},
    }
    curves = {name: [_point(name, size, *make(case, size)) for size in SIZES[name]] for name, make in _MAKERS.items()}
    facts["exponents"] = {name: _exponent(found) for name, found in curves.items()}
    facts["rows"] = rows
    facts["curves"] = [row for found in curves.values() for row in found]
    print(text("overhead", facts))
    save("overhead", facts)
    _draw(curves)


def _ratio(run: str, task: Task) -> dict[str, Any]:
    """Least times of some runs, with noise."""
    seconds = _least([task], noise="device")
    own = seconds["before"] + seconds["after"]
    return {"run": run, **seconds, "ratio": own / seconds["Aer"], "over engine": own / seconds["engine"]}


def _point(run: str, size: int, tasks: Sequence[Task], randomizations: int) -> dict[str, Any]:
    """Least times of some runs, without noise."""
    seconds = _least(tasks, randomizations)
    return {"run": run, "size": size, "before": seconds["before"], "after": seconds["after"]}


def _least(tasks: Sequence[Task], randomizations: int = 16, noise: str | None = None) -> dict[str, float]:
    settings = MitigationSettings(num_randomizations=randomizations, budget="equal")
    found = [_times(tasks, settings, seed, noise) for seed in range(REPETITIONS)]
    return {name: min(each[name] for each in found) for name in found[0]}


def _times(tasks: Sequence[Task], settings: MitigationSettings, seed: int, noise: str | None) -> dict[str, float]:
    """CPU seconds of mitigation before and after the run, of the local engine, and of Aer if there is noise."""
    options = {**ENGINE.default_options(DEVICE), "max_parallel_threads": 1, "noise_model": noise}
    request = RunRequest(device=DEVICE, tasks=tuple(tasks), options=options, seed=seed)
    target = ENGINE.target(DEVICE, options)
    planned, before = _timed(lambda: mitigate(request, target=target, settings=settings))
    raw, engine = _timed(lambda: ENGINE.submit(planned.request).result())
    _, after = _timed(lambda: planned.finisher.finish(raw))
    return {"before": before, "after": after, "engine": engine, "Aer": _aer(planned.request) if noise else 0.0}


def _aer(request: RunRequest) -> float:
    """CPU seconds of Aer alone, as if the engine left the circuits to it."""
    seconds: list[float] = []
    with (
        patch.object(lowering, "_with_readings", lambda *_: None),
        patch.object(work, "execute", _noting(work.execute, seconds)),
    ):
        ENGINE.submit(request).result()
    return sum(seconds)


def _timed(call: Callable[[], Any]) -> tuple[Any, float]:
    started = time.process_time()
    found = call()
    return found, time.process_time() - started


def _noting(execute: Callable[..., Any], seconds: list[float]) -> Callable[..., Any]:
    def noted(*arguments: Any, **named: Any) -> Any:
        found, taken = _timed(lambda: execute(*arguments, **named))
        seconds.append(taken)
        return found

    return noted


def _task(circuit: QuantumCircuit, observables: tuple[SparsePauliOp, ...] | None) -> Task:
    return Task(circuit=circuit, parameter_values=np.empty((1, 0)), observables=observables, shots=SHOTS)


def _values(circuit: QuantumCircuit, observables: Sequence[SparsePauliOp]) -> Task:
    return _task(circuit, tuple(observables))


def _circuits(case: Case, size: int) -> tuple[list[Task], int]:
    """Circuits with different two-qubit gates, which share no companions."""
    tasks = []
    for index in range(size):
        name = f"random {index}"
        CIRCUITS[name] = partial(_random, index)
        each = replace(case, name=name)
        tasks.append(_values(each.wide(each.circuit), each.wide_observables))
    return tasks, 16


def _random(seed: int) -> QuantumCircuit:
    rng = np.random.default_rng(seed)
    circuit = QuantumCircuit(8)
    for _ in range(6):
        for qubit, angle in enumerate(rng.uniform(-np.pi, np.pi, 8)):
            circuit.ry(angle, qubit)
        for one in rng.permutation(7)[:4]:
            circuit.cz(one, one + 1)
    return circuit


def _terms(case: Case, size: int) -> tuple[list[Task], int]:
    """Random strings, many of which need a basis of their own."""
    strings = random_pauli_list(8, size, seed=size, phase=False)
    places = [case.place[qubit] for qubit in range(8)]
    inner = SparsePauliOp(strings, np.ones(size)).apply_layout(places, case.circuit.num_qubits)
    outer = inner.apply_layout(case.used, ENGINE.target(DEVICE, {}).num_qubits)
    return [_values(case.wide(case.circuit), [outer])], 16


def _randomisations(case: Case, size: int) -> tuple[list[Task], int]:
    return [_values(case.wide(case.circuit), case.wide_observables)], size


_MAKERS = {"circuits": _circuits, "terms": _terms, "randomisations": _randomisations}


def _exponent(rows: Sequence[dict[str, Any]]) -> float:
    """Of the time over the size."""
    sizes = np.log([row["size"] for row in rows[-TAIL:]])
    seconds = np.log([row["before"] + row["after"] for row in rows[-TAIL:]])
    return float(np.polyfit(sizes, seconds, 1)[0])


def _draw(curves: dict[str, list[dict[str, Any]]]) -> None:
    figure = Figure(figsize=(9, 3), layout="constrained")
    for axes, (name, rows) in zip(figure.subplots(1, len(curves), sharey=True), curves.items(), strict=True):
        sizes = np.array([row["size"] for row in rows])
        seconds = np.array([row["before"] + row["after"] for row in rows])
        axes.loglog(sizes, seconds, "o-", label="mitigation")
        axes.loglog(sizes, seconds[-1] * sizes / sizes[-1], "k--", linewidth=0.8, label="linear")
        axes.set_xlabel(name)
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xticks(sizes)
    figure.axes[0].set_ylabel("CPU seconds")
    figure.axes[0].legend()
    figure.savefig(RESULTS / PICTURE, dpi=110)


if __name__ == "__main__":
    main()

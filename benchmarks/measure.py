"""Timing: all contestants of a workload take turns, so that drift of the machine hits all alike."""

import gc
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.check import outliers
from benchmarks.contestants import Run, names, runner
from benchmarks.rows import Row, Times
from benchmarks.workloads import Pub, Workload
from qiskit_haiqu_provider.store import JobStore


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How long each contestant may run in a workload."""

    seconds: float
    least: int
    most: int

    def allows(self, times: Times) -> bool:
        """Whether there is budget for another run."""
        done = len(times.wall)
        return done < self.least or (done < self.most and times.spent < self.seconds)


def measure(workload: Workload, budget: Budget, *, contestants: Sequence[str] | None = None) -> Row:
    """Warm up, check that all agree, then time them in turns.

    The first timed results are checked too: other values than those of the warm-up.

    Args:
        workload: What is run.
        budget: How long.
        contestants: Who takes part. Default: all who can.
    """
    row = Row(workload.name, workload.table, workload.goal, workload.stretch, workload.calls)
    make = workload.make()
    row.times = {name: Times(workload.calls) for name in contestants or names(workload)}
    runners = _warmed(workload, make(0), row)
    seed = 1
    while waiting := [name for name, times in row.times.items() if budget.allows(times)]:
        calls = [make(seed + call) for call in range(workload.calls)]
        results = {name: _time(runners[name], calls, row.times[name]) for name in waiting}
        if seed == 1:
            _drop_outliers(workload, row, calls[-1], results)
        seed += workload.calls
    return row


def _warmed(workload: Workload, pubs: list[Pub], row: Row) -> dict[str, Run]:
    """Set up the contestants and run them once; those that fail or are wrong leave the row."""
    runners, results = {}, {}
    for name in list(row.times):
        try:
            runners[name] = runner(name, workload)
            results[name] = runners[name](pubs)
        except Exception as error:
            del row.times[name]
            row.problems.append(f"{name} failed: {type(error).__name__}: {str(error)[:200]}")
    _drop_outliers(workload, row, pubs, results)
    return runners


def _drop_outliers(workload: Workload, row: Row, pubs: list[Pub], results: Mapping[str, Sequence[Any]]) -> None:
    for name, why in outliers(workload, pubs, results).items():
        del row.times[name]
        row.problems.append(f"{name} {why}")


def _time(run: Run, calls: Sequence[list[Pub]], times: Times) -> list[Any]:
    """Time all calls; returns the results of the last.

    Records of quick runs are written a moment later: the caller does not wait for them, but they count as CPU time.
    """
    gc.collect()
    result: list[Any] = []
    wall, cpu = time.perf_counter(), time.process_time()
    for pubs in calls:
        result = run(pubs)
    wall = time.perf_counter() - wall
    JobStore().flush()
    cpu = time.process_time() - cpu
    times.wall.append(wall * 1000 / len(calls))
    times.cpu.append(cpu * 1000 / len(calls))
    return result

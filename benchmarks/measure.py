"""Timing: all contestants of a workload take turns, so that drift of the machine hits all alike."""

import gc
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.check import outliers
from benchmarks.contestants import OURS, PEERS, Run, names, runner
from benchmarks.workloads import Pub, Workload

RULE = 1.2
"""No Qiskit peer may be faster by more than this factor."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How long each contestant may run in a workload."""

    seconds: float
    least: int
    most: int


@dataclass
class Times:
    """Milliseconds of each call of a contestant, averaged over the calls of a run."""

    calls: int = 1
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The median of the wall times."""
        return statistics.median(self.wall)

    @property
    def median_cpu(self) -> float:
        """The median of the CPU times of all threads."""
        return statistics.median(self.cpu)

    def wants_more(self, budget: Budget) -> bool:
        """Whether there is budget for another run."""
        done, spent = len(self.wall), self.calls * sum(self.wall) / 1000
        return done < budget.least or (done < budget.most and spent < budget.seconds)


@dataclass
class Row:
    """What was measured of a workload."""

    workload: Workload
    times: dict[str, Times] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    memory: dict[str, float] = field(default_factory=dict)
    """Peak memory of the process in MB."""

    @property
    def best_peer(self) -> str | None:
        """The fastest Qiskit peer."""
        peers = [name for name in PEERS if name in self.times]
        return min(peers, key=lambda name: self.times[name].median, default=None)

    @property
    def ratio(self) -> float | None:
        """How many times faster ours is than the fastest peer."""
        if self.best_peer is None or OURS not in self.times:
            return None
        return self.times[self.best_peer].median / self.times[OURS].median

    @property
    def cpu_ratio(self) -> float | None:
        """The same for CPU time, where threads of Aer and BLAS count."""
        peers = [self.times[name].median_cpu for name in PEERS if name in self.times]
        if not peers or OURS not in self.times:
            return None
        return min(peers) / self.times[OURS].median_cpu

    @property
    def verdict(self) -> str:
        """Whether the goal is reached."""
        if OURS not in self.times:
            return "WRONG"
        if self.ratio is None:
            return "-"
        return "pass" if self.ratio >= self.workload.goal else "short"

    @property
    def rule(self) -> str:
        """Whether no peer is faster by more than the rule allows."""
        if self.ratio is None:
            return "-"
        return "kept" if self.ratio * RULE >= 1 else "BROKEN"


def measure(workload: Workload, budget: Budget) -> Row:
    """Warm up, check that all agree, then time them in turns.

    The first timed results are checked too: other values than those of the warm-up.
    """
    row = Row(workload)
    make = workload.make()
    row.times = {name: Times(workload.calls) for name in names(workload)}
    runners = _warmed(make(0), row)
    seed = 1
    while waiting := [name for name in row.times if row.times[name].wants_more(budget)]:
        calls = [make(seed + call) for call in range(workload.calls)]
        results = {name: _time(runners[name], calls, row.times[name]) for name in waiting}
        if seed == 1:
            _drop_outliers(row, calls[-1], results)
        seed += workload.calls
    return row


def _warmed(pubs: list[Pub], row: Row) -> dict[str, Run]:
    """Set up the contestants and run them once; those that fail or are wrong leave the row."""
    runners, results = {}, {}
    for name in list(row.times):
        try:
            runners[name] = runner(name, row.workload)
            results[name] = runners[name](pubs)
        except Exception as error:
            del row.times[name]
            row.problems.append(f"{name} failed: {type(error).__name__}: {str(error)[:200]}")
    _drop_outliers(row, pubs, results)
    return runners


def _drop_outliers(row: Row, pubs: list[Pub], results: Mapping[str, Sequence[Any]]) -> None:
    for name, why in outliers(row.workload, pubs, results).items():
        del row.times[name]
        row.problems.append(f"{name} {why}")


def _time(run: Run, calls: Sequence[list[Pub]], times: Times) -> list[Any]:
    """Time all calls; returns the results of the last."""
    gc.collect()
    result: list[Any] = []
    wall, cpu = time.perf_counter(), time.process_time()
    for pubs in calls:
        result = run(pubs)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    times.wall.append(wall * 1000 / len(calls))
    times.cpu.append(cpu * 1000 / len(calls))
    return result

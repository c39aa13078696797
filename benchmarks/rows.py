"""What was measured of a workload, its verdicts, and the same as JSON."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

OURS = "haiqu"
HAND = "hand"
PEERS = ("statevector", "aer", "backend")
ALL = (OURS, *PEERS, HAND)
"""The contestants; see ``contestants.py``."""

RULE = 1.1
"""No Qiskit peer may be faster by more than this factor."""

NO_GOAL = 0.9
"""What a workload without a goal of its own has to reach."""


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

    @property
    def spent(self) -> float:
        """Seconds of all runs."""
        return self.calls * sum(self.wall) / 1000


@dataclass
class Row:
    """A line of the report."""

    name: str
    table: str
    goal: float = NO_GOAL
    stretch: float | None = None
    calls: int = 1
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
        return self._reaches(self.goal)

    @property
    def stretch_verdict(self) -> str:
        """Whether the stretch goal is reached."""
        return "-" if self.stretch is None else self._reaches(self.stretch)

    @property
    def rule(self) -> str:
        """Whether no peer is faster by more than the rule allows."""
        if OURS not in self.times:
            return "WRONG"
        if self.ratio is None:
            return "-"
        return "kept" if self.ratio * RULE >= 1 else "BROKEN"

    def _reaches(self, goal: float) -> str:
        if OURS not in self.times:
            return "WRONG"
        if self.ratio is None:
            return "-"
        return "pass" if self.ratio >= goal else "short"

    def facts(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "name": self.name,
            "table": self.table,
            "calls": self.calls,
            "goal": self.goal,
            "stretch": self.stretch,
            "ratio": self.ratio,
            "cpu_ratio": self.cpu_ratio,
            "problems": self.problems,
            "memory_mb": self.memory,
            "times_ms": {
                name: {"median": times.median, "wall": times.wall, "cpu": times.cpu}
                for name, times in self.times.items()
            },
        }

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> "Row":
        """The row of its facts."""
        calls = facts["calls"]
        times = {name: Times(calls, found["wall"], found["cpu"]) for name, found in facts["times_ms"].items()}
        return cls(
            facts["name"], facts["table"], facts["goal"], facts["stretch"], calls, times, facts["problems"],
            facts["memory_mb"],
        )  # fmt: skip

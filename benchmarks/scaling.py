"""How time grows with the size of a run: curves of all contestants, and the exponent of ours."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from benchmarks import inputs
from benchmarks.contestants import names
from benchmarks.measure import Budget, measure
from benchmarks.rows import OURS
from benchmarks.workloads import Workload, estimates, samples

LINEAR = 1.1
"""The largest exponent that passes for linear."""

_TAIL = 4
"""The exponent is that of the largest sizes, where fixed costs no longer hide it."""

_PATIENCE = {"quick": 250.0, "full": 500.0}
"""Milliseconds of a run above which others than ours are not measured at larger sizes."""


@dataclass
class Curve:
    """Times over one size, for each contestant, as ``[size, wall ms, CPU ms]``."""

    axis: str
    title: str
    linear: bool
    """Whether time should grow no faster than the size."""

    points: dict[str, list[list[float]]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def exponent(self, column: int) -> float:
        """Of our time over the size: wall (1) or CPU (2)."""
        sizes, times = np.log(np.array(self.points[OURS])[-_TAIL:, [0, column]].T)
        return float(np.polyfit(sizes, times, 1)[0])

    @property
    def verdict(self) -> str:
        """Whether time grows no faster than the size."""
        if len(self.points.get(OURS, ())) < 2 or any(problem.startswith(OURS) for problem in self.problems):
            return "WRONG"
        if not self.linear:
            return "-"
        return "pass" if self.exponent(1) <= LINEAR else "short"

    def facts(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return vars(self)

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> "Curve":
        """The curve of its facts."""
        return cls(**facts)


@dataclass(frozen=True)
class _Axis:
    name: str
    title: str
    sizes: tuple[int, ...]
    make: Callable[[int], Any]
    primitive: Any = "estimator"
    linear: bool = True

    def workload(self, size: int) -> Workload:
        return Workload(
            name=f"{self.title}, {size} {self.name}", table=self.name, primitive=self.primitive, make=self.make(size)
        )


def _terms(size: int) -> Any:
    return estimates(10, 10, partial(inputs.random_paulis, terms=size))


_AXES = (
    _Axis("parameter sets", "exact n=10", (1, 4, 16, 64, 256, 1024, 4096), lambda size: estimates(10, size)),
    _Axis(
        "parameter sets", "sampler n=10 x 1024 shots", (1, 4, 16, 64, 256, 1024),
        lambda size: samples(10, size, 1024), "sampler",
    ),
    _Axis("terms", "exact n=10, 10 sets", (10, 30, 100, 300, 1000, 3000, 10_000), _terms),
    _Axis(
        "shots", "sampler n=10, 1 set", tuple(1 << power for power in range(10, 25, 2)),
        lambda size: samples(10, 1, size), "sampler",
    ),
    _Axis(
        "qubits", "exact, 1 set", tuple(range(2, 21, 2)), lambda size: estimates(size, 1), linear=False,
    ),
)  # fmt: skip


def curves(*, quick: bool) -> Iterator[Curve]:
    """Measure all curves; in short, without the largest sizes."""
    budget = Budget(seconds=0.1, least=1, most=3) if quick else Budget(seconds=0.5, least=2, most=9)
    patience = _PATIENCE["quick" if quick else "full"]
    for axis in _AXES:
        yield _curve(axis, axis.sizes[:-1] if quick else axis.sizes, budget, patience)


def _curve(axis: _Axis, sizes: tuple[int, ...], budget: Budget, patience: float) -> Curve:
    curve = Curve(axis.name, axis.title, axis.linear)
    alive = names(axis.workload(sizes[0]))
    for size in sizes:
        row = measure(axis.workload(size), budget, contestants=alive)
        for name, times in row.times.items():
            curve.points.setdefault(name, []).append([size, times.median, times.median_cpu])
        curve.problems += row.problems
        alive = [name for name, times in row.times.items() if name == OURS or times.median < patience]
    return curve

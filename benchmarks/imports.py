"""What importing the package costs, next to importing Qiskit, in fresh interpreters."""

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from tempfile import TemporaryDirectory
from typing import Any

GOAL = 1.15
LAZY = ("qiskit_aer", "httpx", "qiskit_ibm_runtime")
"""Modules that must not be loaded by the import."""

OURS = {
    "package": "import qiskit_haiqu_provider",
    "front doors": "from qiskit_haiqu_provider import HaiquProvider, SamplerV2, EstimatorV2",
}
STATEMENTS = {
    "qiskit": "import qiskit",
    **OURS,
    "qiskit_aer": "import qiskit_aer",
    "qiskit_ibm_runtime": "import qiskit_ibm_runtime",
}

_PROGRAM = """
import sys, time
wall, cpu = time.perf_counter(), time.process_time()
{statement}
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
from benchmarks.memory import peak_mb
print(wall, cpu, peak_mb())
print(*[name for name in {lazy!r} if name in sys.modules])
"""


def _lists() -> dict[str, list[float]]:
    return {name: [] for name in STATEMENTS}


@dataclass
class ImportCost:
    """CPU and wall milliseconds and peak MB of each statement, and modules that should not have been loaded."""

    cpu: dict[str, list[float]] = field(default_factory=_lists)
    wall: dict[str, list[float]] = field(default_factory=_lists)
    memory: dict[str, list[float]] = field(default_factory=_lists)
    loaded: set[str] = field(default_factory=set)

    def median(self, name: str) -> float:
        """The median CPU time of a statement."""
        return statistics.median(self.cpu[name])

    def ratio(self, name: str) -> float:
        """The median CPU time relative to that of importing Qiskit."""
        return self.median(name) / self.median("qiskit")

    def peak(self, name: str) -> float | None:
        """The median of the peak memory in MB."""
        return statistics.median(self.memory[name]) if self.memory.get(name) else None

    def verdict(self, name: str) -> str:
        """Whether a statement of ours reaches the goal."""
        if name not in OURS:
            return "-"
        return "pass" if not self.loaded and self.ratio(name) <= GOAL else "short"

    def facts(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "goal": GOAL,
            "loaded_too_early": sorted(self.loaded),
            "ratios": {name: self.ratio(name) for name in self.cpu},
            "cpu_ms": self.cpu,
            "wall_ms": self.wall,
            "memory_mb": self.memory,
        }

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> "ImportCost":
        """The cost of its facts."""
        return cls(facts["cpu_ms"], facts["wall_ms"], facts["memory_mb"], set(facts["loaded_too_early"]))


def measure_imports(repetitions: int) -> ImportCost:
    """Import in turns, each time in a new interpreter; the first round warms the file cache, and compiles."""
    cost = ImportCost()
    with _compiling() as environment:
        for repetition in range(repetitions + 1):
            for name, statement in STATEMENTS.items():
                _import(cost, name, statement, environment, counts=repetition > 0)
    return cost


@contextmanager
def _compiling() -> Iterator[Mapping[str, str]]:
    """An environment in which everything has its byte code, as installed packages have, also what is imported from a
    checkout, and also where Python is told not to write any."""
    with TemporaryDirectory() as folder:
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        yield {**kept, "PYTHONPYCACHEPREFIX": folder}


def _import(cost: ImportCost, name: str, statement: str, environment: Mapping[str, str], *, counts: bool) -> None:
    program = _PROGRAM.format(statement=statement, lazy=LAZY)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    figures, _, loaded = done.stdout.partition("\n")
    if name in OURS:
        cost.loaded.update(loaded.split())
    if counts:
        wall, cpu, peak = map(float, figures.split())
        cost.wall[name].append(wall * 1000)
        cost.cpu[name].append(cpu * 1000)
        cost.memory[name].append(peak)

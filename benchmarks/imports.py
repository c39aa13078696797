"""What importing the package costs, next to importing Qiskit, in fresh interpreters."""

import statistics
import subprocess
import sys
from dataclasses import dataclass, field

GOAL = 1.15
LAZY = ("qiskit_aer", "httpx", "qiskit_ibm_runtime")
"""Modules that must not be loaded by the import."""

STATEMENTS = {
    "qiskit": "import qiskit",
    "package": "import qiskit_haiqu_provider",
    "front doors": "from qiskit_haiqu_provider import HaiquProvider, SamplerV2, EstimatorV2",
}

_PROGRAM = """
import sys, time
wall, cpu = time.perf_counter(), time.process_time()
{statement}
print(time.perf_counter() - wall, time.process_time() - cpu)
print(*[name for name in {lazy!r} if name in sys.modules])
"""


@dataclass
class ImportCost:
    """CPU and wall milliseconds of each statement, and modules that should not have been loaded."""

    cpu: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in STATEMENTS})
    wall: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in STATEMENTS})
    loaded: set[str] = field(default_factory=set)

    def median(self, name: str) -> float:
        """The median CPU time of a statement."""
        return statistics.median(self.cpu[name])

    def ratio(self, name: str) -> float:
        """The median CPU time relative to that of importing Qiskit."""
        return self.median(name) / self.median("qiskit")

    def verdict(self, name: str) -> str:
        """Whether a statement reaches the goal."""
        return "pass" if not self.loaded and self.ratio(name) <= GOAL else "short"


def measure_imports(repetitions: int) -> ImportCost:
    """Import in turns, each time in a new interpreter; the first round warms the file cache."""
    cost = ImportCost()
    for repetition in range(repetitions + 1):
        for name, statement in STATEMENTS.items():
            program = _PROGRAM.format(statement=statement, lazy=LAZY)
            done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
            figures, _, loaded = done.stdout.partition("\n")
            cost.loaded.update(loaded.split())
            if repetition:
                wall, cpu = map(float, figures.split())
                cost.wall[name].append(wall * 1000)
                cost.cpu[name].append(cpu * 1000)
    return cost

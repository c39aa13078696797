"""Peak memory, each time in a process of its own: of contestants in workloads, and at the limits of this machine.

Run as ``python -m benchmarks.memory WORKLOAD CONTESTANT`` or ``... LIMIT``; prints MB before and at the peak.
"""

import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.rows import Row

WIDE, TOO_WIDE = 26, 34
GIB = 1024


@dataclass(frozen=True)
class Limit:
    """What a run at the limit took."""

    name: str
    seconds: float
    before_mb: float
    peak_mb: float
    allowed_mb: float
    problem: str = ""

    @property
    def verdict(self) -> str:
        """Whether it did what it should, in the memory that it may have."""
        return "pass" if not self.problem and self.peak_mb <= self.allowed_mb else "short"

    def facts(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return dict(vars(self))

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> "Limit":
        """The limit of its facts."""
        return cls(**facts)


def add_memory(row: Row) -> None:
    """Measure the contestants of a row."""
    for name in row.times:
        done = _child(row.name, name)
        if done.returncode == 0:
            row.memory[name] = float(done.stdout.split()[-1])
        else:
            row.problems.append(f"{name} failed when its memory was measured")


def measure_limits(*, quick: bool) -> list[Limit]:
    """A wide exact estimate within 24 GiB, and one too wide, which must be refused before anything is allocated."""
    return [_limit(name) for name in _LIMITS if not (quick and name == _WIDE)]


def _limit(name: str) -> Limit:
    _, allowed = _LIMITS[name]
    began = time.perf_counter()
    done = _child(name)
    seconds = time.perf_counter() - began
    if done.returncode:
        return Limit(name, seconds, 0.0, 0.0, allowed, done.stderr.strip().rpartition("\n")[2][:200])
    before, peak = map(float, done.stdout.split()[-2:])
    return Limit(name, seconds, before, peak, allowed)


def _child(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.memory", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def peak_mb() -> float:
    """The high-water mark; that of getrusage may be inherited from the parent on Linux."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def _exact_estimate(num_qubits: int) -> Callable[[], Any]:
    import numpy as np
    from qiskit.circuit.library import efficient_su2

    from benchmarks.inputs import tfim
    from qiskit_haiqu_provider import EstimatorV2

    circuit = efficient_su2(num_qubits, reps=1)
    pub = (circuit, tfim(num_qubits), np.linspace(0, 1, circuit.num_parameters))
    estimator = EstimatorV2()
    return lambda: estimator.run([pub], precision=0).result()[0].data.evs


def _wide() -> Callable[[], Any]:
    return _exact_estimate(WIDE)


def _too_wide() -> Callable[[], Any]:
    from qiskit_haiqu_provider import HaiquCapacityError

    run = _exact_estimate(TOO_WIDE)

    def refused() -> None:
        try:
            run()
        except HaiquCapacityError:
            return
        raise AssertionError(f"{TOO_WIDE} qubits were not refused")

    return refused


_WIDE = f"exact n={WIDE}, 1 set, in 24 GiB"
_LIMITS: dict[str, tuple[Callable[[], Callable[[], Any]], float]] = {
    _WIDE: (_wide, 24.0 * GIB),
    f"exact n={TOO_WIDE}, refused at once": (_too_wide, 0.25 * GIB),
}


def _main(name: str, contestant: str = "") -> None:
    run = _LIMITS[name][0]() if name in _LIMITS else _of_workload(name, contestant)
    before = peak_mb()
    run()
    print(f"{before:.1f} {peak_mb():.1f}")


def _of_workload(name: str, contestant: str) -> Callable[[], Any]:
    from benchmarks.contestants import runner  # imports what the memory of all includes
    from benchmarks.workloads import WORKLOADS

    workload = next(w for w in WORKLOADS if w.name == name)
    pubs = workload.make()(0)
    run = runner(contestant, workload)
    return lambda: run(pubs)


if __name__ == "__main__":
    _main(*sys.argv[1:])

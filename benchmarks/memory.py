"""Peak memory of one contestant in one workload, measured in a process of its own.

Run as ``python -m benchmarks.memory WORKLOAD CONTESTANT``; prints MB before and at the peak.
"""

import resource
import subprocess
import sys
from pathlib import Path

from benchmarks.measure import Row
from benchmarks.workloads import WORKLOADS


def add_memory(row: Row) -> None:
    """Measure the contestants of a row."""
    for name in row.times:
        command = [sys.executable, "-m", "benchmarks.memory", row.workload.name, name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            row.memory[name] = float(done.stdout.split()[-1])
        else:
            row.problems.append(f"{name} failed when its memory was measured")


def _peak_mb() -> float:
    """The high-water mark; that of getrusage may be inherited from the parent on Linux."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def _main(workload_name: str, contestant: str) -> None:
    from benchmarks.contestants import runner  # imports what the memory of all includes

    workload = next(w for w in WORKLOADS if w.name == workload_name)
    pubs = workload.make()(0)
    run = runner(contestant, workload)
    before = _peak_mb()
    run(pubs)
    print(f"{before:.1f} {_peak_mb():.1f}")


if __name__ == "__main__":
    _main(*sys.argv[1:])

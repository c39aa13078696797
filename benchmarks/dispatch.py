"""Straight to a vendor, by hand and with us: ``python -m benchmarks.dispatch [--only VENDOR] [--repeats N]``.

Both send the same circuits to the same server on this machine, which speaks as the vendor does and runs them; it has a
process of its own. Every run is timed from the circuits to the results of all of them.
"""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.dispatch_routes import ROUTES, Counts, Route, Run
from benchmarks.report import RESULTS, Lines, aligned, number, piped, platform_facts, versions

ROOT = Path(__file__).parents[1]
SIZES = (1, 20)
"""PUBs of a run."""

SHOTS = 1000
GOAL = 1.1
"""Times what it takes by hand."""

_SAME = 0.08
"""How far the shares of an outcome may be apart: several standard errors."""

_HEAD = (
    "route",
    "PUBs",
    "ours ms",
    "by hand ms",
    "ours ms a PUB",
    "by hand ms a PUB",
    "ratio",
    "CPU ratio",
    "goal",
    "",
)
_LEGEND = (
    "Milliseconds of a run, medians: circuits of 5 qubits with 4 layers of ry and cx, all different, "
    f"{SHOTS} shots each, sent to a server on this machine that speaks as the vendor does and simulates them; from the "
    "circuits to the results of all. ours: SamplerV2 on a backend of this package. by hand: the vendor's client, with "
    "the same circuits one after the other. ratio: the median of runs made one right after the other. CPU ratio: the "
    "same in CPU time of the client's process, without the server's."
)


@dataclass
class Row:
    """What one case took, run by run, in seconds."""

    route: str
    size: int
    ours: list[float] = field(default_factory=list)
    hand: list[float] = field(default_factory=list)
    ours_cpu: list[float] = field(default_factory=list)
    hand_cpu: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """Ours over by hand: the median of runs made one right after the other."""
        return _ratio(self.ours, self.hand)

    @property
    def cpu_ratio(self) -> float:
        """The same in CPU time."""
        return _ratio(self.ours_cpu, self.hand_cpu)

    @property
    def verdict(self) -> str:
        """Whether the goal is met."""
        return "pass" if self.ratio <= GOAL else "short"


def _ratio(ours: Sequence[float], hand: Sequence[float]) -> float:
    return statistics.median(one / other for one, other in zip(ours, hand, strict=True))


def main() -> None:
    """Measure, print and save; exit code 1 if a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dispatch", description=__doc__)
    parser.add_argument("--only", choices=list(ROUTES), help="one route")
    parser.add_argument("--repeats", type=int, default=25, help="runs of each (default: %(default)s)")
    parser.add_argument(
        "--latency", type=float, default=0.02, help="seconds that an answer takes longer (default: %(default)s)"
    )
    parser.add_argument("--name", default="dispatch", help="of the result files (default: %(default)s)")
    arguments = parser.parse_args()
    load = round(os.getloadavg()[0], 1)
    settings = {"repeats": arguments.repeats, "latency": arguments.latency, "load_before": load}
    rows: list[Row] = []
    for vendor in [arguments.only] if arguments.only else ROUTES:
        with tempfile.TemporaryDirectory(prefix="dispatch-") as home, served(vendor, Path(home), arguments.latency):
            rows += _rows(ROUTES[vendor], arguments.repeats)
    print(aligned([_HEAD, *map(_line, rows)]))
    print(f"\nSaved {save(arguments.name, rows, settings).name}")
    if any(row.verdict == "short" for row in rows):
        raise SystemExit(1)


@contextlib.contextmanager
def served(vendor: str, home: Path, latency: float = 0.0) -> Iterator[None]:
    """The vendor's server in a process of its own, and this process led to it."""
    command = [sys.executable, "-m", "benchmarks.dispatch_server", vendor, str(home), str(latency)]
    before = dict(os.environ)
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            for name in ("NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy"):
                os.environ.pop(name, None)
            os.environ.update({**json.loads(process.stdout.readline()), "HAIQU_HOME": str(home)})
            yield
        finally:
            process.terminate()
            os.environ.clear()
            os.environ.update(before)


def _rows(route: Route, repeats: int) -> list[Row]:
    """All cases of a route; who goes first changes with every run."""
    ours, hand = _ours(route), route.by_hand()
    rows = [Row(route.vendor, size) for size in SIZES]
    for row in rows:
        for repeat in range(-1, repeats):  # the first run of each warms up
            made = route.fitted(circuits(row.size, seed=repeat + 1))
            turns = [(ours, row.ours, row.ours_cpu), (hand, row.hand, row.hand_cpu)]
            found = [_timed(*turn, made, warm=repeat < 0) for turn in (turns if repeat % 2 else turns[::-1])]
            if repeat < 0:
                _check_same(*found)
    return rows


def _timed(run: Run, wall: list[float], cpu: list[float], made: Sequence[Any], *, warm: bool) -> list[Any]:
    began, began_cpu = time.perf_counter(), time.process_time()
    found = run(made, SHOTS)
    if not warm:
        wall.append(time.perf_counter() - began)
        cpu.append(time.process_time() - began_cpu)
    return found


def _ours(route: Route) -> Run:
    from qiskit_haiqu_provider import HaiquProvider, SamplerV2

    backend = HaiquProvider(credentials=route.credentials).get_backend(route.device, via=route.vendor, **route.options)
    sampler = SamplerV2(backend)

    def run(made: Sequence[Any], shots: int) -> list[Any]:
        return [result.data.meas for result in sampler.run(made, shots=shots).result()]

    return run


def circuits(number: int, *, seed: int) -> list[Any]:
    """Different circuits, as deep as those that are run on machines."""
    import numpy as np
    from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister

    chance = np.random.default_rng(seed)
    made = []
    for _ in range(number):
        circuit = QuantumCircuit(QuantumRegister(5, "q"), ClassicalRegister(5, "meas"))
        for _ in range(4):
            for qubit, angle in enumerate(chance.uniform(0, np.pi, 5)):
                circuit.ry(angle, qubit)
            for qubit in range(4):
                circuit.cx(qubit, qubit + 1)
        circuit.measure(range(5), range(5))
        made.append(circuit)
    return made


def _check_same(*runs: list[Any]) -> None:
    """Nobody wins by being wrong. Some clients return the results of a job's parts in another order."""
    one, two = ([found if isinstance(found, dict) else found.get_counts() for found in run] for run in runs)
    for counts in one:
        if not any(_alike(counts, other) for other in two):
            raise SystemExit(f"The results differ: {counts} is not among {two}")


def _alike(a: Counts, b: Counts) -> bool:
    apart = max(abs(a.get(outcome, 0) - b.get(outcome, 0)) for outcome in {*a, *b}) / SHOTS
    return apart < _SAME and sum(a.values()) == sum(b.values()) == SHOTS


def save(name: str, rows: Sequence[Row], settings: dict[str, Any]) -> Path:
    """Write the JSON and the Markdown file; returns the path of the latter."""
    RESULTS.mkdir(exist_ok=True)
    packages = [package for vendor in dict.fromkeys(row.route for row in rows) for package in ROUTES[vendor].packages]
    facts = {"versions": versions(("httpx", *packages)), "platform": platform_facts()}
    cases = [{**asdict(row), "ratio": row.ratio, "cpu_ratio": row.cpu_ratio, "verdict": row.verdict} for row in rows]
    (RESULTS / f"{name}.json").write_text(json.dumps({**facts, "settings": settings, "cases": cases}, indent=1) + "\n")
    where = ", ".join(f"{key} {value}" for group in facts.values() for key, value in group.items())
    load = (
        f"Runs of each: {settings['repeats']}. Every answer takes {1000 * settings['latency']:g} ms longer, as over a "
        f"network. Load of the machine before: {settings['load_before']:g}."
    )
    lines: Lines = [_HEAD, *map(_line, rows)]
    path = RESULTS / f"{name}.md"
    path.write_text("\n\n".join(["# Straight to a vendor", where, load, _LEGEND, piped(lines)]) + "\n")
    return path


def _line(row: Row) -> tuple[str, ...]:
    ours, hand = statistics.median(row.ours) * 1000, statistics.median(row.hand) * 1000
    return (
        row.route,
        str(row.size),
        number(ours),
        number(hand),
        number(ours / row.size),
        number(hand / row.size),
        f"{row.ratio:.2f}",
        f"{row.cpu_ratio:.2f}",
        f"{GOAL:g}",
        row.verdict,
    )


if __name__ == "__main__":
    main()

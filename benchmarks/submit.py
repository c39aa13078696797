"""Submissions to a distant service: ``python -m benchmarks.submit [--latency S] [--sizes N ...] [--repeats N]``.

How long it takes until a job is accepted, with circuits that are new and with known ones, and with one circuit of many
parameter sets and observables; next to bare httpx with the same requests, and to haiqu-sdk where ``make interop`` has
installed it.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.submit_report import Row, digest_line, save, summary

ROOT = Path(__file__).parents[1]
SDK_PYTHON = ROOT / ".venv-interop/bin/python"
SIZES = (1, 10, 100, 1000)
SDK_MOST = 100
"""Circuits that haiqu-sdk is given at most: it takes minutes for more."""

GOALS = {"new 100": 0.6, "known 100": 0.12}
"""Seconds."""

SWEEP_GOAL = 1.3
"""Times the bare exchange."""


def main() -> None:
    """Measure, print and save; exit code 1 if a goal is missed."""
    arguments = _arguments()
    load = round(os.getloadavg()[0], 1)
    with tempfile.TemporaryDirectory(prefix="submit-") as home, service(arguments.latency) as url:
        os.environ["HAIQU_HOME"] = home  # before the package is imported
        began = time.monotonic()
        rows = _rows(url, Path(home), arguments)
        _add_sdk(rows, url, [size for size in arguments.sizes if size <= SDK_MOST], arguments.repeats)
        seconds = round(time.monotonic() - began)
    settings = {
        "latency_seconds": arguments.latency,
        "repeats": arguments.repeats,
        "seconds": seconds,
        "load_before": load,
        "digest_ms": _digest_ms(),
    }
    print(f"{summary(rows)}\n\n{digest_line(settings)}")
    print(f"\nSaved {save(arguments.name, rows, settings).name}")
    if any(row.verdict == "short" for row in rows):
        raise SystemExit(1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.submit", description=__doc__)
    parser.add_argument("--latency", type=float, default=0.05, help="seconds for each request (default: %(default)s)")
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=SIZES, help="numbers of circuits (default: %(default)s)"
    )
    parser.add_argument("--repeats", type=int, default=5, help="the median of so many (default: %(default)s)")
    parser.add_argument("--name", default="submit", help="of the result files (default: %(default)s)")
    return parser.parse_args()


@contextlib.contextmanager
def service(latency: float) -> Iterator[str]:
    """The service in a process of its own; yields its address."""
    command = [sys.executable, "-m", "benchmarks.submit_server", "--latency", str(latency)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def _rows(url: str, home: Path, arguments: argparse.Namespace) -> list[Row]:
    """What this package and bare httpx take."""
    from benchmarks.submit_contestants import Bare, Ours  # not before HAIQU_HOME is set

    ours, bare = Ours(url, home), Bare(url)
    rows = {name: Row(name=name, goal=GOALS.get(name)) for name in _names(arguments.sizes)}
    for repeat in range(arguments.repeats):
        for size in arguments.sizes:
            taken, made = ours.new(size)
            rows[f"new {size}"].add(taken, bare.exchanged(made, bare.last()))
            taken = ours.known(made, here=True)
            rows[f"known {size}"].add(taken, bare.exchanged([], bare.last()))
            rows[f"known elsewhere {size}"].add(ours.known(made, here=False), None)
        for case in ("new", "known"):
            taken = ours.swept(2 * repeat + (case == "known"), known=case == "known")
            circuit = made[:1] if case == "new" else []
            rows[f"{case} sweep"].add(taken, bare.exchanged(circuit, bare.last()))
    for case in ("new", "known"):
        rows[f"{case} sweep"].ratio_goal = SWEEP_GOAL
    return list(rows.values())


def _names(sizes: list[int]) -> list[str]:
    kinds = ("new", "known", "known elsewhere")
    return [f"{kind} {size}" for kind in kinds for size in sizes] + ["new sweep", "known sweep"]


def _digest_ms() -> float:
    """CPU milliseconds that a circuit's digest takes, the best of some rounds."""
    from benchmarks.submit_inputs import circuits
    from qiskit_haiqu_provider.run.digest import content_digest

    made = list(islice(circuits(), 100))
    rounds = []
    for _ in range(7):
        began = time.process_time()
        for circuit in made:
            content_digest(circuit)
        rounds.append(time.process_time() - began)
    return min(rounds) / len(made) * 1000


def _add_sdk(rows: list[Row], url: str, sizes: list[int], repeats: int) -> None:
    """What haiqu-sdk takes, if it is installed."""
    if not SDK_PYTHON.exists():
        print(f"haiqu-sdk does not take part: there is no {SDK_PYTHON.relative_to(ROOT)}. Run: make interop")
        return
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HAIQU_")}
    environment = {**kept, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", "NETRC": os.devnull}
    command = [str(SDK_PYTHON), "-m", "benchmarks.submit_sdk", url, "--repeats", str(min(repeats, 3)), "--sizes"]
    done = subprocess.run(
        [*command, *map(str, sizes)], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    taken: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    for row in rows:
        row.sdk = taken.get(row.name, [])


if __name__ == "__main__":
    main()

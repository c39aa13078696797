"""The command: ``python -m benchmarks [--quick] [--only TEXT] [--name NAME]``."""

import argparse
import os
import tempfile
import time


def main() -> None:
    """Measure, print and save."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as home:
        os.environ["HAIQU_HOME"] = home  # before the package is imported; subprocesses get it too
        _run(arguments)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer workloads and runs: minutes")
    parser.add_argument("--only", metavar="TEXT", default="", help="workloads with TEXT in the name")
    parser.add_argument("--name", help="of the result files; default: full, quick or partial")
    parser.add_argument("--no-memory", action="store_true", help="leave out peak memory")
    return parser.parse_args()


def _run(arguments: argparse.Namespace) -> None:
    from benchmarks.imports import measure_imports
    from benchmarks.measure import Budget, measure
    from benchmarks.memory import add_memory
    from benchmarks.report import cells, save, text_table
    from benchmarks.workloads import WORKLOADS

    quick, only = arguments.quick, arguments.only
    budget = Budget(seconds=0.5, least=3, most=15) if quick else Budget(seconds=2.5, least=3, most=30)
    chosen = [
        workload for workload in WORKLOADS if only.lower() in workload.name.lower() and (workload.quick or not quick)
    ]
    began = time.monotonic()
    imports = None if only else measure_imports(3 if quick else 9)
    rows = []
    for workload in chosen:
        row = measure(workload, budget)
        if workload.memory and not quick and not arguments.no_memory:
            add_memory(row)
        rows.append(row)
        print("  ".join(cells(row)), flush=True)
    seconds = round(time.monotonic() - began)
    print(f"\n{text_table(rows, imports)}\n\n{seconds} seconds")
    name = arguments.name or ("partial" if only else "quick" if quick else "full")
    settings = {"quick": quick, "only": only, "seconds": seconds}
    print(f"Saved {save(name, rows, imports, settings).name}")


if __name__ == "__main__":
    main()

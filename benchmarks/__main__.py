"""The command: ``python -m benchmarks [--quick] [--only TEXT] [--name NAME | --update NAME]``."""

import argparse
import os
import tempfile
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.report import Report


def main() -> None:
    """Measure, print and save."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as home:
        os.environ["HAIQU_HOME"] = home  # before the package is imported; subprocesses get it too
        _run(arguments)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer workloads and runs: minutes")
    parser.add_argument("--only", metavar="TEXT", help="workloads with TEXT in the name, and nothing else")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="what to measure; default: all")
    parser.add_argument("--name", help="of the result files; default: full, quick or partial")
    parser.add_argument("--update", metavar="NAME", help="put the results in place of those in stored ones")
    return parser.parse_args()


PARTS = ("imports", "workloads", "memory", "scaling", "limits")


def _run(arguments: argparse.Namespace) -> None:
    from benchmarks.report import Report, load, save, text

    began = time.monotonic()
    report = Report(settings={"quick": arguments.quick, "only": arguments.only or "", "parts": list(arguments.parts)})
    whole = not arguments.only and tuple(arguments.parts) == PARTS
    name = arguments.name or ("partial" if not whole else "quick" if arguments.quick else "full")
    kept = load(arguments.update) if arguments.update else None
    complete = False
    try:
        _measure(report, arguments)
        complete = True
    finally:
        report.settings["seconds"] = round(time.monotonic() - began)
        print(f"\n{text(report)}\n\n{report.settings['seconds']} seconds")
        if not complete:  # what there is stays, but takes no other's place
            print(f"Interrupted. Saved {save('partial', report).name}")
    path = save(name, report) if kept is None else save(arguments.update, kept.updated(report))
    print(f"Saved {path.name}")


def _measure(report: "Report", arguments: argparse.Namespace) -> None:
    from benchmarks.imports import measure_imports
    from benchmarks.measure import Budget, measure
    from benchmarks.memory import add_memory, measure_limits
    from benchmarks.report import cells
    from benchmarks.scaling import curves
    from benchmarks.workloads import WORKLOADS

    quick, only = arguments.quick, (arguments.only or "").lower()
    parts = {"workloads", "memory"} & set(arguments.parts) if only else set(arguments.parts)
    if "imports" in parts:
        report.imports = measure_imports(2 if quick else 9)
    budget = Budget(seconds=0.5, least=2, most=15) if quick else Budget(seconds=2.5, least=3, most=30)
    for workload in WORKLOADS if "workloads" in parts else ():
        if only in workload.name.lower() and (workload.quick or not quick):
            row = measure(workload, budget)
            if workload.memory and "memory" in parts and not quick:
                add_memory(row)
            report.rows.append(row)
            print("  ".join(cells(row)), flush=True)
    if "scaling" in parts:
        for curve in curves(quick=quick):
            report.curves.append(curve)
            print(f"{curve.axis}, {curve.title}: {curve.verdict}", flush=True)
    if "limits" in parts:
        report.limits = measure_limits(quick=quick)


if __name__ == "__main__":
    main()

"""The report: a table for the terminal and for Markdown, and everything as JSON."""

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks.contestants import ALL, PEERS
from benchmarks.imports import GOAL, ImportCost
from benchmarks.measure import RULE, Row
from benchmarks.workloads import NO_GOAL

RESULTS = Path(__file__).parent / "results"
_PACKAGES = ("qiskit-haiqu-provider", "qiskit", "qiskit-aer", "qiskit-ibm-runtime", "numpy")
_HEAD = ("workload", *ALL, "best peer", "ratio", "cpu ratio", "goal", "verdict", f"rule {RULE} x")
_LEGEND = (
    f"Wall milliseconds of a call, medians. haiqu: this package; {', '.join(PEERS)}: primitives of "
    "Qiskit (Statevector*), of Aer, and Backend*V2 on AerSimulator; hand: the best one can write "
    "by hand with Aer and numpy. ratio: fastest peer over haiqu; cpu ratio: the same in CPU "
    "time of all threads. Goals in brackets: rows without "
    "a goal of their own. -: does not take part, because it cannot or takes too long."
)

Lines = list[tuple[str, ...]]


def cells(row: Row) -> tuple[str, ...]:
    """The line of a workload."""
    goal = row.workload.goal
    times = [number(row.times[name].median) if name in row.times else "-" for name in ALL]
    ratios = ["-" if r is None else f"{r:.2f}" for r in (row.ratio, row.cpu_ratio)]
    shown = f"({goal:g})" if goal == NO_GOAL else f"{goal:g}"
    return (
        row.workload.name, *times, row.best_peer or "-", *ratios, shown, row.verdict, row.rule,
    )  # fmt: skip


def text_table(rows: Sequence[Row], imports: ImportCost | None) -> str:
    """Everything, for the terminal."""
    parts = [aligned([_HEAD, *map(cells, rows)])]
    parts += [aligned(lines) for _, lines in _extras(rows, imports)]
    parts += [f"! {row.workload.name}: {line}" for row in rows for line in row.problems]
    return "\n\n".join(parts)


def save(name: str, rows: Sequence[Row], imports: ImportCost | None, settings: dict[str, Any]) -> Path:
    """Write the JSON and the Markdown file; returns the path of the latter."""
    RESULTS.mkdir(exist_ok=True)
    facts = {
        "versions": versions(),
        "platform": platform_facts(),
        "settings": settings,
        "imports": _import_facts(imports),
        "workloads": [_row_facts(row) for row in rows],
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(facts, indent=1) + "\n")
    path = RESULTS / f"{name}.md"
    path.write_text(_markdown(rows, imports))
    return path


def _markdown(rows: Sequence[Row], imports: ImportCost | None) -> str:
    where = ", ".join(f"{name} {value}" for name, value in {**versions(), **platform_facts()}.items())
    parts = ["# Benchmarks", where, _LEGEND]
    for table in dict.fromkeys(row.workload.table for row in rows):
        chosen = [row for row in rows if row.workload.table == table]
        parts += [f"## {table}", piped([_HEAD, *map(cells, chosen)])]
    for title, lines in _extras(rows, imports):
        parts += [f"## {title}", piped(lines)]
    problems = [f"- {row.workload.name}: {line}" for row in rows for line in row.problems]
    if problems:
        parts += ["## Problems", "\n".join(problems)]
    return "\n\n".join(parts) + "\n"


def _extras(rows: Sequence[Row], imports: ImportCost | None) -> list[tuple[str, Lines]]:
    """The tables of memory and imports, where measured."""
    found: list[tuple[str, Lines]] = []
    measured = [row for row in rows if row.memory]
    if measured:
        lines: Lines = [("peak memory of the process, MB", *ALL)]
        for row in measured:
            peaks = (f"{row.memory[n]:.0f}" if n in row.memory else "-" for n in ALL)
            lines.append((row.workload.name, *peaks))
        found.append(("Memory", lines))
    if imports is not None:
        lines = [("import, CPU ms", "median", "ratio", "goal", "verdict", "loaded too early")]
        for name in imports.cpu:
            own = (f"{GOAL:g}", imports.verdict(name), " ".join(sorted(imports.loaded)) or "nothing")
            ratio = f"{imports.ratio(name):.2f}"
            shown = ("-", "-", "-") if name == "qiskit" else own
            lines.append((name, number(imports.median(name)), ratio, *shown))
        found.append(("Imports", lines))
    return found


def _row_facts(row: Row) -> dict[str, Any]:
    return {
        "name": row.workload.name,
        "table": row.workload.table,
        "calls": row.workload.calls,
        "goal": row.workload.goal,
        "best_peer": row.best_peer,
        "ratio": row.ratio,
        "cpu_ratio": row.cpu_ratio,
        "verdict": row.verdict,
        "rule": row.rule,
        "problems": row.problems,
        "memory_mb": row.memory,
        "times_ms": {
            name: {"median": times.median, "wall": times.wall, "cpu": times.cpu} for name, times in row.times.items()
        },
    }


def _import_facts(imports: ImportCost | None) -> dict[str, Any] | None:
    if imports is None:
        return None
    return {
        "goal": GOAL,
        "verdicts": {name: imports.verdict(name) for name in imports.cpu},
        "loaded_too_early": sorted(imports.loaded),
        "ratios": {name: imports.ratio(name) for name in imports.cpu},
        "cpu_ms": imports.cpu,
        "wall_ms": imports.wall,
    }


def versions(more: Sequence[str] = ()) -> dict[str, str]:
    """Versions of Python, of the packages that all benchmarks use, and of more."""
    found = {"python": platform.python_version()}
    for package in (*_PACKAGES, *more):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "missing"
    return found


def platform_facts() -> dict[str, str]:
    """Where and when this was measured."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": str(os.cpu_count()),
        "date": datetime.now(UTC).date().isoformat(),
    }


def number(value: float) -> str:
    """Three significant digits without exponents."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def aligned(lines: Lines) -> str:
    """A table for the terminal."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if index == 0 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def piped(lines: Lines) -> str:
    """A table in Markdown."""
    rule = ("---", *["---:"] * (len(lines[0]) - 1))
    return "\n".join(f"| {' | '.join(line)} |" for line in (lines[0], rule, *lines[1:]))

"""The report: everything as JSON, and tables that are made of that JSON alone.

``python -m benchmarks.report [NAME]`` makes the tables of stored results anew.
"""

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmarks import imports
from benchmarks.imports import ImportCost
from benchmarks.memory import Limit
from benchmarks.rows import ALL, NO_GOAL, OURS, PEERS, RULE, Row
from benchmarks.scaling import LINEAR, Curve

RESULTS = Path(__file__).parent / "results"
_PACKAGES = ("qiskit-haiqu-provider", "qiskit", "qiskit-aer", "qiskit-ibm-runtime", "numpy")
_HEAD = ("workload", *ALL, "ratio", "cpu ratio", "goal", "stretch", f"rule {RULE} x")
_LEGEND = (
    f"Wall milliseconds of a call, medians; the fastest Qiskit peer has a star. haiqu: this package; "
    f"{', '.join(PEERS)}: primitives of "
    "Qiskit (Statevector*), of Aer, and Backend*V2 on AerSimulator; hand: the best one can write "
    "by hand with Aer and numpy. ratio: fastest peer over haiqu; cpu ratio: the same in CPU "
    "time of all threads, with the records that this package writes a moment after a quick run. Goals in "
    f"brackets: rows without a goal of their own. rule: whether no peer is faster by more than {RULE} x. "
    "-: does not take part, because it cannot or takes too long."
)

Lines = list[tuple[str, ...]]


@dataclass
class Report:
    """All that was measured."""

    settings: dict[str, Any]
    rows: list[Row] = field(default_factory=list)
    imports: ImportCost | None = None
    curves: list[Curve] = field(default_factory=list)
    limits: list[Limit] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=lambda: versions())
    platform: dict[str, str] = field(default_factory=lambda: platform_facts())

    def facts(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "versions": self.versions,
            "platform": self.platform,
            "settings": self.settings,
            "imports": None if self.imports is None else self.imports.facts(),
            "limits": [limit.facts() for limit in self.limits],
            "scaling": [curve.facts() for curve in self.curves],
            "workloads": [row.facts() for row in self.rows],
        }

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> "Report":
        """The report of its facts."""
        return cls(
            settings=facts["settings"],
            rows=[Row.of(each) for each in facts["workloads"]],
            imports=None if facts["imports"] is None else ImportCost.of(facts["imports"]),
            curves=[Curve.of(each) for each in facts["scaling"]],
            limits=[Limit.of(each) for each in facts["limits"]],
            versions=facts["versions"],
            platform=facts["platform"],
        )

    def updated(self, newer: "Report") -> "Report":
        """This report with what was measured anew in its place; other rows stay."""
        known = {row.name: row for row in self.rows} | {row.name: row for row in newer.rows}
        return Report(
            settings=self.settings,
            rows=list(known.values()),
            imports=newer.imports or self.imports,
            curves=newer.curves or self.curves,
            limits=newer.limits or self.limits,
            versions=newer.versions,
            platform=newer.platform,
        )


def load(name: str) -> Report:
    """A stored report."""
    return Report.of(json.loads((RESULTS / f"{name}.json").read_text()))


def save(name: str, report: Report) -> Path:
    """Write the JSON, the Markdown and the picture; returns the path of the Markdown."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(report.facts(), indent=1) + "\n")
    return render(name)


def render(name: str) -> Path:
    """Make the Markdown and the picture of a stored report."""
    report = load(name)
    if report.curves:
        from benchmarks.pictures import draw  # matplotlib is needed for nothing else

        draw(report.curves, RESULTS / picture(name))
    path = RESULTS / f"{name}.md"
    path.write_text(markdown(name, report))
    return path


def picture(name: str) -> str:
    """The file name of the scaling curves."""
    return f"{name}-scaling.png"


def markdown(name: str, report: Report) -> str:
    """The whole report."""
    where = ", ".join(f"{key} {value}" for key, value in {**report.versions, **report.platform}.items())
    parts = ["# Benchmarks", where, _LEGEND, "\n".join(f"- {line}" for line in summary(report))]
    for table in dict.fromkeys(row.table for row in report.rows):
        chosen = [row for row in report.rows if row.table == table]
        parts += [f"## {table}", piped([_HEAD, *map(cells, chosen)])]
    for title, lines in _extras(report):
        parts += [f"## {title}", piped(lines)]
        if title == _SCALING:
            parts.append(f"![Time over size, for all contestants]({picture(name)})")
    problems = _problems(report)
    if problems:
        parts += ["## Problems", "\n".join(f"- {line}" for line in problems)]
    return "\n\n".join(parts) + "\n"


def text(report: Report) -> str:
    """The same for the terminal."""
    parts = [aligned([_HEAD, *map(cells, report.rows)])] if report.rows else []
    parts += [aligned(lines) for _, lines in _extras(report)]
    parts += [f"! {line}" for line in _problems(report)]
    return "\n\n".join([*parts, "\n".join(summary(report))])


def _problems(report: Report) -> list[str]:
    """Who failed or was wrong, and where."""
    found = [f"{row.name}: {line}" for row in report.rows for line in row.problems]
    found += [f"{curve.title}: {line}" for curve in report.curves for line in curve.problems]
    return found + [f"{limit.name}: {limit.problem}" for limit in report.limits if limit.problem]


def summary(report: Report) -> list[str]:
    """The verdicts of all parts, in a line each."""
    goals = {row.name: row.verdict for row in report.rows if row.goal != NO_GOAL}
    stretched = {row.name: row.stretch_verdict for row in report.rows if row.stretch is not None}
    rule = {row.name: row.rule for row in report.rows}
    lines = []
    if report.rows:
        lines += [
            _verdict("goals of their own", goals, "pass"),
            _verdict("stretch goals", stretched, "pass"),
            _verdict(f"never slower than {RULE} x the best Qiskit peer", rule, "kept"),
        ]
    if report.curves:
        linear = {f"{curve.axis}, {curve.title}": curve.verdict for curve in report.curves}
        lines.append(_verdict(f"linear cost (exponent at most {LINEAR})", linear, "pass"))
    if report.limits:
        lines.append(_verdict("memory", {limit.name: limit.verdict for limit in report.limits}, "pass"))
    if report.imports is not None:
        own = {name: report.imports.verdict(name) for name in imports.OURS}
        lines.append(_verdict("imports", own, "pass"))
    return lines


def _verdict(what: str, verdicts: Mapping[str, str], good: str) -> str:
    """How many are good, and the names of those that are not."""
    counted = {name: verdict for name, verdict in verdicts.items() if verdict != "-"}
    others = [f"{name} ({verdict})" for name, verdict in counted.items() if verdict != good]
    told = f"{what}: {len(counted) - len(others)} of {len(counted)} {good}"
    return f"{told}; not {'; '.join(others)}" if others else told


def cells(row: Row) -> tuple[str, ...]:
    """The line of a workload."""
    times = [
        f"{number(row.times[name].median)}{'*' if name == row.best_peer else ''}" if name in row.times else "-"
        for name in ALL
    ]
    ratios = ["-" if ratio is None else f"{ratio:.2f}" for ratio in (row.ratio, row.cpu_ratio)]
    goal = f"({row.goal:g})" if row.goal == NO_GOAL else f"{row.goal:g}"
    stretch = "-" if row.stretch is None else f"{row.stretch:g} {row.stretch_verdict}"
    return row.name, *times, *ratios, f"{goal} {row.verdict}", stretch, row.rule


_SCALING = "Scaling"


def _extras(report: Report) -> list[tuple[str, Lines]]:
    """The tables besides those of workloads, where measured."""
    found = [
        (_SCALING, _scaling_lines(report.curves)),
        ("Memory", _memory_lines(report.rows)),
        ("Limits", _limit_lines(report.limits)),
        ("Imports", _import_lines(report.imports)),
    ]
    return [(title, lines) for title, lines in found if len(lines) > 1]


def _scaling_lines(curves: Sequence[Curve]) -> Lines:
    lines: Lines = [("time over", "of", "sizes", "exponent, wall", "exponent, CPU", "goal", "verdict")]
    for curve in curves:
        sizes = [int(size) for size, *_ in curve.points.get(OURS, [[0], [0]])]
        fitted = curve.linear and curve.verdict != "WRONG"
        exponents = (f"{curve.exponent(1):.2f}", f"{curve.exponent(2):.2f}") if fitted else ("-", "-")
        goal = f"{LINEAR:g}" if curve.linear else "-"
        lines.append((curve.axis, curve.title, f"{sizes[0]} to {sizes[-1]}", *exponents, goal, curve.verdict))
    return lines


def _memory_lines(rows: Sequence[Row]) -> Lines:
    lines: Lines = [("peak memory of the process, MB", *ALL)]
    for row in (row for row in rows if row.memory):
        lines.append((row.name, *(f"{row.memory[n]:.0f}" if n in row.memory else "-" for n in ALL)))
    return lines


def _limit_lines(limits: Sequence[Limit]) -> Lines:
    lines: Lines = [("at the limit", "seconds", "MB before", "peak MB", "allowed MB", "verdict")]
    for limit in limits:
        figures = (f"{value:.0f}" for value in (limit.before_mb, limit.peak_mb, limit.allowed_mb))
        lines.append((limit.name, f"{limit.seconds:.1f}", *figures, limit.verdict))
    return lines


def _import_lines(cost: ImportCost | None) -> Lines:
    lines: Lines = [("import", "CPU ms", "ratio", "peak MB", "goal", "verdict", "loaded too early")]
    for name in () if cost is None else cost.cpu:
        assert cost is not None
        own = ("-", "-", "-")
        if name in imports.OURS:
            own = (f"{imports.GOAL:g}", cost.verdict(name), " ".join(sorted(cost.loaded)) or "nothing")
        peak = cost.peak(name)
        shown = "-" if peak is None else f"{peak:.0f}"
        lines.append((name, number(cost.median(name)), f"{cost.ratio(name):.2f}", shown, *own))
    return lines


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


if __name__ == "__main__":
    print(render(*(sys.argv[1:] or ["full"])))

"""The report of submissions: Markdown for people, JSON with everything."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.report import RESULTS, Lines, aligned, number, piped, platform_facts, versions

if TYPE_CHECKING:
    from benchmarks.submit_contestants import Taken

DIGEST_GOAL = 0.2
"""Milliseconds for a circuit."""

_PACKAGES = ("httpx", "pydantic")
_HEAD = (
    *("circuits", "requests", "ms", "best", "CPU ms", "bare ms", "ratio", "haiqu-sdk ms", "ratio", "goal", "verdict"),
)
_LEGEND = (
    "Milliseconds from the primitive's run to the id of the accepted job, medians, over loopback with a fixed latency "
    "of each request; the service has a process of its own. Circuits of 10 qubits with 10 layers of ry and cx, "
    "measured, all different. new: neither here nor at the service; known: submitted before, by another process of "
    "this machine; known elsewhere: the service has them, but this machine does not know; sweep: one circuit with 1000 "
    "sets of 100 parameters and 10 observables of 10 terms. bare: the same requests, written before, sent by httpx "
    "with as many threads, its answers unread; ratio: ours over bare. haiqu-sdk: legacy.run of version 1.7.0, which "
    "asks the service for every circuit every time; ratio: it over ours."
)


@dataclass
class Row:
    """What a case took, call by call, in seconds."""

    name: str
    goal: float | None = None
    """Seconds."""

    ratio_goal: float | None = None
    """Times the bare exchange."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    sdk: list[float] = field(default_factory=list)

    def add(self, ours: "Taken", bare: "Taken | None") -> None:
        """Note one call of each."""
        self.wall.append(ours.wall)
        self.cpu.append(ours.cpu)
        self.requests.append(ours.requests)
        if bare is not None:
            self.bare.append(bare.wall)

    @property
    def ratio(self) -> float | None:
        """Ours over the bare exchange."""
        return statistics.median(self.wall) / statistics.median(self.bare) if self.bare else None

    @property
    def verdict(self) -> str:
        """Whether the goal is met; empty if there is none."""
        if self.goal is not None:
            return _passed(statistics.median(self.wall) <= self.goal)
        if self.ratio_goal is not None and self.ratio is not None:
            return _passed(self.ratio <= self.ratio_goal)
        return ""


def summary(rows: Sequence[Row]) -> str:
    """The table for the terminal."""
    return aligned([_HEAD, *map(_line, rows)])


def save(name: str, rows: Sequence[Row], settings: dict[str, Any]) -> Path:
    """Write the JSON and the Markdown file; returns the path of the latter."""
    RESULTS.mkdir(exist_ok=True)
    facts = {"versions": versions(_PACKAGES), "platform": platform_facts()}
    where = ", ".join(f"{key} {value}" for group in facts.values() for key, value in group.items())
    cases = [{**asdict(row), "ratio": row.ratio, "verdict": row.verdict} for row in rows]
    (RESULTS / f"{name}.json").write_text(json.dumps({**facts, "settings": settings, "cases": cases}, indent=1) + "\n")
    lines: Lines = [_HEAD, *map(_line, rows)]
    latency = f"Latency: {settings['latency_seconds'] * 1000:g} ms for each request. "
    load = f"Load of the machine before: {settings['load_before']:g}."
    parts = ["# Submissions to a distant service", where, latency + load, _LEGEND, piped(lines), digest_line(settings)]
    path = RESULTS / f"{name}.md"
    path.write_text("\n\n".join(parts) + "\n")
    return path


def digest_line(settings: dict[str, Any]) -> str:
    """What the identity of a circuit costs."""
    found = settings["digest_ms"]
    return f"Content digest of a circuit: {found:.2f} ms, goal {DIGEST_GOAL:g} ms, {_passed(found <= DIGEST_GOAL)}."


def _line(row: Row) -> tuple[str, ...]:
    median = statistics.median(row.wall)
    sdk = statistics.median(row.sdk) if row.sdk else None
    return (
        row.name,
        f"{statistics.median(row.requests):g}",
        number(median * 1000),
        number(min(row.wall) * 1000),
        number(statistics.median(row.cpu) * 1000),
        number(statistics.median(row.bare) * 1000) if row.bare else "-",
        f"{row.ratio:.2f}" if row.ratio is not None else "-",
        number(sdk * 1000) if sdk is not None else "-",
        number(sdk / median) if sdk is not None else "-",
        _goal(row),
        row.verdict or "-",
    )


def _passed(met: bool) -> str:
    return "pass" if met else "short"


def _goal(row: Row) -> str:
    if row.goal is not None:
        return f"{row.goal * 1000:g} ms"
    return f"{row.ratio_goal:g} x bare" if row.ratio_goal is not None else "-"

"""The report of a gateway under load: Markdown for people, JSON with everything."""

import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.gateway_server import Usage
from benchmarks.report import RESULTS, Lines, aligned, number, piped, platform_facts, versions

_PACKAGES = ("fastapi", "uvicorn", "sqlalchemy", "psycopg", "orjson", "pydantic")
_HEAD = (
    *("database", "phase", "submitters", "jobs", "submit p50", "p90", "p99", "max", "submits/s", "jobs/s", "reads/s"),
    *("CPU ms: server", "workers", "clients", "MB: server", "PSS of all", "RSS of all"),
)
_LEGEND = (
    "Bell jobs over loopback; clients, server, workers and database share the machine. submit: milliseconds from the "
    "request to the answer, after which the job is in the database; jobs/s: from the first submission to the end of "
    "the last job; reads/s: finished jobs read back with their results. CPU: milliseconds for each job. MB: peaks; "
    "PSS divides shared pages among the processes that share them. alone: one client; crowd: many at once, some "
    "submissions sent twice with the same key."
)


@dataclass
class Phase:
    """What was measured of some submitters."""

    name: str
    submitters: int
    jobs: int
    sent: int
    """Submissions; more than jobs where some were sent twice."""

    latencies_ms: dict[str, float]
    submits_per_second: float
    jobs_per_second: float
    reads_per_second: float
    client_cpu: float
    """Seconds of the load generator while it submitted."""

    usage: Usage


@dataclass
class Run:
    """What was measured with a database."""

    database: str
    workers: int
    phases: list[Phase] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """How values are spread."""
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {"p50": cuts[49], "p90": cuts[89], "p99": cuts[98], "max": max(values)}


def summary(runs: Sequence[Run]) -> str:
    """The table for the terminal."""
    return "\n".join([aligned([_HEAD, *_lines(runs)]), *_verdicts(runs)])


def save(name: str, runs: Sequence[Run], settings: dict[str, Any]) -> Path:
    """Write the JSON and the Markdown file; returns the path of the latter."""
    facts = {"versions": versions(_PACKAGES), "platform": platform_facts()}
    where = ", ".join(f"{key} {value}" for group in facts.values() for key, value in group.items())
    RESULTS.mkdir(exist_ok=True)
    everything = {**facts, "settings": settings, "runs": [asdict(run) for run in runs]}
    (RESULTS / f"{name}.json").write_text(json.dumps(everything, indent=1) + "\n")
    path = RESULTS / f"{name}.md"
    verdicts = "\n".join(f"- {line}" for line in _verdicts(runs))
    path.write_text(
        "\n\n".join(["# A gateway under load", where, _LEGEND, piped([_HEAD, *_lines(runs)]), verdicts]) + "\n"
    )
    return path


def _lines(runs: Sequence[Run]) -> Lines:
    return [_line(run, phase) for run in runs for phase in run.phases]


def _line(run: Run, phase: Phase) -> tuple[str, ...]:
    used = phase.usage
    cpu = (used.server_cpu, used.workers_cpu, phase.client_cpu)
    return (
        *(run.database, phase.name, str(phase.submitters), str(phase.jobs)),
        *(number(value) for value in phase.latencies_ms.values()),
        *(number(value) for value in (phase.submits_per_second, phase.jobs_per_second, phase.reads_per_second)),
        *(number(seconds * 1000 / phase.jobs) for seconds in cpu),
        *(number(value) for value in (used.server_mb, used.pss_mb, used.rss_mb)),
    )


def _verdicts(runs: Sequence[Run]) -> Iterator[str]:
    for run in runs:
        jobs, sent = sum(phase.jobs for phase in run.phases), sum(phase.sent for phase in run.phases)
        if run.problems:
            yield from (f"{run.database}: {problem}" for problem in run.problems)
        else:
            yield f"{run.database}: {sent} submissions, {jobs} jobs, none lost, none doubled, all results right"

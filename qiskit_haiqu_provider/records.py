"""The record of a job: what is kept of it, and how that is written in JSON."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from qiskit.providers import JobStatus

from qiskit_haiqu_provider.cost.reservation import Reservation
from qiskit_haiqu_provider.exceptions import HaiquJobNotFoundError
from qiskit_haiqu_provider.files import plain, unshared
from qiskit_haiqu_provider.run.plan import Plan

FORMAT = "qiskit-haiqu-provider job"
VERSION = 1

_ID = re.compile(r"(arn:[a-z0-9:-]+:quantum-task/)?[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}")


@dataclass(frozen=True, kw_only=True)
class JobRecord:
    """What is kept of a job."""

    id: str
    backend: str
    via: str
    plan: Mapping[str, Any]
    created: str
    """When it was submitted, ISO 8601 with time zone."""

    status: str
    """Name of the JobStatus when the record was written."""

    owner: str
    """The process that runs the job; its lock tells whether it is alive."""

    name: str = ""
    description: str = ""
    tags: Sequence[str] = ()
    error: str | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Metadata of the run result."""

    layout: Sequence[Mapping[str, Any]] = ()
    """Kind and shape of each task's result, in the order of the bytes."""

    state: Mapping[str, Any] = field(default_factory=dict)
    """What the engine needs to follow or find the job: JSON, never secrets."""

    reservation: Reservation = field(default_factory=dict)
    """What the job has set aside in a ledger."""


def kept_plan(plan: Plan) -> dict[str, Any]:
    """What is kept of a plan. It does not change with its circuits' metadata, which users may change later."""
    outlines = [{**vars(outline), "circuit_metadata": unshared(outline.circuit_metadata)} for outline in plan.outlines]
    return {"kind": plan.kind, "outlines": outlines}


def encoded(record: JobRecord) -> bytes:
    """A record in JSON, on one line."""
    return json.dumps(plain({"format": FORMAT, "version": VERSION, **vars(record)})).encode()


def decoded(text: bytes, name: str) -> JobRecord:
    """The record in JSON that was read under the id of a job, or the name of its file.

    Raises:
        ValueError: If it is damaged, of another job, or of another release. Damage can also raise KeyError, TypeError,
            AttributeError and RecursionError.
    """
    data = json.loads(text)
    if not isinstance(data, dict) or data.pop("format", None) != FORMAT:
        raise ValueError("not a job record")
    version = data.pop("version", None)
    if version != VERSION:
        raise ValueError(f"version {version}, this release reads version {VERSION}")
    record = JobRecord(**data)
    if _file_name(record.id) != _file_name(name):
        raise ValueError(f"it is of job {record.id!r}")
    if created_at(record).tzinfo is None:
        raise ValueError("the time of submission has no time zone")
    if record.status not in JobStatus.__members__:
        raise ValueError(f"unknown status {record.status!r}")
    Plan.from_dict(record.plan)  # raises if it cannot be read
    return record


def created_at(record: JobRecord) -> datetime:
    """When the job was submitted."""
    return datetime.fromisoformat(record.created)


def file_name(job_id: Any) -> str:
    """The id as a file name; anything that could reach out of the folder is refused."""
    if not isinstance(job_id, str) or not _ID.fullmatch(job_id):
        raise HaiquJobNotFoundError(f"{job_id!r} is not a job id. See provider.jobs().")
    return _file_name(job_id)


def _file_name(job_id: str) -> str:
    return job_id.replace("/", "~")  # those of Amazon Braket have one

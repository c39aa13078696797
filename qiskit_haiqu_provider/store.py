"""Jobs on disk: the record that outlives the process. Never holds a secret, and never a pickle.

A job is two files in ``HAIQU_HOME/jobs``: ``<id>.json``, a versioned record, and, once it is done, ``<id>.bin``, the
arrays of its result, whose shapes the record holds. Both are written to a temporary file and renamed, with mode 0600
in a folder of mode 0700. Every process that runs jobs holds a lock file for as long as it lives, so that another one
can tell a running job from a job whose process died.
"""

import contextlib
import json
import math
import os
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from qiskit.providers import JobStatus
from qiskit.providers.jobstatus import JOB_FINAL_STATES

from qiskit_haiqu_provider.cost.reservation import Reservation
from qiskit_haiqu_provider.exceptions import HaiquJobNotFoundError
from qiskit_haiqu_provider.files import default_home, lock_is_held, plain, private_folder, process_lock, replacing
from qiskit_haiqu_provider.run.plan import Plan
from qiskit_haiqu_provider.run.result import (
    Distributions,
    Expectations,
    RunResult,
    Samples,
    Statevectors,
    TaskResult,
)

FORMAT = "qiskit-haiqu-provider job"
VERSION = 1
KEEP_FINISHED = 1000
"""Finished local jobs kept on disk; older ones make room. Jobs of paid services always stay."""

_PRUNE_EVERY = 64
_FINAL = frozenset(status.name for status in JOB_FINAL_STATES)
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What reading a damaged file can raise."""

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


class JobStore:
    """The job records of one user on one machine.

    Args:
        home: Folder of the package's data. Default: ``HAIQU_HOME``, else the platform's data folder.
    """

    def __init__(self, home: str | os.PathLike[str] | None = None) -> None:
        self._home = Path(home).expanduser() if home is not None else None
        self._writes = 0

    @property
    def home(self) -> Path:
        """Folder of the package's data; made on first write."""
        if self._home is None:
            self._home = default_home()
        return self._home

    def write(self, record: JobRecord, result: RunResult | None = None) -> None:
        """Write a record, and with it the arrays of a result. The old record stays until the new one is whole."""
        try:
            folder = private_folder(self.home / "jobs")
            if result is not None:
                record = replace(record, layout=_layout(result), facts=dict(result.metadata))
                with replacing(folder / f"{_checked(record.id)}.bin") as file:
                    for task in result.tasks:
                        for array in _arrays(task):
                            file.write(np.ascontiguousarray(array).data)
            header = {"format": FORMAT, "version": VERSION}
            text = json.dumps(plain({**header, **vars(record)}))
            with replacing(folder / f"{_checked(record.id)}.json") as file:
                file.write(text.encode())
        except OSError as error:
            self._warn_unwritable(error)
            return
        if self._writes % _PRUNE_EVERY == 0:
            self._prune()
        self._writes += 1

    def remove(self, job_id: str) -> None:
        """Forget a job that was not submitted after all."""
        for suffix in (".json", ".bin"):
            (self.home / "jobs" / f"{_checked(job_id)}{suffix}").unlink(missing_ok=True)

    def read(self, job_id: str) -> JobRecord:
        """The record of a job.

        Raises:
            HaiquJobNotFoundError: If there is none, or it cannot be read.
        """
        path = self.home / "jobs" / f"{_checked(job_id)}.json"
        try:
            return _record(path)
        except FileNotFoundError:
            raise HaiquJobNotFoundError(
                f"No job '{job_id}' is known in {path.parent}. See provider.jobs(), or set HAIQU_HOME to the "
                "folder that was used when it was submitted."
            ) from None
        except _UNREADABLE as error:
            raise HaiquJobNotFoundError(
                f"The record of job '{job_id}' in {path} cannot be read ({_reason(error)}). The file was kept."
            ) from error

    def records(self) -> list[JobRecord]:
        """All records, the last submitted first. One that cannot be read is skipped with one warning, its file kept."""
        found = []
        for path in (self.home / "jobs").glob("*.json"):
            try:
                found.append(_record(path))
            except FileNotFoundError:
                continue  # pruned by another process meanwhile
            except _UNREADABLE as error:
                warnings.warn(
                    f"The job record {path} cannot be read ({_reason(error)}); it was skipped and the file kept.",
                    stacklevel=2,
                )
        return sorted(found, key=created_at, reverse=True)

    def result(self, record: JobRecord) -> RunResult:
        """The result of a job that is done.

        Raises:
            HaiquJobNotFoundError: If its arrays are missing or cannot be read.
        """
        path = self.home / "jobs" / f"{_checked(record.id)}.bin"
        try:
            with path.open("rb") as file:
                tasks = tuple(_task(entry, file) for entry in record.layout)
            told = tuple(entry["facts"] for entry in record.layout if "facts" in entry)
            return RunResult(tasks, record.facts, told)
        except _UNREADABLE as error:
            raise HaiquJobNotFoundError(
                f"The result of job '{record.id}' in {path} cannot be read ({_reason(error)})."
            ) from error

    def owner(self) -> str:
        """The name of this process in records; takes its lock on first use."""
        try:
            return process_lock(str(private_folder(self.home / "owners")), os.getpid())
        except OSError as error:
            self._warn_unwritable(error)
            return ""

    def owner_alive(self, owner: str) -> bool:
        """Whether the process that owns a job still runs."""
        return lock_is_held(self.home / "owners" / f"{owner}.lock")

    def _prune(self) -> None:
        """Remove the oldest finished local jobs beyond the number kept, and what dead processes left behind."""
        paths = list((self.home / "jobs").glob("*.json"))
        if len(paths) <= 1.1 * KEEP_FINISHED:  # seldom and many at a time: looking costs more than removing
            return
        for path in sorted(paths, key=_modified)[: len(paths) - KEEP_FINISHED]:
            with contextlib.suppress(*_UNREADABLE):
                record = _record(path)
                if record.via == "local" and record.status in _FINAL:
                    self.remove(record.id)
        for lock in (self.home / "owners").glob("*.lock"):
            if not lock_is_held(lock):
                lock.unlink(missing_ok=True)

    def _warn_unwritable(self, error: OSError) -> None:
        if self.home not in _WARNED:
            _WARNED.add(self.home)
            warnings.warn(
                f"Jobs cannot be kept in {self.home} ({error.strerror or error}); they run, but cannot be found by "
                "another process. Set HAIQU_HOME to a folder that can be written.",
                stacklevel=5,
            )


_WARNED: set[Path] = set()
"""Homes that could not be written, and were warned of."""


def _modified(path: Path) -> float:
    with contextlib.suppress(OSError):
        return path.stat().st_mtime
    return 0.0  # removed by another process meanwhile


def created_at(record: JobRecord) -> datetime:
    """When the job was submitted."""
    return datetime.fromisoformat(record.created)


def _checked(job_id: Any) -> str:
    """The id as a file name; anything that could reach out of the folder is refused."""
    if not isinstance(job_id, str) or not _ID.fullmatch(job_id):
        raise HaiquJobNotFoundError(f"{job_id!r} is not a job id. See provider.jobs().")
    return _file_name(job_id)


def _file_name(job_id: str) -> str:
    return job_id.replace("/", "~")  # those of Amazon Braket have one


def _record(path: Path) -> JobRecord:
    data = json.loads(path.read_bytes())
    if not isinstance(data, dict) or data.pop("format", None) != FORMAT:
        raise ValueError("not a job record")
    version = data.pop("version", None)
    if version != VERSION:
        raise ValueError(f"version {version}, this release reads version {VERSION}")
    record = JobRecord(**data)
    if _file_name(record.id) != path.stem:
        raise ValueError(f"it is of job {record.id!r}")
    if created_at(record).tzinfo is None:
        raise ValueError("the time of submission has no time zone")
    if record.status not in JobStatus.__members__:
        raise ValueError(f"unknown status {record.status!r}")
    Plan.from_dict(record.plan)  # raises if it cannot be read
    return record


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _layout(result: RunResult) -> list[dict[str, Any]]:
    """What the bytes of a result mean: for each task its kind and the shapes of its arrays."""
    layout = []
    for task, facts in zip_longest(result.tasks, result.task_facts):
        entry: dict[str, Any] = {"kind": type(task).__name__, "shape": list(_arrays(task)[0].shape)}
        if isinstance(task, (Samples, Distributions)):
            entry["num_clbits"] = task.num_clbits
        if isinstance(task, Distributions):
            entry["sets"] = task.num_sets
        if facts is not None:
            entry["facts"] = dict(facts)
        layout.append(entry)
    return layout


def _arrays(task: TaskResult) -> tuple[np.ndarray[Any, Any], ...]:
    if isinstance(task, Samples):
        return (task.outcomes,)
    if isinstance(task, Distributions):
        return task.outcomes, task.weights, task.offsets
    if isinstance(task, Expectations):
        return task.values, task.stds
    return (task.amplitudes,)


def _task(entry: Mapping[str, Any], file: BinaryIO) -> TaskResult:
    shape = tuple(entry["shape"])
    if entry["kind"] == "Samples":
        return Samples(_array(file, shape, np.uint8), entry["num_clbits"])
    if entry["kind"] == "Distributions":
        outcomes, weights = _array(file, shape, np.uint8), _array(file, shape[:1], np.float64)
        return Distributions(outcomes, weights, _array(file, (entry["sets"] + 1,), np.int64), entry["num_clbits"])
    if entry["kind"] == "Expectations":
        return Expectations(_array(file, shape, np.float64), _array(file, shape, np.float64))
    if entry["kind"] == "Statevectors":
        return Statevectors(_array(file, shape, np.complex128))
    raise ValueError(f"unknown kind of result '{entry['kind']}'")


def _array(file: BinaryIO, shape: tuple[int, ...], dtype: Any) -> np.ndarray[Any, Any]:
    size = math.prod(shape) * np.dtype(dtype).itemsize
    data = file.read(size)
    if len(data) != size:
        raise ValueError("the file is too short")
    return np.frombuffer(data, dtype=dtype).reshape(shape)

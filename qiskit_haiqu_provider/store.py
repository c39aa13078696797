"""Jobs on disk: the record that outlives the process. Never holds a secret, and never a pickle.

A job is two files in ``HAIQU_HOME/jobs``: ``<id>.json``, a versioned record, and, once it is done, ``<id>.bin``, the
arrays of its result, whose shapes the record holds. Both are written to a temporary file and renamed, with mode 0600
in a folder of mode 0700. Every process that runs jobs holds a lock file for as long as it lives, so that another one
can tell a running job from a job whose process died.

Jobs that were done before anyone could ask for them are written a moment later, many at a time, those of a batch in the
same two files (see :mod:`~qiskit_haiqu_provider.batches`); this process knows them at once.
"""

import contextlib
import io
import json
import logging
import os
import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from qiskit.providers import JobStatus
from qiskit.providers.jobstatus import JOB_FINAL_STATES

from qiskit_haiqu_provider.batches import (
    LEAST,
    batches_in,
    find,
    is_batch,
    read_batch,
    read_entry,
    results_of,
    size_of,
    write_batches,
)
from qiskit_haiqu_provider.behind import Late, WriteBehind
from qiskit_haiqu_provider.cost.reservation import Reservation
from qiskit_haiqu_provider.exceptions import HaiquJobNotFoundError
from qiskit_haiqu_provider.files import (
    default_home,
    known_lock,
    lock_is_held,
    plain,
    private_folder,
    process_lock,
    replacing,
)
from qiskit_haiqu_provider.run.packed import Buffer, buffers, layout_of, read_result
from qiskit_haiqu_provider.run.plan import Plan
from qiskit_haiqu_provider.run.result import RunResult

logger = logging.getLogger(__name__)

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
            if result is not None:
                record = replace(record, layout=layout_of(result), facts=dict(result.metadata))
            data = None if result is None else buffers(result)
            _write(private_folder(self.home / "jobs"), _values(record), data)
        except OSError as error:
            _warn_unwritable(self.home, error)
            return
        if self._writes % _PRUNE_EVERY == 0:
            _prune(self.home)
        self._writes += 1

    def write_later(self, job_id: str, record: Callable[[], JobRecord], result: RunResult | None = None) -> None:
        """Write a job that has ended, and was never written, a moment later: this process finds it at once.

        For jobs that are over before they can be asked for: a crash meanwhile loses what is known of them, and no work.

        Args:
            job_id: Its id.
            record: Makes the record, which will not change any more.
            result: Its result; arrays may change afterwards.
        """
        if result is None:
            self._behind.put(job_id, Late(record))
            return
        whole = partial(_with_layout, record, layout_of(result), result.metadata)  # without the arrays
        self._behind.put(job_id, Late(whole, b"".join(buffers(result))))

    def flush(self) -> None:
        """Write now what is to be written later, of all stores with this home."""
        self._behind.flush()

    @property
    def _behind(self) -> WriteBehind:
        """What is to be written later; shared by all stores with this home."""
        home = self.home
        found = _BEHIND.get(home)
        if found is None:
            found = _BEHIND.setdefault(home, WriteBehind(partial(_write_all, home), most=KEEP_FINISHED))
        return found

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
        late = self._behind.get(job_id)
        if late is not None:
            record: JobRecord = late.record()
            return record
        batch = None if path.exists() else find(path.parent, job_id)
        try:
            data = json.loads(path.read_bytes()) if batch is None else read_entry(batch, job_id).record
            return _checked_record(data, job_id)
        except FileNotFoundError:
            raise HaiquJobNotFoundError(
                f"No job '{job_id}' is known in {path.parent}. See provider.jobs(), or set HAIQU_HOME to the "
                "folder that was used when it was submitted."
            ) from None
        except _UNREADABLE as error:
            raise HaiquJobNotFoundError(
                f"The record of job '{job_id}' in {batch or path} cannot be read ({_reason(error)}). The file was kept."
            ) from error

    def records(self) -> list[JobRecord]:
        """All records, the last submitted first. One that cannot be read is skipped with one warning, its file kept."""
        waiting: list[JobRecord] = [late.record() for late in self._behind.all()]
        found: dict[str, JobRecord] = {}
        for path in _files(self.home / "jobs"):
            try:
                found.update(_records(path))
            except FileNotFoundError:
                continue  # pruned by another process meanwhile
            except _UNREADABLE as error:
                warnings.warn(
                    f"The job record {path} cannot be read ({_reason(error)}); it was skipped and the file kept.",
                    stacklevel=2,
                )
        found.update({record.id: record for record in waiting})  # also those that were written meanwhile
        return sorted(found.values(), key=created_at, reverse=True)

    def count(self) -> int:
        """How many jobs are on disk; their records are not read."""
        return sum(map(size_of, _files(self.home / "jobs")))

    def result(self, record: JobRecord) -> RunResult:
        """The result of a job that is done.

        Raises:
            HaiquJobNotFoundError: If its arrays are missing or cannot be read.
        """
        path, start = self.home / "jobs" / f"{_checked(record.id)}.bin", 0
        late = self._behind.get(record.id)
        try:
            if late is not None:
                return read_result(record.layout, record.facts, io.BytesIO(late.result or b""))
            batch = None if path.exists() else find(path.parent, record.id)
            if batch is not None:
                path, start = results_of(batch), read_entry(batch, record.id).start
            with path.open("rb") as file:
                file.seek(start)
                return read_result(record.layout, record.facts, file)
        except _UNREADABLE as error:
            raise HaiquJobNotFoundError(
                f"The result of job '{record.id}' in {path} cannot be read ({_reason(error)})."
            ) from error

    def owner(self) -> str:
        """The name of this process in records; takes its lock on first use."""
        folder = f"{self.home}{os.sep}owners"  # a text, as this is on the way of every job
        try:
            return known_lock(folder, os.getpid()) or process_lock(str(private_folder(Path(folder))), os.getpid())
        except OSError as error:
            _warn_unwritable(self.home, error)
            return ""

    def owner_alive(self, owner: str) -> bool:
        """Whether the process that owns a job still runs."""
        return lock_is_held(self.home / "owners" / f"{owner}.lock")


_BEHIND: dict[Path, WriteBehind] = {}
"""By home, what is to be written later."""


def _write(folder: Path, record: Mapping[str, Any], result: Iterable[Buffer] | None = None) -> None:
    """Write the files of a job, the record, in JSON values, last."""
    name = _checked(record["id"])
    if result is not None:
        with replacing(folder / f"{name}.bin") as file:
            for part in result:
                file.write(part)
    with replacing(folder / f"{name}.json") as file:
        file.write(json.dumps(record).encode())


def _values(record: JobRecord) -> dict[str, Any]:
    """A record in JSON values."""
    data: dict[str, Any] = plain({"format": FORMAT, "version": VERSION, **vars(record)})
    return data


def _write_all(home: Path, jobs: Sequence[Late]) -> None:
    """Write jobs that were put off; none if the home was removed meanwhile, and all that was in it."""
    if not home.is_dir():
        return
    try:
        folder, batch = private_folder(home / "jobs"), []
        for job in jobs:
            try:
                batch.append((_values(job.record()), job.result))
            except (ValueError, TypeError):  # what cannot be told of one job does not keep others from the disk
                logger.warning("The record of a job could not be written.", exc_info=True)
        if len(batch) >= LEAST:
            write_batches(folder, [(record, result or b"") for record, result in batch])
        else:
            for record, result in batch:
                _write(folder, record, None if result is None else [result])
    except OSError as error:
        _warn_unwritable(home, error)
        return
    _prune(home)


def _prune(home: Path) -> None:
    """Remove the oldest finished local jobs beyond the number kept, and what dead processes left behind."""
    paths = _files(home / "jobs")
    spare = sum(map(size_of, paths)) - KEEP_FINISHED
    if spare <= 0.1 * KEEP_FINISHED:  # seldom and many at a time: looking costs more than removing
        return
    for path in sorted(paths, key=_modified):
        spare -= size_of(path)
        if spare < 0:
            break
        with contextlib.suppress(*_UNREADABLE):
            if is_batch(path) or _is_finished_and_local(path):
                path.unlink(missing_ok=True)
                path.with_suffix(".bin").unlink(missing_ok=True)
    for lock in (home / "owners").glob("*.lock"):
        if not lock_is_held(lock):
            lock.unlink(missing_ok=True)


def _is_finished_and_local(path: Path) -> bool:
    """Whether the jobs in a file have ended, and ran on this machine; all that are written in batches have."""
    return all(record.via == "local" and record.status in _FINAL for record in _records(path).values())


def _warn_unwritable(home: Path, error: OSError) -> None:
    if home not in _WARNED:
        _WARNED.add(home)
        warnings.warn(
            f"Jobs cannot be kept in {home} ({error.strerror or error}); they run, but cannot be found by "
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


def _files(folder: Path) -> list[Path]:
    """The files with records: of one job, or of a batch."""
    return [*folder.glob("*.json"), *batches_in(folder)]


def _records(path: Path) -> dict[str, JobRecord]:
    """The records in a file by id."""
    read = read_batch(path) if is_batch(path) else {path.stem: json.loads(path.read_bytes())}
    records = [_checked_record(data, job_id) for job_id, data in read.items()]
    return {record.id: record for record in records}


def _checked_record(data: Any, name: str) -> JobRecord:
    """The record that was read under the id of a job, or the name of its file."""
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


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _with_layout(
    record: Callable[[], JobRecord], layout: Sequence[Mapping[str, Any]], facts: Mapping[str, Any]
) -> JobRecord:
    """The record of a job with a result of that layout."""
    return replace(record(), layout=layout, facts=dict(facts))

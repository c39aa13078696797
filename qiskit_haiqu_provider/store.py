"""Jobs on disk: the record that outlives the process. Never holds a secret, and never a pickle.

A job is two files in ``HAIQU_HOME/jobs``: ``<id>.json``, a versioned record, and, once it is done, ``<id>.bin``, the
arrays of its result, whose shapes the record holds. Both are written to a temporary file and renamed, with mode 0600
in a folder of mode 0700. Every process that runs jobs holds a lock file for as long as it lives, so that another one
can tell a running job from a job whose process died, and a file that is written from one that was left behind.

Jobs that were done before anyone could ask for them are written a moment later, many at a time, those of a batch in the
same two files (see :mod:`~qiskit_haiqu_provider.batches`); this process knows them at once.
"""

import contextlib
import io
import logging
import math
import os
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from qiskit.providers.jobstatus import JOB_FINAL_STATES

from qiskit_haiqu_provider.batches import (
    LEAST,
    Encoded,
    batches_in,
    find,
    is_batch,
    read_entry,
    read_lines,
    results_of,
    size_of,
    write_batches,
)
from qiskit_haiqu_provider.behind import Late, WriteBehind
from qiskit_haiqu_provider.exceptions import HaiquJobNotFoundError
from qiskit_haiqu_provider.files import (
    default_home,
    known_lock,
    lock_is_held,
    private_folder,
    process_lock,
    replacing,
    unshared,
)
from qiskit_haiqu_provider.leftovers import RECENT_SECONDS, is_old, left_behind
from qiskit_haiqu_provider.pruning import superfluous
from qiskit_haiqu_provider.records import JobRecord, created_at, decoded, encoded, file_name
from qiskit_haiqu_provider.run.packed import Buffer, buffers, layout_of, read_result
from qiskit_haiqu_provider.run.result import RunResult

__all__ = ["JobRecord", "JobStore", "created_at"]

logger = logging.getLogger(__name__)

KEEP_FINISHED = 1000
"""Finished local jobs kept on disk; older ones make room. Jobs of paid services always stay."""

_PRUNE_EVERY = 64
_FINAL = frozenset(status.name for status in JOB_FINAL_STATES)
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError)
"""What reading a damaged file can raise."""


class JobStore:
    """The job records of one user on one machine.

    Args:
        home: Folder of the package's data. Default: ``HAIQU_HOME``, else the platform's data folder.
    """

    def __init__(self, home: str | os.PathLike[str] | None = None) -> None:
        self._home = Path(home).expanduser().absolute() if home is not None else None
        self._writes = 0

    @property
    def home(self) -> Path:
        """Folder of the package's data, absolute; made on first write."""
        if self._home is None:
            self._home = default_home()
        return self._home

    def write(self, record: JobRecord, result: RunResult | None = None) -> bool:
        """Write a record, and with it the arrays of a result. The old record stays until the new one is whole.

        Returns:
            Whether it was written; if not, this was warned of once.
        """
        try:
            if result is not None:
                record = replace(record, layout=layout_of(result), facts=dict(result.metadata))
            data = None if result is None else buffers(result)
            _write(private_folder(self.home / "jobs"), record.id, encoded(record), data, owner=self.owner())
        except OSError as error:
            _warn_unwritable(self.home, error)
            return False
        if self._writes % _PRUNE_EVERY == 0:
            _prune(self.home)
        self._writes += 1
        return True

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
        layout = layout_of(result)
        if result.task_facts:  # users have them, too, as those of the run
            layout = [dict(unshared(entry)) for entry in layout]
        whole = partial(_with_layout, record, layout, unshared(result.metadata))  # without the arrays
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
            with contextlib.suppress(OSError):  # where nothing can be written, there is nothing
                (self.home / "jobs" / f"{file_name(job_id)}{suffix}").unlink(missing_ok=True)

    def read(self, job_id: str) -> JobRecord:
        """The record of a job.

        Raises:
            HaiquJobNotFoundError: If there is none, or it cannot be read.
        """
        path = self.home / "jobs" / f"{file_name(job_id)}.json"
        late = self._behind.get(job_id)
        if late is not None:
            return _told(late)
        batch = None if path.exists() else find(path.parent, job_id)
        try:
            return decoded(path.read_bytes() if batch is None else read_entry(batch, job_id).record, job_id)
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
        waiting = _made(self._behind.all())
        found: dict[str, JobRecord] = {}
        for path in _files(self.home / "jobs"):
            found.update(_records(path))
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
        path, start = self.home / "jobs" / f"{file_name(record.id)}.bin", 0
        late = self._behind.get(record.id)
        try:
            if late is not None:
                return read_result(record.layout, record.facts, io.BytesIO(late.result or b""))
            batch = None if path.exists() else find(path.parent, record.id)
            if batch is not None:
                path, start = results_of(batch), read_entry(batch, record.id).start
            elif not path.exists() and not path.with_suffix(".json").exists():
                raise HaiquJobNotFoundError(
                    f"The result of job '{record.id}' is not in {path.parent} any more: there is neither {path.name} "
                    f"nor a batch with that job. The newest {KEEP_FINISHED} finished local jobs are kept."
                )
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


def _write(folder: Path, job_id: str, record: bytes, result: Iterable[Buffer] | None, *, owner: str) -> None:
    """Write the files of a job; the record, in JSON, is begun before the result has its name, and named after it."""
    name = file_name(job_id)
    with replacing(folder / f"{name}.json", owner) as file:
        file.write(record)
        if result is not None:
            with replacing(folder / f"{name}.bin", owner) as arrays:
                arrays.writelines(result)


def _write_all(home: Path, jobs: Sequence[Late]) -> None:
    """Write jobs that were put off; none if the home was removed meanwhile, and all that was in it."""
    if not home.is_dir():
        return
    try:
        folder, owner, batch = private_folder(home / "jobs"), JobStore(home).owner(), []
        for job in jobs:
            try:
                record = job.record()
                batch.append(Encoded(record.id, encoded(record), job.result))
            except Exception:  # what cannot be told of one job does not keep others from the disk
                logger.warning("The record of a job could not be written.", exc_info=True)
        if len(batch) >= LEAST:
            write_batches(folder, batch, owner)
        else:
            for one in batch:
                _write(folder, one.id, one.record, None if one.result is None else [one.result], owner=owner)
    except OSError as error:
        _warn_unwritable(home, error)
        return
    _prune(home)


def _prune(home: Path) -> None:
    """Remove the oldest finished local jobs beyond the number kept, and what dead processes left behind."""
    _tidy(home)
    paths = superfluous(_files(home / "jobs"), keep=KEEP_FINISHED, may_go=_may_go)
    if not paths:
        return
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
            path.with_suffix(".bin").unlink(missing_ok=True)
    for lock in (home / "owners").glob("*.lock"):
        if is_old(lock) and not lock_is_held(lock):  # one that is just being made is not held yet
            lock.unlink(missing_ok=True)


def _tidy(home: Path) -> None:
    """Remove what processes left behind that were killed while they wrote; looks for it once in a while."""
    now = time.monotonic()
    if now - _TIDIED.get(home, -math.inf) < RECENT_SECONDS:
        return
    _TIDIED[home] = now
    for path in left_behind(home / "jobs", alive=JobStore(home).owner_alive):
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


_TIDIED: dict[Path, float] = {}
"""When each home was last looked through for what was left behind."""


def _may_go(path: Path) -> bool | None:
    """Whether jobs have ended, and ran on this machine, as all in batches; ``None`` if that may change."""
    if is_batch(path):
        return True
    try:
        record = decoded(path.read_bytes(), path.stem)
    except _UNREADABLE:
        return None
    if record.via != "local":
        return False
    return True if record.status in _FINAL else None


def _warn_unwritable(home: Path, error: OSError) -> None:
    if home not in _WARNED:
        _WARNED.add(home)
        warnings.warn(
            f"Jobs cannot be kept in {home} ({error.strerror or error}); they run if they cost nothing, but "
            "cannot be found by another process. Set HAIQU_HOME to a folder that can be written.",
            stacklevel=5,
        )


_WARNED: set[Path] = set()
"""Homes that could not be written, and were warned of."""


def _files(folder: Path) -> list[Path]:
    """The files with records: of one job, or of a batch."""
    return [*folder.glob("*.json"), *batches_in(folder)]


def _records(path: Path) -> dict[str, JobRecord]:
    """The records in a file by id; each that cannot be read is skipped with one warning."""
    try:
        texts = read_lines(path) if is_batch(path) else {path.stem: path.read_bytes()}
    except FileNotFoundError:
        return {}  # pruned by another process meanwhile
    except _UNREADABLE as error:
        _warn_skipped(f"The job record {path}", error)
        return {}
    found = {}
    for name, text in texts.items():
        try:
            record = decoded(text, name)
            found[record.id] = record
        except _UNREADABLE as error:
            _warn_skipped(f"The record of job '{name}' in {path}", error)
    return found


def _warn_skipped(what: str, error: Exception) -> None:
    warnings.warn(f"{what} cannot be read ({_reason(error)}); it was skipped and the file kept.", stacklevel=4)


def _made(jobs: Iterable[Late]) -> list[JobRecord]:
    """The records of jobs that wait to be written; one that cannot be told is skipped with one warning."""
    found = []
    for job in jobs:
        try:
            found.append(_told(job))
        except HaiquJobNotFoundError as error:
            warnings.warn(f"{error} It was skipped.", stacklevel=3)
    return found


def _told(job: Late) -> JobRecord:
    """The record of a job that waits to be written. It is made from what users gave, which may fail in any way."""
    try:
        record: JobRecord = job.record()
    except Exception as error:
        raise HaiquJobNotFoundError(f"The record of a job cannot be told ({_reason(error)}).") from error
    return record


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _with_layout(
    record: Callable[[], JobRecord], layout: Sequence[Mapping[str, Any]], facts: Mapping[str, Any]
) -> JobRecord:
    """The record of a job with a result of that layout."""
    return replace(record(), layout=layout, facts=facts)

"""Jobs that were written together: one file for many is written far sooner than many files.

A batch is two files, as a job is. ``batch-<jobs>-<name>.jsonl`` has the record of a job in each line. Its first line
tells the ids of the jobs, in the order of the lines, and where the result of each begins in the other file,
``batch-<jobs>-<name>.bin``. Batches are written once, and removed as a whole.
"""

import json
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from qiskit_haiqu_provider.files import replacing

LEAST, MOST = 8, 100
"""Jobs in a batch: fewer are written one by one, so that there are not many batches to look through."""

_NAME = re.compile(r"batch-([1-9]\d{0,5})-[0-9a-f]{32}")


class Encoded(NamedTuple):
    """A job as it is written."""

    id: str
    record: bytes
    """Its record, in JSON on one line."""

    result: bytes | None = None
    """The arrays of its result; ``None`` if it has none."""


class Entry(NamedTuple):
    """A job of a batch."""

    record: bytes
    """Its record, in JSON."""

    start: int
    """Where its result begins in the file of results."""


def write_batches(folder: Path, jobs: Sequence[Encoded], owner: str = "") -> None:
    """Write jobs, many in a file, by the process with that lock."""
    for first in range(0, len(jobs), MOST):
        _write(folder, jobs[first : first + MOST], owner)


def _write(folder: Path, jobs: Sequence[Encoded], owner: str) -> None:
    path = folder / f"batch-{len(jobs)}-{uuid4().hex}.jsonl"
    results = [job.result or b"" for job in jobs]
    starts, end = {}, 0
    for job, result in zip(jobs, results, strict=True):
        starts[job.id] = end
        end += len(result)
    lines = [json.dumps(starts).encode(), *[job.record for job in jobs]]
    with replacing(path, owner) as file:  # begun before the results have their name, and named after them
        file.write(b"\n".join(lines))
        with replacing(results_of(path), owner) as arrays:
            arrays.writelines(results)


def batches_in(folder: Path) -> list[Path]:
    """The batches in a folder."""
    return [path for path in folder.glob("batch-*.jsonl") if _NAME.fullmatch(path.stem)]


def is_batch(path: Path) -> bool:
    """Whether a file with records is a batch."""
    return path.suffix == ".jsonl"


def results_of(batch: Path) -> Path:
    """The file with the results of a batch."""
    return batch.with_suffix(".bin")


def size_of(path: Path) -> int:
    """How many jobs a file with records has: one, unless it is a batch, whose name tells."""
    named = _NAME.fullmatch(path.stem) if is_batch(path) else None
    return int(named[1]) if named else 1


def find(folder: Path, job_id: str) -> Path | None:
    """The batch with that job; ``None`` if there is none. Batches that cannot be read have nothing."""
    for batch in batches_in(folder):
        try:
            if job_id in _starts(batch):
                return batch
        except (OSError, ValueError, RecursionError):
            continue
    return None


def read_entry(batch: Path, job_id: str) -> Entry:
    """A job of a batch.

    Raises:
        OSError: If it cannot be read, or was removed meanwhile.
        ValueError: If its first line is damaged.
        KeyError: If it does not have that job.
    """
    return Entry(read_lines(batch)[job_id], _starts(batch)[job_id])


# Batches do not change, and who asks for one of their jobs often asks for the next.


@lru_cache(maxsize=128)
def _starts(batch: Path) -> dict[str, int]:
    """Where the result of each job begins, as the first line tells."""
    with batch.open("rb") as file:
        found = json.loads(file.readline())
    if not isinstance(found, dict) or not all(isinstance(start, int) for start in found.values()):
        raise ValueError("not a batch of jobs")
    return found


@lru_cache(maxsize=4)
def read_lines(batch: Path) -> dict[str, bytes]:
    """The record of each job by its id, as it was written; empty where the file was cut off.

    Raises:
        OSError: If it cannot be read, or was removed meanwhile.
        ValueError: If its first line is damaged.
    """
    starts, lines = _starts(batch), batch.read_bytes().splitlines()[1:]
    return dict(zip(starts, lines + [b""] * len(starts), strict=False))

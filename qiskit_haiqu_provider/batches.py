"""Jobs that were written together: one file for many is written far sooner than many files.

A batch is two files, as a job is. ``batch-<jobs>-<name>.jsonl`` has the record of a job in each line. Its first line
tells the ids of the jobs, in the order of the lines, and where the result of each begins in the other file,
``batch-<jobs>-<name>.bin``. Batches are written once, and removed as a whole.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from qiskit_haiqu_provider.files import replacing

LEAST, MOST = 8, 100
"""Jobs in a batch: fewer are written one by one, so that there are not many batches to look through."""

_NAME = re.compile(r"batch-([1-9]\d{0,5})-[0-9a-f]{32}")


class Entry(NamedTuple):
    """A job of a batch."""

    record: Any
    """Its record, in JSON values."""

    start: int
    """Where its result begins in the file of results."""


def write_batches(folder: Path, jobs: Sequence[tuple[Mapping[str, Any], bytes]]) -> None:
    """Write jobs, each a record in JSON values, with its ``id``, and the bytes of its result."""
    for first in range(0, len(jobs), MOST):
        _write(folder, jobs[first : first + MOST])


def _write(folder: Path, jobs: Sequence[tuple[Mapping[str, Any], bytes]]) -> None:
    path = folder / f"batch-{len(jobs)}-{uuid4().hex}.jsonl"
    starts, end = {}, 0
    for record, result in jobs:
        starts[record["id"]] = end
        end += len(result)
    lines = [json.dumps(starts), *[json.dumps(record) for record, _ in jobs]]
    with replacing(results_of(path)) as file:
        file.writelines(result for _, result in jobs)
    with replacing(path) as file:
        file.write("\n".join(lines).encode())


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


def read_batch(batch: Path) -> dict[str, Any]:
    """The records of a batch by the ids of their jobs, in JSON values.

    Raises:
        OSError: If it cannot be read, or was removed meanwhile.
        ValueError: If it is damaged.
    """
    return {job_id: json.loads(line) for job_id, line in _lines(batch).items()}


def read_entry(batch: Path, job_id: str) -> Entry:
    """A job of a batch.

    Raises:
        OSError: If it cannot be read, or was removed meanwhile.
        ValueError: If it is damaged.
        KeyError: If it does not have that job.
    """
    return Entry(json.loads(_lines(batch)[job_id]), _starts(batch)[job_id])


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
def _lines(batch: Path) -> dict[str, bytes]:
    """The line of each job."""
    starts, lines = _starts(batch), batch.read_bytes().splitlines()[1:]
    if len(lines) != len(starts):
        raise ValueError(f"it has the records of {len(lines)} of {len(starts)} jobs")
    return dict(zip(starts, lines, strict=True))

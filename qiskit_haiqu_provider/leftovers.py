"""What processes left behind that were killed while they wrote jobs of this machine.

That is a file that never got its name, or a result whose record never came. Jobs of services are left alone: what there
is of them may be all that tells what is paid for.
"""

import contextlib
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

RECENT_SECONDS = 3600.0
"""Files that are younger may be in use."""

_JOBS = r"(?:local|batch-\d+)-[0-9a-f]{32}"
_PARTIAL = re.compile(rf"({_JOBS}\.(?:jsonl?|bin))\.[0-9a-f]{{32}}(?:-([0-9a-f]{{32}}))?\.tmp")
"""A file that does not have its name yet: the name, and who writes it, if that is known."""

_RESULT = re.compile(rf"{_JOBS}\.bin")


def left_behind(folder: Path, *, alive: Callable[[str], bool]) -> list[Path]:
    """The files in a folder with jobs that nobody will ever finish or read.

    Args:
        folder: The folder; it may not be there.
        alive: Whether the process of that name still runs.
    """
    try:
        names = set(os.listdir(folder))  # noqa: PTH208 - names are all that is needed of thousands of files
    except FileNotFoundError:
        return []
    partial = {name: found for name in names if name.endswith(".tmp") and (found := _PARTIAL.fullmatch(name))}
    left = [
        name
        for name, found in partial.items()
        if is_old(folder / name) and not (found[2] is not None and alive(found[2]))
    ]
    to_come = {partial[name][1] for name in partial.keys() - set(left)}
    records = names | to_come
    left += [name for name in names if name.endswith(".bin") and _is_orphan(folder / name, records)]
    return [folder / name for name in left]


def _is_orphan(result: Path, names: set[str]) -> bool:
    """Whether a result has neither a record nor one to come."""
    own = [result.with_suffix(".json"), result.with_suffix(".jsonl")]
    if not names.isdisjoint({record.name for record in own}) or not _RESULT.fullmatch(result.name):
        return False
    return is_old(result) and not any(record.exists() for record in own)  # it may have come meanwhile


def is_old(path: Path) -> bool:
    """Whether a file is there, and so old that nobody is just making it."""
    with contextlib.suppress(OSError):
        return time.time() - path.stat().st_mtime > RECENT_SECONDS
    return False  # it got its name, or was removed

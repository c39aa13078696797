"""Which files with jobs make room: the oldest of those that may go, when there are too many of them."""

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path

from qiskit_haiqu_provider.batches import size_of

_KNOWN: dict[Path, bool] = {}
"""Whether files may go, where that is settled: a file is not read again for it."""


def superfluous(paths: Iterable[Path], *, keep: int, may_go: Callable[[Path], bool | None]) -> list[Path]:
    """The files to remove, the oldest first.

    Nothing goes before there is a tenth too many: seldom and many at a time, as looking costs more than removing.

    Args:
        paths: All files with jobs.
        keep: How many jobs stay at least of those that may go.
        may_go: Whether the jobs in a file may go; ``None`` if that is not settled yet, so that they stay for now.
    """
    paths = [path for path in paths if _KNOWN.get(path, True)]
    if sum(map(size_of, paths)) <= 1.1 * keep:
        return []
    going = [path for path in sorted(paths, key=_modified) if _goes(path, may_go)]
    spare, found = sum(map(size_of, going)) - keep, []
    for path in going:
        spare -= size_of(path)
        if spare < 0:
            break
        _KNOWN.pop(path, None)
        found.append(path)
    return found


def _goes(path: Path, may_go: Callable[[Path], bool | None]) -> bool:
    known = _KNOWN.get(path)
    if known is None:
        known = may_go(path)
        if known is None:
            return False
        _KNOWN[path] = known
    return known


def _modified(path: Path) -> float:
    with contextlib.suppress(OSError):
        return path.stat().st_mtime
    return 0.0  # removed by another process meanwhile

"""Files as the job store wants them: private, whole or not there, and owned by a living process."""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

_DEEPEST = 20
"""Levels of nesting that are kept; deeper values are written as text, which also ends cycles."""


def default_home() -> Path:
    """Folder of the package's data, absolute: ``HAIQU_HOME``, else the platform's data folder."""
    named = os.environ.get("HAIQU_HOME")
    if named:
        return Path(named).expanduser().absolute()
    from platformdirs import user_data_path  # not needed where HAIQU_HOME is set

    return Path(user_data_path("qiskit-haiqu-provider", appauthor=False)).absolute()


def private_folder(path: Path) -> Path:
    """The folder, made with mode 0700 if need be."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.stat().st_mode & 0o077:
        path.chmod(0o700)
    return path


@contextlib.contextmanager
def replacing(path: Path, owner: str = "") -> Iterator[BinaryIO]:
    """A file of mode 0600 that takes the place of ``path`` when it is complete.

    Args:
        path: The path.
        owner: The lock of this process, by which others can tell a file that is written from one that was left behind.
    """
    partial = f"{path}.{uuid4().hex}{owner and f'-{owner}'}.tmp"
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        os.replace(partial, path)  # noqa: PTH105 - the text path is at hand, and this is on the way of every job
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


_LOCKS: dict[tuple[str, int], tuple[str, Any]] = {}
_GUARD = threading.Lock()


def known_lock(folder: str, pid: int) -> str | None:
    """The name of the lock that this process holds in a folder already."""
    found = _LOCKS.get((folder, pid))
    return None if found is None else found[0]


def process_lock(folder: str, pid: int) -> str:
    """The name of this process's lock in a folder: held until the process ends, however it ends."""
    with _GUARD:
        if (folder, pid) not in _LOCKS:
            from filelock import FileLock  # only processes that run jobs need it

            owner = uuid4().hex
            lock = FileLock(Path(folder) / f"{owner}.lock")
            lock.acquire()
            _LOCKS[folder, pid] = owner, lock
        return _LOCKS[folder, pid][0]


def lock_is_held(path: Path) -> bool:
    """Whether a living process holds the lock."""
    if not path.exists():
        return False
    from filelock import FileLock, Timeout  # only jobs of other processes need it

    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


_PLAIN = frozenset({str, int, float, bool, type(None)})
"""Types whose values are as they are in JSON."""


def plain(value: Any, depth: int = 0, *, rest: Callable[[Any], Any] = str) -> Any:
    """The value in JSON's terms: keys as text, arrays and numpy numbers as lists and numbers, the rest as text.

    Args:
        value: The value.
        depth: How deep it is in another one.
        rest: Makes what stands for all that JSON has no terms for.
    """
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if depth >= _DEEPEST:
        return f"<{type(value).__name__}>"
    # Most items are plain already, and few mappings are no dictionaries: the shorter way is taken by every record.
    if isinstance(value, (list, tuple, set, frozenset)):
        return [item if type(item) in _PLAIN else plain(item, depth + 1, rest=rest) for item in value]
    if isinstance(value, (dict, Mapping)):
        items = value.items()
        return {str(key): item if type(item) in _PLAIN else plain(item, depth + 1, rest=rest) for key, item in items}
    if hasattr(value, "tolist"):
        return plain(value.tolist(), depth + 1, rest=rest)
    return rest(value)


def unshared(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values as they are now: containers and arrays in them are in JSON's terms, all else is as it was.

    What stands for other objects may be costly, or not to be had at all.
    """
    found = dict(values)
    for name, value in values.items():
        if type(value) not in _PLAIN:
            try:
                now = plain(value, rest=_same)
            except Exception:  # it only looks like a container or an array
                now = value
            found[name] = now
    return found


def _same(value: Any) -> Any:
    return value

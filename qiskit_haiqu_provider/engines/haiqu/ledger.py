"""Ids of circuits by their digests, remembered across processes.

One file for each service, account and experiment: a header, then a line of JSON for each circuit. Lines are only ever
added, each process adds its own with one write, and a line that cannot be read is skipped: it costs one look-up. So
processes need no lock, and a crash can at worst forget.
"""

import contextlib
import hashlib
import json
import os
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qiskit_haiqu_provider.files import private_folder

FORMAT = "qiskit-haiqu-provider circuits"
VERSION = 1

_DIGEST = re.compile(r"[0-9a-f]{64}")


class Ledger:
    """The circuits of one experiment that are known to be stored; threads may share it.

    Args:
        folder: Where the file is; made on first write.
        identity: What tells this service, account and experiment from others.
    """

    def __init__(self, folder: Path, identity: tuple[str, ...]) -> None:
        name = hashlib.sha256("\x00".join(identity).encode()).hexdigest()[:32]
        self._path = folder / f"{name}.jsonl"
        self._header = {"format": FORMAT, "version": VERSION, "identity": list(identity)}
        self._known: dict[str, str] = {}
        self._read = 0
        """Bytes of the file that were read so far."""

        self._foreign = False
        """Whether the file is of another version: then it is neither read nor written."""

        self._lock = threading.Lock()

    def find(self, digests: set[str]) -> dict[str, str]:
        """The ids of those that are known; looks into the file for what other processes have added since."""
        with self._lock:
            if not digests <= self._known.keys():
                self._catch_up()
            return {digest: self._known[digest] for digest in digests & self._known.keys()}

    def add(self, ids: Mapping[str, str]) -> None:
        """Remember ids by digest. A file that cannot be written is not missed: circuits are looked up again."""
        with self._lock:
            self._known.update(ids)
            if not self._foreign:
                with contextlib.suppress(OSError):
                    self._append([{"digest": digest, "id": found} for digest, found in ids.items()])

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._known.clear()
            self._read = 0
            if not self._foreign:
                with contextlib.suppress(OSError):
                    self._path.unlink()

    def _catch_up(self) -> None:
        try:
            with self._path.open("rb") as file:
                if os.fstat(file.fileno()).st_size < self._read:  # another process has forgotten everything
                    self._read = 0
                file.seek(self._read)
                data = file.read()
        except OSError:
            return
        whole = data.rfind(b"\n") + 1  # a line that is being written is read next time
        lines = data[:whole].splitlines()
        if self._read == 0 and lines:
            self._foreign = _is_foreign(lines[0])
        if not self._foreign:
            self._known.update(filter(None, map(_entry, lines)))
            self._read += whole

    def _append(self, entries: list[dict[str, Any]]) -> None:
        private_folder(self._path.parent)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)
        handle = os.open(self._path, flags, 0o600)
        try:
            begun = os.fstat(handle).st_size > 0
            lines = entries if begun else [self._header, *entries]
            text = "".join(f"{json.dumps(line)}\n" for line in lines)
            os.write(handle, (f"\n{text}" if begun else text).encode())  # a crash may have left half a line
        finally:
            os.close(handle)


def _is_foreign(line: bytes) -> bool:
    """Whether a first line is the header of another version. A damaged one is not: its lines can still be read."""
    try:
        header = json.loads(line)
        return bool(header["format"] != FORMAT or header["version"] != VERSION)
    except (ValueError, KeyError, TypeError):
        return False


def _entry(line: bytes) -> tuple[str, str] | None:
    """Digest and id; None for the header, and for a damaged line."""
    try:
        entry = json.loads(line)
        digest, found = entry["digest"], entry["id"]
        return (digest, found) if _DIGEST.fullmatch(digest) and isinstance(found, str) and found else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None

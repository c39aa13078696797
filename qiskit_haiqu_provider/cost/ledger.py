"""What runs have cost and may still cost, added up on disk over all processes.

A ledger is one JSON file of mode 0600. Whoever changes it holds a lock beside it, which a process that dies lets go,
and writes a new file that takes the old one's place: the file is whole at any moment, and two runs never both get the
last dollar.
"""

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qiskit_haiqu_provider.cost.amounts import check_amount, money
from qiskit_haiqu_provider.exceptions import HaiquBudgetError, HaiquInputError
from qiskit_haiqu_provider.files import replacing

FORMAT = "qiskit-haiqu-provider ledger"
VERSION = 1

_LOCK_SECONDS = 60
"""How long to wait for others, who need milliseconds."""


@dataclass(frozen=True, kw_only=True)
class LedgerEntry:
    """What one run costs."""

    token: str
    device: str
    via: str
    created: str
    """When it was reserved: ISO 8601 in UTC."""

    reserved_usd: float
    """The most that it may cost, as estimated."""

    actual_usd: float | None = None
    """What it cost; ``None`` while that is not known."""

    @property
    def usd(self) -> float:
        """What counts against the budget."""
        return self.reserved_usd if self.actual_usd is None else self.actual_usd


@dataclass(frozen=True)
class Ledger:
    """Adds up estimated and actual cost, and refuses what would pass a budget.

    Several processes may use the same file at the same time. The budget is for all that the file holds; for a new
    month, take a new file.

    Args:
        path: The file. It is made by the first run that costs something.
        budget_usd: The most that all runs together may cost. Default: no limit; cost is only noted.

    Example:
        >>> import tempfile
        >>> ledger = Ledger(tempfile.mkdtemp() + "/ledger.json", budget_usd=10)
        >>> ledger.reserve("run-1", usd=4.5, device="ibm_fez", via="ibm")
        >>> ledger.settle("run-1", usd=4)
        >>> ledger.spent_usd, ledger.reserved_usd, ledger.left_usd
        (4.0, 0.0, 6.0)
    """

    path: Path
    budget_usd: float | None = None

    def __init__(self, path: str | os.PathLike[str], *, budget_usd: float | None = None) -> None:
        if not isinstance(path, str | os.PathLike):
            raise HaiquInputError(f"ledger must be the path of a file, not {path!r}. Give one such as 'ledger.json'.")
        budget = None if budget_usd is None else check_amount(budget_usd, where="budget_usd")
        object.__setattr__(self, "path", Path(path).expanduser().absolute())
        object.__setattr__(self, "budget_usd", budget)

    @property
    def entries(self) -> tuple[LedgerEntry, ...]:
        """All runs in the order in which they were reserved.

        Raises:
            HaiquBudgetError: If the file cannot be read.
        """
        return tuple(self._read().values())

    @property
    def spent_usd(self) -> float:
        """What runs have cost whose actual cost is known."""
        return _total(entry for entry in self.entries if entry.actual_usd is not None)

    @property
    def reserved_usd(self) -> float:
        """What runs may cost whose actual cost is not known yet."""
        return _total(entry for entry in self.entries if entry.actual_usd is None)

    @property
    def left_usd(self) -> float | None:
        """What the next run may cost; ``None`` without a budget."""
        return None if self.budget_usd is None else _usd(_nanos(self.budget_usd) - _nanos(_total(self.entries)))

    def reserve(self, token: str, *, usd: float, device: str, via: str) -> None:
        """Set money aside for a run, before it is submitted. Doing so again for the same token changes nothing.

        Args:
            token: Names the run.
            usd: The most that it may cost.
            device: Where it runs.
            via: Who executes.

        Raises:
            HaiquBudgetError: If it would pass the budget, or the ledger cannot be read or written; nothing is noted.
        """
        amount = check_amount(usd, where="usd")
        with self._changing() as entries:
            if token in entries:
                return
            self._check_left(tuple(entries.values()), amount, device=device, via=via)
            now = datetime.now(UTC).isoformat()
            entries[token] = LedgerEntry(token=token, device=device, via=via, created=now, reserved_usd=amount)

    def settle(self, token: str, *, usd: float) -> None:
        """Note what a run cost, in place of what was set aside. The last word counts.

        Args:
            token: Names the run.
            usd: What it cost.

        Raises:
            HaiquInputError: If nothing was reserved under that name.
            HaiquBudgetError: If the ledger cannot be read or written.
        """
        amount = check_amount(usd, where="usd")
        with self._changing() as entries:
            if token not in entries:
                raise HaiquInputError(f"token: {self.path} has no run '{token}'. See its entries.")
            entries[token] = replace(entries[token], actual_usd=amount)

    def release(self, token: str) -> None:
        """Give back what was set aside for a run that was not submitted. What was paid stays.

        Args:
            token: Names the run; one that is not known is ignored.

        Raises:
            HaiquBudgetError: If the ledger cannot be read or written.
        """
        with self._changing() as entries:
            if token in entries and entries[token].actual_usd is None:
                del entries[token]

    def _check_left(self, entries: tuple[LedgerEntry, ...], usd: float, *, device: str, via: str) -> None:
        if self.budget_usd is None or _nanos(_total(entries)) + _nanos(usd) <= _nanos(self.budget_usd):
            return
        spent = _total(entry for entry in entries if entry.actual_usd is not None)
        reserved = _total(entry for entry in entries if entry.actual_usd is None)
        raise HaiquBudgetError(
            f"budget_usd is {money(self.budget_usd)}, of which {money(spent)} USD are spent and {money(reserved)} USD "
            f"reserved for runs whose cost is not known yet. This run on {device} via {via} may cost {money(usd)} USD. "
            f"Nothing was submitted. Take fewer shots or parameter sets, or raise budget_usd. Ledger: {self.path}."
        )

    @contextlib.contextmanager
    def _changing(self) -> Iterator[dict[str, LedgerEntry]]:
        """The entries, under the lock; written if they were changed and nothing went wrong."""
        from filelock import FileLock, Timeout  # only runs that cost something need it

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self.path}.lock").acquire(timeout=_LOCK_SECONDS, poll_interval=0.01):
                before = self._read()
                entries = dict(before)
                yield entries
                if entries != before:
                    self._write(entries)
        except Timeout as error:
            raise HaiquBudgetError(
                f"The ledger {self.path} is kept locked by another process. Try again when that process has ended."
            ) from error
        except OSError as error:
            raise HaiquBudgetError(
                f"The ledger {self.path} cannot be written ({error.strerror or error}). Give a path that can be."
            ) from error

    def _read(self) -> dict[str, LedgerEntry]:
        try:
            return _entries(json.loads(self.path.read_bytes()))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise HaiquBudgetError(
                f"The ledger {self.path} is damaged or cannot be read ({str(error) or type(error).__name__}). What was "
                "spent is not known, so no run that costs something is submitted. Mend the file, or give another path."
            ) from error

    def _write(self, entries: dict[str, LedgerEntry]) -> None:
        data = {"format": FORMAT, "version": VERSION, "entries": [asdict(entry) for entry in entries.values()]}
        with replacing(self.path) as file:
            file.write(json.dumps(data, indent=1).encode())
            file.flush()
            os.fsync(file.fileno())


def ledger_of(
    ledger: str | os.PathLike[str] | Ledger | None, *, budget_usd: float | None, home: Callable[[], Path]
) -> Ledger | None:
    """The ledger that settings ask for.

    Args:
        ledger: A ledger, or the path of one. Default: ``ledger.json`` in ``home``, if there is a budget.
        budget_usd: The budget.
        home: Tells the folder of the package's data; asked only if it is needed.

    Raises:
        HaiquInputError: If a setting is wrong, or there are two budgets.
    """
    if ledger is None and budget_usd is None:
        return None
    if not isinstance(ledger, Ledger):
        return Ledger(home() / "ledger.json" if ledger is None else ledger, budget_usd=budget_usd)
    if budget_usd is not None:
        raise HaiquInputError("budget_usd was given beside a Ledger, which has its own. Leave one of them out.")
    return ledger


def _entries(data: Any) -> dict[str, LedgerEntry]:
    """What a file holds; raises for anything that is not a ledger from its first to its last entry."""
    if data["format"] != FORMAT or data["version"] != VERSION or not isinstance(data["entries"], list):
        raise ValueError("it is of another format or version")
    entries = {item["token"]: LedgerEntry(**item) for item in data["entries"]}
    if len(entries) != len(data["entries"]):
        raise ValueError("a run is there twice")
    for entry in entries.values():
        check_amount(entry.usd, where="usd")
        check_amount(entry.reserved_usd, where="reserved_usd")
    return entries


def _total(entries: Iterable[LedgerEntry]) -> float:
    """The sum, exact to a billionth of a dollar."""
    return _usd(sum(_nanos(entry.usd) for entry in entries))


def _nanos(usd: float) -> int:
    return round(usd * 1e9)


def _usd(nanos: int) -> float:
    return nanos / 1e9

"""Public prices with their dates, and how your own take their place."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from qiskit_haiqu_provider.cost.amounts import check_amount
from qiskit_haiqu_provider.exceptions import HaiquInputError

STALE_AFTER = timedelta(days=90)
"""A price that is older should be looked up again."""

VARIABLE = "HAIQU_PRICES"
"""The environment variable that names a file of your own prices."""

RATES: Mapping[str, tuple[str, ...]] = {
    "ibm": ("usd_per_second",),
    "braket": ("usd_per_task", "usd_per_shot", "usd_per_minute", "minimum_seconds"),
    "ionq": ("minimum_usd", "mitigated_minimum_usd", "usd_per_1q_gate_shot", "usd_per_2q_gate_shot"),
    "azure": (
        "usd_per_token",
        "base_tokens",
        "mitigated_base_tokens",
        "tokens_per_1q_gate_shot",
        "tokens_per_2q_gate_shot",
    ),
    "iqm": ("usd_per_second",),
}
"""The rates that a row may hold, by vendor. Coda has none: only its server can tell."""


@dataclass(frozen=True, kw_only=True)
class Price:
    """What one device, or plan, costs."""

    vendor: str
    device: str
    rates: Mapping[str, float]
    source: str
    as_of: date
    """The day on which it was in effect."""

    def __getitem__(self, rate: str) -> float:
        """A rate.

        Raises:
            HaiquInputError: If the row does not have it.
        """
        if rate not in self.rates:
            raise HaiquInputError(
                f"The price of {self.vendor} {self.device} has no {rate} ({self.source}). Give it in a file named by "
                f"{VARIABLE}, below [{self.vendor}.{self.device}]."
            )
        return self.rates[rate]

    def is_stale(self, today: date | None = None) -> bool:
        """Whether it is older than 90 days.

        Args:
            today: The day to reckon at. Default: today.
        """
        return (today or _today()) - self.as_of > STALE_AFTER


@dataclass(frozen=True)
class PriceTable:
    """Prices by vendor and device."""

    rows: tuple[Price, ...]

    def find(self, vendor: str, device: str) -> Price:
        """The price of a device.

        Args:
            vendor: ``ibm``, ``braket``, ``ionq``, ``azure`` or ``iqm``.
            device: Its name, id or ARN, of which the end counts: ``Garnet``, ``aws_iqm_garnet`` and
                ``arn:aws:braket:eu-north-1::device/qpu/iqm/Garnet`` are one. For IBM, the plan.

        Raises:
            HaiquInputError: If no price is known.
        """
        row = self.match(vendor, device)
        if row is None:
            known = [row.device for row in self.rows if row.vendor == vendor]
            raise HaiquInputError(
                f"No price is known of {vendor} {device}. Known devices: {', '.join(known) or 'none'}. Give one in a "
                f"file named by {VARIABLE}, below [{vendor}.{_plain(device)}]."
            )
        return row

    def match(self, vendor: str, device: str) -> Price | None:
        """The price of a device; ``None`` if none is known."""
        name = f"-{_plain(device)}"
        rows = [row for row in self.rows if row.vendor == vendor and name.endswith(f"-{row.device}")]
        return max(rows, key=lambda row: len(row.device), default=None)

    def with_rows(self, rows: Mapping[str, Any], *, where: str, today: date | None = None) -> "PriceTable":
        """The table with other prices in place of its own; a row may give some of the rates only.

        Args:
            rows: By vendor and device the rates, with ``as_of`` and, if wanted, ``source``.
            where: Where they are from.
            today: The ``as_of`` of rows without one. Default: they must have one.

        Raises:
            HaiquInputError: If something cannot be used.
        """
        table = self
        for vendor, devices in rows.items():
            if vendor not in RATES:
                raise HaiquInputError(f"{where}: there is no vendor '{vendor}'. Valid: {', '.join(RATES)}.")
            for device, row in _mapping(devices, where=f"{where}: {vendor}").items():
                table = table._with_row(vendor, device, row, where=where, today=today)
        return table

    def _with_row(self, vendor: str, device: str, row: Any, *, where: str, today: date | None) -> "PriceTable":
        name = f"{where}: {vendor}.{device}"
        fields = dict(_mapping(row, where=name))
        source, as_of = str(fields.pop("source", where)), fields.pop("as_of", today)
        if type(as_of) is not date:
            raise HaiquInputError(f"{name}: as_of must be a date such as 2026-01-31, not {as_of!r}.")
        for rate in fields.keys() - set(RATES[vendor]):
            raise HaiquInputError(f"{name}: there is no rate '{rate}'. Valid: {', '.join(RATES[vendor])}.")
        rates = {rate: check_amount(value, where=f"{name}: {rate}") for rate, value in fields.items()}
        old = self.match(vendor, device)
        if old is None:
            new = Price(vendor=vendor, device=_plain(device), rates=rates, source=source, as_of=as_of)
            return PriceTable((*self.rows, new))
        new = replace(old, rates={**old.rates, **rates}, source=source, as_of=as_of)
        return PriceTable(tuple(new if row is old else row for row in self.rows))


def read_prices(given: str | os.PathLike[str] | Mapping[str, Any] | None = None) -> PriceTable:
    """The prices in effect: those given, before those of the file that ``HAIQU_PRICES`` names, before the table.

    Args:
        given: Your own prices: a TOML file in the form of ``prices.toml``, or a mapping such as
            ``{"ionq": {"forte-1": {"minimum_usd": 20}}}``. Rates that it leaves open stay as they were. Rows of a
            file need ``as_of``; those of a mapping are of today if they have none.

    Raises:
        HaiquInputError: If a file cannot be read, or something in it cannot be used.
    """
    table = _packaged()
    named = os.environ.get(VARIABLE)
    if named:
        table = table.with_rows(_read(Path(named), name=VARIABLE), where=named)
    if given is None:
        return table
    if isinstance(given, Mapping):
        return table.with_rows(given, where="prices", today=_today())
    return table.with_rows(_read(Path(given), name="prices"), where=str(given))


@cache
def _packaged() -> PriceTable:
    path = Path(__file__).with_name("prices.toml")
    return PriceTable(()).with_rows(_read(path, name="the package's prices"), where=path.name)


def _read(path: Path, *, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(path.expanduser().read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise HaiquInputError(
            f"{name}: the file {path} cannot be read ({error}). Give a TOML file such as prices.toml of this package."
        ) from error


def _mapping(value: Any, *, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise HaiquInputError(f"{where} must be a table of names and values, not {value!r}. See prices.toml.")
    return value


def _plain(name: str) -> str:
    """A name in small letters, with hyphens between its words."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _today() -> date:
    return datetime.now(UTC).date()

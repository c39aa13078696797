"""The answer of a dry run."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

from qiskit_haiqu_provider.cost.amounts import money

if TYPE_CHECKING:
    from qiskit_haiqu_provider.cost.prices import Price

Kind = Literal["quote", "price list", "table", "free"]
"""Where a price is from: the vendor for this run, its price list of now, a dated table, or nobody asks for one."""


@dataclass(frozen=True, kw_only=True)
class CostLine:
    """The share of one PUB or circuit."""

    index: int
    """Position in the list of PUBs or circuits."""

    circuits: int
    """Circuit executions: one for each parameter set and measurement group."""

    shots: int
    """Shots over all circuit executions."""

    usd: float


@dataclass(frozen=True, kw_only=True)
class JobCost:
    """The share of one job or task of the vendor."""

    name: str
    """What the vendor would show, for example ``task 2 of 3``."""

    circuits: int
    shots: int
    """Shots over all its circuits."""

    amount: float
    """Price in the vendor's own unit, that of the whole estimate."""

    usd: float


@dataclass(frozen=True, kw_only=True)
class CostEstimate:
    """What a run would cost; nothing was submitted to find out."""

    device: str
    via: str
    amount: float
    """Price in the vendor's own unit."""

    unit: str
    usd: float
    circuits: int
    """Circuit executions in total."""

    shots: int
    """Shots in total; 0 where the exact value is computed."""

    lines: tuple[CostLine, ...]
    basis: str
    """How the price comes about, in a sentence."""

    source: str
    as_of: date
    memory_bytes: int | None = None
    """Predicted peak memory on this machine, in bytes; ``None`` where the run happens elsewhere."""

    kind: Kind = "quote"
    """Where the price is from: ``quote``, ``price list``, ``table`` or ``free``."""

    usd_low: float | None = None
    """The least that it may cost; ``None`` if that is ``usd``."""

    usd_high: float | None = None
    """The most that it may cost, as far as that is known; ``None`` if that is ``usd``. Limits are held against it."""

    unknown: str = ""
    """What cannot be known beforehand, in a sentence; empty if nothing."""

    stale: bool = False
    """Whether the price is so old that it should be looked up again."""

    jobs: tuple[JobCost, ...] = ()
    """One for each job or task that the vendor bills; empty where that is not known."""

    @property
    def usd_range(self) -> tuple[float, float]:
        """The least and the most that it may cost; ``usd`` is never outside."""
        low, high = (self.usd if end is None else end for end in (self.usd_low, self.usd_high))
        return min(low, self.usd), max(high, self.usd)

    @property
    def warning(self) -> str:
        """What to know before trusting the price: its range, what is unknown, and its age; empty if it is exact."""
        low, high = self.usd_range
        spread = "" if low == high else f"It may cost between {money(low)} and {money(high)} USD."
        age = f"The price is of {self.as_of.isoformat()} and may have changed since." if self.stale else ""
        return " ".join(filter(None, (spread, self.unknown, age)))

    def to_dict(self) -> dict[str, Any]:
        """The estimate as JSON values, in the form of Haiqu's cost object and with where it is from.

        ``native`` and ``converted`` hold an ``amount`` and a ``unit`` each, the second in USD. ``warning`` is
        there if the price is not exact. Then follow ``basis``, ``kind``, ``as_of`` and ``source``.
        """
        return {
            "native": {"amount": self.amount, "unit": self.unit},
            "converted": {"amount": self.usd, "unit": "USD"},
            **({"warning": self.warning} if self.warning else {}),
            "basis": self.basis,
            "kind": self.kind,
            "as_of": self.as_of.isoformat(),
            "source": self.source,
        }

    def __str__(self) -> str:
        native = "" if self.unit == "USD" else f" ({self.amount:g} {self.unit})"
        memory = "" if self.memory_bytes is None else f", about {max(1, self.memory_bytes >> 20):,} MiB of memory"
        warning = f" {self.warning}" if self.warning else ""
        return (
            f"{money(self.usd)} USD{native} on {self.device} via {self.via}: "
            f"circuit executions: {self.circuits:,}, shots: {self.shots:,}{memory}. "
            f"{self.basis}{warning} Source: {self.source}, {self.as_of.isoformat()}."
        )


def shared_out(usd: float, work: Mapping[int, tuple[int, int]]) -> tuple[CostLine, ...]:
    """A price shared out over the PUBs in proportion to their shots, or to their circuits if there are no shots.

    Args:
        usd: The price of all.
        work: For each PUB its circuit executions, and its shots over all of them.
    """
    weighs = 1 if any(shots for _, shots in work.values()) else 0
    total = sum(item[weighs] for item in work.values())
    return tuple(
        CostLine(index=pub, circuits=item[0], shots=item[1], usd=usd * item[weighs] / total if total else 0.0)
        for pub, item in sorted(work.items())
    )


def table_estimate(
    price: "Price",
    *,
    device: str,
    via: str,
    unit: str,
    jobs: Iterable[JobCost],
    work: Mapping[int, tuple[int, int]],
    basis: str,
    unknown: str = "",
    usd_low: float | None = None,
    usd_high: float | None = None,
    today: date | None = None,
) -> CostEstimate:
    """The estimate of a run whose jobs were priced by a row of the table.

    Args:
        price: The row.
        device: The device, as the user names it.
        via: The route.
        unit: The vendor's unit.
        jobs: The jobs or tasks with their prices.
        work: For each PUB its circuit executions, and its shots over all of them.
        basis: How the price comes about, in a sentence.
        unknown: What cannot be known beforehand, in a sentence.
        usd_low: The least that the run may cost, if not the sum of the jobs.
        usd_high: The most that it may cost, if not the sum of the jobs.
        today: The day that the age of the price is reckoned at. Default: today.
    """
    priced = tuple(jobs)
    usd = sum(job.usd for job in priced)
    return CostEstimate(
        device=device,
        via=via,
        amount=sum(job.amount for job in priced),
        unit=unit,
        usd=usd,
        circuits=sum(circuits for circuits, _ in work.values()),
        shots=sum(shots for _, shots in work.values()),
        lines=shared_out(usd, work),
        basis=basis,
        source=price.source,
        as_of=price.as_of,
        kind="table",
        usd_low=usd_low,
        usd_high=usd_high,
        unknown=unknown,
        stale=price.is_stale(today),
        jobs=priced,
    )

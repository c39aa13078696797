"""The answer of a dry run."""

from dataclasses import dataclass
from datetime import date


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

    def __str__(self) -> str:
        native = "" if self.unit == "USD" else f" ({self.amount:g} {self.unit})"
        memory = "" if self.memory_bytes is None else f", about {max(1, self.memory_bytes >> 20):,} MiB of memory"
        return (
            f"{self.usd:,.2f} USD{native} on {self.device} via {self.via}: "
            f"circuit executions: {self.circuits:,}, shots: {self.shots:,}{memory}. "
            f"{self.basis} Source: {self.source}, {self.as_of.isoformat()}."
        )

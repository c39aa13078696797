"""How a gateway is set up."""

import ipaddress
import os
from dataclasses import dataclass, field

from qiskit_haiqu_provider.run.formats import CircuitLimits


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What the gateway accepts, and how long it works on it."""

    body_bytes: int = 32 << 20
    """Largest request body."""

    result_bytes: int = 256 << 20
    """Largest results of a job as JSON."""

    circuits: int = 10_000
    """Circuits in a job."""

    evaluations: int = 10_000_000
    """Circuits x parameter sets x observables (or readout bases) in a job."""

    shots: int = 100_000_000
    circuit: CircuitLimits = field(default_factory=CircuitLimits)
    parse_seconds: float = 10.0
    """Time to read an upload."""

    parse_memory_bytes: int = 4 << 30
    """Address space of a process that reads uploads."""

    job_seconds: float = 24 * 3600.0
    attempts: int = 5
    """How often a job is started again after the server died while it ran."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How a gateway is set up."""

    database: str | None = None
    """URL of the database; ``None`` for ``gateway.db`` in the package's data folder."""

    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    """Processes that run jobs."""

    rate_limit: str = "6000/minute"
    """Requests of one key, in the notation of the ``limits`` library; empty for no limit."""

    limits: Limits = field(default_factory=Limits)

    @property
    def url(self) -> str:
        """Where the gateway is reached."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

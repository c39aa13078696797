"""What is known of a device before anything is loaded or fetched."""

import re
from dataclasses import dataclass

_CLOSED = re.compile(
    r"\b(offline|retired|maintenance|unavailable|unreachable|down|disabled|inactive|closed|not|no longer)\b",
    re.IGNORECASE,
)
"""Words of services for a device that takes no jobs. Statuses are free text, so other words count as open."""


@dataclass(frozen=True, kw_only=True)
class DeviceRecord:
    """One machine, reached one way."""

    id: str
    via: str
    """Who executes: ``local``, ``haiqu`` or a vendor."""

    vendor: str
    num_qubits: int
    simulator: bool
    description: str = ""
    constrained: bool = True
    """Whether circuits must fit the Target; simulators without constraints take any circuit."""

    operation_names: tuple[str, ...] = ()
    """Names of the instructions in the words of who executes, as far as known."""

    coupling_map: tuple[tuple[int, int], ...] | None = None
    """Pairs of qubits with a two-qubit gate; ``None`` where any pair has one."""

    labels: tuple[int, ...] = ()
    """The service's own numbers of qubits 0, 1, 2, ..., where it does not count like that."""

    status: str = "online"
    """Whether the device takes jobs, in the words of who executes."""

    pending_jobs: int | None = None
    """How many jobs waited when this was read; ``None`` if unknown."""

    calibration: str | None = None
    """Where errors and durations of the Target are from; ``None`` where there are none."""

    @property
    def operational(self) -> bool:
        """Whether the device takes jobs. A status that nobody knows counts as yes."""
        return _CLOSED.search(self.status) is None

    @property
    def ideal(self) -> bool:
        """Whether it is a simulator that has no noise of its own."""
        return self.simulator and not self.id.startswith("fake_")

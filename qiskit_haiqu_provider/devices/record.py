"""What is known of a device before anything is loaded or fetched."""

from dataclasses import dataclass


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
    """Names of the instructions, as far as known."""

    coupling_map: tuple[tuple[int, int], ...] | None = None
    """Pairs of qubits with a two-qubit gate; ``None`` where any pair has one."""

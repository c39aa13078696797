"""What a backend tells of itself: in the words of older Qiskit code, and in notebooks."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any


@dataclass(frozen=True, kw_only=True)
class BackendStatus:
    """Whether a device takes jobs, and how many are waiting."""

    backend_name: str
    operational: bool
    """Whether it takes jobs; a status in words that are not known counts as yes."""

    pending_jobs: int
    status_msg: str
    """The status in the words of who executes."""


@dataclass(frozen=True, kw_only=True)
class BackendConfiguration:
    """Read-only view of a backend for code that was written for ``backend.configuration()``."""

    backend_name: str
    backend_version: str
    num_qubits: int
    basis_gates: tuple[str, ...]
    coupling_map: tuple[tuple[int, int], ...]
    simulator: bool
    local: bool
    max_shots: int
    dt: float | None
    description: str | None
    max_experiments: int = 1000
    """A number for tools that split lists themselves; longer lists are split inside."""

    max_circuits: int = 1000
    memory: bool = True
    conditional: bool = True
    open_pulse: bool = False

    @property
    def n_qubits(self) -> int:
        """The same as :attr:`num_qubits`."""
        return self.num_qubits


def html_table(title: str, facts: Mapping[str, Any]) -> str:
    """Facts as a table for notebooks, one in each row."""
    rows = "".join(
        f"<tr><th style='text-align:left'>{escape(name)}</th><td>{escape(str(value))}</td></tr>"
        for name, value in facts.items()
    )
    return f"<table><caption>{escape(title)}</caption>{rows}</table>"

"""What was made of circuits, kept for when they come back: loops run the same circuit thousands of times.

Circuits are mutable, so one is known again only if it is the same object with the same content. That is looked up
where content cannot change unseen: in circuits of standard gates, measurements, barriers and resets alone.
"""

import weakref
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from qiskit import QuantumCircuit

from qiskit_haiqu_provider.run.digest import is_plain

_T = TypeVar("_T")


_WAYS = 8
"""Ways of making something of a circuit that are kept; when there are more, all are forgotten."""


@dataclass(frozen=True)
class _Entry:
    """A circuit that was seen."""

    circuit: "weakref.ref[QuantumCircuit]"
    content: tuple[Any, ...] | None
    """What it looked like; ``None`` after the first time, as most circuits are seen once."""

    made: dict[Hashable, Any]


class CircuitMemo(Generic[_T]):
    """Remembers what was made of circuits, as long as they live and stay as they are.

    Args:
        most: Circuits remembered; when there are more, all are forgotten.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: dict[int, _Entry] = {}

    def recall(self, circuit: QuantumCircuit, how: Hashable) -> _T | None:
        """What was made of the circuit in that way; ``None`` if nothing is known."""
        entry = self._entries.get(id(circuit))
        if entry is None or entry.circuit() is not circuit or how not in entry.made:
            return None
        return entry.made[how] if entry.content == _content(circuit) else None

    def remember(self, circuit: QuantumCircuit, how: Hashable, made: _T) -> None:
        """Keep what was made of a circuit, if it is seen for the second time and its content can be compared."""
        key = id(circuit)
        entry = self._entries.get(key)
        if entry is None or entry.circuit() is not circuit:
            if len(self._entries) >= self._most:
                self._entries.clear()
            forget = self._entries.pop
            self._entries[key] = _Entry(weakref.ref(circuit, lambda _: forget(key, None)), None, {})
        elif is_plain(circuit):
            content = _content(circuit)
            same = entry.content == content and len(entry.made) < _WAYS
            self._entries[key] = _Entry(entry.circuit, content, {**(entry.made if same else {}), how: made})


def _content(circuit: QuantumCircuit) -> tuple[Any, ...]:
    """All that can change in a circuit of standard operations; qubits and clbits can only be added."""
    data = circuit.data.copy()
    labels = [instruction.label for instruction in data]  # instructions are equal whatever their labels
    return data, labels, circuit.global_phase, circuit.num_qubits, circuit.num_clbits, list(circuit.cregs)

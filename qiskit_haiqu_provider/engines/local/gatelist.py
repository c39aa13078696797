"""Narrow circuits of common gates as plain numbers, read in one pass: quicker than a copy of a circuit, and smaller."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from math import isfinite

from qiskit import QuantumCircuit
from qiskit.circuit.library import get_standard_gate_name_mapping

MOST_QUBITS = 6
"""Widest circuits that are read."""

NAMES = (
    *("x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "sxdg"),
    *("rx", "ry", "rz", "p", "u1", "u", "u2", "u3", "r"),
    *("cx", "cz", "swap"),
)
"""Names of the gates that are read."""

_CODES = {name: code for code, name in enumerate(NAMES)}

ARITIES = {name: 2 if name in {"cx", "cz", "swap"} else 1 for name in NAMES}
"""For each gate the number of its qubits."""

NUM_ANGLES = {
    **dict.fromkeys(NAMES, 0),
    **dict.fromkeys(("rx", "ry", "rz", "p", "u1"), 1),
    "u2": 2,
    "r": 2,
    "u": 3,
    "u3": 3,
}
"""For each gate the number of its angles."""

_ARITIES, _ANGLES = (bytes([table[name] for name in NAMES]).ljust(256, b"\0") for table in (ARITIES, NUM_ANGLES))
_IDLE = frozenset({"id", "barrier", "delay"})
_LAST = frozenset({"measure", "barrier"})
_NOT_GATES = _LAST | {"delay"}
_KNOWN = frozenset(NAMES) | _IDLE | _LAST

Measured = tuple[tuple[int, int], ...]
"""(qubit, clbit) of each final measurement."""


@dataclass(frozen=True)
class GateList:
    """The gates of a circuit without parameters, in order; its global phase is left out."""

    num_qubits: int
    names: bytes
    """For each gate the place of its name in :data:`NAMES`."""

    qubits: bytes
    """The qubits of all gates, one gate after the other."""

    angles: tuple[float, ...]
    """The angles of all gates, one gate after the other."""

    @classmethod
    def read(cls, circuit: QuantumCircuit) -> "tuple[GateList, Measured] | None":
        """A circuit's gates, and its measurements; ``None`` if there is more in it.

        Args:
            circuit: Any circuit. Read are those of at most :data:`MOST_QUBITS` qubits and of gates in :data:`NAMES`,
                then measurements, without parameters.
        """
        if not 0 < circuit.num_qubits <= MOST_QUBITS or circuit.num_parameters or circuit.num_vars:
            return None
        instructions = list(circuit.data)
        names = [instruction.name for instruction in instructions]
        kinds = set(names)
        if not kinds <= _KNOWN:
            return None
        end = names.index("measure") if "measure" in kinds else len(names)
        if not _LAST.issuperset(names[end:]):
            return None
        if not _NOT_GATES.issuperset([each.name for each in instructions if not each.is_standard_gate()]):
            return None  # a gate of one's own that has the name of another
        while end and names[end - 1] == "barrier":
            end -= 1
        gates, names = instructions[:end], names[:end]
        if not _IDLE.isdisjoint(names):
            gates = [instruction for instruction in gates if instruction.name not in _IDLE]
            names = [instruction.name for instruction in gates]
        places = {bit: index for index, bit in enumerate(circuit.qubits)}
        found = cls(
            circuit.num_qubits,
            bytes([_CODES[name] for name in names]),
            bytes([places[bit] for instruction in gates for bit in instruction.qubits]),
            tuple([float(angle) for instruction in gates for angle in instruction.params]),
        )
        if not isfinite(sum(found.angles)):  # looked into, and refused, where there is time for it
            return None
        clbits = {bit: index for index, bit in enumerate(circuit.clbits)}
        shown = {
            clbits[instruction.clbits[0]]: places[instruction.qubits[0]]
            for instruction in islice(instructions, end, None)
            if instruction.name == "measure"
        }
        return found, tuple([(qubit, clbit) for clbit, qubit in shown.items()])

    def gates(self) -> Iterator[tuple[str, tuple[int, ...], tuple[float, ...]]]:
        """Name, qubits and angles of each gate."""
        qubits, angles = iter(self.qubits), iter(self.angles)
        for code in self.names:
            yield NAMES[code], tuple(islice(qubits, _ARITIES[code])), tuple(islice(angles, _ANGLES[code]))

    def circuit(self) -> QuantumCircuit:
        """The gates as a circuit."""
        made, known = QuantumCircuit(self.num_qubits), get_standard_gate_name_mapping()
        for name, qubits, angles in self.gates():
            made.append(type(known[name])(*angles), qubits)
        return made

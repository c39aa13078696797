"""Circuits made ready for simulation: active qubits only, known gates only, final measurements taken off."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import CONTROL_FLOW_OP_NAMES, CircuitInstruction
from qiskit.circuit.library import get_standard_gate_name_mapping

from qiskit_haiqu_provider.engines.local.gatelist import MOST_QUBITS, GateList
from qiskit_haiqu_provider.engines.local.sampling import cumulated, packed_outcomes
from qiskit_haiqu_provider.engines.local.states.evolve import evolve
from qiskit_haiqu_provider.engines.local.states.program import (
    Program,
    compile_circuit,
    compile_gates,
    supports,
)
from qiskit_haiqu_provider.engines.local.unroll import borrows_names, known_gates, operation_names, renamed, unrolled
from qiskit_haiqu_provider.exceptions import HaiquCircuitError
from qiskit_haiqu_provider.run.circuits import walk

_CLIFFORD = frozenset(
    {"id", "x", "y", "z", "h", "s", "sdg", "sx", "sxdg", "cx", "cy", "cz", "swap", "ecr"}
    | {"delay", "barrier", "measure", "reset"}
)


_NARROW = 12
"""Width up to which outcome probabilities, 32 KiB, are kept with a circuit."""


@dataclass(frozen=True)
class Prepared:
    """A circuit as the simulator gets it."""

    body: QuantumCircuit | GateList
    """On the kept qubits only. Without its final measurements if :attr:`static`."""

    kept: tuple[int, ...]
    """For each qubit of the body the qubit of the original circuit."""

    static: bool
    """Whether it is unitary up to final measurements: one evolution tells all outcomes."""

    measured: tuple[tuple[int, int], ...]
    """For static circuits: (qubit of the body, clbit) of each final measurement."""

    num_clbits: int
    clifford: bool
    width: int
    """How many qubits take part; others of the body are idle, and Aer leaves them out."""

    columns: tuple[int, ...]
    """For each parameter of the body its place among those of the original circuit."""

    @cached_property
    def circuit(self) -> QuantumCircuit:
        """The body as a circuit."""
        return self.body.circuit() if isinstance(self.body, GateList) else self.body

    @property
    def num_qubits(self) -> int:
        """The number of kept qubits."""
        return len(self.kept)

    @property
    def num_gates(self) -> int:
        """The number of instructions of the body."""
        return len(self.body.names if isinstance(self.body, GateList) else self.body.data)

    @cached_property
    def program(self) -> Program | None:
        """The circuit compiled for the kernel of statevectors; ``None`` where Aer does better."""
        if isinstance(self.body, GateList):
            return compile_gates(self.body.gates(), self.body.num_qubits)
        return compile_circuit(self.body) if supports(self.body) else None

    def is_compiled(self) -> bool:
        """Whether :attr:`program` is here already."""
        return "program" in vars(self)

    @property
    def constant(self) -> bool:
        """Whether its shots are always drawn from the same few outcomes: static, narrow, without parameters."""
        return self.static and self.num_qubits <= _NARROW and not self.columns

    @cached_property
    def cumulative(self) -> NDArray[np.float64] | None:
        """If :attr:`constant`, the cumulative probabilities of all outcomes, shape ``(1, 2**n)``, if they are known."""
        if self.program is None:
            return None
        states = evolve(self.program, np.empty((1, 0)), lend=True, phases=False)
        return cumulated(states.real**2 + states.imag**2)

    def has_outcomes(self) -> bool:
        """Whether :attr:`cumulative` is here already."""
        return "cumulative" in vars(self)

    def learn(self, cumulative: NDArray[np.float64]) -> None:
        """Take :attr:`cumulative` from where it was computed for many circuits together."""
        vars(self)["cumulative"] = cumulative

    @property
    def rows(self) -> NDArray[np.uint8]:
        """The packed classical bits of all outcomes of a narrow circuit."""
        return packed_outcomes(self.num_qubits, self.measured, self.num_clbits)

    def __getstate__(self) -> dict[str, Any]:
        # A worker compiles in less time than it takes to send a program.
        return {name: value for name, value in vars(self).items() if name not in _MADE_AGAIN}


_MADE_AGAIN = frozenset({"circuit", "program", "cumulative"})


def read_gates(circuit: QuantumCircuit) -> Prepared | None:
    """Make a circuit ready whose shots alone are wanted, and without noise; ``None`` if :func:`prepare` must do it.

    Args:
        circuit: Any circuit. Those that :meth:`GateList.read` reads are made ready in half the time.
    """
    found = GateList.read(circuit)
    if found is None:
        return None
    gates, measured = found
    return Prepared(
        body=gates,
        kept=_FIRST[: gates.num_qubits],
        static=True,
        measured=measured,
        num_clbits=circuit.num_clbits,
        clifford=False,  # which is not asked of narrow circuits
        width=gates.num_qubits,
        columns=(),
    )


_FIRST = tuple(range(MOST_QUBITS))


def prepare(
    circuit: QuantumCircuit,
    *,
    keep: Sequence[int] = (),
    shrink: bool = True,
    channels: bool = False,
    method: str = "automatic",
    where: str = "The circuit",
) -> Prepared:
    """Make a circuit ready for simulation.

    Args:
        circuit: Any circuit; gates that the simulator does not know are unrolled.
        keep: Qubits that must stay even if idle (an observable acts on them).
        shrink: Drop idle qubits.
        channels: Whether the simulator evolves density matrices, so that channels count as gates.
        method: Aer's method, which decides what gates it knows.
        where: How errors call the circuit.

    Raises:
        HaiquCircuitError: If an angle is not a finite number, or a gate cannot be unrolled.
    """
    known, names, data, everything = circuit, *_contents(circuit)
    _refuse_angles(everything, where)
    while borrows_names(everything):  # and once more, if a definition has such a gate in it
        known = unrolled(renamed(known), method, where=where)
        names, data, everything = _contents(known)
    if not names <= known_gates(method):
        known = unrolled(known, method, where=where)
        names, data, _ = _contents(known)
    active = _active(known, data)
    kept = sorted(active | set(keep)) if shrink else list(range(known.num_qubits))
    if not kept and known.num_qubits:
        kept = [0]  # a circuit that does nothing is still a state
    measured = _final_outcomes(known, data, names, channels=channels)
    body = _body(known, data, kept, static=measured is not None)
    position = {qubit: index for index, qubit in enumerate(kept)}
    return Prepared(
        body=body,
        kept=tuple(kept),
        static=measured is not None,
        measured=tuple([(position[qubit], clbit) for clbit, qubit in (measured or {}).items()]),
        num_clbits=known.num_clbits,
        clifford=names <= _CLIFFORD,
        width=max(1, len(active | set(keep))),
        columns=_columns(circuit, body),
    )


def _contents(
    circuit: QuantumCircuit,
) -> tuple[set[str], list[CircuitInstruction], list[CircuitInstruction]]:
    """Names of all operations, the instructions, and those with what is inside control flow."""
    names, data = operation_names(circuit), list(circuit.data)
    return names, data, data if names.isdisjoint(CONTROL_FLOW_OP_NAMES) else list(walk(circuit))


def _refuse_angles(instructions: Sequence[CircuitInstruction], where: str) -> None:
    """Refuse angles that are no numbers."""
    if isfinite(sum([angle for each in instructions for angle in each.params if isinstance(angle, float)])):
        return
    for each in instructions:
        for angle in each.params:
            if isinstance(angle, float) and not isfinite(angle):
                raise HaiquCircuitError(f"{where}: the gate '{each.name}' has the angle {angle}. Give a finite number.")


def _columns(circuit: QuantumCircuit, body: QuantumCircuit) -> tuple[int, ...]:
    if not body.num_parameters:
        return ()
    places = {parameter: index for index, parameter in enumerate(circuit.parameters)}
    return tuple([places[parameter] for parameter in body.parameters])


def _active(circuit: QuantumCircuit, data: Sequence[CircuitInstruction]) -> set[int]:
    """Qubits on which anything but barriers and delays acts."""
    idle = set(circuit.qubits)
    for instruction in data:
        if instruction.name not in _WAITING:
            idle.difference_update(instruction.qubits)
            if not idle:
                break
    return {index for index, bit in enumerate(circuit.qubits) if bit not in idle}


_WAITING = frozenset({"barrier", "delay"})


def final_outcomes(circuit: QuantumCircuit, *, channels: bool = False) -> dict[int, int] | None:
    """For static circuits the qubit that each written clbit shows; ``None`` if the circuit is not static.

    Args:
        circuit: Any circuit.
        channels: Whether channels count as gates.
    """
    return _final_outcomes(circuit, list(circuit.data), operation_names(circuit), channels=channels)


def _final_outcomes(
    circuit: QuantumCircuit, data: Sequence[CircuitInstruction], names: set[str], *, channels: bool
) -> dict[int, int] | None:
    if not names.isdisjoint(_NOT_UNITARY - _CHANNELS if channels else _NOT_UNITARY):
        return None
    # Before the first measurement only what resets a qubit can be in the way.
    first = 0
    if names.isdisjoint(_RESETTING):
        first = next((index for index, instruction in enumerate(data) if instruction.name == "measure"), len(data))
    if not names <= _standard_names() and any(instruction.clbits for instruction in data[:first]):
        return None
    measured: set[Any] = set()
    shown: dict[Any, Any] = {}
    touched: set[Any] = set()
    for instruction in data[first:]:
        name, qubits = instruction.name, instruction.qubits
        if name == "measure":
            measured.add(qubits[0])
            shown[instruction.clbits[0]] = qubits[0]
        elif name == "barrier" or (name == "delay" and measured.isdisjoint(qubits)):
            continue
        elif (
            instruction.clbits
            or not measured.isdisjoint(qubits)
            or (name in _RESETTING and not touched.isdisjoint(qubits))
        ):
            return None
        touched.update(qubits)
    qubit_index = {bit: index for index, bit in enumerate(circuit.qubits)}
    clbit_index = {bit: index for index, bit in enumerate(circuit.clbits)}
    return {clbit_index[clbit]: qubit_index[qubit] for clbit, qubit in shown.items()}


@lru_cache(maxsize=1)
def _standard_names() -> frozenset[str]:
    """Names of operations of which none but a measurement has classical bits."""
    return frozenset(get_standard_gate_name_mapping()) | {"barrier"}


_RESETTING = frozenset({"reset", "initialize"})
_CHANNELS = frozenset({"kraus", "superop", "quantum_channel"})
_NOT_UNITARY = frozenset(
    {"store", "set_statevector", "set_density_matrix", "set_stabilizer"} | _CHANNELS | CONTROL_FLOW_OP_NAMES
)


_LAST = frozenset({"measure", "barrier"})


def _body(
    circuit: QuantumCircuit, data: Sequence[CircuitInstruction], kept: Sequence[int], *, static: bool
) -> QuantumCircuit:
    """The circuit on the kept qubits, with all its classical bits and registers; without measurements if static."""
    end = next((index for index, instruction in enumerate(data) if instruction.name in _LAST), len(data))
    at_end = static and all(instruction.name in _LAST for instruction in data[end:])
    if at_end and len(kept) == circuit.num_qubits and circuit.layout is None and not circuit.metadata:
        body = circuit.copy()  # much quicker than instruction by instruction, but metadata may refuse to be copied
        if end < len(data):
            del body.data[end:]
        return body
    body = QuantumCircuit(len(kept), global_phase=circuit.global_phase, name=circuit.name)
    body.add_bits(circuit.clbits)
    for creg in circuit.cregs:
        body.add_register(creg)
    qubits = dict(zip([circuit.qubits[index] for index in kept], body.qubits, strict=True))
    for instruction in data:
        if instruction.name == "barrier" or (static and instruction.name == "measure"):
            continue
        where = tuple([qubits[bit] for bit in instruction.qubits if bit in qubits])
        if len(where) == len(instruction.qubits):
            body._append(instruction.replace(qubits=where))  # noqa: SLF001 - checked in the original
    return body

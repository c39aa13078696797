"""A noisy circuit as a network: gates on several qubits, and on every wire between them a chain of one-qubit channels.

What does not depend on parameters is multiplied at once. Of gates with angles that do, the network keeps the place.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterExpression
from qiskit.circuit.library import get_standard_gate_name_mapping

from qiskit_haiqu_provider.engines.local.channels import transfer
from qiskit_haiqu_provider.engines.local.channels.errors import Errors, UnknownNoiseError
from qiskit_haiqu_provider.engines.local.channels.transfer import Matrix
from qiskit_haiqu_provider.run.angles import constant_matrices, rotation_matrices
from qiskit_haiqu_provider.run.rotations import ROTATIONS

MAX_GATE_QUBITS = 3
"""The transfer matrix of a gate on more qubits has more than 4096 x 4096 numbers."""

Factor = Matrix | int
"""A matrix, or the place of a gate whose matrix depends on parameters."""

MovingGate = tuple[str, list[int], Sequence[Any]]
"""Name, qubits and parameters of a gate whose matrix depends on parameters."""


@dataclass
class Chain:
    """One-qubit channels one after the other, neighbouring constant ones multiplied."""

    factors: list[Factor] = field(default_factory=list)

    def then(self, factor: Factor | None) -> None:
        """Add a channel."""
        if factor is None:
            return
        if self.factors and not isinstance(factor, int) and not isinstance(self.factors[-1], int):
            self.factors[-1] = factor @ self.factors[-1]
        else:
            self.factors.append(factor)

    def matrices(self) -> list[Matrix]:
        """The factors of a chain that does not depend on parameters."""
        return [factor for factor in self.factors if not isinstance(factor, int)]


@dataclass
class Node:
    """A gate on several qubits with the error that follows it."""

    qubits: tuple[int, ...]
    """As the axes of its matrix are ordered: last qubit of the gate first."""

    gate: Factor
    error: Matrix | None
    before: tuple[Chain, ...]
    """What happens to each qubit between the gate before and this one."""


@dataclass
class Network:
    """A circuit as gates on several qubits and chains between them."""

    nodes: list[Node]
    after: dict[int, Chain]
    """What happens to each qubit after its last node."""

    moving: list[MovingGate]
    parameters: tuple[Any, ...]


def network(circuit: QuantumCircuit, errors: Errors, *, places: Sequence[int] | None = None) -> Network:
    """Read a circuit of gates, delays and resets, without measurements.

    Args:
        circuit: What to read.
        errors: The errors of its gates.
        places: For each qubit of the circuit the one that it is; by default they are numbered alike.

    Raises:
        UnknownNoiseError: If the circuit or the noise has something that only Aer knows.
    """
    position = dict(zip(circuit.qubits, places or range(circuit.num_qubits), strict=True))
    ops = [
        (instruction, tuple([position[bit] for bit in instruction.qubits]))
        for instruction in circuit.data
        if instruction.name != "barrier"
    ]
    matrices, moving = _gates(ops)
    found = Network([], {}, moving, tuple(circuit.parameters))
    for (instruction, qubits), matrix in zip(ops, matrices, strict=True):
        label = instruction.label or instruction.name
        error = errors.after(label, qubits)
        if len(qubits) == 1:
            chain = found.after.setdefault(qubits[0], Chain())
            chain.then(matrix)
            chain.then(error)
            if instruction.name == "delay":
                chain.then(errors.while_waiting(instruction.operation, qubits[0]))
            continue
        axes = qubits[::-1]
        before = tuple([found.after.pop(qubit, Chain()) for qubit in axes])
        if error is not None and not isinstance(matrix, int):
            matrix, error = error @ matrix, None
        found.nodes.append(Node(axes, matrix, error, before))
    return found


def _gates(ops: Sequence[tuple[Any, tuple[int, ...]]]) -> tuple[list[Any], list[MovingGate]]:
    """For each operation its matrix, its place among the gates with parameters, or ``None`` for nothing."""
    found: list[Any] = [None] * len(ops)
    moving: list[MovingGate] = []
    rotations: list[int] = []
    for index, (instruction, qubits) in enumerate(ops):
        name = instruction.name
        if len(qubits) > MAX_GATE_QUBITS:
            raise UnknownNoiseError(f"'{name}' on {len(qubits)} qubits")
        if name in ROTATIONS:
            if any(isinstance(param, ParameterExpression) for param in instruction.params):
                found[index] = len(moving)
                moving.append((name, list(qubits), instruction.params))
            else:
                rotations.append(index)
        elif name not in {"id", "delay"}:
            found[index] = _constant(instruction)
    angles = rotation_matrices([(ops[index][0].name, [], ops[index][0].params) for index in rotations], {})
    for place, matrix in zip(angles, transfers(list(angles.values())), strict=True):
        found[rotations[place]] = matrix[0]
    return found, moving


def transfers(unitaries: Sequence[Any]) -> list[Matrix]:
    """The transfer matrices of some gates, each of shape ``(sets or 1, dim, dim)``; all of one shape together."""
    found: list[Any] = [None] * len(unitaries)
    shapes = {unitary.shape for unitary in unitaries}
    for shape in shapes:
        members = [index for index, unitary in enumerate(unitaries) if unitary.shape == shape]
        matrices = transfer.of_unitaries(np.array([unitaries[index] for index in members]))
        for index, matrix in zip(members, matrices, strict=True):
            found[index] = matrix
    return found


_constants: dict[str, Matrix] = {}


def _constant(instruction: Any) -> Matrix:
    """The matrix of an operation without angles."""
    name = instruction.name
    if name in _constants:
        return _constants[name]
    if name == "reset":
        return transfer.RESET
    if name == "unitary":
        return transfer.of_unitaries(np.asarray(instruction.operation.to_matrix(), dtype=np.complex128))
    if name == "pauli":
        return transfer.of_pauli(instruction.operation.params[0])
    if name in constant_matrices() and get_standard_gate_name_mapping()[name].num_qubits == len(instruction.qubits):
        return _constants.setdefault(name, transfer.of_unitaries(constant_matrices()[name][0]))
    raise UnknownNoiseError(f"'{name}'")

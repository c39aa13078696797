"""Tasks that can share companions: the same two-qubit gates, measurements and shots, with other angles."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import CONTROL_FLOW_OP_NAMES

from qiskit_haiqu_provider.mitigation.structure import Structure, structure_of
from qiskit_haiqu_provider.run.circuits import measures
from qiskit_haiqu_provider.run.request import Task

_INSIDE = (
    "The circuit has free parameters inside control flow, and runs without mitigation. Assign them before to have its "
    "readout errors mitigated."
)


@dataclass(frozen=True)
class Family:
    """Tasks that run as one."""

    tasks: tuple[int, ...]
    """Their indices in the request."""

    sizes: tuple[int, ...]
    """Parameter sets of each."""

    task: Task
    """The first of them."""

    structure: Structure | None
    """With the parameter sets of all; ``None`` if the task runs as it is."""

    warnings: tuple[str, ...] = ()

    @property
    def sets(self) -> int:
        """Parameter sets in all."""
        return sum(self.sizes)


def families(tasks: Sequence[Task]) -> list[Family]:
    """Put together what can share companions.

    Args:
        tasks: The tasks of a request.
    """
    found: dict[Any, Family] = {}
    for index, task in enumerate(tasks):
        family = _alone(index, task)
        key = index if family.structure is None else _key(task, family.structure)
        found[key] = _joined(found[key], family) if key in found else family
    return list(found.values())


def _alone(index: int, task: Task) -> Family:
    plain = Family((index,), (task.num_sets,), task, None)
    samples = task.observables is None
    if not task.num_sets or (samples and not measures(task.circuit)):
        return plain
    inside = [each.operation.blocks for each in task.circuit.data if each.name in CONTROL_FLOW_OP_NAMES]
    if any(block.num_parameters for blocks in inside for block in blocks):
        return replace(plain, warnings=(_INSIDE,))
    structure = structure_of(task.circuit, task.parameter_values, keep=_support(task), measured=samples)
    return replace(plain, structure=structure) if structure.width else plain


def _support(task: Task) -> list[int]:
    """The qubits on which an observable acts."""
    acts = [(observable.paulis.x | observable.paulis.z).any(axis=0) for observable in task.observables or ()]
    return np.flatnonzero(np.any(acts, axis=0)).tolist() if acts else []


def _key(task: Task, structure: Structure) -> Any:
    """Equal for tasks that can share companions."""
    if any(fixed.matrices is None or len(fixed.matrices) > 1 for fixed in structure.fixed if not fixed.passive):
        return id(task)  # something in it differs from set to set, or is not a gate
    kept = tuple((fixed.instruction.name, fixed.wires, _numbers(fixed.instruction)) for fixed in structure.fixed)
    observables = None if task.observables is None else tuple(map(_observable, task.observables))
    return structure.qubits, structure.measured, _bits(task.circuit), kept, observables, task.shots


def _numbers(instruction: Any) -> tuple[Any, ...]:
    return tuple(each if isinstance(each, int | float | str) else repr(each) for each in instruction.params)


def _observable(observable: Any) -> tuple[bytes, bytes, bytes]:
    paulis = observable.paulis
    return paulis.x.tobytes(), paulis.z.tobytes(), np.asarray(observable.coeffs).tobytes()


def _bits(circuit: QuantumCircuit) -> tuple[Any, ...]:
    return circuit.num_qubits, circuit.num_clbits, tuple((creg.name, len(creg)) for creg in circuit.cregs)


def _joined(one: Family, other: Family) -> Family:
    structure = one.structure
    if structure is not None and other.structure is not None:
        unitaries = np.concatenate([structure.unitaries, other.structure.unitaries])
        structure = replace(structure, unitaries=unitaries)
    return replace(one, tasks=one.tasks + other.tasks, sizes=one.sizes + other.sizes, structure=structure)

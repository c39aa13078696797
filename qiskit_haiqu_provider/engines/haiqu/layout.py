"""From the tasks of a request to the fewest jobs, and what is needed to read the results of these jobs later.

A task is a full cross product of parameter sets and observables, which is what the service computes for a circuit. So
every task becomes a slot of a job, and exactly the evaluations that were asked for are paid for. A job holds circuits
with the same number of shots, either all with parameters or all without.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

import numpy as np
from qiskit.quantum_info import SparsePauliOp

from qiskit_haiqu_provider.engines.local.prepare import Prepared, prepare
from qiskit_haiqu_provider.engines.local.units import restrict, support
from qiskit_haiqu_provider.exceptions import HaiquCapacityError, HaiquCircuitError, HaiquInputError
from qiskit_haiqu_provider.run.request import RunRequest, RunType, Task

MAX_CIRCUITS = 10_000
"""Circuits in a job at most."""

PauliSum = tuple[tuple[str, ...], tuple[float, ...]]
"""Pauli strings, the last letter on qubit 0, and their real coefficients."""


class Kind(StrEnum):
    """What the service computes."""

    SAMPLES = "samples"
    VALUES = "values"
    STATES = "states"


@dataclass(frozen=True, kw_only=True)
class Slot:
    """The place of a task in a job; in JSON values, so that results can be read in another process."""

    task: int
    """Index of the task in the request."""

    pub: int = 0
    """Index of the PUB or circuit that asked for it, for messages."""

    num_sets: int
    num_clbits: int
    num_qubits: int
    """Qubits of the circuit as it is sent."""

    constants: tuple[float, ...] = ()
    """Identity part of each observable that the service estimates."""

    scales: tuple[float, ...] = ()
    """For each of them the sum of the absolute coefficients of the other Paulis."""

    observables: tuple[PauliSum, ...] = ()
    """Observables that are evaluated here, from states."""

    bases: int = 0
    """Readout bases of a job that was made elsewhere; each makes sets of its own. 0 if there are none."""

    def to_json(self) -> dict[str, Any]:
        """The fields that differ from their defaults."""
        return {item.name: value for item in fields(self) if (value := getattr(self, item.name)) != item.default}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Slot":
        """Read what :meth:`to_json` wrote."""
        numbers = {name: tuple(data.get(name, ())) for name in ("constants", "scales")}
        observables = tuple((tuple(paulis), tuple(coeffs)) for paulis, coeffs in data.get("observables", ()))
        return cls(**{**data, **numbers, "observables": observables})


@dataclass(frozen=True, kw_only=True)
class JobLayout:
    """One job of the service."""

    kind: Kind
    shots: int
    """Shots of each circuit; 1 for states."""

    swept: bool
    """Whether parameters are sent, and results have an axis for them."""

    slots: tuple[Slot, ...]
    number: int = 0
    """Which job of the request this is."""

    def circuits_in(self, slot: Slot) -> int:
        """The circuits that a slot takes: one if parameters are sent, else one for each set."""
        if self.swept:
            return min(1, slot.num_sets)
        return slot.num_sets // max(1, slot.bases)

    @property
    def num_circuits(self) -> int:
        """The circuits of the job. None means that no sets were asked for: it is not sent, and its result is empty."""
        return sum(map(self.circuits_in, self.slots))

    @property
    def evaluated_sets(self) -> int:
        """Parameter sets of all slots."""
        return sum(slot.num_sets for slot in self.slots)

    @property
    def evaluations(self) -> int:
        """Distributions, expectation values or states that the service computes."""
        return sum(slot.num_sets * max(1, len(slot.constants)) for slot in self.slots)

    def summary(self) -> dict[str, Any]:
        """The job in a few numbers, for people."""
        return {
            "kind": self.kind.value,
            "shots": self.shots,
            "circuits": self.num_circuits,
            "parameter_sets": self.evaluated_sets,
            "evaluations": self.evaluations,
        }

    def to_json(self) -> dict[str, Any]:
        """All that :meth:`from_json` needs, in JSON values."""
        slots = [slot.to_json() for slot in self.slots]
        return {**vars(self), "kind": self.kind.value, "slots": slots}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "JobLayout":
        """Read what :meth:`to_json` wrote."""
        return cls(**{**data, "kind": Kind(data["kind"]), "slots": tuple(map(Slot.from_json, data["slots"]))})


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a request is laid out in jobs."""

    jobs: tuple[JobLayout, ...]
    evaluations: int
    """Distributions, expectation values or states that were asked for."""

    paid: int
    """Those that the jobs compute."""


def lay_out(request: RunRequest) -> Layout:
    """Lay out a request in the fewest jobs.

    Args:
        request: What to run.

    Raises:
        HaiquCapacityError: If a task takes more circuits than fit in a job.
        HaiquCircuitError: If a circuit has no state that could be computed.
        HaiquInputError: If an observable has complex coefficients, or a task has neither shots nor observables.
    """
    groups: dict[tuple[Kind, int, bool], list[Slot]] = {}
    asked = 0
    for index, task in enumerate(request.tasks):
        kind = _kind(task, request)
        # All observables of an exact state are evaluated from the one state.
        asked += task.num_sets * (len(task.observables or ()) if kind is Kind.VALUES else 1)
        swept = kind is not Kind.STATES and bool(task.circuit.num_parameters)
        shots = 1 if kind is Kind.STATES or task.shots is None else int(task.shots)
        groups.setdefault((kind, shots, swept), []).append(_slot(index, task, kind))
    parts = [(key, part) for key, slots in groups.items() for part in _cut(slots, swept=key[2])]
    jobs = tuple(
        JobLayout(kind=kind, shots=shots, swept=swept, slots=tuple(part), number=number)
        for number, ((kind, shots, swept), part) in enumerate(parts)
    )
    return Layout(jobs=jobs, evaluations=asked, paid=sum(job.evaluations for job in jobs))


def state_circuit(task: Task) -> Prepared:
    """The circuit of a task whose exact state is asked for, without measurements.

    Where observables are asked for, on no more qubits than these and the gates need.

    Raises:
        HaiquCircuitError: If the circuit has no single state.
    """
    observables = task.observables or ()
    ready = prepare(task.circuit, keep=sorted(support(observables)), shrink=bool(observables))
    if not ready.static:
        raise HaiquCircuitError(
            f"PUB {task.pub}: a circuit with mid-circuit measurement, reset or control flow has no single state, so "
            "that exact values cannot be computed. Give shots, or a precision above 0."
        )
    return ready


def pauli_sum(observable: SparsePauliOp, *, where: str) -> PauliSum:
    """An observable as Pauli strings and real coefficients; a sum without terms is zero times the identity.

    Raises:
        HaiquInputError: If a coefficient is complex.
    """
    coeffs = np.asarray(observable.coeffs)
    if (np.abs(coeffs.imag) > _REAL * max(1.0, float(np.abs(coeffs).max(initial=0.0)))).any():
        raise HaiquInputError(
            f"{where}: an observable has complex coefficients, which no measurement gives. Estimate its Hermitian "
            "parts apart: (op + op.adjoint()) / 2 and (op - op.adjoint()) / 2j."
        )
    if not len(coeffs):
        return ("I" * observable.num_qubits,), (0.0,)
    return _labels(observable), tuple(coeffs.real.tolist())


def _labels(observable: SparsePauliOp) -> tuple[str, ...]:
    """The Paulis as text; Qiskit writes them one by one, which takes longer than all the rest of laying out."""
    codes = observable.paulis.z[:, ::-1] + 2 * observable.paulis.x[:, ::-1]
    return tuple(row.tobytes().decode() for row in _LETTERS[codes])


_LETTERS = np.frombuffer(b"IZXY", dtype=np.uint8)
"""By code: bit 0 is Z, bit 1 is X."""


def observable_facts(sums: Sequence[Sequence[Any]]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Of Pauli sums as they are sent, the identity parts, and the sums of the absolute other coefficients.

    Args:
        sums: For each observable its Pauli strings and their real coefficients.
    """
    constants, scales = [], []
    for paulis, coeffs in sums:
        acts = np.array([bool(pauli.strip("I")) for pauli in paulis], dtype=bool)
        weights = np.asarray(coeffs, dtype=np.float64)
        constants.append(float(weights[~acts].sum()))
        scales.append(float(np.abs(weights[acts]).sum()))
    return tuple(constants), tuple(scales)


_REAL = 1e-12
"""Imaginary parts up to this, relative to the coefficients, are rounding."""


def _kind(task: Task, request: RunRequest) -> Kind:
    if request.run_type is RunType.STATEVECTOR:
        return Kind.STATES
    if task.observables is None and task.shots is None:
        raise HaiquInputError(f"PUB {task.pub}: sampling needs shots. Give an int such as 1024.")
    if task.observables is None:
        return Kind.SAMPLES
    return Kind.STATES if task.shots is None else Kind.VALUES


def _slot(index: int, task: Task, kind: Kind) -> Slot:
    where = f"PUB {task.pub}"
    observables, width = task.observables or (), task.circuit.num_qubits
    if kind is Kind.STATES:
        ready = state_circuit(task)
        width = ready.num_qubits
        observables = tuple(restrict(observable, ready.kept) for observable in observables)
    sums = tuple(pauli_sum(observable, where=where) for observable in observables)
    slot: dict[str, Any] = {
        "task": index,
        "pub": task.pub,
        "num_sets": task.num_sets,
        "num_clbits": task.circuit.num_clbits,
        "num_qubits": width,
    }
    if kind is Kind.STATES:
        return Slot(**slot, observables=sums)
    constants, scales = observable_facts(sums)
    return Slot(**slot, constants=constants, scales=scales)


def _cut(slots: Sequence[Slot], *, swept: bool) -> Iterator[list[Slot]]:
    """Slots in order, in parts of at most so many circuits as fit in a job."""
    part: list[Slot] = []
    room = MAX_CIRCUITS
    for slot in slots:
        needed = min(1, slot.num_sets) if swept else slot.num_sets
        if needed > MAX_CIRCUITS:
            raise HaiquCapacityError(
                f"PUB {slot.pub}: {needed:,} circuits are needed, one for each parameter set, but at most "
                f"{MAX_CIRCUITS:,} fit in a job. Ask for fewer sets at a time, or for a precision above 0."
            )
        if needed > room:
            yield part
            part, room = [], MAX_CIRCUITS
        part.append(slot)
        room -= needed
    yield part

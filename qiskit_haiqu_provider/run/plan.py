"""From PUBs to tasks, and the outlines that bring the results home.

An outline holds all that is needed to turn task results into Qiskit's containers, in JSON values only: it is what
the job store keeps, so that a job can be read in another process without its circuits.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.quantum_info import PauliList, SparseObservable, SparsePauliOp

from qiskit_haiqu_provider.exceptions import HaiquInputError
from qiskit_haiqu_provider.run.broadcast import blocks
from qiskit_haiqu_provider.run.circuits import Register, registers
from qiskit_haiqu_provider.run.request import Task


@dataclass(frozen=True, kw_only=True)
class SamplerOutline:
    """One sampler PUB, one task."""

    shape: tuple[int, ...]
    shots: int
    registers: tuple[Register, ...]
    circuit_metadata: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class EstimatorOutline:
    """One estimator PUB, one task per block of its broadcast."""

    parameter_shape: tuple[int, ...]
    observable_shape: tuple[int, ...]
    observable_ids: tuple[int, ...]
    precision: float
    shots: int | None
    circuit_metadata: Mapping[str, Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the PUB."""
        return np.broadcast_shapes(self.parameter_shape, self.observable_shape)


@dataclass(frozen=True, kw_only=True)
class CircuitOutline:
    """One circuit given to ``backend.run``, one task, one experiment per parameter set."""

    name: str
    num_qubits: int
    num_clbits: int
    creg_sizes: tuple[tuple[str, int], ...]
    shots: int
    memory: bool
    circuit_metadata: Mapping[str, Any]


Outline = SamplerOutline | EstimatorOutline | CircuitOutline


@dataclass(frozen=True)
class Plan:
    """How the results of a run come home: what asked, and the outline of each thing asked."""

    kind: str
    """``sampler``, ``estimator`` or ``run``."""

    outlines: tuple[Outline, ...] = field(default_factory=tuple)
    jobs: tuple[Mapping[str, Any], ...] = ()
    """How a service runs it: for each of its jobs the circuits, shots, and evaluations asked for and paid for."""

    def to_dict(self) -> dict[str, Any]:
        """The plan as mappings and tuples."""
        return {"kind": self.kind, "outlines": [vars(outline) for outline in self.outlines]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Plan":
        """Read what :meth:`to_dict` wrote.

        Raises:
            KeyError: If the kind of plan is unknown or a field is missing.
            TypeError: If a field does not belong to the outline.
        """
        read: dict[str, Callable[[Mapping[str, Any]], Outline]] = {
            "sampler": _sampler_outline,
            "estimator": _estimator_outline,
            "run": _circuit_outline,
        }
        outline_of = read[data["kind"]]
        return cls(data["kind"], tuple(outline_of(outline) for outline in data["outlines"]))


_FINEST = 1e-9


def shots_from_precision(precision: float) -> int:
    """The shots whose standard error for a single Pauli is at most ``precision``.

    ``ceil(1 / precision**2)``, robust to rounding: ``shots_from_precision(1 / sqrt(n)) == n`` for every whole n.

    Args:
        precision: Target standard error, positive.

    Raises:
        HaiquInputError: If it is too small.
    """
    if precision < _FINEST:
        raise HaiquInputError(
            f"precision is {precision}, which takes more shots than can be counted. Give at least {_FINEST}, or 0 for "
            "the exact value."
        )
    exact = 1.0 / precision**2
    nearest = round(exact)
    return nearest if nearest > 0 and math.isclose(exact, nearest, rel_tol=1e-12) else math.ceil(exact)


def plan_sampler(pubs: Sequence[SamplerPub]) -> tuple[Plan, tuple[Task, ...]]:
    """Lay out sampler PUBs, whose shots are set, one task each."""
    outlines = tuple(
        SamplerOutline(
            shape=pub.shape,
            shots=pub.shots,
            registers=registers(pub.circuit),
            circuit_metadata=dict(pub.circuit.metadata),
        )
        for pub in pubs
    )
    tasks = tuple(
        Task(circuit=pub.circuit, parameter_values=_flat_values(pub), shots=pub.shots, pub=index)
        for index, pub in enumerate(pubs)
    )
    return Plan("sampler", outlines), tasks


def plan_estimator(pubs: Sequence[EstimatorPub]) -> tuple[Plan, tuple[Task, ...]]:
    """Lay out estimator PUBs, whose precision is set, one task per block of their broadcast."""
    outlines: list[Outline] = []
    tasks: list[Task] = []
    for index, pub in enumerate(pubs):
        distinct, ids = _distinct_observables(pub, where=f"PUB {index}")
        shots = shots_from_precision(pub.precision) if pub.precision > 0 else None
        outline = EstimatorOutline(
            parameter_shape=pub.parameter_values.shape,
            observable_shape=pub.observables.shape,
            observable_ids=ids,
            precision=pub.precision,
            shots=shots,
            circuit_metadata=dict(pub.circuit.metadata),
        )
        values = _flat_values(pub)
        tasks.extend(
            Task(
                circuit=pub.circuit,
                parameter_values=values if len(block.sets) == len(values) else values[block.sets],
                observables=tuple(distinct[observable] for observable in block.observables),
                shots=shots,
                pub=index,
            )
            for block in blocks(outline.parameter_shape, outline.observable_shape, ids)
        )
        outlines.append(outline)
    return Plan("estimator", tuple(outlines)), tuple(tasks)


def plan_run(
    circuits: Sequence[QuantumCircuit],
    values: Sequence[Any],
    *,
    shots: int,
    memory: bool,
) -> tuple[Plan, tuple[Task, ...]]:
    """Lay out the circuits of ``backend.run``, each with values of shape ``(sets, parameters)``."""
    outlines = tuple(
        CircuitOutline(
            name=circuit.name,
            num_qubits=circuit.num_qubits,
            num_clbits=circuit.num_clbits,
            creg_sizes=creg_sizes(circuit),
            shots=shots,
            memory=memory,
            circuit_metadata=dict(circuit.metadata),
        )
        for circuit in circuits
    )
    tasks = tuple(
        Task(circuit=circuit, parameter_values=sets, shots=shots, pub=index)
        for index, (circuit, sets) in enumerate(zip(circuits, values, strict=True))
    )
    return Plan("run", outlines), tasks


def creg_sizes(circuit: QuantumCircuit) -> tuple[tuple[str, int], ...]:
    """Names and sizes of the registers, by which Qiskit cuts counts apart; one of all bits where they overlap."""
    cregs = registers(circuit)
    if [clbit for creg in cregs for clbit in creg.clbits] == list(range(circuit.num_clbits)):
        return tuple((creg.name, len(creg.clbits)) for creg in cregs)
    return (("memory", circuit.num_clbits),)


def _flat_values(pub: SamplerPub | EstimatorPub) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Parameter values of shape ``(sets, parameters)``, columns in the order of ``circuit.parameters``."""
    bindings = pub.parameter_values
    if not bindings.num_parameters:
        return np.empty((math.prod(bindings.shape), 0))
    values = bindings.as_array(pub.circuit.parameters)
    return np.asarray(values, dtype=np.float64).reshape(bindings.size, bindings.num_parameters)


def _distinct_observables(pub: EstimatorPub, *, where: str) -> tuple[list[SparsePauliOp], tuple[int, ...]]:
    """The distinct observables of a PUB as Pauli sums, and for each of its observables which one it is.

    Projectors (``0 1 + - r l``) become sums of Paulis.
    """
    known: dict[tuple[bytes, ...], int] = {}
    distinct: list[SparsePauliOp] = []
    ids = []
    for observable in pub.observables.sparse_observables_array().ravel():
        parts = (observable.bit_terms, observable.indices, observable.boundaries, observable.coeffs)
        key = tuple(np.asarray(part).tobytes() for part in parts)
        if key not in known:
            known[key] = len(distinct)
            distinct.append(_pauli_sum(observable, where=where))
        ids.append(known[key])
    return distinct, tuple(ids)


def _pauli_sum(observable: SparseObservable, *, where: str) -> SparsePauliOp:
    """The observable as a sum of Paulis."""
    kinds = np.asarray(observable.bit_terms)
    if (kinds > _Y).any():  # projectors
        _check_terms(observable, kinds, where=where)
        return SparsePauliOp.from_sparse_observable(observable)
    boundaries = np.asarray(observable.boundaries, dtype=np.intp)
    places = np.repeat(np.arange(len(boundaries) - 1), np.diff(boundaries)), np.asarray(observable.indices)
    z = np.zeros((len(boundaries) - 1, observable.num_qubits), dtype=bool)
    x = z.copy()
    z[places], x[places] = kinds & 1, kinds & 2
    paulis = PauliList.from_symplectic(z, x)
    return SparsePauliOp(paulis, np.asarray(observable.coeffs), ignore_pauli_phase=True, copy=False)  # none has one


def _check_terms(observable: SparseObservable, kinds: NDArray[np.uint8], *, where: str) -> None:
    """Refuse projectors on so many qubits that their Paulis could not be listed."""
    boundaries = np.asarray(observable.boundaries, dtype=np.intp)
    projectors = np.add.reduceat(np.append(kinds > _Y, False).astype(np.intp), boundaries[:-1])
    terms = int(np.sum(2.0 ** np.minimum(projectors, 1000)).clip(max=2.0**62))
    if terms > MAX_TERMS:
        raise HaiquInputError(
            f"{where}: the projectors of an observable expand into {terms:,} Paulis, at most {MAX_TERMS:,} are "
            "possible. Sample the circuit instead, or use projectors on fewer qubits."
        )


MAX_TERMS = 2**16

_Y = 3
"""Code of Y in a SparseObservable: bit 0 is Z, bit 1 is X; projectors have higher bits."""


def _sampler_outline(data: Mapping[str, Any]) -> SamplerOutline:
    cregs = tuple(Register(name, tuple(clbits)) for name, clbits in data["registers"])
    return SamplerOutline(**{**data, "shape": tuple(data["shape"]), "registers": cregs})


def _estimator_outline(data: Mapping[str, Any]) -> EstimatorOutline:
    tuples = ("parameter_shape", "observable_shape", "observable_ids")
    return EstimatorOutline(**{**data, **{name: tuple(data[name]) for name in tuples}})


def _circuit_outline(data: Mapping[str, Any]) -> CircuitOutline:
    return CircuitOutline(**{**data, "creg_sizes": tuple((name, size) for name, size in data["creg_sizes"])})

"""What is read of a circuit with noise: its own measurements, or those of measurement groups; kept with the circuit.

Of every measured qubit a program leaves a few components: its trace, and for each basis that it is measured in the
difference of the probabilities of 0 and 1, with the errors of the basis change and of the readout. A measurement
circuit looks at the trace and one of the others of each of its qubits. So one program can serve many circuits; where
they are few, one for each is often quicker, as it leaves fewer components.
"""

import weakref
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np

from qiskit_haiqu_provider.engines.local.channels import transfer
from qiskit_haiqu_provider.engines.local.channels.errors import Errors, UnknownNoiseError, errors_of
from qiskit_haiqu_provider.engines.local.channels.network import Network, network
from qiskit_haiqu_provider.engines.local.channels.program import Program, compiled
from qiskit_haiqu_provider.engines.local.channels.transfer import Matrix
from qiskit_haiqu_provider.engines.local.prepare import Prepared
from qiskit_haiqu_provider.run.measure import MeasurementGroup, basis_change

_FEW = 6
"""Measurement circuits up to which programs of their own are tried."""

_COMPILING = 2**24
"""Multiplications in the time that it takes to make a program."""

_MOST_KEPT = 8
"""Different measurements of a circuit that are kept."""

_Bases = Mapping[int, str]
"""For each measured qubit its basis."""


@dataclass(frozen=True)
class Reading:
    """A program, and the measurement circuits that it serves."""

    program: Program
    views: tuple[tuple[tuple[int, ...], ...], ...]
    """For each circuit the components of each qubit, the last qubit first: 0 alone is the trace."""


def readings(
    prepared: Prepared,
    noise_model: Any,
    *,
    groups: Sequence[MeasurementGroup] | None = None,
    gates: frozenset[str] | None = None,
) -> tuple[Reading, ...] | None:
    """How to find the outcome probabilities of a circuit with noise.

    Args:
        prepared: A static circuit.
        noise_model: Aer's noise model; ``None`` for no noise.
        groups: What is measured; ``None`` for the circuit's own measurements.
        gates: Names of the gates that may change the basis; ``None`` for any.

    Returns:
        Readings that serve all measurement circuits in order, each with the outcomes of its qubits in ascending order;
        ``None`` if the circuit or its noise has something that only Aer knows.
    """
    errors = errors_of(noise_model)
    measured = None if groups is None else tuple([(group.qubits, group.bases) for group in groups])
    key = (id(errors), measured, gates)
    kept = _kept_of(prepared)
    known = kept.get(key)
    if known is None:
        if len(kept) >= _MOST_KEPT:
            kept.clear()
        # The errors are kept as well, so that no others can get their identity.
        known = kept[key] = errors, _readings(prepared, errors, measured, gates)
    found: tuple[Reading, ...] | None = known[1]
    return found


_made: dict[int, tuple["weakref.ref[Prepared]", dict[Hashable, Any]]] = {}
_lock = Lock()


def _kept_of(prepared: Prepared) -> dict[Hashable, Any]:
    """What was made of a circuit; forgotten with it."""
    key = id(prepared)
    with _lock:
        entry = _made.get(key)
        if entry is None or entry[0]() is not prepared:
            forget = _made.pop
            entry = _made[key] = weakref.ref(prepared, lambda _: forget(key, None)), {}
        return entry[1]


def _readings(
    prepared: Prepared,
    errors: Errors,
    measured: Sequence[tuple[Sequence[int], str]] | None,
    gates: frozenset[str] | None,
) -> tuple[Reading, ...] | None:
    try:
        net = network(prepared.circuit, errors)
        if measured is None:
            circuits: list[_Bases] = [_own_bases(prepared, errors)]
        else:
            circuits = [dict(zip(qubits, bases, strict=True)) for qubits, bases in measured]
        if not circuits:
            return ()
        components = {
            (qubit, basis): _component(errors, qubit, basis, gates)
            for qubit, basis in sorted({item for bases in circuits for item in bases.items()})
        }
        together = _reading(net, circuits, components)
        if len(circuits) == 1 or (len(circuits) > _FEW and together.program.work < _COMPILING * len(circuits)):
            return (together,)
        apart = tuple([_reading(net, [bases], components) for bases in circuits])
    except UnknownNoiseError:
        return None
    return apart if sum(reading.program.work for reading in apart) < together.program.work else (together,)


def _reading(net: Network, circuits: Sequence[_Bases], components: Mapping[tuple[int, str], Matrix]) -> Reading:
    """One program for some measurement circuits."""
    letters: dict[int, list[str]] = {}
    for qubit, basis in sorted({item for bases in circuits for item in bases.items()}):
        letters.setdefault(qubit, []).append(basis)
    reads = {
        qubit: np.concatenate([transfer.TRACE, *[components[qubit, basis] for basis in bases]])
        for qubit, bases in letters.items()
    }
    views = tuple(
        [
            tuple(
                [
                    (0, 1 + letters[qubit].index(bases[qubit])) if qubit in bases else (0,)
                    for qubit in sorted(letters, reverse=True)
                ]
            )
            for bases in circuits
        ]
    )
    return Reading(compiled(net, reads), views)


def _own_bases(prepared: Prepared, errors: Errors) -> _Bases:
    qubits = [qubit for qubit, _ in prepared.measured]
    if len(set(qubits)) < len(qubits) and any((errors.readout(qubit) != np.eye(2)).any() for qubit in qubits):
        raise UnknownNoiseError("a qubit that is read twice, with an error each time")
    return dict.fromkeys(qubits, "Z")


def _component(errors: Errors, qubit: int, basis: str, gates: frozenset[str] | None) -> Matrix:
    """The difference of the probabilities of 0 and 1 in a basis, shape ``(1, 4)``."""
    seen = errors.readout(qubit) @ transfer.MEASURE
    difference = seen[:1] - seen[1:]
    if basis == "Z":
        return difference
    chain = network(basis_change(basis, gates), errors, places=(qubit,)).after[qubit]
    for matrix in chain.matrices():
        difference = difference @ matrix
    return difference

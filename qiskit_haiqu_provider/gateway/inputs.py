"""Parameters, observables and readout bases as they are sent, checked against what is known of the circuits."""

import re
from collections.abc import Sequence
from typing import Any, Protocol

from qiskit_haiqu_provider.gateway.errors import invalid
from qiskit_haiqu_provider.gateway.settings import Limits
from qiskit_haiqu_provider.run.checks import is_real

_PAULIS = re.compile(r"[IXYZ]+")
_CIRCUIT, _SETS, _VALUES = 3, 2, 1
"""Depths of nested parameters: ``[circuit][set][value]``, ``[set][value]``, ``[value]``."""


class CircuitFacts(Protocol):
    """What is known of a circuit without reading it."""

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def num_qubits(self) -> int:
        """Its width."""
        ...

    @property
    def num_parameters(self) -> int:
        """Its free parameters."""
        ...

    @property
    def measures(self) -> bool:
        """Whether it measures anything."""
        ...


def check_count(count: int, limits: Limits) -> None:
    """Refuse too many circuits.

    Raises:
        RequestValidationError: If there are more than fit in a job.
    """
    if count > limits.circuits:
        raise invalid("circuit_ids", f"{count} circuits are too many, at most {limits.circuits} fit in a job.")


def parameter_sets(given: Sequence[Any] | None, circuits: Sequence[CircuitFacts]) -> list[list[list[float]]] | None:
    """Parameters as ``[circuit][set][value]``, from every documented nesting.

    One circuit takes ``[value]``, ``[set][value]`` or ``[circuit][set][value]``; several take
    ``[circuit][set][value]``, or ``[circuit][value]`` for one set each.

    Raises:
        RequestValidationError: If the nesting, a length or a value does not fit.
    """
    if not given:
        for circuit in circuits:
            if circuit.num_parameters:
                raise invalid(
                    "parameters", f"circuit {circuit.id} has {circuit.num_parameters} parameters without values."
                )
        return None
    depth = _depth(given)
    if depth > _CIRCUIT:
        raise invalid("parameters", "they are nested too deeply. Give [circuit][set][value].")
    nested: Sequence[Any] = given
    if len(circuits) == 1 and depth == _VALUES:
        nested = [[given]]
    elif len(circuits) == 1 and depth == _SETS:
        nested = [given]
    if len(nested) != len(circuits):
        raise invalid(
            "parameters",
            f"they are for {len(nested)} circuits, but there are {len(circuits)}. Give one entry for each.",
        )
    return [_sets_of(entry, circuit) for entry, circuit in zip(nested, circuits, strict=True)]


def _sets_of(entry: Any, circuit: CircuitFacts) -> list[list[float]]:
    rows = entry if isinstance(entry, list) else [[entry]]
    if not rows or not isinstance(rows[0], list):
        rows = [rows]
    for row in rows:
        if not isinstance(row, list) or not all(is_real(value) for value in row):
            raise invalid("parameters", f"those of circuit {circuit.id} must be lists of numbers: [set][value].")
        if len(row) != circuit.num_parameters:
            raise invalid(
                "parameters",
                f"circuit {circuit.id} has {circuit.num_parameters} parameters, but a set has {len(row)} values. "
                "Give one value for each, in the order of circuit.parameters.",
            )
    return [[float(value) for value in row] for row in rows]


def _depth(value: Any) -> int:
    if not isinstance(value, list):
        return 0
    return 1 + max((_depth(item) for item in value), default=0)


def check_observables(observables: Sequence[Any], circuits: Sequence[CircuitFacts]) -> None:
    """Refuse observables that do not fit the circuits.

    Raises:
        RequestValidationError: If there is not one list for each circuit, or a Pauli sum is not well formed.
    """
    if len(observables) != len(circuits):
        raise invalid(
            "observables",
            f"they are for {len(observables)} circuits, but there are {len(circuits)}. Give one list for each.",
        )
    for group, circuit in zip(observables, circuits, strict=True):
        if not group:
            raise invalid("observables", f"there is none for circuit {circuit.id}. Give at least one.")
        for paulis, coeffs in group:
            _check_sum(paulis, coeffs, circuit)


def _check_sum(paulis: Sequence[str], coeffs: Sequence[float], circuit: CircuitFacts) -> None:
    if not paulis or len(paulis) != len(coeffs):
        raise invalid("observables", f"{len(paulis)} Pauli strings have {len(coeffs)} coefficients. Give one for each.")
    for pauli in paulis:
        if not _PAULIS.fullmatch(pauli):
            raise invalid("observables", f"'{pauli[:40]}' is no Pauli string. Use the letters I, X, Y and Z.")
        if len(pauli) != len(paulis[0]) or len(pauli) > circuit.num_qubits:
            raise invalid(
                "observables",
                f"'{pauli[:40]}' has {len(pauli)} letters, but circuit {circuit.id} has {circuit.num_qubits} qubits. "
                "Give one letter per qubit, the last for qubit 0.",
            )


def check_readout(bases: Sequence[str] | None, circuits: Sequence[CircuitFacts]) -> None:
    """Refuse circuits that measure nothing, and readout bases that cannot be used.

    Raises:
        RequestValidationError: If there is something to refuse.
    """
    for circuit in circuits:
        if not circuit.measures:
            raise invalid(
                "circuit_ids",
                f"circuit {circuit.id} measures nothing. Call circuit.measure_all() first, or give observables.",
            )
    if bases is None:
        return
    if not bases or len(set(bases)) != len(bases):
        raise invalid("readout_bases", "they must be different from each other, and at least one.")
    for circuit in circuits:
        for basis in bases:
            if len(basis) != len(bases[0]) or len(basis) > circuit.num_qubits:
                raise invalid(
                    "readout_bases",
                    f"'{basis[:40]}' has {len(basis)} letters, but circuit {circuit.id} has {circuit.num_qubits} "
                    "qubits. Give one letter per qubit, the last for qubit 0.",
                )

"""What ``backend.run`` takes: circuits, and values for their parameters."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit

from qiskit_haiqu_provider.exceptions import HaiquInputError


def as_circuits(run_input: QuantumCircuit | Iterable[QuantumCircuit]) -> list[QuantumCircuit]:
    """The circuits, read once.

    Raises:
        HaiquInputError: If there is anything else among them.
    """
    try:
        circuits = [run_input] if isinstance(run_input, QuantumCircuit) else list(run_input)
    except TypeError:
        raise HaiquInputError(
            f"run_input is a {type(run_input).__name__}. Give a QuantumCircuit or a list of them."
        ) from None
    for index, circuit in enumerate(circuits):
        if not isinstance(circuit, QuantumCircuit):
            raise HaiquInputError(
                f"circuit {index} is a {type(circuit).__name__}, not a QuantumCircuit. "
                "Give a QuantumCircuit or a list of them."
            )
    return circuits


def bound_values(
    circuits: Sequence[QuantumCircuit], binds: Sequence[Mapping[Any, Any]] | None
) -> list[NDArray[np.float64]]:
    """Values of shape ``(sets, parameters)`` for each circuit, from parameter bindings in the form that Aer has.

    Raises:
        HaiquInputError: If a parameter has no value, or a value no parameter, or values cannot be used.
    """
    if binds is None:
        binds = [{} for _ in circuits]
    if len(binds) != len(circuits):
        raise HaiquInputError(
            f"parameter_binds has {len(binds)} mappings for {len(circuits)} circuits. Give one for each circuit."
        )
    return [
        _values_of(index, circuit, dict(bind))
        for index, (circuit, bind) in enumerate(zip(circuits, binds, strict=True))
    ]


def _values_of(index: int, circuit: QuantumCircuit, bind: dict[Any, Any]) -> NDArray[np.float64]:
    by_name = {getattr(key, "name", key): value for key, value in bind.items()}
    names = [parameter.name for parameter in circuit.parameters]
    missing = [name for name in names if name not in by_name]
    surplus = sorted(by_name.keys() - set(names))
    if missing:
        raise HaiquInputError(
            f"circuit {index} has parameters without a value: {', '.join(missing)}. "
            "Call circuit.assign_parameters(...), or give parameter_binds."
        )
    if surplus:
        raise HaiquInputError(
            f"circuit {index} does not have the parameters {', '.join(map(str, surplus))} of parameter_binds. "
            f"Its parameters: {', '.join(names) or 'none'}."
        )
    if not names:
        return np.empty((1, 0))
    columns = [np.atleast_1d(np.asarray(by_name[name], dtype=np.float64)) for name in names]
    if len({column.shape for column in columns}) != 1 or columns[0].ndim != 1:
        raise HaiquInputError(
            f"circuit {index}: the values of parameter_binds must be lists of the same length, one entry for each "
            "parameter set."
        )
    values = np.stack(columns, axis=1)
    if not np.isfinite(values).all():
        raise HaiquInputError(
            f"circuit {index}: the values of parameter_binds are not all finite. Remove NaN and infinity."
        )
    return values

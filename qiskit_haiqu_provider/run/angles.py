"""Angles and matrices of gates for whole parameter sweeps."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import Parameter, ParameterExpression
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.exceptions import QiskitError

from qiskit_haiqu_provider.run.rotations import ROTATIONS


def angle_values(param: Any, columns: Mapping[Parameter, NDArray[np.float64]]) -> NDArray[np.float64]:
    """The values of one gate parameter: of shape ``(sets,)``, or ``(1,)`` if it is a constant.

    Args:
        param: A number, a parameter or an expression.
        columns: For each parameter its values, shape ``(sets,)``.
    """
    if isinstance(param, Parameter):
        return columns[param]
    if not isinstance(param, ParameterExpression):
        return np.array([float(param)])
    form = affine_form(param)
    if form is not None:
        start, slopes = form
        terms = [slope * columns[parameter] for parameter, slope in slopes.items()]
        return np.asarray(sum(terms, start=np.array([start])))
    used = list(param.parameters)
    rows = zip(*[columns[parameter].tolist() for parameter in used], strict=True)
    return np.array([float(param.bind(dict(zip(used, row, strict=True)))) for row in rows])


def affine_form(expression: ParameterExpression) -> tuple[float, dict[Parameter, float]] | None:
    """The value where all parameters are 0, and the slope in each; ``None`` if it is not affine in them."""
    used = list(expression.parameters)
    slopes = {parameter: slope for parameter in used if (slope := _slope(expression, parameter)) is not None}
    if len(slopes) < len(used):
        return None
    return float(expression.bind(dict.fromkeys(used, 0.0))), slopes


@lru_cache(maxsize=1)
def constant_matrices() -> dict[str, NDArray[np.complex128]]:
    """Matrices of the standard gates without parameters, of shape ``(1, dim, dim)``."""
    return {
        name: np.asarray(gate.to_matrix(), dtype=np.complex128)[None]
        for name, gate in get_standard_gate_name_mapping().items()
        if gate.num_qubits and not gate.params and hasattr(gate, "to_matrix")
    }


def rotation_matrices(
    gates: Sequence[tuple[str, list[int], Any]], columns: Mapping[Parameter, NDArray[np.float64]]
) -> dict[int, NDArray[np.complex128]]:
    """For each gate with angles its matrices, of shape ``(sets or 1, dim, dim)``."""
    by_name: dict[str, list[int]] = {}
    for index, (name, _, params) in enumerate(gates):
        if params:
            by_name.setdefault(name, []).append(index)
    found: dict[int, NDArray[np.complex128]] = {}
    for name, members in by_name.items():
        angles = [angle_values(param, columns) for index in members for param in gates[index][2]]
        sets = max(map(len, angles))
        stacked = np.empty((len(angles), sets))
        for row, values in zip(stacked, angles, strict=True):
            row[:] = values
        by_gate = stacked.reshape(len(members), -1, sets).transpose(1, 0, 2)
        found.update(zip(members, ROTATIONS[name](*by_gate), strict=True))
    return found


def _slope(expression: ParameterExpression, parameter: Parameter) -> float | None:
    """The derivative if it is a number, as it is for the affine expressions that transpilers make."""
    try:
        return float(expression.gradient(parameter))
    except (TypeError, ValueError, QiskitError, RuntimeError):
        return None

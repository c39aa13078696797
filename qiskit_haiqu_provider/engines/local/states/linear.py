"""Angles that are affine in the values of a circuit's parameters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import Parameter, ParameterExpression

from qiskit_haiqu_provider.run.angles import affine_form, angle_values

Angle = tuple[float, tuple[tuple[int, float], ...]]
"""A constant, and (column, slope) for each column of values that the angle depends on."""


def plus(one: Angle, other: Angle) -> Angle:
    """The sum of two angles."""
    if not one[1] or not other[1]:
        return one[0] + other[0], one[1] or other[1]
    slopes = dict(one[1])
    for column, slope in other[1]:
        slopes[column] = slopes.get(column, 0.0) + slope
    return one[0] + other[0], tuple((column, slope) for column, slope in slopes.items() if slope)


def times(angle: Angle, factor: float) -> Angle:
    """A multiple of an angle."""
    return factor * angle[0], tuple([(column, factor * slope) for column, slope in angle[1]])


class Columns:
    """The columns of values that angles are affine in: the parameters, then whatever is not affine in them."""

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        self._places = {parameter: index for index, parameter in enumerate(parameters)}
        self._known: dict[Any, Angle] = {}
        self.others: list[ParameterExpression] = []

    def angle(self, param: Any) -> Angle:
        """A gate's parameter as an angle."""
        if not isinstance(param, ParameterExpression):
            return float(param), ()
        if isinstance(param, Parameter):
            return 0.0, ((self._places[param], 1.0),)
        if param not in self._known:
            self._known[param] = self._read(param)
        return self._known[param]

    def _read(self, expression: ParameterExpression) -> Angle:
        form = affine_form(expression)
        if form is not None:
            start, slopes = form
            return start, tuple((self._places[parameter], slope) for parameter, slope in slopes.items() if slope)
        self.others.append(expression)
        return 0.0, ((len(self._places) + len(self.others) - 1, 1.0),)


@dataclass(frozen=True)
class Angles:
    """Many angles, evaluated together."""

    parameters: tuple[Parameter, ...]
    others: tuple[ParameterExpression, ...]
    constants: NDArray[np.float64]
    """Shape ``(angles, 1)``."""

    slopes: tuple[tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]], ...]
    """Angles, columns and slopes of shape ``(some, 1)``; no angle twice in one of them."""

    @classmethod
    def of(cls, angles: Sequence[Angle], columns: Columns, parameters: Sequence[Parameter]) -> "Angles":
        """Lay out some angles, in order."""
        slopes = []
        for step in range(max((len(terms) for _, terms in angles), default=0)):
            some = [(index, *terms[step]) for index, (_, terms) in enumerate(angles) if len(terms) > step]
            rows, places, factors = zip(*some, strict=True)
            slopes.append((np.array(rows), np.array(places), np.array(factors)[:, None]))
        constants = np.array([constant for constant, _ in angles])[:, None]
        return cls(tuple(parameters), tuple(columns.others), constants, tuple(slopes))

    def values(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The angles for parameter values of shape ``(sets, parameters)``, shape ``(angles, sets)``."""
        columns = np.ascontiguousarray(values.T)
        if self.others:
            known: Mapping[Parameter, NDArray[np.float64]] = dict(zip(self.parameters, columns, strict=True))
            more = [np.broadcast_to(angle_values(expression, known), len(values)) for expression in self.others]
            columns = np.concatenate([columns, more])
        found = np.repeat(self.constants, len(values), axis=1)
        for rows, places, factors in self.slopes:
            found[rows] += factors * columns[places]
        return found

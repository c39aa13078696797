"""What a user may choose about error mitigation, checked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from qiskit_haiqu_provider.exceptions import HaiquInputError
from qiskit_haiqu_provider.run.checks import check_choice, check_flag, is_real, is_whole, unknown_option

BUDGETS = ("double", "equal")
PLACES = ("engine", "client", None)
MAX_RANDOMIZATIONS = 1024

CLIENT_ONLY = frozenset({"num_randomizations", "companion_fraction", "guard", "budget", "where"})
"""Settings of this package's own mitigation, which services with mitigation of their own do not know."""


def check_randomizations(value: Any, where: str) -> int:
    """A whole number of randomisations.

    Raises:
        HaiquInputError: If it is not.
    """
    if not is_whole(value) or not 1 <= value <= MAX_RANDOMIZATIONS:
        raise HaiquInputError(
            f"{where} must be a whole number from 1 to {MAX_RANDOMIZATIONS}, not {value!r}. Give an int such as 16."
        )
    return int(value)


def check_fraction(value: Any, where: str) -> float | None:
    """The part of the shots that companions get, or ``None``.

    Raises:
        HaiquInputError: If it is neither.
    """
    if value is None:
        return None
    if not is_real(value) or not 0 < value < 1:
        raise HaiquInputError(
            f"{where} must be None or a number above 0 and below 1, not {value!r}. Give a part such as 0.3."
        )
    return float(value)


def check_budget(value: Any, where: str) -> str:
    """One of :data:`BUDGETS`.

    Raises:
        HaiquInputError: If it is not.
    """
    return str(check_choice(value, BUDGETS, where=where))


def check_place(value: Any, where: str) -> str | None:
    """One of :data:`PLACES`.

    Raises:
        HaiquInputError: If it is not.
    """
    found: str | None = check_choice(value, PLACES, where=where)
    return found


@dataclass(frozen=True, kw_only=True)
class MitigationSettings:
    """The settings of :class:`~qiskit_haiqu_provider.MitigationOptions` as values that do not change."""

    dynamical_decoupling: bool = True
    readout_mitigation: bool = True
    noise_tailoring: bool = True
    advanced_mitigation: bool = True
    readout_mitigation_options: Mapping[str, Any] = field(default_factory=dict)
    num_randomizations: int = 16
    companion_fraction: float | None = None
    guard: bool = True
    budget: str = "double"
    where: str | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """The settings of a request.

        Args:
            values: By name, those that are not to have their defaults.

        Raises:
            HaiquOptionError: If a setting does not exist; suggests the nearest.
            HaiquInputError: If a value is not allowed.
        """
        known = {spec.name for spec in fields(cls)}
        for name in values:
            if name not in known:
                raise unknown_option(name, known, owner="mitigation")
        checked: dict[str, Any] = {
            name: _CHECKS[name](value, f"mitigation[{name!r}]") for name, value in values.items()
        }
        return cls(**checked)


def _flag(value: Any, where: str) -> bool:
    return check_flag(value, where=where)


def _readout_options(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise HaiquInputError(f"{where} must be a mapping from names to values, not {value!r}.")
    if value:
        raise HaiquInputError(
            f"{where}: mitigation on this side has no such options ({', '.join(map(str, value))}). Leave them out."
        )
    return {}


_CHECKS: Mapping[str, Callable[[Any, str], Any]] = {
    "dynamical_decoupling": _flag,
    "readout_mitigation": _flag,
    "noise_tailoring": _flag,
    "advanced_mitigation": _flag,
    "readout_mitigation_options": _readout_options,
    "num_randomizations": check_randomizations,
    "companion_fraction": check_fraction,
    "guard": _flag,
    "budget": check_budget,
    "where": check_place,
}

"""What a user may choose about error mitigation, checked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from importlib.util import find_spec
from typing import Any, Self

from qiskit_haiqu_provider.exceptions import HaiquDependencyError, HaiquInputError, HaiquOptionError
from qiskit_haiqu_provider.run.checks import check_choice, check_flag, is_real, is_whole, unknown_option

BUDGETS = ("double", "equal")
ENGINE, CLIENT = "engine", "client"
PLACES = (ENGINE, CLIENT, None)
BY_ENGINE: Mapping[str, Any] = {"where": ENGINE}
BY_CLIENT: Mapping[str, Any] = {"where": CLIENT}
"""The fact about a task who has mitigated it: who executes, or this package."""

TWIRLED, M3 = "twirled", "m3"
READOUT_METHODS = (TWIRLED, M3)
"""How readout errors of samples are undone where no others are: by flips that make them alike, or by mthree."""

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


_METHOD = "method"


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
            HaiquOptionError: If a setting does not exist, with the nearest suggested, or does not go with another.
            HaiquInputError: If a value is not allowed.
            HaiquDependencyError: If a package is missing that is an extra.
        """
        known = {spec.name for spec in fields(cls)}
        for name in values:
            if name not in known:
                raise unknown_option(name, known, owner="mitigation")
        checked: dict[str, Any] = {
            name: _CHECKS[name](value, f"mitigation[{name!r}]") for name, value in values.items()
        }
        found = cls(**checked)
        _check_together(found)
        return found

    @property
    def readout_method(self) -> str:
        """One of :data:`READOUT_METHODS`."""
        return str(self.readout_mitigation_options.get(_METHOD, TWIRLED))

    @property
    def flips(self) -> bool:
        """Whether bits of the circuit are flipped before they are measured."""
        return self.readout_mitigation and self.readout_method == TWIRLED


def check_readout_method(settings: MitigationSettings, *, observables: bool, where: str) -> None:
    """Refuse a method for samples where expectation values are asked for.

    Args:
        settings: The settings.
        observables: Whether there are observables.
        where: Begins the message.

    Raises:
        HaiquInputError: If the method does not fit.
    """
    if observables and settings.readout_method == M3:
        raise HaiquInputError(
            f"{where}mitigation['readout_mitigation_options']: method 'm3' corrects distributions, and its bounds are "
            "no error bars of expectation values. Sample with SamplerV2, or leave the method out: readout errors are "
            "then divided out of expectation values."
        )


def check_mthree() -> None:
    """Raise if mthree, which is an extra, is not there.

    Raises:
        HaiquDependencyError: If it is not installed.
    """
    if find_spec("mthree") is None:
        raise HaiquDependencyError(
            "mitigation['readout_mitigation_options']: method 'm3' needs mthree, which is not installed. Run: pip "
            "install 'qiskit-haiqu-provider[m3]', or leave the method out."
        )


def _flag(value: Any, where: str) -> bool:
    return check_flag(value, where=where)


def _readout_options(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise HaiquInputError(f"{where} must be a mapping from names to values, not {value!r}.")
    for name, chosen in value.items():
        if name != _METHOD:
            raise unknown_option(str(name), [_METHOD], owner=where)
        check_choice(chosen, READOUT_METHODS, where=f"{where}[{_METHOD!r}]")
    return dict(value)


def _check_together(settings: MitigationSettings) -> None:
    """Refuse settings of which one makes another one useless."""
    if settings.readout_method != M3:
        return
    where = "mitigation['readout_mitigation_options']: method 'm3'"
    if not settings.readout_mitigation:
        raise HaiquOptionError(f"{where} has no effect while readout_mitigation is False. Set it to True.")
    if settings.advanced_mitigation:
        raise HaiquOptionError(
            f"{where} undoes readout errors alone, but advanced_mitigation undoes them together with those of gates. "
            "Set advanced_mitigation=False, or leave the method out."
        )
    check_mthree()


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

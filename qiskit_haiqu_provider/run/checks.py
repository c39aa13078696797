"""Checks of single values, done once at the edge; each message names the argument and says what to do."""

from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any, TypeGuard

from qiskit_haiqu_provider.exceptions import HaiquInputError, HaiquOptionError


def unknown_option(name: str, known: Iterable[str], *, owner: str) -> HaiquOptionError:
    """The error for an option that does not exist; suggests the nearest."""
    from difflib import get_close_matches  # needed for errors only

    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    hint = f"Did you mean '{near[0]}'?" if near else f"Valid names: {', '.join(names)}."
    return HaiquOptionError(f"{owner} has no option '{name}'. {hint}")


def is_whole(value: Any) -> TypeGuard[int]:
    """Whether the value is a whole number, of Python or numpy, and not a truth value."""
    return isinstance(value, (int, Integral)) and not isinstance(value, bool)  # the first is much quicker to tell


def is_real(value: Any) -> TypeGuard[float]:
    """Whether the value is a real number, of Python or numpy, and not a truth value."""
    return isinstance(value, (float, Real)) and not isinstance(value, bool)


def check_shots(value: Any, *, where: str = "shots", maximum: int | None = None) -> int:
    """A whole number of shots of at least 1.

    Raises:
        HaiquInputError: If it is not.
    """
    if not is_whole(value):
        raise HaiquInputError(f"{where} must be a whole number, not {value!r}. Give an int such as 1024.")
    if value < 1:
        raise HaiquInputError(f"{where} must be at least 1, not {value}. Give an int such as 1024.")
    if maximum is not None and value > maximum:
        raise HaiquInputError(f"{where} is {value}, but at most {maximum} are possible. Split the run.")
    return int(value)


def check_precision(value: Any, *, where: str = "precision") -> float:
    """A finite target standard error of at least 0; 0 asks for the exact value.

    Raises:
        HaiquInputError: If it is not.
    """
    if not is_real(value):
        raise HaiquInputError(f"{where} must be a real number, not {value!r}. Give a standard error such as 0.01.")
    number = float(value)
    if not 0 <= number < float("inf"):
        raise HaiquInputError(
            f"{where} must be finite and not negative, not {value}. "
            "Give a standard error such as 0.01, or 0 for the exact value."
        )
    return number


def check_seed(value: Any, *, where: str = "seed_simulator") -> int | None:
    """A whole number of at least 0, or ``None``.

    Raises:
        HaiquInputError: If it is neither.
    """
    if value is None:
        return None
    if not is_whole(value) or value < 0:
        raise HaiquInputError(
            f"{where} must be None or a whole number of at least 0, not {value!r}. Give an int such as 42."
        )
    return int(value)


def check_flag(value: Any, *, where: str) -> bool:
    """``True`` or ``False``.

    Raises:
        HaiquInputError: If it is neither.
    """
    if not isinstance(value, bool):
        raise HaiquInputError(f"{where} must be True or False, not {value!r}.")
    return value


def check_choice(value: Any, choices: Iterable[Any], *, where: str) -> Any:
    """One of the choices.

    Raises:
        HaiquInputError: If it is none of them.
    """
    allowed = list(choices)
    if value not in allowed:
        raise HaiquInputError(f"{where} must be one of {allowed}, not {value!r}.")
    return value

"""Options of local devices, and their checks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from qiskit_haiqu_provider.exceptions import HaiquInputError
from qiskit_haiqu_provider.run.checks import (
    check_choice,
    check_flag,
    check_seed,
    check_shots,
    is_real,
    is_whole,
    unknown_option,
)

METHODS = (
    "automatic",
    "statevector",
    "density_matrix",
    "stabilizer",
    "extended_stabilizer",
    "matrix_product_state",
)
"""Simulation methods of Aer that sample circuits."""

DEVICE_NOISE = "device"
"""Value of ``noise_model``: the noise that the Target's errors and durations describe."""

MAX_SHOTS = 100_000_000


def _whole(minimum: int) -> Callable[[Any, str], None]:
    def check(value: Any, where: str) -> None:
        if not is_whole(value) or value < minimum:
            raise HaiquInputError(f"{where} must be a whole number of at least {minimum}, not {value!r}.")

    return check


def _bond_dimension(value: Any, where: str) -> None:
    if value is not None:
        _whole(1)(value, where)


def _threshold(value: Any, where: str) -> None:
    if not is_real(value) or not 0 <= value < 1:
        raise HaiquInputError(f"{where} must be at least 0 and below 1, not {value!r}.")


def _noise_model(value: Any, where: str) -> None:
    if value is None or value == DEVICE_NOISE or hasattr(value, "noise_instructions"):
        return
    raise HaiquInputError(
        f"{where} must be a qiskit_aer.noise.NoiseModel, '{DEVICE_NOISE}' for the device's own noise, "
        f"or None for no noise, not {value!r}."
    )


@dataclass(frozen=True)
class _Option:
    default: Any
    check: Callable[[Any, str], object]


def _one_of(*choices: Any) -> Callable[[Any, str], object]:
    return lambda value, where: check_choice(value, choices, where=where)


_OPTIONS: Mapping[str, _Option] = {
    "shots": _Option(1024, lambda v, w: check_shots(v, where=w, maximum=MAX_SHOTS)),
    "memory": _Option(False, lambda v, w: check_flag(v, where=w)),
    "seed_simulator": _Option(None, lambda v, w: check_seed(v, where=w)),
    "method": _Option("automatic", _one_of(*METHODS)),
    "noise_model": _Option(None, _noise_model),
    "precision": _Option("double", _one_of("single", "double")),
    "max_parallel_threads": _Option(0, _whole(0)),
    "matrix_product_state_max_bond_dimension": _Option(None, _bond_dimension),
    "matrix_product_state_truncation_threshold": _Option(1e-16, _threshold),
}


_DEFAULTS = {name: option.default for name, option in _OPTIONS.items()}


def default_options(*, noisy: bool) -> dict[str, Any]:
    """The options of a local device; ``noisy`` devices simulate their own noise by default."""
    return {**_DEFAULTS, "noise_model": DEVICE_NOISE if noisy else None}


def check_options(options: Mapping[str, Any], *, device: str) -> None:
    """Refuse unknown options and wrong values.

    Raises:
        HaiquOptionError: If an option does not exist.
        HaiquInputError: If a value is not allowed.
    """
    for name, value in options.items():
        option = _OPTIONS.get(name)
        if option is None:
            raise unknown_option(name, _OPTIONS, owner=device)
        if value is not option.default:
            option.check(value, name)


def aer_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The part of the options that goes to Aer as it is."""
    return {name: value for name, value in options.items() if name not in _OWN}


_OWN = frozenset({"shots", "memory", "seed_simulator", "noise_model"})

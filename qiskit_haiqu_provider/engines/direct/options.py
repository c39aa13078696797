"""Options of vendors' devices as a table: a default and a check for each."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from qiskit_haiqu_provider.run.checks import check_flag, check_seed, check_shots, unknown_option


@dataclass(frozen=True)
class Option:
    """One option of a device."""

    default: Any
    check: Callable[[Any, str], object]
    """Called with a value and the option's name; raises HaiquInputError if the value is not allowed."""


def common_options(*, max_shots: int, default_shots: int = 1024) -> dict[str, Option]:
    """The options that every device has.

    Args:
        max_shots: The most shots that a circuit may have.
        default_shots: What ``backend.run`` takes if nothing is said.
    """
    return {
        "shots": Option(default_shots, lambda value, name: check_shots(value, where=name, maximum=max_shots)),
        "memory": Option(False, lambda value, name: check_flag(value, where=name)),
        "seed_simulator": Option(None, lambda value, name: check_seed(value, where=name)),
    }


def defaults(table: Mapping[str, Option]) -> dict[str, Any]:
    """The options of a table with their defaults."""
    return {name: copy.copy(option.default) for name, option in table.items()}


def check(options: Mapping[str, Any], table: Mapping[str, Option], *, owner: str) -> None:
    """Refuse unknown options and wrong values.

    Args:
        options: Some options, or all of them.
        table: Those that there are.
        owner: Name of the device, for messages.

    Raises:
        HaiquOptionError: If an option does not exist; suggests the nearest.
        HaiquInputError: If a value is not allowed.
    """
    for name, value in options.items():
        if name not in table:
            raise unknown_option(name, table, owner=owner)
        table[name].check(value, name)

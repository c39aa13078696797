"""IonQ's answers, of which nothing is trusted: what should be there is looked up, and said if it is not."""

import math
from collections.abc import Mapping
from typing import Any

from qiskit_haiqu_provider.exceptions import HaiquResponseError


def fields(found: Any, *names: str, what: str) -> Mapping[str, Any]:
    """An object that has the fields.

    Args:
        found: What IonQ answered.
        names: Fields that have to be there.
        what: What it should be, for the message.

    Raises:
        HaiquResponseError: If it is something else.
    """
    if not isinstance(found, Mapping):
        raise unreadable(f"it is no {what}")
    missing = [name for name in names if found.get(name) is None]
    if missing:
        raise unreadable(f"it is no {what}, as it has no {', '.join(map(repr, missing))}")
    return found


def inside(found: Any, *names: str) -> Any:
    """What is below the names, one inside the other; None if there is nothing."""
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def entries(found: Any, *, what: str) -> list[Any]:
    """A list.

    Raises:
        HaiquResponseError: If it is something else.
    """
    if not isinstance(found, list):
        raise unreadable(f"it is no list of {what}")
    return found


def number(found: Any) -> float | None:
    """A finite number; None for anything else."""
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        return None
    return float(found)


def text(found: Any) -> str | None:
    """A text that is not empty; None for anything else."""
    return found if isinstance(found, str) and found else None


def unreadable(what: str) -> HaiquResponseError:
    """The error for an answer that is not what it should be."""
    return HaiquResponseError(
        f"An answer of IonQ cannot be used: {what}. Upgrade qiskit-haiqu-provider if IonQ's API is newer."
    )

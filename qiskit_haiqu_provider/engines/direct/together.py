"""Several requests under way at a time, where a vendor takes that."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
Outcome = tuple[T | None, Exception | None]
"""What a call returned, or what went wrong."""


def tried(calls: Sequence[Callable[[], T]], *, at_once: int) -> list[Outcome[T]]:
    """Make calls, some at a time, and wait for all of them whatever happens to one.

    Args:
        calls: What to call.
        at_once: How many may be under way.

    Returns:
        The outcomes, in the order of the calls.
    """
    if min(at_once, len(calls)) < 2:  # threads would not help
        return [_tried(call) for call in calls]
    with ThreadPoolExecutor(at_once, thread_name_prefix="haiqu-vendor") as threads:
        return list(threads.map(_tried, calls))


def done(calls: Iterable[Callable[[], T]], *, at_once: int) -> list[T]:
    """Make calls, some at a time, and return what they return.

    Raises:
        Exception: What went wrong with the first of those that failed.
    """
    outcomes = tried(list(calls), at_once=at_once)
    error = next((error for _, error in outcomes if error is not None), None)
    if error is not None:
        raise error
    return [value for value, _ in outcomes]  # type: ignore[misc]  # each has a value, as there is no error


def _tried(call: Callable[[], T]) -> Outcome[T]:
    try:
        return call(), None
    except Exception as error:  # told to whoever asked, when the others are back
        return None, error

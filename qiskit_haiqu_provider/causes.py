"""The errors behind an error."""

from collections.abc import Iterator


def causes(error: BaseException, *, before: BaseException | None) -> Iterator[BaseException]:
    """An error and those behind it, also those that are hidden.

    Python hangs whatever the caller is handling behind everything that is raised meanwhile. That is none of ours: a 404
    of another server, say, because of which somebody turns to a quantum computer.

    Args:
        error: What was raised.
        before: What was being handled when the call began, which is ``sys.exception()`` there; it and those behind it
            are left out.
    """
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and current is not before and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__

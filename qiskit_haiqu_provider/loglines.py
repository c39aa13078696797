"""What a service says of a run, line by line."""

from collections.abc import Iterator
from itertools import takewhile

from qiskit_haiqu_provider.engines.base import RemoteExecution


def new_lines(remote: RemoteExecution) -> Iterator[str]:
    """Each new line of the log of a run, until it ends."""
    told: list[str] = []
    while True:
        ended = remote.wait(0)
        lines = remote.logs().splitlines()
        same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(told, lines, strict=False)))
        yield from lines[same:]  # services also replace their last line
        told = lines
        if ended:
            return
        remote.wait(1.0)

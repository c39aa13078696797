"""What is told of each task, such as what mitigation did to it, in the metadata of the PUB that it belongs to."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from qiskit_haiqu_provider.run.broadcast import Block

BY_VALUE = ("raw", "unshrunk", "shrinkage")
"""Facts with a value for each observable and parameter set; as metadata they have the shape of the PUB."""

Facts = Mapping[str, Any]


def of_samples(facts: Facts | None) -> dict[str, Any]:
    """The entry ``mitigation`` of a PUB that was sampled; nothing if there are no facts."""
    return {"mitigation": dict(facts)} if facts else {}


def of_values(shape: tuple[int, ...], told: Sequence[tuple[Block, Facts | None]]) -> dict[str, Any]:
    """The entry ``mitigation`` of a PUB with observables; nothing if there are no facts.

    Args:
        shape: The shape of the PUB.
        told: The blocks of its broadcast, each with what is told of its task.

    Returns:
        Facts about each value as arrays of the shape of the PUB. The others as they are, or, where a broadcast was
        computed in several blocks, in the list ``blocks``.
    """
    known = [(block, facts) for block, facts in told if facts]
    if not known:
        return {}
    found: dict[str, Any] = {}
    for name in BY_VALUE:
        if all(name in facts for _, facts in known):
            found[name] = _spread(shape, [(block, np.asarray(facts[name])) for block, facts in known])
    rest = [{name: value for name, value in facts.items() if name not in BY_VALUE} for _, facts in known]
    return {"mitigation": {**found, **(rest[0] if len(rest) == 1 else {"blocks": rest})}}


def _spread(shape: tuple[int, ...], parts: Sequence[tuple[Block, Any]]) -> Any:
    """Values of shape ``(observables, sets)`` of each block, at the cells that want them."""
    found = np.zeros(shape)
    for block, values in parts:
        for row, (cells, columns) in enumerate(zip(block.cells, block.columns, strict=True)):
            found.reshape(-1)[cells] = values[row, columns]
    return found

"""What the service tells of its own mitigation, as facts about each task.

Our gateway tells it in ``info.mitigation``, ``[circuit][entry]``, with an entry for each readout basis or split
observable. Other services may tell nothing, or something else; what does not fit is left out, as it is not the result.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from qiskit_haiqu_provider.engines.haiqu.layout import JobLayout, Kind, Slot
from qiskit_haiqu_provider.mitigation.settings import BY_ENGINE
from qiskit_haiqu_provider.run.told import BY_VALUE

Facts = dict[str, Any]


def mitigation_told(job: JobLayout, info: Mapping[str, Any] | None, *, scrub: Callable[[str], str]) -> list[Facts]:
    """Facts about each slot of a job that the service mitigated.

    Args:
        job: How the job was laid out.
        info: Further facts from the service.
        scrub: Masks the secrets in a text that the service may repeat.

    Returns:
        For each slot at least that the engine mitigated. Facts that are the same for all its circuits stand for
        themselves; where they differ, each circuit or basis has an entry in ``blocks``.
    """
    given = json.loads(scrub(json.dumps((info or {}).get("mitigation"))))
    count = job.num_circuits
    per_circuit: list[list[Facts]] = [[] for _ in range(count)]
    if isinstance(given, list) and len(given) == count:
        per_circuit = [list(_entries(each)) for each in given]
    found, first = [], 0
    for slot in job.slots:
        last = first + job.circuits_in(slot)
        found.append({**_of_slot(slot, job.kind, per_circuit[first:last]), **BY_ENGINE})
        first = last
    return found


def _entries(nested: Any) -> Iterator[Facts]:
    """The mappings in nested lists, in order."""
    if isinstance(nested, Mapping):
        yield {name: value for name, value in nested.items() if name not in BY_ENGINE}
    elif isinstance(nested, list):
        for each in nested:
            yield from _entries(each)


def _of_slot(slot: Slot, kind: Kind, circuits: Sequence[Sequence[Facts]]) -> Facts:
    """The facts of the circuits of a slot together."""
    entries = [entry for circuit in circuits for entry in circuit]
    values = {}
    if kind is Kind.VALUES:
        values = {name: found for name in BY_VALUE if (found := _by_value(name, slot, circuits)) is not None}
        entries = [{name: value for name, value in entry.items() if name not in BY_VALUE} for entry in entries]
    if all(entry == entries[0] for entry in entries):
        return {**values, **(entries[0] if entries else {})}
    return {**values, "blocks": entries}


def _by_value(name: str, slot: Slot, circuits: Sequence[Sequence[Facts]]) -> list[list[float]] | None:
    """A fact about each value, ``[observable][set]``; ``None`` if it is not told like that."""
    shape = len(slot.constants), slot.num_sets
    try:  # the observables of a circuit one after the other, the sets circuit after circuit
        found = np.concatenate(
            [np.concatenate([np.array(entry[name], dtype=np.float64) for entry in circuit]) for circuit in circuits],
            axis=1,
        )
    except (KeyError, TypeError, ValueError):
        return None
    return found.tolist() if found.shape == shape and np.isfinite(found).all() else None

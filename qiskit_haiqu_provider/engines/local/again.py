"""Requests that come again: one circuit without parameters, run as it was run before."""

from collections.abc import Hashable
from dataclasses import replace

from qiskit_haiqu_provider.engines.local import memory
from qiskit_haiqu_provider.engines.local.effort import is_small
from qiskit_haiqu_provider.engines.local.lowering import Lowered, entropy_of, lower
from qiskit_haiqu_provider.engines.local.memo import CircuitMemo
from qiskit_haiqu_provider.run.request import RunRequest

_LOWERED: CircuitMemo[Lowered] = CircuitMemo(256)

_MOST_BYTES = 2**22
"""Predicted memory of what is kept: small runs, of whose time the lowering is a large part."""


def lower_ideal(request: RunRequest, *, workers: int) -> Lowered:
    """Like :func:`lower`, on the simulator; what was lowered before only gets new randomness.

    Raises:
        HaiquInputError: As :func:`lower` does.
    """
    how = _how(request, workers)
    if how is None:
        return lower(request, device=None, workers=workers)
    circuit = request.tasks[0].circuit
    known = _LOWERED.recall(circuit, how)
    if known is None:
        lowered = lower(request, device=None, workers=workers)
        if lowered.memory_bytes <= _MOST_BYTES:
            _LOWERED.remember(circuit, how, lowered)
        return lowered
    memory.check_total(known.memory_bytes)
    entropy = entropy_of(request)
    return replace(
        known,
        units=tuple([replace(unit, entropy=entropy) for unit in known.units]),
        small=known.small or is_small(known.units),  # which it may be now that it is compiled
        facts={**known.facts, "seed": request.seed},
    )


def _how(request: RunRequest, workers: int) -> Hashable:
    """All but the circuit and the seed that the lowered request depends on; ``None`` if it depends on more."""
    if len(request.tasks) != 1 or request.use_mitigation or request.options["noise_model"] is not None:
        return None
    if request.finish is not None:  # such a run is never small
        return None
    (task,) = request.tasks
    sets, parameters = task.parameter_values.shape
    if task.observables is not None or parameters:
        return None
    options = tuple([item for item in request.options.items() if item[0] != "seed_simulator"])
    return request.run_type, task.shots, task.pub, sets, workers, options

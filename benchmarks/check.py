"""Whether contestants agree, so that nobody wins by being wrong."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.primitives import BitArray

from benchmarks.workloads import Pub, Workload

_EXACT = 1e-9
_WORST = 8.0
"""Largest deviation of sampled values, in standard errors; loose, as there are many values."""

_TYPICAL = 2.5
"""Largest root mean square deviation of many sampled values, in standard errors."""

_CHECKED_SETS = 200


def outliers(workload: Workload, pubs: Sequence[Pub], results: Mapping[str, Sequence[Any]]) -> dict[str, str]:
    """The contestants that disagree with more than half of the others, and how."""
    scale = _standard_error(workload, pubs)
    facts = {name: _facts(result) for name, result in results.items()}
    found = {}
    for name, own in facts.items():
        others = {other: _compare(own, facts[other], scale) for other in facts if other != name}
        against = {other: problem for other, problem in others.items() if problem}
        if 2 * len(against) > len(others):
            found[name] = "; ".join(f"differs from {o} {why}" for o, why in against.items())
    return found


def _standard_error(workload: Workload, pubs: Sequence[Pub]) -> float:
    """Upper bound for the error of a fact; 0 for exact values."""
    if workload.primitive == "sampler":
        return 1 / math.sqrt(min(pub[2] for pub in pubs))
    largest = max(float(np.linalg.norm(pub[1].coeffs)) for pub in pubs)
    return workload.precision * largest


def _facts(results: Sequence[Any]) -> NDArray[np.float64]:
    """Numbers that characterise results: expectation values, or those of Z and ZZ on all bits."""
    return np.concatenate([_bit_facts(r) if isinstance(r, BitArray) else np.ravel(r).astype(float) for r in results])


def _bit_facts(bits: BitArray) -> NDArray[np.float64]:
    packed = bits.array.reshape(-1, *bits.array.shape[-2:])[:_CHECKED_SETS]
    found = []
    for shots in packed:
        unpacked = np.unpackbits(shots, axis=-1)[:, -bits.num_bits :].astype(np.int8)
        signs = 1 - 2 * unpacked
        found += [signs.mean(axis=0), (signs[:, 1:] * signs[:, :-1]).mean(axis=0)]
    return np.concatenate(found)


def _compare(one: NDArray[np.float64], two: NDArray[np.float64], scale: float) -> str:
    if one.shape != two.shape:
        return f"{one.size} values and {two.size}"
    difference = np.abs(one - two)
    worst, typical = float(difference.max()), float(np.sqrt(np.mean(difference**2)))
    if scale == 0:
        return f"by {worst:.1e}" if not worst <= _EXACT * max(1.0, np.abs(one).max()) else ""
    bound = _TYPICAL * (1 + 2 / np.sqrt(one.size))
    if not (worst <= _WORST * scale and typical <= bound * scale):
        return f"by at most {worst / scale:.1f} and typically {typical / scale:.1f} standard errors"
    return ""

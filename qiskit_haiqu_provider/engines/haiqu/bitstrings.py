"""Distributions as services write them: bitstrings of several styles with probabilities or counts."""

from collections.abc import Mapping, Sequence
from string import hexdigits
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qiskit_haiqu_provider.engines.haiqu.nesting import unreadable
from qiskit_haiqu_provider.run.result import Distributions


def read_distributions(found: Sequence[Any], num_clbits: int, *, where: str) -> Distributions:
    """Distributions over all classical bits.

    Keys are bitstrings, highest classical bit first, with spaces between registers or none, or hexadecimal numbers
    (``0x..``). Counts become shares of their sum. Quasi-probabilities stay as they are.

    Args:
        found: For each parameter set a mapping from keys to weights.
        num_clbits: Classical bits of the circuit.
        where: What the distributions are for, for messages.

    Raises:
        HaiquResponseError: If something is missing, no number, or not an outcome of so many bits.
    """
    for each in found:
        if not isinstance(each, Mapping):
            raise unreadable(where, f"there is {_shown(each)} where a distribution was asked for")
        if not each:
            raise unreadable(where, "there is a distribution without any outcome")
    if not _are_plain([key for each in found for key in each], num_clbits):
        found = [_rewritten(each, num_clbits, where=where) for each in found]
    outcomes = _packed([key for each in found for key in each], num_clbits)
    offsets = np.concatenate([[0], np.cumsum([len(each) for each in found], dtype=np.int64)]).astype(np.int64)
    weights = _weights([weight for each in found for weight in each.values()], where=where)
    if len(found):
        weights = _as_shares(weights, offsets, where=where)
    return Distributions(outcomes, weights, offsets, num_clbits)


def _are_plain(keys: Sequence[str], num_clbits: int) -> bool:
    """Whether all keys are bitstrings of exactly so many bits."""
    return not set(map(len, keys)) - {num_clbits} and not set("".join(keys)) - {"0", "1"}


def _packed(keys: Sequence[str], num_clbits: int) -> NDArray[np.uint8]:
    """Bitstrings as packed bytes."""
    bits = np.frombuffer("".join(keys).encode(), dtype=np.uint8).reshape(len(keys), num_clbits) - ord("0")
    padding = np.zeros((len(keys), -num_clbits % 8), dtype=np.uint8)
    return np.packbits(np.concatenate([padding, bits], axis=1), axis=1)


def _rewritten(distribution: Mapping[str, Any], num_clbits: int, *, where: str) -> dict[str, Any]:
    """The distribution with plain bitstrings as keys."""
    plain: dict[str, Any] = {}
    for key, weight in distribution.items():
        bitstring = _bitstring(key, num_clbits, where=where)
        if bitstring in plain:
            raise unreadable(where, f"the outcome '{bitstring}' comes more than once")
        plain[bitstring] = weight
    return plain


def _bitstring(key: str, num_clbits: int, *, where: str) -> str:
    """A key as a plain bitstring."""
    bits = key.replace(" ", "")
    if bits[:2].lower() == "0x":
        digits = bits[2:]
        if not digits or set(digits) - set(hexdigits):
            raise unreadable(where, f"{_shown(key)} is no outcome")
        value = int(digits, 16)
        bits = format(value, f"0{num_clbits}b") if num_clbits or value else ""
    if len(bits) != num_clbits or set(bits) - {"0", "1"}:
        raise unreadable(where, f"{_shown(key)} is no outcome of {num_clbits} classical bits")
    return bits


def _weights(found: Sequence[Any], *, where: str) -> NDArray[np.float64]:
    weights = np.array(found) if found else np.empty(0)
    if weights.dtype.kind not in "fiu" or weights.ndim != 1:
        raise unreadable(where, "a probability is no number, or missing (null)")
    if not np.isfinite(weights).all():
        raise unreadable(where, "a probability is NaN or infinite")
    return weights.astype(np.float64)


def _as_shares(weights: NDArray[np.float64], offsets: NDArray[np.int64], *, where: str) -> NDArray[np.float64]:
    """Counts, which are whole and sum to more than 1, as shares of their sum; all else as it is."""
    starts = offsets[:-1]
    sums = np.add.reduceat(weights, starts)
    if (sums <= 0).any():
        raise unreadable(where, "the probabilities of a distribution sum to 0 or less")
    whole = np.logical_and.reduceat((weights >= 0) & (weights == np.floor(weights)), starts)
    scales = np.where(whole, sums, 1.0)
    shares: NDArray[np.float64] = weights / np.repeat(scales, np.diff(offsets))
    return shares


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


_LONGEST = 40

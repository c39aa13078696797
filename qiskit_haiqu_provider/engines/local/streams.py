"""Random streams by name: what has another name has other random numbers, wherever and in whatever order it runs."""

import hashlib
import sys
from typing import Any

import numpy as np
from numpy.random.bit_generator import ISeedSequence
from numpy.typing import NDArray


class _Name(ISeedSequence):  # type: ignore[misc, unused-ignore]
    """Seeds a bit generator with the digest of a text; numpy's own sequences take ten times as long."""

    def __init__(self, text: bytes) -> None:
        self._text = text

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> NDArray[Any]:
        """So many words of the digest (BLAKE2b), of at most 64 bytes in all."""
        word = np.dtype(dtype)
        words = np.frombuffer(hashlib.blake2b(self._text, digest_size=n_words * word.itemsize).digest(), word)
        return words if sys.byteorder == "little" else words.byteswap()


def stream(entropy: int, task: int, block: int, number: int, chunk: int) -> np.random.Generator:
    """The random numbers of a block of sets.

    Args:
        entropy: Root of all randomness of a request.
        task: Index of the task.
        block: Index of the block within the task.
        number: Which of several streams of the block.
        chunk: Which part of the shots of the block.
    """
    name: Any = _Name(b"%d %d %d %d %d" % (entropy, task, block, number, chunk))  # numpy's types know less than numpy
    return np.random.Generator(np.random.PCG64(name))

"""Random streams by name: they repeat, and differ from each other in nothing but chance."""

from itertools import product

import numpy as np
from scipy.stats import kstest

from qiskit_haiqu_provider.engines.local.streams import stream


def test_a_stream_repeats():
    first, again = (stream(2**127 + 1, 3, 2, 1, 0) for _ in range(2))
    np.testing.assert_array_equal(first.random(100), again.random(100))


def test_every_name_has_a_stream_of_its_own():
    names = [(entropy, *rest) for entropy in (0, 1, 11, 2**64, 2**128) for rest in product((0, 1, 11), repeat=4)]
    starts = {stream(*name).integers(0, 2**64, dtype=np.uint64) for name in names}
    assert len(starts) == len(names)


def test_streams_are_uniform_alone_and_together():
    streams = [stream(5, task, block, 0, 0) for task in range(100) for block in range(100)]
    firsts = np.array([each.random() for each in streams])
    seconds = np.array([each.random() for each in streams])
    assert kstest(firsts, "uniform").pvalue > 1e-6
    assert kstest(seconds, "uniform").pvalue > 1e-6
    for one, other in [(firsts, seconds), (firsts[1:], firsts[:-1]), (firsts[100:], firsts[:-100])]:
        assert abs(np.corrcoef(one, other)[0, 1]) < 6 / np.sqrt(len(one))
    assert kstest(streams[0].random(100_000), "uniform").pvalue > 1e-6

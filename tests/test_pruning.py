"""The oldest jobs make room, and looking for them reads each file once."""

import os

import pytest

from qiskit_haiqu_provider.pruning import superfluous


@pytest.fixture
def files(tmp_path):
    """Makes files, each older than the next."""

    def make(*names):
        paths = [tmp_path / name for name in names]
        for age, path in enumerate(reversed(paths)):
            path.touch()
            os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))
        return paths[::-1]

    return make


class Asked:
    """What may go, as the names tell; counts how often each file was looked into."""

    def __init__(self):
        self.names = []

    def __call__(self, path):
        self.names.append(path.name)
        return {"local": True, "paid": False, "open": None}[path.stem.partition("-")[0]]


def batch(jobs):
    return f"batch-{jobs}-{jobs:032x}.jsonl"


def named(count, kind="local"):
    return [f"{kind}-{index}.json" for index in range(count)]


def test_the_oldest_go_until_enough_are_left(files):
    found = superfluous(files(*named(12)), keep=10, may_go=Asked())
    assert [path.name for path in found] == ["local-0.json", "local-1.json"]


def test_a_few_too_many_stay(files):
    asked = Asked()
    assert superfluous(files(*named(11)), keep=10, may_go=asked) == []
    assert asked.names == []


def test_only_what_may_go_counts(files):
    paths = files(*named(20, "paid"), *named(11), *named(5, "open"))
    assert [path.name for path in superfluous(paths, keep=10, may_go=Asked())] == ["local-0.json"]


def test_a_batch_goes_only_if_enough_are_left_without_it(files):
    paths = files(batch(5), *named(9), batch(4))
    assert superfluous(paths, keep=14, may_go=lambda path: True) == []
    assert [path.name for path in superfluous(paths, keep=13, may_go=lambda path: True)] == [batch(5)]


def test_what_is_settled_is_not_asked_again(files):
    asked, paths = Asked(), files(*named(20, "paid"), *named(11), *named(2, "open"))
    superfluous(paths, keep=11, may_go=asked)
    assert len(asked.names) == 33
    superfluous(paths, keep=11, may_go=asked)
    assert len(asked.names) == 33 + 2
    assert set(asked.names[33:]) == {"open-0.json", "open-1.json"}


def test_a_file_that_vanished_is_no_error(files):
    paths = files(*named(12))
    paths[3].unlink()
    assert len(superfluous(paths, keep=10, may_go=Asked())) == 2

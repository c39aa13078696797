"""Ids on disk: whatever happens to the file, no wrong one is ever read from it."""

import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from qiskit_haiqu_provider.engines.haiqu.ledger import Ledger

IDENTITY = ("https://service.example", "account", "exp")


def digest(number):
    return sha256(str(number).encode()).hexdigest()


def entries(*numbers):
    return {digest(number): f"circ-{number}" for number in numbers}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "circuits"


@pytest.fixture
def path(folder):
    """The file, with two entries."""
    Ledger(folder, IDENTITY).add(entries(1, 2))
    (path,) = folder.iterdir()
    return path


def found(folder, *numbers):
    return Ledger(folder, IDENTITY).find(set(entries(*numbers)))


def test_what_was_added_is_found_by_others(folder, path):
    assert found(folder, 1, 2, 3) == entries(1, 2)


def test_additions_of_others_are_seen(folder):
    one, two = Ledger(folder, IDENTITY), Ledger(folder, IDENTITY)
    for number in range(5):
        (one if number % 2 else two).add(entries(number))
        assert one.find(set(entries(number))) == two.find(set(entries(number))) == entries(number)


def test_it_begins_with_a_header(path):
    lines = [json.loads(line) for line in path.read_text().split("\n") if line]
    assert lines[0] == {"format": "qiskit-haiqu-provider circuits", "version": 1, "identity": list(IDENTITY)}
    assert lines[1:] == [{"digest": key, "id": value} for key, value in entries(1, 2).items()]


@pytest.mark.parametrize("cut", range(1, 120, 7))
def test_a_file_cut_anywhere_loses_its_end_only(folder, path, cut):
    data = path.read_bytes()
    path.write_bytes(data[:-cut])
    assert found(folder, 1, 2).items() <= entries(1, 2).items()
    Ledger(folder, IDENTITY).add(entries(3, 4))
    left = found(folder, 1, 2, 3, 4)
    assert left.items() <= entries(1, 2, 3, 4).items()
    assert left.keys() >= entries(3, 4).keys()


@pytest.mark.parametrize(
    "line",
    [
        b"\x00" * 50,
        b"[]",
        b"null",
        b"7",
        b'{"digest": "short", "id": "circ-9"}',
        b'{"digest": 7, "id": "circ-9"}',
        b'{"digest": "' + digest(1).encode() + b'", "id": ""}',
        b'{"digest": "' + digest(1).encode() + b'", "id": null}',
        b'{"digest": "' + digest(1).encode() + b'"}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
    ids=range(11),
)
def test_damaged_lines_are_skipped(folder, path, line):
    path.write_bytes(path.read_bytes() + line + b"\n")
    Ledger(folder, IDENTITY).add(entries(3))
    assert found(folder, 1, 2, 3) == entries(1, 2, 3)


def test_a_file_of_another_version_is_left_alone(folder, path):
    text = path.read_text().replace('"version": 1', '"version": 2')
    path.write_text(text)
    ledger = Ledger(folder, IDENTITY)
    assert ledger.find(set(entries(1))) == {}
    ledger.add(entries(1))
    assert ledger.find(set(entries(1))) == entries(1)
    ledger.clear()
    assert path.read_text() == text


def test_a_damaged_header_costs_nothing(folder, path):
    path.write_bytes(b"#" + path.read_bytes().lstrip(b"\n"))
    assert found(folder, 1, 2) == entries(1, 2)


def test_clearing_is_seen_by_later_ones(folder, path):
    ledger = Ledger(folder, IDENTITY)
    ledger.find(set(entries(1)))
    ledger.clear()
    assert found(folder, 1) == ledger.find(set(entries(1))) == {}
    ledger.add(entries(5))
    assert found(folder, 1, 5) == entries(5)


def test_a_file_that_another_process_began_anew_is_read_from_its_start(folder, path):
    ledger = Ledger(folder, IDENTITY)
    ledger.find(set(entries(1)))
    Ledger(folder, IDENTITY).clear()
    Ledger(folder, IDENTITY).add(entries(7))
    assert ledger.find(set(entries(7))) == entries(7)


def test_many_processes_can_write_at_once(folder):
    program = (
        "import sys; from test_haiqu_ledger import *\n"
        "ledger = Ledger(Path(sys.argv[1]), IDENTITY)\n"
        "for number in range(int(sys.argv[2]), 400, 4): ledger.add(entries(number))"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    processes = [
        subprocess.Popen([sys.executable, "-c", program, str(folder), str(part)], env=environment) for part in range(4)
    ]
    assert [process.wait(120) for process in processes] == [0] * 4
    assert found(folder, *range(400)) == entries(*range(400))

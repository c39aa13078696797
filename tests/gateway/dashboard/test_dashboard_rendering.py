"""How values are written."""

from datetime import UTC, datetime

import pytest

from qiskit_haiqu_provider.gateway.dashboard import rendering


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0123, "12 ms"), (12.345, "12.3 s"), (200.0, "3 min 20 s"), (7500.0, "2 h 5 min")],
)
def test_durations(seconds, text):
    assert rendering.duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(12345678, "12\u202f345\u202f678"), (0.123456789, "0.123457"), (-1.5, "\u22121.5"), (True, "yes"), ("a", "a")],
)
def test_numbers(value, text):
    assert rendering.number(value) == text


def test_moments_say_their_zone():
    assert rendering.moment(datetime(2026, 3, 7, 14, 5, tzinfo=UTC)) == "7 Mar 2026, 14:05 UTC"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"native": {"amount": 42.0, "unit": "s"}, "converted": {"amount": 33.6, "unit": "USD"}}, "42 s (33.6 USD)"),
        ({"native": {"amount": 42.0, "unit": "s"}, "converted": {"amount": None, "unit": "USD"}}, "42 s"),
        ({}, "unknown"),
    ],
)
def test_costs(value, text):
    assert rendering.cost(value) == text


def test_sizes():
    assert rendering.size(37) == "37 B"
    assert rendering.size(2048) == "2.0 KiB"
    assert rendering.size(3 << 20) == "3.0 MiB"


def test_long_texts_are_cut_and_say_so():
    assert rendering.cut("abc", 3) == "abc"
    assert rendering.cut("abcdef", 4) == "abcd\n… and 2 more characters"
    assert rendering.json_text(["x" * 30_000]).endswith("more characters")


def test_lists_are_written_with_an_item_on_a_line():
    assert rendering.compact([[1, 2], [3]]) == "[\n  [1,2],\n  [3]\n]"
    assert rendering.compact({"a": 1}) == '{\n  "a": 1\n}'


def test_a_layer_shows_only_what_was_set():
    layer = {"type": "device", "device_id": "fake_torino", "options": {}, "auto_quality": False, "seed": None}
    assert rendering.layer(layer) == "device_id: fake_torino, auto_quality: false"

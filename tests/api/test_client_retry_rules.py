"""The pauses between attempts, with a clock of the test's own."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from qiskit_haiqu_provider.api.answers import Answer, Broken, Kind
from qiskit_haiqu_provider.api.retry import Retries, retry_after


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def answer(status=503, **headers):
    return Answer(status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}, body=b"")


def pauses(outcome, *, seconds=60.0, safe=True, chance=1.0):
    clock = Clock()
    retries = Retries(seconds, safe=safe, clock=clock, chance=lambda: chance)
    found = []
    while (pause := retries.pause(outcome)) is not None:
        found.append(pause)
        clock.now += pause
    assert retries.made == len(found) + 1
    return found


def test_pauses_grow_and_stay_within_the_time():
    found = pauses(answer())
    assert found[:7] == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4])
    assert set(found[7:]) == {8.0}
    assert sum(found) <= 60


def test_chance_takes_up_to_half_of_a_pause():
    assert pauses(answer(), chance=0.0)[:4] == pytest.approx([0.05, 0.1, 0.2, 0.4])


def test_never_earlier_than_asked():
    found = pauses(answer(retry_after="3"), chance=0.0)
    assert min(found) >= 3


def test_no_attempts_for_zero_seconds():
    assert pauses(answer(), seconds=0.0) == []


def test_a_lasting_fault_is_not_tried_again():
    assert pauses(Broken(kind=Kind.UNREACHABLE, reason="", lasting=True)) == []


@pytest.mark.parametrize(
    ("kind", "safe", "again"),
    [
        (Kind.UNREACHABLE, False, True),
        (Kind.BUSY, False, True),
        (Kind.SILENT, False, False),
        (Kind.LOST, False, False),
        (Kind.GARBLED, False, False),
        (Kind.UNREACHABLE, True, True),
        (Kind.BUSY, True, True),
        (Kind.SILENT, True, True),
        (Kind.LOST, True, True),
        (Kind.GARBLED, True, False),
    ],
)
def test_which_faults_are_tried_again(kind, safe, again):
    assert bool(pauses(Broken(kind=kind, reason=""), safe=safe)) is again


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0.0), ("7", 7.0), (" 1.5 ", 1.5), ("-3", None), ("soon", None), ("", None), ("inf", None), ("nan", None)],
)
def test_retry_after_in_seconds(text, seconds):
    assert retry_after(answer(retry_after=text)) == seconds


def test_retry_after_as_a_date_counts_from_the_clock_of_the_service():
    now = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
    then = now + timedelta(seconds=90)
    given = {"retry_after": format_datetime(then, usegmt=True), "date": format_datetime(now, usegmt=True)}
    assert retry_after(answer(**given)) == 90


def test_retry_after_as_a_date_without_a_clock():
    past = datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert retry_after(answer(retry_after=format_datetime(past, usegmt=True))) == 0
    assert retry_after(answer(retry_after="Sat, 03 Feb 2001 04:05:06")) == 0
    future = datetime.now(UTC) + timedelta(hours=2)
    assert 7000 < retry_after(answer(retry_after=format_datetime(future, usegmt=True))) <= 7200


def test_no_retry_after():
    assert retry_after(answer()) is None

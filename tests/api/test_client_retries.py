"""What is sent again, and what is not, against a server that misbehaves."""

import socket
import time
from email.utils import formatdate

import pytest

from qiskit_haiqu_provider.exceptions import (
    HaiquApiError,
    HaiquConnectionError,
    HaiquRateLimitError,
    HaiquServerError,
)
from tests.api.odd_server import (
    CUT_BEFORE_ANSWER,
    CUT_IN_BODY,
    CUT_IN_HEAD,
    CUT_UNREAD,
    GARBAGE,
    HTML,
    MALFORMED,
    RESET_BEFORE_ANSWER,
    Answer,
    nobody,
)
from tests.api.records import ANSWERS, HARMLESS, SUBMITS

CUTS = [CUT_UNREAD, CUT_BEFORE_ANSWER, RESET_BEFORE_ANSWER, CUT_IN_HEAD, CUT_IN_BODY, GARBAGE]
BUSY = [Answer(status=status) for status in (408, 429, 502, 503, 504)]


@pytest.mark.parametrize("answer", [*CUTS, *BUSY, HTML])
@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_harmless_is_sent_again(odd, patient, name, answer):
    odd.on(name, answer, Answer(json=ANSWERS[name]))
    HARMLESS[name](patient)
    assert odd.asked == [name, name]


def test_a_silence_is_no_end(odd, client_of):
    odd.on("*", Answer(delay=5, json=ANSWERS["GET /version"]), Answer(json=ANSWERS["GET /version"]))
    assert client_of(odd, timeout=0.3).version() == "1.0"
    assert len(odd.requests) >= 2


@pytest.mark.parametrize("name", SUBMITS)
def test_a_submission_that_was_refused_for_now_is_sent_again(odd, patient, name):
    odd.on(name, Answer(status=429), Answer(status=429, headers={"retry-after": "0"}), Answer(json=ANSWERS[name]))
    SUBMITS[name](patient)
    assert odd.asked == [name] * 3


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
@pytest.mark.parametrize("name", SUBMITS)
def test_a_submission_that_may_have_been_accepted_is_not(odd, patient, name, status):
    odd.on(name, Answer(status=status, headers={"retry-after": "0"}), Answer(json=ANSWERS[name]))
    with pytest.raises(HaiquApiError) as found:
        SUBMITS[name](patient)
    assert found.value.reached
    assert odd.asked == [name]


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 409, 410, 413, 422, 426, 500, 501])
def test_what_will_not_pass_is_not_asked_again(odd, patient, status):
    odd.on("*", Answer(status=status, headers={"retry-after": "0"}))
    with pytest.raises(HaiquApiError):
        patient.user()
    assert len(odd.requests) == 1


def test_an_answer_that_cannot_be_read_is_not_asked_for_again(odd, patient):
    odd.on("*", MALFORMED)
    with pytest.raises(HaiquApiError):
        patient.user()
    assert len(odd.requests) == 1


@pytest.mark.parametrize("date", [False, True])
def test_retry_after_is_honoured(odd, patient, date):
    def later(_):
        return Answer(status=503, headers={"retry-after": formatdate(time.time() + 2, usegmt=True) if date else "1"})

    odd.on("*", later, Answer(json=ANSWERS["GET /version"]))
    before = time.monotonic()
    patient.version()
    assert time.monotonic() - before >= 1 - 0.01  # a date is in whole seconds


@pytest.mark.parametrize("ask", [SUBMITS["POST /run"], HARMLESS["GET /version"]])
def test_who_is_asked_to_wait_too_long_gives_up_at_once(odd, patient, ask):
    odd.on("*", Answer(status=429, headers={"retry-after": "3600"}, json={"detail": "Slow down"}))
    with pytest.raises(HaiquRateLimitError, match=r"Slow down. Try again in 3600 s, or send fewer"):
        ask(patient)
    assert len(odd.requests) == 1


def test_the_attempts_end(odd, client_of):
    odd.on("*", Answer(status=503))
    with pytest.raises(HaiquServerError, match=r"503 Service Unavailable \(after \d+ attempts\)"):
        client_of(odd, retry_seconds=2).user()
    assert len(odd.requests) >= 2


def test_no_second_attempt_without_time_for_it(odd, client):
    odd.on("*", Answer(status=503))
    with pytest.raises(HaiquServerError, match=r"503 Service Unavailable\. "):
        client.user()
    assert len(odd.requests) == 1


@pytest.mark.parametrize("name", [*SUBMITS, "GET /version"])
def test_a_service_that_cannot_be_reached_is_tried_again(client_of, name):
    """Nothing was sent, so that nothing can happen twice."""
    client = client_of(nobody(), retry_seconds=1.5)
    with pytest.raises(HaiquConnectionError, match=r"cannot be reached \(after \d+ attempts\)") as found:
        {**SUBMITS, **HARMLESS}[name](client)
    assert not found.value.reached


def test_a_fault_that_somebody_handled_before_says_nothing_of_this_one(client_of):
    """Here, a host that there is not, for which there is no use in trying again."""
    client = client_of(nobody(), retry_seconds=1.5)
    try:
        raise socket.gaierror(socket.EAI_NONAME, "no such host")
    except socket.gaierror:
        with pytest.raises(HaiquConnectionError, match=r"cannot be reached \(after \d+ attempts\)"):
            client.version()


@pytest.mark.parametrize("name", SUBMITS)
def test_a_submission_survives_connections_that_were_closed_while_they_rested(odd, client, name):
    odd.on("GET /version", Answer(json=ANSWERS["GET /version"]))
    odd.on(name, Answer(json=ANSWERS[name]))
    for _ in range(20):
        client.version()
        odd.close_idle()
        SUBMITS[name](client)
    assert odd.count(name) == 20


def test_a_server_that_closes_after_each_answer_without_a_word(odd, client):
    odd.on("*", Answer(json=ANSWERS["POST /run"], then_close=True))
    for _ in range(20):
        SUBMITS["POST /run"](client)
        odd.settle()
    assert odd.count("POST /run") == odd.connections == 20


def test_attempts_are_logged(odd, patient, caplog):
    caplog.set_level("INFO", "qiskit_haiqu_provider.api.link")
    odd.on("*", Answer(status=503), CUT_BEFORE_ANSWER, Answer(json=ANSWERS["GET /version"]))
    patient.version()
    told = [record.getMessage() for record in caplog.records if record.name == "qiskit_haiqu_provider.api.link"]
    assert [text.split("; ")[0] for text in told] == ["GET /version: 503", "GET /version: lost"]

"""Too many requests, or too many wrong keys, are 429 with the time to wait."""

import httpx
import pytest

from tests.gateway.rest import ok, refused
from tests.gateway.servers import command, running

# The window slides: the slower the requests come, the more of them may pass where a minute begins between them.
LINE = command("serve", "--port", "0", "--workers", "1", "--rate-limit", "40/minute")


@pytest.fixture(scope="module")
def limited(tmp_path_factory):
    with running(tmp_path_factory.mktemp("limited"), LINE) as gateway:
        yield gateway


def until_refused(ask, expected):
    """The answers up to the first refusal, which is the last."""
    for count in range(100):
        answer = ask()
        if answer.status_code == 429:
            return count, answer
        assert answer.status_code == expected
    raise AssertionError("it is never refused")


def assert_says_when(answer):
    detail = refused(answer, 429)
    seconds = int(answer.headers["retry-after"])
    assert 1 <= seconds <= 60
    assert f"Wait {seconds} s" in detail


def test_a_key_has_its_number_of_requests_and_others_have_theirs(limited):
    count, answer = until_refused(lambda: limited.client.get("/user"), 200)
    assert 30 <= count <= 60
    assert_says_when(answer)
    assert_says_when(until_refused(lambda: limited.client.post("/run", json={}), 422)[1])
    ok(limited.other.get("/user"))


def test_wrong_keys_are_refused_after_a_while_and_right_ones_are_not(limited):
    with httpx.Client(
        base_url=limited.url, headers={"authorization": "hq_wrong"}, timeout=60, trust_env=False
    ) as client:
        count, answer = until_refused(lambda: client.get("/user"), 401)
        assert 20 <= count <= 45
        assert_says_when(answer)
    ok(limited.other.get("/user"))
    ok(limited.client.get("/version"))

"""What the service may answer in place of a success, and the error that comes of it."""

import pytest
from qiskit.exceptions import QiskitError

from qiskit_haiqu_provider.exceptions import (
    HaiquApiError,
    HaiquAuthenticationError,
    HaiquConnectionError,
    HaiquCreditError,
    HaiquInputError,
    HaiquNotFoundError,
    HaiquOutdatedError,
    HaiquRateLimitError,
    HaiquRequestError,
    HaiquResponseError,
    HaiquServerError,
    HaiquTimeoutError,
)
from tests.api.odd_server import (
    CUT_BEFORE_ANSWER,
    CUT_IN_BODY,
    CUT_IN_HEAD,
    CUT_UNREAD,
    EMPTY,
    GARBAGE,
    HTML,
    MALFORMED,
    RESET_BEFORE_ANSWER,
    Answer,
    nobody,
)
from tests.api.records import HARMLESS, RUN_JOB, SUBMITS, run_body

CASES = [
    (400, HaiquRequestError, "Change what it names", False),
    (401, HaiquAuthenticationError, "Check the key", False),
    (402, HaiquCreditError, "Add credit", False),
    (403, HaiquAuthenticationError, "Use a key that may do this", False),
    (404, HaiquNotFoundError, "Check the id", False),
    (405, HaiquRequestError, "Check the address", False),
    (408, HaiquTimeoutError, "Try again", True),
    (409, HaiquRequestError, "Look at what is there", False),
    (410, HaiquRequestError, "has retired this", False),
    (413, HaiquRequestError, "Split the request", False),
    (418, HaiquRequestError, "Change what it names", False),
    (422, HaiquRequestError, "Change what it names", False),
    (426, HaiquOutdatedError, "pip install --upgrade", False),
    (429, HaiquRateLimitError, "Try again later", False),
    (499, HaiquRequestError, "Change what it names", False),
    (500, HaiquServerError, "look before you send it again", True),
    (501, HaiquServerError, "This service does not offer it", False),
    (502, HaiquServerError, "look before you send it again", True),
    (503, HaiquServerError, "look before you send it again", True),
    (504, HaiquServerError, "look before you send it again", True),
    (599, HaiquServerError, "look before you send it again", True),
]


def failed(client, ask=SUBMITS["POST /run"]):
    with pytest.raises(HaiquApiError) as found:
        ask(client)
    assert found.value.__context__ is None
    return found.value


@pytest.mark.parametrize(("status", "kind", "todo", "reached"), CASES)
def test_each_status_has_its_error(odd, client, status, kind, todo, reached):
    odd.on("POST /run", Answer(status=status, json={"detail": "words of the service"}, headers={"X-Request-ID": "r-7"}))
    error = failed(client)
    assert type(error) is kind
    assert isinstance(error, QiskitError)
    assert str(error).startswith(f"POST /run: {status} ")
    assert "The service says: words of the service. " in str(error)
    assert todo in str(error)
    assert (error.status, error.detail, error.request_id, error.reached) == (
        status,
        "words of the service",
        "r-7",
        reached,
    )
    assert odd.count("POST /run") == 1


@pytest.mark.parametrize(
    "body",
    [
        {"detail": {"error_code": "outdated_sdk", "message": "Version 9 is needed"}},
        {"detail": "Version 9 is needed"},
        {"message": "Version 9 is needed"},
        {"error": {"message": "Version 9 is needed"}},
        "Version 9 is needed",
        ["Version 9 is needed"],
        {"detail": [{"msg": "Version 9 is needed"}]},
    ],
)
def test_an_outdated_client_is_told_so_in_any_shape(odd, client, body):
    odd.on("*", Answer(status=426, json=body))
    error = failed(client)
    assert type(error) is HaiquOutdatedError
    assert "The service says: Version 9 is needed. Upgrade with: pip" in str(error)


@pytest.mark.parametrize("body", ["{}", "null", "", "[]", "0", "   ", '{"detail": null}', '{"detail": []}', "{"])
@pytest.mark.parametrize("status", [402, 404, 422, 426, 500])
def test_an_error_that_says_next_to_nothing(odd, client, status, body):
    odd.on("*", Answer(status=status, body=body))
    assert failed(client).status == status


def test_field_errors_are_listed_by_name(odd, client):
    issues = [
        {"loc": ["body", "shots"], "msg": "Input should be at least 1", "type": "x", "input": "abc", "ctx": {"a": 1}},
        {"loc": ["body", "observables", 0, 1], "msg": "Field required", "type": "missing"},
        {"loc": ["body"], "msg": "Too long", "type": "x"},
        {"msg": "Alone"},
        "text",
        7,
    ]
    odd.on("*", Answer(status=422, json={"detail": issues}))
    error = failed(client)
    assert (
        "The service says: shots: Input should be at least 1; observables.0.1: Field required; body: Too long; Alone; "
        "text; 7. Change what it names"
    ) in str(error)
    assert isinstance(error, HaiquInputError)
    assert error.detail[0] == {"loc": ["body", "shots"], "msg": "Input should be at least 1", "type": "x"}


def test_many_field_errors_are_counted(odd, client):
    issues = [{"loc": ["body", f"field{n}"], "msg": "wrong", "type": "x"} for n in range(14)]
    odd.on("*", Answer(status=422, json={"detail": issues}))
    error = failed(client)
    assert "field9: wrong; and 4 more." in str(error)
    assert len(error.detail) == 14


def test_long_words_are_cut_in_the_message_only(odd, client):
    odd.on("*", Answer(status=400, json={"detail": "word " * 2000}))
    error = failed(client)
    assert len(str(error)) < 2500
    assert error.detail == "word " * 2000


def test_a_huge_error_is_read_in_part(odd, client):
    odd.on("*", Answer(status=500, body="x" * (8 << 20), headers={"content-type": "text/plain"}))
    assert len(failed(client).detail) < 3 << 20


@pytest.mark.parametrize("status", [404, 502])
def test_a_page_gives_its_title(odd, client, status):
    odd.on("*", Answer(status=status, body=HTML.body, headers=HTML.headers))
    error = failed(client)
    assert error.detail == "502 Bad Gateway"
    assert "<" not in str(error)


def test_a_page_without_a_title_gives_its_text(odd, client):
    odd.on("*", Answer(status=500, body="<?xml version='1'?><Error><Code>Access&amp;Denied</Code></Error>"))
    assert failed(client).detail == "Access&Denied"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 304])
def test_a_redirect_names_the_address_without_its_query(odd, client, status):
    odd.on("*", Answer(status=status, headers={"location": "https://other.example/run?HAIQU_API_KEY=abc"}))
    error = failed(client)
    assert type(error) is HaiquResponseError
    assert f"it is a redirect ({status}) to https://other.example/run; give the address" in str(error)
    assert odd.count("POST /run") == 1


@pytest.mark.parametrize("status", [301, 304])
def test_a_redirect_to_nowhere(odd, client, status):
    odd.on("*", Answer(status=status))
    assert f"redirect ({status}) to nowhere" in str(failed(client))


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (MALFORMED, "Invalid JSON"),
        (EMPTY, "Invalid JSON"),
        (Answer(status=204, body=""), "Invalid JSON"),
        (Answer(body=b"\xff\xfe\x00"), "Invalid JSON"),
        (Answer(body="[" * 5000), "recursion limit"),
        (Answer(json=None), "Input should be an object"),
        (Answer(json=[RUN_JOB]), "Input should be an object"),
        (Answer(json={"job": RUN_JOB}), "id: Field required"),
        (Answer(json={**RUN_JOB, "shots": "many"}), "shots: Input should be a valid integer"),
        (Answer(json={**RUN_JOB, "status": None}), "status: "),
        (Answer(json={**RUN_JOB, "job_type": "Other"}), "job_type: "),
        (Answer(json={**RUN_JOB, "quantum_results": {"00": 1}}), "quantum_results: Input should be a valid array"),
        (Answer(body=HTML.body, headers=HTML.headers), "It is a page for people"),
    ],
)
def test_a_success_that_cannot_be_read(odd, client, answer, what):
    odd.on("POST /run", answer)
    error = failed(client)
    assert type(error) is HaiquResponseError
    assert str(error).startswith("POST /run: the answer cannot be used: ")
    assert what in str(error)
    assert "It may have taken effect: look before you send it again." in str(error)
    assert error.reached
    assert odd.count("POST /run") == 1


def test_a_large_success_that_cannot_be_read_is_not_kept(odd, client):
    odd.on("*", Answer(json={**RUN_JOB, "shots": "many", "logs": "x" * 100_000}))
    assert failed(client).detail is None


@pytest.mark.parametrize(
    "answer",
    [
        Answer(body="not gzip", headers={"content-encoding": "gzip"}),
        Answer(body=b"\x1f\x8b\x08", headers={"content-encoding": "deflate"}),
    ],
)
def test_an_answer_that_cannot_be_decoded(odd, client, answer):
    odd.on("*", answer)
    error = failed(client)
    assert type(error) is HaiquResponseError
    assert error.reached


@pytest.mark.parametrize(
    "answer", [CUT_UNREAD, CUT_BEFORE_ANSWER, RESET_BEFORE_ANSWER, CUT_IN_HEAD, CUT_IN_BODY, GARBAGE]
)
@pytest.mark.parametrize("name", SUBMITS)
def test_a_submission_whose_answer_is_lost_is_sent_once(odd, patient, name, answer):
    odd.on(name, answer)
    error = failed(patient, SUBMITS[name])
    assert type(error) is HaiquConnectionError
    assert isinstance(error, ConnectionError)
    assert error.reached
    assert error.status is None
    assert f"{name}: the connection broke" in str(error)
    assert odd.count(name) == 1


@pytest.mark.parametrize("answer", [CUT_BEFORE_ANSWER, CUT_IN_BODY])
def test_what_only_reads_needs_no_look_before_it_is_sent_again(odd, client, answer):
    odd.on("*", answer)
    error = failed(client, lambda client: client.user())
    assert "look before" not in str(error)


def test_a_silent_service(odd, client_of):
    odd.on("*", Answer(json=RUN_JOB, delay=30))
    client = client_of(odd, timeout=1, retry_seconds=5)
    error = failed(client)
    assert type(error) is HaiquTimeoutError
    assert isinstance(error, TimeoutError)
    assert error.reached
    assert "HAIQU_TIMEOUT" in str(error)
    assert odd.count("POST /run") == 1


def test_an_answer_that_only_drips(odd, client_of):
    odd.on("*", Answer(json=RUN_JOB, drip=0.05))
    error = failed(client_of(odd, timeout=1, retry_seconds=0))
    assert type(error) is HaiquTimeoutError
    assert "the answer comes too slowly" in str(error)
    assert error.reached


@pytest.mark.parametrize("ask", [SUBMITS["POST /run"], HARMLESS["GET /version"]])
def test_a_head_that_only_drips(odd, client_of, ask):
    odd.on("*", Answer(json=RUN_JOB, drip_head=0.05))
    error = failed(client_of(odd, timeout=1, retry_seconds=0), ask)
    assert type(error) is HaiquTimeoutError
    assert "the answer comes too slowly" in str(error)
    assert error.reached
    assert len(odd.requests) == 1


def test_an_answer_that_is_slow_but_comes_is_taken(odd, client_of):
    """It is longer in coming than the time limit, but never silent, and not slower than a bad line."""
    odd.on("*", Answer(json={**RUN_JOB, "logs": "x" * 30_000}, drip=0.04, drip_bytes=1000))
    assert client_of(odd, timeout=1, retry_seconds=0).run(run_body()).id == "jb-1"


def test_nobody_listens(client_of):
    error = failed(client_of(nobody(), retry_seconds=0))
    assert type(error) is HaiquConnectionError
    assert not error.reached
    assert "the service cannot be reached" in str(error)
    assert "look before" not in str(error)


def test_the_tls_of_a_service_that_has_none(odd, client_of):
    error = failed(client_of(odd.url.replace("http:", "https:"), retry_seconds=0))
    assert type(error) is HaiquConnectionError
    assert not error.reached


def test_a_closed_client(odd, client):
    client.close()
    error = failed(client)
    assert type(error) is HaiquConnectionError
    assert not error.reached
    assert "this client was closed" in str(error)
    assert odd.requests == []


def test_an_address_that_is_too_long(odd, client):
    error = failed(client, lambda client: client.circuits("exp-1", circuit_ids=["circ-1"] * 10_000))
    assert not error.reached
    assert "the address cannot be used" in str(error)

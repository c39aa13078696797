"""The same submission twice is one job, by its idempotency key or by the client token in its description."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from qiskit_haiqu_provider.gateway.routers.jobs import AnyJob
from tests.gateway.rest import AER, Api, device, ok, refused
from tests.interop.exact import bell, turned

THREADS = 16


@pytest.fixture
def api(gateway):
    api = Api(gateway.client)
    api.circuit = api.upload(bell())["id"]
    return api


def by_header():
    return {"headers": {"idempotency-key": uuid4().hex}}


def by_token():
    return {"description": f"A run [client-token:{uuid4().hex}] of mine"}


def submit_run(api, **more):
    return api.post_run([api.circuit], **more)


def submit_flow(api, **more):
    return api.post_flow([api.circuit], device(), **more)


def submit_transpile(api, headers=None, **more):
    body = {"experiment_id": api.experiment, "circuit_ids": [api.circuit], "device_id": AER, **more}
    return api.client.post("/circuits/transpile", json=body, headers=headers)


def submit_local(api, headers=None, **more):
    more.pop("description", None)
    return api.client.post("/jobs", json={"experiment_id": api.experiment, **more}, headers=headers)


def submit_tool(api, headers=None, **more):
    body = {"experiment_id": api.experiment, "circuit_ids": [api.circuit], "device_id": AER, **more}
    answer = api.client.post("/ai/run_circuits_on_qpu_or_simulator", json=body, headers=headers)
    (line,) = [line for line in ok(answer)["context"].splitlines() if line.startswith("job_id: ")]
    return api.client.get(f"/jobs/{line.removeprefix('job_id: ')}")


SUBMITS = [submit_run, submit_flow, submit_transpile]


def jobs_of(api):
    return ok(api.client.get(f"/experiments/{api.experiment}/jobs", params={"limit": 1000}), list[AnyJob])


@pytest.mark.parametrize("mark", [by_header, by_token])
@pytest.mark.parametrize("submit", [*SUBMITS, submit_tool])
def test_the_same_submit_again_is_the_same_job(api, submit, mark):
    marked = mark()
    first = api.finished(ok(submit(api, **marked)))
    again = ok(submit(api, **marked))
    assert again["id"] == first["id"]
    assert again["status"] == "Done", "it shows the job as it is"
    assert len(jobs_of(api)) == 1


@pytest.mark.parametrize("mark", [by_header, by_token])
@pytest.mark.parametrize("submit", SUBMITS)
def test_many_submits_at_the_same_time_are_one_job(api, submit, mark):
    marked = mark()
    with ThreadPoolExecutor(THREADS) as threads:
        answers = list(threads.map(lambda _: ok(submit(api, **marked)), range(THREADS)))
    assert len({answer["id"] for answer in answers}) == 1
    assert len(jobs_of(api)) == 1
    assert api.finished(answers[0])["status"] == "Done"


@pytest.mark.parametrize("submit", [submit_run, submit_flow])
def test_another_submission_with_the_key_is_refused(api, submit):
    marked = by_header()
    first = ok(submit(api, **marked))
    for change in ({"shots": 5}, {"dry_run": True}):
        detail = refused(submit(api, **marked, **change), 409)
        assert first["id"] in detail
        assert "new key" in detail
    other = submit_flow if submit is submit_run else submit_run
    refused(other(api, **marked), 409)
    assert len(jobs_of(api)) == 1


def test_another_circuit_or_device_with_the_key_is_refused(api):
    marked = by_token()
    ok(submit_run(api, **marked))
    refused(submit_run(api, **marked, device_id="fake_montreal"), 409)
    refused(submit_run(api, **marked, options={"seed_simulator": 2}), 409)
    api.circuit = api.upload(turned(0.2))["id"]
    refused(submit_run(api, **marked), 409)


def test_a_local_job_is_noted_once(api):
    marked = by_header()
    first = ok(submit_local(api, **marked, name="a"))
    assert ok(submit_local(api, **marked, name="a"))["id"] == first["id"]
    refused(submit_local(api, **marked, results="{}"), 409)


def test_names_do_not_make_another_submission_but_keys_do(api):
    marked = by_header()
    first = ok(submit_run(api, **marked, name="a"))
    assert ok(submit_run(api, **marked, name="b"))["id"] == first["id"]
    assert ok(submit_run(api, **by_header()))["id"] != first["id"]
    assert ok(submit_run(api))["id"] != first["id"]


def test_the_header_counts_before_the_token(api):
    token = by_token()
    first = ok(submit_run(api, **token))
    assert ok(submit_run(api, **token, **by_header()))["id"] != first["id"]


def test_a_blank_key_or_a_malformed_token_is_none(api):
    for marked in (
        {"headers": {"idempotency-key": ""}},
        {"description": "[client-token:short]"},
        {"description": f"[client-token:{'X' * 32}]"},
    ):
        assert ok(submit_run(api, **marked))["id"] != ok(submit_run(api, **marked))["id"]
    assert submit_run(api, headers={"idempotency-key": "x" * 201}).status_code == 422


def test_users_do_not_share_keys(gateway, api):
    marked = by_header()
    theirs = Api(gateway.other)
    theirs.circuit = theirs.upload(bell())["id"]
    first, second = ok(submit_run(api, **marked)), ok(submit_run(theirs, **marked))
    assert first["id"] != second["id"]
    assert first["user_id"] != second["user_id"]


def test_a_key_of_a_refused_submission_is_free(api):
    marked = by_header()
    assert submit_run(api, **marked, shots=0).status_code == 422
    assert submit_run(api, **marked, device_id="nothing").status_code == 404
    assert api.finished(ok(submit_run(api, **marked)))["status"] == "Done"

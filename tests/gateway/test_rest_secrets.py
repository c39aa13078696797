"""Credentials are used and forgotten: no answer, no row and no line of the log has them."""

from uuid import uuid4

import httpx
import pytest

from tests.gateway.rest import AER, Api, device, ok
from tests.interop.exact import bell

NAMES = [
    "ibm_quantum_token",
    "ibm_quantum_instance",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "ionq_api_key",
    "iqm_token",
    "coda_token",
    "My-API-Key",
    "PASSWORD",
]


@pytest.fixture
def api(gateway):
    return Api(gateway.client)


@pytest.fixture
def secret(gateway):
    """A text that must be nowhere; the gateway's log is searched for it once more at its end."""
    text = f"secret{uuid4().hex}"
    gateway.secrets.append(text)
    yield text
    for file in gateway.home.rglob("*"):
        if file.is_file():
            assert text.encode() not in file.read_bytes(), f"it is in {file.name}"


def assert_unseen(secret, *answers):
    for answer in answers:
        assert secret not in answer.text
        assert secret not in str(answer.headers)


def views(api, job):
    """All that is told of a job."""
    return [
        api.client.get(f"/jobs/{job}"),
        api.client.get(f"/experiments/{api.experiment}/jobs"),
        api.client.post(f"/jobs/{job}/cancel"),
        api.client.post(f"/jobs/{job}/restart"),
        api.client.get(f"/jobs/{job}", headers={"prefer": "wait=30"}),
        api.client.get(f"/ai/get_job_results_and_status/{job}"),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_credentials_in_options_are_masked(api, secret, name):
    answer = api.post_run(
        bell(), options={name: secret, "seed_simulator": 1}, headers={"idempotency-key": secret[::-1]}
    )
    job = ok(answer)
    assert job["options"] == {name: "***", "seed_simulator": 1}
    assert api.finished(job)["status"] == "Done"
    assert_unseen(secret, answer, *views(api, job["id"]))


def test_credentials_beside_a_program_are_not_shown_at_all(api, secret):
    credentials = {**dict.fromkeys(NAMES, secret), "anything": secret, "nothing": None}
    answer = api.post_flow(bell(), device(options={"iqm_token": secret}), device_credentials=credentials)
    job = ok(answer)
    assert "device_credentials" not in job
    assert job["program"]["layers"][-1]["options"] == {"iqm_token": "***"}
    assert_unseen(secret, answer, *views(api, job["id"]))


def test_credentials_given_to_a_tool(api, secret):
    body = {"experiment_id": api.experiment, "circuit_ids": api.ids(bell()), "device_id": AER}
    answer = api.client.post("/ai/run_circuits_on_qpu_or_simulator", json={**body, "options": {"ionq_api_key": secret}})
    ok(answer)
    (job,) = ok(api.client.get(f"/experiments/{api.experiment}/jobs"))
    assert_unseen(secret, answer, *views(api, job["id"]))


@pytest.mark.parametrize(
    "options",
    [
        {"noise_model": {"token": "SECRET"}},
        {"noise_model": {"errors": [{"aws_secret_access_key": "SECRET"}]}},
        {"transpilation_options": {"ibm_quantum_token": "SECRET"}},
        {"error_mitigation_options": {"deep": [{"api_key": "SECRET"}]}},
        {"unknown": {"password": "SECRET"}},
        {"unknown": "SECRET"},
        {"unknown": ["SECRET"]},
        {"use_packing": "SECRET"},
        {"pack_size": {"token": "SECRET"}},
        {"transpilation_options": "SECRET"},
    ],
)
def test_credentials_in_a_wrong_place_are_refused_and_not_repeated(api, secret, options):
    def filled(value):
        if isinstance(value, dict):
            return {name: filled(item) for name, item in value.items()}
        if isinstance(value, list):
            return [filled(item) for item in value]
        return secret if value == "SECRET" else value

    answers = [
        api.post_run(bell(), options=filled(options)),
        api.post_flow(bell(), device(options=filled(options))),
        api.post_flow(bell(), {"type": "transpilation", "ibm_quantum_token": secret}, device()),
        api.post_flow(bell(), {"type": "estimator", "readout_mitigation_options": secret}, device()),
        api.post_flow(bell(), device(), device_credentials=[secret]),
        api.post_flow(bell(), device(), device_credentials={"iqm_token": [secret]}),
        api.post_run(bell(), options=secret),
        api.post_run(bell(), shots=secret, parameters=secret, run_type=secret),
        api.client.post("/experiments", json={"name": {"token": secret}, "tags": [secret]}),
        api.client.post("/circuits", json={"token": secret, "hash": [secret]}),
        api.client.post("/run", content=f'{{"options": {{"token": "{secret}"'),
    ]
    assert {answer.status_code for answer in answers} <= {400, 422}
    assert_unseen(secret, *answers)


def test_credentials_in_mitigation_options_of_a_program_are_masked(api, secret):
    layer = {
        "type": "distribution_mitigation",
        "mitigation_enabled": False,
        "readout_mitigation_options": {"token": secret},
    }
    answer = api.post_flow(bell(), layer, device())
    assert ok(answer)["program"]["layers"][1]["readout_mitigation_options"] == {"token": "***"}
    assert_unseen(secret, answer, *views(api, answer.json()["id"]))


def test_the_key_is_in_no_log_and_no_error(gateway):
    """Neither as header nor as query, whatever comes of the request."""
    with httpx.Client(base_url=gateway.url, timeout=60, trust_env=False) as client:
        paths = ["/user", "/nowhere", "/jobs/none", "/experiments?limit=x", "/devices/%00", "/version"]
        for key in (gateway.key, "hq_wrong_but_secret"):
            for path in paths:
                answers = [
                    client.get(path, params={"HAIQU_API_KEY": key}),
                    client.get(path, headers={"authorization": key}),
                    client.post(path, params={"HAIQU_API_KEY": key}, content="{"),
                ]
                assert_unseen(key, *answers)
    gateway.secrets.append("hq_wrong_but_secret")
    assert gateway.key not in gateway.log
    assert "hq_wrong" not in gateway.log
    assert "HAIQU_API_KEY" not in gateway.log
    assert " /user 200" in gateway.log, "there is an access log"

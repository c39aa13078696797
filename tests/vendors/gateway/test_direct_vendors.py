"""Whose credentials a gateway uses for whom, and what it offers while a vendor cannot be asked."""

import logging

import pytest

from qiskit_haiqu_provider.accounts.saved import save_account
from qiskit_haiqu_provider.exceptions import HaiquAuthenticationError, HaiquInputError
from qiskit_haiqu_provider.gateway.catalogue import Catalogue
from qiskit_haiqu_provider.gateway.errors import ApiError
from qiskit_haiqu_provider.gateway.vendors import direct_vendors
from tests.vendors.coda.server import HOST, TOKEN, FakeCoda
from tests.vendors.web import Response


@pytest.fixture
def coda(web):
    service = FakeCoda()
    web.serve(HOST, service.site)
    return service


def keys(web):
    """The tokens that Coda has seen."""
    return {request.headers["authorization"].removeprefix("Bearer ") for request in web.requests}


def test_vendors_are_made_from_the_names_of_routes_without_a_request(web):
    assert [vendor.prefix for vendor in direct_vendors(["coda", "ibm", "coda"])] == ["ibm_", "coda_"]
    assert direct_vendors([]) == []
    assert not web.requests


def test_a_job_uses_its_own_credentials_and_else_those_of_the_server(coda, web):
    save_account(credentials={"coda_token": TOKEN})
    (vendor,) = direct_vendors(["coda"])
    assert {record.id for record in vendor.devices()} >= {"coda_iqm"}
    assert vendor.engine({}).vendor is vendor.engine({"coda_token": ""}).vendor  # one connection serves all
    assert keys(web) == {TOKEN}
    other = vendor.engine({"coda_token": "coda_of-grace-1234", "ibm_quantum_token": "for-somebody-else"})
    with pytest.raises(HaiquAuthenticationError):
        other.devices()
    assert keys(web) == {TOKEN, "coda_of-grace-1234"}


@pytest.mark.parametrize(
    ("via", "secrets", "words"),
    [
        ("coda", {"ionq_api_key": "some-key"}, ["coda_token", "ionq_api_key"]),
        ("ibm", {"ibm_quantum_instance": "crn:1"}, ["IBM Quantum", "ibm_quantum_token"]),
        ("braket", {"aws_default_region": "us-east-1"}, ["AWS", "aws_access_key_id"]),
        ("ionq", {"ionq_token": "some-key"}, ["ionq_api_key"]),
    ],
)
def test_a_job_cannot_mix_its_credentials_with_those_of_the_server(via, secrets, words):
    (vendor,) = direct_vendors([via])
    with pytest.raises(HaiquInputError) as refusal:
        vendor.engine(secrets)
    assert all(word in str(refusal.value) for word in words)
    assert not any(text in str(refusal.value) for text in secrets.values())


def test_a_vendor_that_cannot_be_asked_hides_no_others_and_is_told_of_once(coda, web, monkeypatch, caplog):
    monkeypatch.setenv("CODA_API_TOKEN", TOKEN)
    monkeypatch.setenv("IONQ_API_KEY", "ionq-key-4242")
    coda.upset("GET /qpus", *[Response({"detail": f"no {TOKEN}"}, 401)] * 3)
    catalogue = Catalogue(direct_vendors(["ionq", "coda"]))  # nobody plays IonQ
    monkeypatch.setenv("HAIQU_RETRY_SECONDS", "0")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert "aer_simulator" in catalogue.records
    told = [record for record in caplog.records if record.name.endswith("gateway.catalogue")]
    assert len(told) == 2
    assert TOKEN not in caplog.text
    assert "ionq-key-4242" not in caplog.text
    monkeypatch.setattr("qiskit_haiqu_provider.gateway.catalogue._PAUSE", 0.0)
    coda.upset("GET /qpus")
    assert {"aer_simulator", "coda_iqm"} <= catalogue.records.keys()


def test_a_server_without_credentials_takes_jobs_that_bring_their_own(coda, web):
    catalogue = Catalogue(direct_vendors(["coda"]))
    assert "coda_iqm" not in catalogue.records
    with pytest.raises(ApiError) as refusal:
        catalogue.check_device("coda_iqm", {})
    assert refusal.value.status_code == 503
    assert "Send credentials" in refusal.value.detail
    catalogue.check_device("coda_iqm", {"coda_token": TOKEN})
    assert not web.requests

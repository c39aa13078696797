"""Credentials of vendors: which device needs which, found where, and never shown."""

import json

import pytest

from qiskit_haiqu_provider import HaiquInputError
from qiskit_haiqu_provider.accounts.credentials import (
    NAMES,
    VENDORS,
    find_credentials,
    how_to_give,
    vendor_credentials,
    vendor_of,
)
from qiskit_haiqu_provider.accounts.credentials import checked_credentials as checked
from qiskit_haiqu_provider.accounts.saved import Account
from qiskit_haiqu_provider.exceptions import HaiquAccountError
from qiskit_haiqu_provider.secret import Secret

AWS, IBM, IQM, IONQ, CODA = VENDORS


@pytest.fixture(autouse=True)
def _no_files(tmp_path, monkeypatch):
    """The files of vendors are those of the test."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("AWS_SHARED_CREDENTIALS_FILE")
    monkeypatch.delenv("AWS_CONFIG_FILE")


def account(*, chosen=False, **secrets):
    return Account(name="work", secrets=checked(secrets), chosen=chosen)


def revealed(found):
    return {name: secret.reveal() for name, secret in found.items()}


def sources(vendor, given=None, saved=None):
    return {name: one.source for name, one in find_credentials(vendor, given or {}, saved).items()}


def write(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize("device", ["aer_simulator", "fake_torino", "braket_sv", "coda_x", "unknown"])
def test_most_devices_need_none(device, monkeypatch):
    monkeypatch.setenv("IONQ_API_KEY", "abc")
    assert vendor_credentials(device, checked({"iqm_token": "t"}), account(ionq_api_key="k")) == {}


@pytest.mark.parametrize(
    ("device", "vendor"),
    [
        ("ibm_fez", IBM),
        ("IBM_FEZ", IBM),
        ("aws_iqm_garnet", AWS),
        ("iqm_emerald", IQM),
        ("ionq_forte_1", IONQ),
        ("coda_iqm", CODA),
    ],
)
def test_the_id_tells_the_vendor(device, vendor):
    assert vendor_of(device) is vendor


def test_what_is_sent_has_documented_names():
    from qiskit_haiqu_provider.api.models import CREDENTIAL_NAMES

    assert set(NAMES) <= CREDENTIAL_NAMES


def test_only_the_credentials_of_the_device_are_sent():
    given = checked({"ibm_quantum_token": "t", "ibm_quantum_instance": "i", "ionq_api_key": "k", "iqm_token": "q"})
    assert revealed(vendor_credentials("ibm_fez", given)) == {"ibm_quantum_token": "t", "ibm_quantum_instance": "i"}
    assert revealed(vendor_credentials("ionq_forte_1", given)) == {"ionq_api_key": "k"}


def test_call_then_environment_then_account_then_file(monkeypatch, tmp_path):
    write(
        tmp_path / ".qiskit" / "qiskit-ibm.json", json.dumps({"haiqu_ibm_account": {"token": "file", "instance": "f"}})
    )
    assert revealed(vendor_credentials("ibm_fez", {})) == {"ibm_quantum_token": "file", "ibm_quantum_instance": "f"}
    assert sources(IBM)["ibm_quantum_token"] == "IBM account 'haiqu_ibm_account'"
    saved = account(ibm_quantum_token="saved", ibm_quantum_instance="s")
    assert sources(IBM, saved=saved)["ibm_quantum_token"] == "account 'work'"
    monkeypatch.setenv("QISKIT_IBM_TOKEN", "qiskit")
    assert sources(IBM, saved=saved)["ibm_quantum_token"] == "QISKIT_IBM_TOKEN"
    monkeypatch.setenv("IBM_QUANTUM_TOKEN", "environment")
    found = vendor_credentials("ibm_fez", {}, saved)
    assert revealed(found) == {"ibm_quantum_token": "environment", "ibm_quantum_instance": "s"}
    found = vendor_credentials("ibm_fez", checked({"ibm_quantum_token": "given"}), saved)
    assert found["ibm_quantum_token"].reveal() == "given"


def test_an_account_that_was_named_in_the_call_goes_before_the_environment(monkeypatch):
    monkeypatch.setenv("IONQ_API_KEY", "environment")
    assert revealed(vendor_credentials("ionq_x", {}, account(ionq_api_key="saved"))) == {"ionq_api_key": "environment"}
    chosen = account(ionq_api_key="saved", chosen=True)
    assert revealed(vendor_credentials("ionq_x", {}, chosen)) == {"ionq_api_key": "saved"}


def test_other_ibm_accounts_are_not_sent(tmp_path):
    write(
        tmp_path / ".qiskit" / "qiskit-ibm.json", json.dumps({"default-ibm-quantum": {"token": "t", "instance": "i"}})
    )
    with pytest.raises(HaiquAccountError, match="ibm_quantum_token"):
        vendor_credentials("ibm_fez", {})


@pytest.mark.parametrize("text", ["", "{", "[]", '{"haiqu_ibm_account": 5}', '{"haiqu_ibm_account": {"token": 5}}'])
def test_an_ibm_file_that_cannot_be_read_holds_nothing(tmp_path, text):
    write(tmp_path / ".qiskit" / "qiskit-ibm.json", text)
    assert sources(IBM) == {}


def test_what_is_missing_is_named_with_the_ways_to_give_it():
    with pytest.raises(HaiquAccountError) as caught:
        vendor_credentials("ibm_fez", {"ibm_quantum_token": Secret("very-secret")})
    message = str(caught.value)
    assert message.startswith("ibm_fez needs credentials of IBM Quantum. Missing: ibm_quantum_instance (environment: ")
    for way in ("IBM_QUANTUM_INSTANCE", "credentials={'ibm_quantum_instance': '...'}", "save_account("):
        assert way in message
    assert "very-secret" not in message
    assert "ibm_quantum_token" not in message


def test_iqm_has_a_default_address(monkeypatch):
    monkeypatch.setenv("IQM_TOKEN", "t")
    found = vendor_credentials("iqm_garnet", {})
    assert revealed(found) == {"iqm_token": "t", "iqm_server_url": "https://resonance.iqm.tech"}
    monkeypatch.setenv("IQM_SERVER_URL", "https://example.org")
    assert vendor_credentials("iqm_garnet", {})["iqm_server_url"].reveal() == "https://example.org"


def test_the_simulator_of_ionq_gets_a_key_only_if_it_was_given(monkeypatch):
    monkeypatch.setenv("IONQ_API_KEY", "environment")
    assert vendor_credentials("ionq_simulator", {}) == {}
    assert revealed(vendor_credentials("ionq_simulator", checked({"ionq_api_key": "k"}))) == {"ionq_api_key": "k"}


def test_a_token_of_coda_is_one_and_is_not_sent_to_haiqu(monkeypatch):
    """Another product of that name has its token in the same variable."""
    monkeypatch.setenv("CODA_API_TOKEN", "5b1c0d6e-of-another-product")
    assert sources(CODA) == {}
    monkeypatch.setenv("CONDUCTOR_QUANTUM_API_KEY", "coda_abc")
    assert sources(CODA) == {"coda_token": "CONDUCTOR_QUANTUM_API_KEY"}
    assert vendor_credentials("coda_iqm", checked({"coda_token": "coda_abc"})) == {}
    with pytest.raises(HaiquInputError, match=r"credentials\['coda_token'\] must begin with 'coda_'") as caught:
        checked({"coda_token": "5b1c0d6e"})
    assert "5b1c0d6e" not in str(caught.value)
    assert "CODA_API_TOKEN or CONDUCTOR_QUANTUM_API_KEY, beginning with 'coda_'" in how_to_give(CODA, CODA.parts)


# AWS.


@pytest.mark.parametrize("prefix", ["", "HAIQU_"])
def test_aws_from_the_environment(prefix, monkeypatch):
    """Those for Haiqu have names of their own."""

    def look():
        if prefix:
            return revealed(vendor_credentials("aws_iqm_garnet", {}))
        return {name: one.value.reveal() for name, one in find_credentials(AWS, {}, None).items()}

    monkeypatch.setenv(f"{prefix}AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv(f"{prefix}AWS_SECRET_ACCESS_KEY", "secret")
    assert look() == {
        "aws_access_key_id": "id",
        "aws_secret_access_key": "secret",
        "aws_default_region": "us-east-1",
    }
    monkeypatch.setenv(f"{prefix}AWS_SESSION_TOKEN", "session")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")
    assert look()["aws_session_token"] == "session"
    assert look()["aws_default_region"] == "eu-north-1"
    monkeypatch.setenv("AWS_REGION", "eu-west-2")
    assert look()["aws_default_region"] == "eu-west-2"


def test_keys_of_aws_that_lie_around_are_not_for_haiqu(aws, monkeypatch):
    """They open more than devices. What to do is said in one error, without them."""
    for _ in range(2):
        with pytest.raises(HaiquAccountError) as caught:
            vendor_credentials("aws_iqm_garnet", {})
        for way in (
            "is not sent to Haiqu",
            "HAIQU_AWS_ACCESS_KEY_ID",
            "HAIQU_AWS_SECRET_ACCESS_KEY",
            "AWS profile 'haiqu'",
            "credentials={'aws_access_key_id': '...', 'aws_secret_access_key': '...'",
            "save_account(",
            "via='braket'",
        ):
            assert way in str(caught.value)
        assert "sec%ret" not in str(caught.value)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sec%ret")
    assert sources(AWS)["aws_access_key_id"] == "AWS_ACCESS_KEY_ID"


def test_keys_of_aws_that_were_given_are_for_haiqu_too(aws, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "around")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "around")
    keys = {"aws_access_key_id": "given", "aws_secret_access_key": "given-secret"}
    for found in (vendor_credentials("aws_x", checked(keys)), vendor_credentials("aws_x", {}, account(**keys))):
        assert revealed(found) == {**keys, "aws_default_region": "us-west-1"}  # where the user's devices are


def test_the_aws_profile_for_haiqu(aws, tmp_path):
    profile = "[haiqu]\naws_access_key_id = for-haiqu\naws_secret_access_key = its-secret\n"
    write(tmp_path / ".aws" / "credentials", AWS_CREDENTIALS + profile)
    assert revealed(vendor_credentials("aws_x", {})) == {
        "aws_access_key_id": "for-haiqu",
        "aws_secret_access_key": "its-secret",
        "aws_default_region": "us-west-1",
    }
    write(tmp_path / ".aws" / "config", AWS_CONFIG + "[profile haiqu]\nregion = eu-north-1\n")
    assert vendor_credentials("aws_x", {})["aws_default_region"].reveal() == "eu-north-1"
    assert sources(AWS)["aws_access_key_id"] == "AWS profile 'default'"


def test_the_keys_of_aws_come_from_one_place(monkeypatch):
    """Half a pair from one account and half from another would be refused far away, or worse."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of another account")
    given = checked({"aws_access_key_id": "id", "aws_secret_access_key": "secret"})
    monkeypatch.setenv("HAIQU_AWS_SESSION_TOKEN", "of another account")
    assert "aws_session_token" not in sources(AWS, given)
    assert "aws_session_token" not in vendor_credentials("aws_x", given)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "environment")
    monkeypatch.setenv("HAIQU_AWS_SECRET_ACCESS_KEY", "environment")
    with pytest.raises(HaiquAccountError, match="Missing: aws_secret_access_key"):
        vendor_credentials("aws_x", checked({"aws_access_key_id": "id"}))


AWS_CREDENTIALS = """
[default]
aws_access_key_id = id
aws_secret_access_key = sec%ret
[lab]
aws_access_key_id=lab-id
aws_secret_access_key=lab-secret
aws_session_token=lab-session
"""

AWS_CONFIG = """
[default]
region = us-west-1
s3 =
  max_concurrent_requests = 10
[profile lab]
region = eu-west-2
[profile login]
sso_session = corp
[profile whole]
aws_access_key_id = whole-id
aws_secret_access_key = whole-secret
"""


@pytest.fixture
def aws(tmp_path):
    write(tmp_path / ".aws" / "credentials", AWS_CREDENTIALS)
    write(tmp_path / ".aws" / "config", AWS_CONFIG)


def test_aws_from_the_files(aws):
    found = find_credentials(AWS, {}, None)
    assert {name: one.value.reveal() for name, one in found.items()} == {
        "aws_access_key_id": "id",
        "aws_secret_access_key": "sec%ret",
        "aws_default_region": "us-west-1",
    }
    assert {one.source for one in found.values()} == {"AWS profile 'default'"}


def test_aws_from_a_profile(aws, monkeypatch):
    def look():
        return {name: one.value.reveal() for name, one in find_credentials(AWS, {}, None).items()}

    monkeypatch.setenv("AWS_PROFILE", "lab")
    assert look() == {
        "aws_access_key_id": "lab-id",
        "aws_secret_access_key": "lab-secret",
        "aws_session_token": "lab-session",
        "aws_default_region": "eu-west-2",
    }
    monkeypatch.setenv("AWS_PROFILE", "whole")
    assert look()["aws_access_key_id"] == "whole-id"


def test_a_profile_without_keys_says_how_to_get_them(aws, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "login")
    assert "aws configure export-credentials --profile login --format env" in how_to_give(AWS, AWS.parts)
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert "There is no AWS profile 'nobody'" in how_to_give(AWS, AWS.parts)


def test_the_files_of_aws_may_be_elsewhere(tmp_path, monkeypatch):
    write(tmp_path / "elsewhere" / "keys", AWS_CREDENTIALS)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "elsewhere" / "keys"))
    assert find_credentials(AWS, {}, None)["aws_access_key_id"].value.reveal() == "id"


@pytest.mark.parametrize("text", ["aws_secret_access_key = s3cret", "[default", "[default]\nno value"])
def test_aws_files_that_cannot_be_read_hold_nothing(tmp_path, text):
    write(tmp_path / ".aws" / "credentials", text)
    with pytest.raises(HaiquAccountError, match="Missing: aws_access_key_id") as caught:
        vendor_credentials("aws_x", {})
    assert "s3cret" not in str(caught.value)


def test_names_and_values_are_checked():
    with pytest.raises(HaiquInputError, match="no entry 'aws_region'"):
        checked({"aws_region": "us-east-1"})
    with pytest.raises(HaiquInputError, match="one line"):
        checked({"ionq_api_key": "two\nlines"})
    assert checked({"ionq_api_key": " spaced \n"})["ionq_api_key"].reveal() == "spaced"
    assert "spaced" not in repr(checked({"ionq_api_key": "spaced"}))

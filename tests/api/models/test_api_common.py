"""Secrets are recognised and hidden, and the shapes of errors are those that clients expect."""

import pytest
from pydantic import ValidationError

from qiskit_haiqu_provider.api.models import (
    CREDENTIAL_NAMES,
    Cost,
    MetricsCreate,
    OutdatedClientBody,
    Program,
    TranspilationOptions,
    User,
    ValidationBody,
    is_secret,
    redacted,
    split_credentials,
)


@pytest.mark.parametrize("name", sorted(CREDENTIAL_NAMES))
def test_documented_credentials_are_secret_in_any_case(name):
    assert is_secret(name)
    assert is_secret(name.upper())
    assert is_secret(name.replace("_", "-"))


@pytest.mark.parametrize("name", ["my_Token", "client_secret", "Password", "x-api-key", "vendor_credentials"])
def test_what_is_named_like_a_credential_is_secret(name):
    assert is_secret(name)


@pytest.mark.parametrize("name", ["shots", "method", "noise_model", "region", "instance", "server_url", ""])
def test_ordinary_options_are_not_secret(name):
    assert not is_secret(name)


def test_redaction_reaches_every_depth_and_leaves_the_original_alone():
    options = {
        "method": "statevector",
        "ibm_quantum_token": "t1",
        "nested": [{"aws_secret_access_key": "t2", "seed": 7}, ("plain", {"password": "t3"})],
        "device_credentials": {"iqm_token": "t4"},
    }

    hidden = redacted(options)

    assert hidden == {
        "method": "statevector",
        "ibm_quantum_token": "***",
        "nested": [{"aws_secret_access_key": "***", "seed": 7}, ("plain", {"password": "***"})],
        "device_credentials": "***",
    }
    hidden["nested"][0]["seed"] = 8
    assert options["nested"][0] == {"aws_secret_access_key": "t2", "seed": 7}


def test_an_empty_secret_is_left_as_it_is():
    assert redacted({"iqm_token": None, "ionq_api_key": "", "device_credentials": {}}) == {
        "iqm_token": None,
        "ionq_api_key": "",
        "device_credentials": {},
    }


@pytest.mark.parametrize("value", [None, 3, 0.5, "token", True])
def test_values_without_names_are_not_touched(value):
    assert redacted(value) == value


def test_credentials_are_split_off_at_the_top():
    plain, secrets = split_credentials({"method": "mps", "aws_default_region": "eu-west-1", "IBM_Quantum_Token": "t"})

    assert plain == {"method": "mps"}
    assert secrets == {"aws_default_region": "eu-west-1", "IBM_Quantum_Token": "t"}


def test_a_key_does_not_show_in_the_repr_of_its_user():
    user = User(email="", username="ada", first_name="", last_name="", api_access_key="hq_abcdef")

    assert "hq_abcdef" not in f"{user!r} {user}"


def test_the_body_for_outdated_clients_is_nested():
    body = OutdatedClientBody.model_validate({"detail": {"message": "too old"}})

    assert body.model_dump() == {"detail": {"error_code": "outdated_sdk", "message": "too old"}}


def test_validation_errors_can_be_told_without_the_input():
    with pytest.raises(ValidationError) as failure:
        Cost.model_validate({"native": {"amount": "s3cret", "unit": "s"}})

    body = ValidationBody.model_validate({"detail": failure.value.errors()})
    assert [issue.loc for issue in body.detail] == [["native", "amount"]]
    assert "s3cret" not in body.model_dump_json()
    assert "s3cret" not in str(failure.value)


def test_costs_keep_both_amounts():
    cost = {"native": {"amount": 42.0, "unit": "s"}, "converted": {"amount": 33.6, "unit": "USD"}}

    assert Cost.model_validate(cost).model_dump() == cost


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (TranspilationOptions, {"\ud800": 1}),
        (Program, {"layers": [{"type": "\ud800"}]}),
        (Program, {"layers": [{"type": "transpilation", "\ud800": 1}]}),
        (MetricsCreate, {"metrics": {"\ud800": 1}}),
    ],
)
def test_errors_about_broken_text_can_be_sent(model, body):
    with pytest.raises(ValidationError) as failure:
        model.model_validate(body)

    assert ValidationBody.model_validate({"detail": failure.value.errors()}).model_dump_json().encode()

"""The table of prices, its age, and your own in place of it."""

from datetime import date, datetime, timedelta

import pytest

from qiskit_haiqu_provider import HaiquInputError
from qiskit_haiqu_provider.cost.prices import RATES, read_prices

GARNET = "arn:aws:braket:eu-north-1::device/qpu/iqm/Garnet"


def test_every_row_has_a_source_a_date_and_rates():
    rows = read_prices().rows
    assert {row.vendor for row in rows} == set(RATES)
    for row in rows:
        assert row.source
        assert type(row.as_of) is date
        assert row.rates.keys() <= set(RATES[row.vendor])


@pytest.mark.parametrize(
    ("name", "device"),
    [
        ("garnet", "garnet"),
        ("aws_iqm_garnet", "garnet"),
        (GARNET, "garnet"),
        ("arn:aws:braket:us-east-1::device/qpu/ionq/Forte-Enterprise-1", "forte-enterprise-1"),
        ("arn:aws:braket:us-east-1::device/qpu/ionq/Forte-1", "forte-1"),
        ("arn:aws:braket:::device/quantum-simulator/amazon/sv1", "sv1"),
    ],
)
def test_a_device_is_found_by_name_id_and_arn(name, device):
    assert read_prices().find("braket", name).device == device


@pytest.mark.parametrize(("vendor", "device"), [("braket", "Ankaa-3"), ("ionq", "garnet"), ("coda", "iqm")])
def test_a_price_that_is_not_known_is_said(vendor, device):
    with pytest.raises(HaiquInputError, match=rf"(?s)No price is known of {vendor} {device}.*HAIQU_PRICES.*\[{vendor}"):
        read_prices().find(vendor, device)


@pytest.mark.parametrize(("days", "stale"), [(0, False), (90, False), (91, True)])
def test_a_price_is_stale_after_90_days(days, stale):
    row = read_prices().find("ibm", "payg")
    assert row.is_stale(row.as_of + timedelta(days=days)) is stale


def test_the_age_is_reckoned_today():
    assert read_prices().find("azure", "ionq").is_stale()
    assert not read_prices({"azure": {"ionq": {"usd_per_token": 2}}}).find("azure", "ionq").is_stale()


def test_an_argument_goes_before_a_file_and_a_file_before_the_table(tmp_path, monkeypatch):
    file = tmp_path / "mine.toml"
    file.write_text("[braket.garnet]\nusd_per_task = 1\nusd_per_shot = 2\nas_of = 2026-10-01\nsource = 'contract'\n")
    monkeypatch.setenv("HAIQU_PRICES", str(file))
    row = read_prices().find("braket", "garnet")
    assert (row["usd_per_task"], row["usd_per_shot"]) == (1, 2)
    assert (row.source, row.as_of) == ("contract", date(2026, 10, 1))
    row = read_prices({"braket": {GARNET: {"usd_per_shot": 3}}}).find("braket", "garnet")
    assert (row["usd_per_task"], row["usd_per_shot"], row.source) == (1, 3, "prices")
    monkeypatch.delenv("HAIQU_PRICES")
    assert read_prices().find("braket", "garnet")["usd_per_task"] == 0.30


def test_a_file_may_be_the_argument_and_hold_new_devices(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("[braket.Ankaa_3]\nusd_per_task = 0.3\nusd_per_shot = 0.0009\nas_of = 2026-10-01\n")
    row = read_prices(file).find("braket", "arn:aws:braket:us-west-1::device/qpu/rigetti/Ankaa-3")
    assert row["usd_per_shot"] == 0.0009
    assert row.source == str(file)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"ibn": {}}, "there is no vendor 'ibn'"),
        ({"ibm": 3}, "prices: ibm must be a table"),
        ({"ibm": {"payg": 3}}, r"prices: ibm\.payg must be a table"),
        ({"ibm": {"payg": {"usd_per_sec": 3}}}, r"ibm\.payg: there is no rate 'usd_per_sec'\. Valid: usd_per_second"),
        ({"ibm": {"payg": {"usd_per_second": -1}}}, r"ibm\.payg: usd_per_second must be a finite number"),
        ({"ibm": {"payg": {"usd_per_second": 1, "as_of": "soon"}}}, "as_of must be a date"),
        ({"ibm": {"payg": {"usd_per_second": 1, "as_of": datetime(2026, 1, 1)}}}, "as_of must be a date"),
    ],
)
def test_what_cannot_be_a_price_is_refused(given, named):
    with pytest.raises(HaiquInputError, match=named):
        read_prices(given)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (None, "cannot be read"),
        ("[ibm", "cannot be read"),
        ("[ibm.payg]\nusd_per_second = 1\n", "as_of must be a date"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(text, named, tmp_path, monkeypatch):
    file = tmp_path / "mine.toml"
    if text is not None:
        file.write_text(text)
    monkeypatch.setenv("HAIQU_PRICES", str(file))
    with pytest.raises(HaiquInputError, match=rf"(?s)mine\.toml.*{named}"):
        read_prices()

"""CostEstimate: its range, its warnings, and how a price is shared out."""

from dataclasses import replace
from datetime import date

import pytest

from qiskit_haiqu_provider import CostEstimate
from qiskit_haiqu_provider.cost.estimate import JobCost, shared_out, table_estimate
from qiskit_haiqu_provider.cost.prices import read_prices

PLAIN = CostEstimate(
    device="ibm_fez",
    via="ibm",
    amount=4.1,
    unit="s",
    usd=6.56,
    circuits=6,
    shots=6000,
    lines=(),
    basis="Seconds have a price.",
    source="price page",
    as_of=date(2026, 5, 25),
)


def test_without_a_range_the_price_is_exact():
    assert PLAIN.usd_range == (6.56, 6.56)
    assert PLAIN.warning == ""
    assert str(PLAIN) == (
        "6.56 USD (4.1 s) on ibm_fez via ibm: circuit executions: 6, shots: 6,000. Seconds have a price. "
        "Source: price page, 2026-05-25."
    )


def test_range_unknown_and_age_are_shown():
    estimate = replace(PLAIN, usd_low=3, usd_high=9.5, unknown="The queue is not known.", stale=True)
    assert estimate.usd_range == (3, 9.5)
    assert (
        "It may cost between 3.00 and 9.50 USD. The queue is not known. "
        "The price is of 2026-05-25 and may have changed since."
    ) in str(estimate)


def test_the_price_is_inside_its_range():
    assert replace(PLAIN, usd=20.0, usd_low=30.0, usd_high=10.0).usd_range == (20.0, 20.0)


@pytest.mark.parametrize(("usd", "text"), [(0, "0.00"), (0.00375, "0.00375"), (0.5, "0.50"), (25868.75, "25,868.75")])
def test_small_prices_do_not_vanish(usd, text):
    assert str(replace(PLAIN, usd=usd)).startswith(f"{text} USD")


def test_as_json_it_has_the_form_of_haiqu():
    assert PLAIN.to_dict() == {
        "native": {"amount": 4.1, "unit": "s"},
        "converted": {"amount": 6.56, "unit": "USD"},
        "basis": "Seconds have a price.",
        "kind": "quote",
        "as_of": "2026-05-25",
        "source": "price page",
    }
    assert replace(PLAIN, unknown="Much is not known.").to_dict()["warning"] == "Much is not known."


@pytest.mark.parametrize(
    ("work", "shares"),
    [
        ({1: (1, 100), 0: (4, 300)}, [(0, 7.5), (1, 2.5)]),
        ({0: (3, 0), 1: (1, 0)}, [(0, 7.5), (1, 2.5)]),
        ({0: (0, 0)}, [(0, 0.0)]),
        ({}, []),
    ],
)
def test_a_price_is_shared_out_by_shots_or_else_by_circuits(work, shares):
    assert [(line.index, line.usd) for line in shared_out(10.0, work)] == shares


def test_an_estimate_from_the_table_adds_its_jobs_up():
    price = read_prices().find("braket", "garnet")
    jobs = [
        JobCost(name="task 1 of 2", circuits=100, shots=1000, amount=1000, usd=1.75),
        JobCost(name="task 2 of 2", circuits=50, shots=500, amount=500, usd=1.025),
    ]
    estimate = table_estimate(
        price,
        device="aws_iqm_garnet",
        via="braket",
        unit="shots",
        jobs=jobs,
        work={0: (100, 1000), 1: (50, 500)},
        basis="Tasks and shots.",
        usd_high=3.0,
        today=price.as_of,
    )
    assert (estimate.amount, estimate.usd, estimate.circuits, estimate.shots) == (1500, 2.775, 150, 1500)
    assert [line.usd for line in estimate.lines] == pytest.approx([1.85, 0.925])
    assert estimate.usd_range == (2.775, 3.0)
    assert (estimate.kind, estimate.source, estimate.as_of) == ("table", price.source, price.as_of)
    assert not estimate.stale
    assert estimate.jobs == tuple(jobs)

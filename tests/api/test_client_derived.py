"""Circuits that the cloud makes of others, and numbers to compare with: scripted answers, and the gateway's refusal."""

import pytest
from pydantic import ValidationError

from qiskit_haiqu_provider.api import models
from qiskit_haiqu_provider.exceptions import HaiquInputError, HaiquNotFoundError, HaiquResponseError, HaiquServerError
from tests.api.odd_server import Answer
from tests.api.records import BACKPROPAGATION, CIRCUIT, REFERENCE, backpropagation_body, lr_qaoa_body

CALLS = {
    "POST /circuits/{circuit_id}/backpropagate_observables": lambda client: client.backpropagate_observables(
        backpropagation_body()
    ),
    "POST /circuits/lr_qaoa": lambda client: client.lr_qaoa(lr_qaoa_body()),
    "GET /circuits/{circuit_id}/metrics_evolution": lambda client: client.metrics_evolution("circ-1"),
    "GET /help/benchmarks": lambda client: client.benchmarks(),
}


def test_observables_are_backpropagated(odd, client):
    odd.on("POST /circuits/circ-1/backpropagate_observables", Answer(json=BACKPROPAGATION))
    found = client.backpropagate_observables(backpropagation_body(max_qwc_groups=50, max_error_total=0.05))
    assert found.optimized_circuit_ids == ["circ-2"]
    assert found.backpropagated_observables == [[("ZI", 0.5, -0.5)]]
    assert odd.requests[0].json == {
        "circuit_id": "circ-1",
        "observables": [[["ZZ", 1.0, 0.0], ["XI", 0.5, -0.5]]],
        "max_qwc_groups": 50,
        "max_error_total": 0.05,
        "max_error_per_slice": None,
    }


def test_a_circuit_of_a_linear_ramp_is_built(odd, client):
    odd.on("POST /circuits/lr_qaoa", Answer(json=CIRCUIT))
    assert client.lr_qaoa(lr_qaoa_body(alphas=[0.1, 0.2])).id == "circ-1"
    assert odd.requests[0].json == {
        "experiment_id": "exp-1",
        "name": "ramp",
        "p": 2,
        "lp_problem": None,
        "polynomial_problem": {"sense": "min", "n_vars": 2, "constant": 0.0, "linear": {"0": 1.0}},
        "alphas": [0.1, 0.2],
        "betas": None,
        "delta": 0.5,
        "initial_state_qpy": None,
    }


@pytest.mark.parametrize(
    ("body", "fields", "match"),
    [
        (backpropagation_body, {"max_qwc_groups": 0}, "max_qwc_groups"),
        (backpropagation_body, {"max_qwc_groups": 100_001}, "max_qwc_groups"),
        (backpropagation_body, {"max_error_total": -0.1}, "max_error_total"),
        (backpropagation_body, {"max_error_per_slice": float("nan")}, "max_error_per_slice"),
        (backpropagation_body, {"observables": [[("ZZ", 1.0)]]}, "observables"),
        (backpropagation_body, {"max_groups": 1}, "max_groups"),
        (lr_qaoa_body, {"p": 0}, "p\n"),
        (lr_qaoa_body, {"name": "x" * 201}, "name"),
        (lr_qaoa_body, {"polynomial_problem": None}, "give either lp_problem or polynomial_problem"),
        (lr_qaoa_body, {"lp_problem": "Minimize"}, "give either lp_problem or polynomial_problem"),
        (lr_qaoa_body, {"polynomial_problem": None, "lp_problem": ""}, "lp_problem"),
        (lr_qaoa_body, {"alphas": [0.1]}, "alphas has 1 angles for 2 layers"),
        (lr_qaoa_body, {"betas": [0.1, 0.2, 0.3]}, "betas has 3 angles for 2 layers"),
        (lr_qaoa_body, {"delta": True}, "delta"),
    ],
)
def test_bodies_that_the_service_would_refuse(body, fields, match):
    with pytest.raises(ValidationError, match=match):
        body(**fields)


@pytest.mark.parametrize("answer", [{"metrics": [1, {"depth": 2}]}, [1, 2], None, "N/A"])
def test_the_evolution_of_numbers_is_any_json(odd, client, answer):
    odd.on("GET /circuits/circ-1/metrics_evolution", Answer(json=answer), Answer(body="<html>"))
    assert client.metrics_evolution("circ-1") == answer
    with pytest.raises(HaiquResponseError):
        client.metrics_evolution("circ-1")


def test_reference_circuits(odd, client):
    odd.on("GET /help/benchmarks", Answer(json=[REFERENCE, {"name": "odd"}]))
    with pytest.warns(UserWarning, match="1 reference circuit that cannot be read, and was left out"):
        assert client.benchmarks() == [models.ReferenceCircuit(**REFERENCE)]


def test_what_was_looked_for_is_named(odd, client):
    odd.on("*", Answer(status=404))
    for name in (
        "POST /circuits/{circuit_id}/backpropagate_observables",
        "GET /circuits/{circuit_id}/metrics_evolution",
    ):
        with pytest.raises(HaiquNotFoundError, match="There is no circuit 'circ-1'"):
            CALLS[name](client)
    with pytest.raises(HaiquNotFoundError, match="experiment 'exp-1'"):
        CALLS["POST /circuits/lr_qaoa"](client)
    with pytest.raises(HaiquInputError, match="circuit_id is ''"):
        client.metrics_evolution("")


@pytest.mark.parametrize("name", CALLS)
def test_the_gateway_says_by_name_that_it_does_not_offer_them(gateway, client_of, name):
    with pytest.raises(HaiquServerError) as found:
        CALLS[name](client_of(gateway, gateway.key))
    assert found.value.status == 501
    assert f"({name}) is not offered by this gateway" in found.value.detail
    assert not found.value.reached

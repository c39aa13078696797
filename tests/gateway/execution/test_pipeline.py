"""A recipe on the real local engine: steps are reported, limits hold, quality is told."""

import json

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter

from qiskit_haiqu_provider.engines.local.engine import AER, LocalEngine
from qiskit_haiqu_provider.exceptions import HaiquCapacityError, HaiquInputError
from qiskit_haiqu_provider.gateway.execution import pipeline
from qiskit_haiqu_provider.gateway.execution.recipe import (
    RunRecipe,
    TranspileRecipe,
    recipe_from_json,
    recipe_to_json,
)
from qiskit_haiqu_provider.run.formats import write_qpy
from tests.interop.exact import bell, turned

T = Parameter("t")
LIMIT = 1 << 20


def run(circuits, *, limit=LIMIT, report=lambda *_: None, **fields):
    """The outcome of a recipe, which has travelled as JSON as it does in the database."""
    recipe = recipe_from_json(
        json.loads(json.dumps(recipe_to_json(RunRecipe(**{"device": AER, "shots": 100, **fields}))))
    )
    ids = tuple(f"circ-{index}" for index in range(len(circuits)))
    work = pipeline.Work(recipe=recipe, circuit_ids=ids, circuits=tuple(map(write_qpy, circuits)))
    return pipeline.run(work, circuits, engine=LocalEngine(), limit=limit, report=report)


def test_recipes_survive_the_database():
    for recipe in (
        RunRecipe(device="d", shots=1, parameters=[[[0.5]]], options={"a": 1}, transpilation=None),
        TranspileRecipe(device="d", options={"optimization_level": 1}, seeds=[1, 2]),
    ):
        stored = json.loads(json.dumps(recipe_to_json(recipe)))
        assert recipe_from_json(stored) == recipe
        assert recipe_from_json({**stored, "added later": 1}) == recipe


def test_steps_are_reported_up_to_the_last_set():
    seen = []
    run([turned(T)], parameters=[[[0.1], [0.2], [0.3]]], report=lambda *step: seen.append(step))
    assert seen[0] == ("Validating", 0, 0)
    assert seen[1] == ("Running", 0, 3)
    assert seen[-1] == ("Running", 3, 3)


def test_results_over_the_limit_are_an_error_that_says_so():
    wide = QuantumCircuit(12)
    wide.h(range(12))
    wide.measure_all()
    assert len(run([wide], shots=2000).results) > 10_000
    with pytest.raises(HaiquCapacityError, match="Ask for observables instead"):
        run([wide], shots=2000, limit=10_000)


def test_states_over_the_limit_are_refused_before_they_are_computed():
    with pytest.raises(HaiquCapacityError, match=r"about 10,485,760 MiB as JSON, at most 1 MiB"):
        run([QuantumCircuit(38)], statevector=True)


def test_a_dry_run_has_a_cost_and_no_results():
    outcome = run([bell()], dry_run=True)
    assert (outcome.results, outcome.time) == (None, 0.0)
    assert outcome.cost["converted"] == {"amount": 0.0, "unit": "USD"}


@pytest.mark.parametrize("device", [AER, "fake_montreal"])
def test_quality_of_samples(device):
    outcome = run([bell(), turned(0.7)], device=device, shots=4000, auto_quality=True)
    scores = outcome.info["quality_assessment"]["per_circuit"]
    assert list(scores) == ["circ-0", "circ-1"]
    assert outcome.quality == pytest.approx(sum(scores.values()) / 2)
    assert (0.99 if device == AER else 0.8) < outcome.quality <= 1


def test_quality_of_values():
    outcome = run(
        [turned(T)], parameters=[[[0.2], [1.2]]], observables=[[[["ZZ", "II"], [1, 5]]]], auto_quality=True, shots=4000
    )
    assert 0.97 < outcome.quality <= 1


def test_what_cannot_be_compared_has_no_quality():
    """Too wide for the ideal simulation: the job is done all the same, and says so per circuit."""
    wide = QuantumCircuit(30)
    wide.h(0)
    wide.measure_all()
    outcome = run([wide, bell()], auto_quality=True, options={"method": "matrix_product_state"})
    scores = outcome.info["quality_assessment"]["per_circuit"]
    assert scores["circ-0"] is None
    assert outcome.quality == scores["circ-1"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"options": {"noise_model": {"errors": 3}}}, "noise_model"),
        ({"device": "fake_montreal", "transpilation": None}, "'h' on qubits"),
        ({"device": "fake_montreal", "transpilation": None, "pack": True}, "the copies have to be placed"),
        ({"readout_bases": ["XXX"]}, "3 letters"),
        ({"observables": [[[["XXX"], [1]]]]}, "observable has 3"),
        ({"parameters": [[[0.1]]]}, "0 parameters"),
    ],
)
def test_what_cannot_be_run_is_said(fields, reason):
    with pytest.raises(HaiquInputError, match=reason):
        run([bell()], **fields)


def test_missing_values_are_named():
    with pytest.raises(HaiquInputError, match="circuit 0 has parameters without values: t"):
        run([turned(T)])

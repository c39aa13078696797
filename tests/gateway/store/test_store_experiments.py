"""Experiments belong to one user, have one name each, and know what is in them."""

from uuid import uuid4

import pytest
from sqlalchemy import event

from qiskit_haiqu_provider.gateway.store import experiments
from qiskit_haiqu_provider.gateway.store.experiments import NameTakenError


@pytest.fixture
def create(db, ada):
    def create(name, user=ada, **fields):
        with db.write() as s:
            return experiments.create(s, user, name=name, **fields)

    return create


def names(db, user, **filters):
    with db.read() as s:
        return [experiment.name for experiment in experiments.list_(s, user, **filters)]


def test_a_new_experiment_has_what_was_given(db, ada):
    with db.write() as s:
        made = experiments.get_or_create(
            s, ada, name_or_id="vqe", description="<b>H2</b>", tags="a,b", context="why", metrics={"energy": -1.1}
        )
    assert made.id.startswith("exp-")
    with db.read() as s:
        read = experiments.get(s, ada, made.id)
        assert experiments.artifact(s, read, "energy").artifact_data == -1.1
    assert (read.name, read.description, read.tags, read.context) == ("vqe", "<b>H2</b>", "a,b", "why")
    assert read.last_action_date >= read.creation_date
    assert (made.circuits_count, made.jobs_count) == (0, 0)
    assert (read.circuits_count, read.jobs_count) == (None, None)


def test_the_same_name_or_id_is_the_same_experiment(db, ada, experiment):
    with db.write() as s:
        by_name = experiments.get_or_create(s, ada, name_or_id=experiment.name, description="new", metrics={"x": 1})
        by_id = experiments.get_or_create(s, ada, name_or_id=experiment.id)
        assert by_name.id == by_id.id == experiment.id
        assert by_id.description == ""
        assert experiments.artifact(s, by_id, "x").artifact_data == 1
    assert names(db, ada) == [experiment.name]


def test_an_id_wins_over_a_name_that_looks_like_it(db, ada, experiment, create):
    create(experiment.id)
    with db.write() as s:
        assert experiments.get_or_create(s, ada, name_or_id=experiment.id).id == experiment.id


def test_a_name_is_taken_once_for_each_user(create, bob):
    assert create("vqe") is not None
    assert create("vqe") is None
    assert create("vqe", user=bob) is not None


def test_users_do_not_see_each_other(db, ada, bob, experiment):
    with db.write() as s:
        assert experiments.get(s, bob, experiment.id) is None
        assert experiments.by_name(s, bob, experiment.name) is None
        assert experiments.list_(s, bob) == []
        assert experiments.update(s, bob, experiment.id, name="mine") is None
        assert experiments.get_or_create(s, bob, name_or_id=experiment.name).id != experiment.id
        assert experiments.get(s, ada, experiment.id).name == experiment.name


def test_a_list_counts_in_one_query(db, ada, experiment, create, add_circuit, add_job):
    circuit = add_circuit()
    add_circuit()
    add_job(circuit_ids=[circuit.id, circuit.id])
    create("empty")
    statements = []
    with db.read() as s:
        event.listen(s.connection(), "before_cursor_execute", lambda *call: statements.append(call[2]))
        found = {one.name: (one.circuits_count, one.jobs_count) for one in experiments.list_(s, ada)}
    assert found == {experiment.name: (2, 1), "empty": (0, 0)}
    assert len(statements) == 1


def test_counts_reach_a_row_that_was_read_without_them(db, ada, experiment, add_circuit):
    add_circuit()
    with db.read() as s:
        assert experiments.get(s, ada, experiment.id).circuits_count is None
        assert experiments.get(s, ada, experiment.id, counts=True).circuits_count == 1
        assert experiments.by_name(s, ada, experiment.name, counts=True).jobs_count == 0


def test_the_latest_action_comes_first(db, ada, experiment, create, add_circuit, add_job):
    create("other")
    assert names(db, ada) == ["other", experiment.name]
    add_circuit()
    assert names(db, ada) == [experiment.name, "other"]
    create("third")
    add_job()
    assert names(db, ada) == [experiment.name, "third", "other"]
    assert names(db, ada, limit=2) == [experiment.name, "third"]
    assert names(db, ada, name="third") == ["third"]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("100%", ["100% done"]),
        ("a_b", ["a_b"]),
        ("A/B", ["a/b"]),
        ("axb", ["axb"]),
        ("\\", ["back\\slash"]),
        ("'; DROP TABLE experiments; --", []),
    ],
)
def test_a_search_means_what_it_says(db, ada, create, search, found):
    for name in ("100% done", "1000 done", "a_b", "axb", "a/b", "back\\slash"):
        create(name)
    assert names(db, ada, search=search) == found


def test_an_update_changes_what_is_given(db, ada, experiment, create):
    with db.write() as s:
        first = experiments.update(s, ada, experiment.id, name="new")
        assert (first.name, first.description, first.circuits_count) == ("new", "", 0)
        second = experiments.update(s, ada, experiment.id, description="text")
        assert (second.name, second.description) == ("new", "text")
        assert experiments.update(s, ada, experiment.id, description="").description == ""
    assert second.last_action_date > experiment.last_action_date


def test_a_name_that_is_taken_cannot_be_given(db, ada, experiment, create):
    create("taken")
    with db.write() as s:
        with pytest.raises(NameTakenError, match="another experiment named 'taken'"):
            experiments.update(s, ada, experiment.id, name="taken")
        experiments.update(s, ada, experiment.id, name=experiment.name, description="still writing")
    with db.read() as s:
        assert experiments.get(s, ada, experiment.id).description == "still writing"


def test_artifacts_are_replaced_by_name(db, experiment):
    with db.write() as s:
        experiments.put_metrics(s, experiment, {"plot": "data:image/png;base64,AA", "note": "text", "n": None})
        experiments.put_metrics(s, experiment, {"table": {"a": [1]}, "row": [1, 2], "plot": 0.5})
        experiments.put_artifact(s, experiment, name="curve", data=[{"x": 1, "y": 2}], artifact_type="timeseries")
    with db.read() as s:
        found = experiments.artifacts(s, experiment)
        kinds = {one.name: (one.artifact_type, one.artifact_data) for one in found}
        plot = experiments.artifact(s, experiment, "plot")
        assert experiments.artifact(s, experiment, "none") is None
        assert [one.name for one in experiments.artifacts(s, experiment, limit=1)] == ["curve"]
        assert len(experiments.artifacts(s, experiment, limit=None)) == 6
    assert kinds == {
        "plot": ("value", 0.5),
        "note": ("text", "text"),
        "n": ("value", None),
        "table": ("dict", {"a": [1]}),
        "row": ("list", [1, 2]),
        "curve": ("timeseries", [{"x": 1, "y": 2}]),
    }
    assert plot.last_updated > plot.creation_date


def test_an_image_is_known_by_its_form(db, experiment):
    with db.write() as s:
        experiments.put_metrics(s, experiment, {"plot": "data:image/png;base64,AA"})
        assert experiments.artifact(s, experiment, "plot").artifact_type == "image"


def test_threads_with_one_name_get_one_experiment(db, ada, in_threads):
    found = []

    def init(index):
        for name in ("same", f"own {index}"):
            with db.write() as s:
                found.append(experiments.get_or_create(s, ada, name_or_id=name, metrics={f"m{index}": index}))

    in_threads(16, init)
    assert len({one.id for one in found if one.name == "same"}) == 1
    assert len(names(db, ada)) == 17
    with db.read() as s:
        assert len(experiments.artifacts(s, experiments.by_name(s, ada, "same"), limit=None)) == 16


def test_an_id_that_is_unknown_becomes_a_name(db, ada):
    name = f"exp-{uuid4()}"
    with db.write() as s:
        assert experiments.get_or_create(s, ada, name_or_id=name).name == name

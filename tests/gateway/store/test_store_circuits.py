"""Circuits: found by id, hash and content, and read without their bytes unless these are asked for."""

import pytest
from sqlalchemy import event
from sqlalchemy.exc import InvalidRequestError

from qiskit_haiqu_provider.gateway.store import circuits


def ids(rows):
    return [row.id for row in rows]


def test_a_circuit_comes_back_as_it_was(db, ada, add_circuit):
    made = add_circuit(name="bell", qpy=b"\x00\xff" * 1000, drawing="q: ─■─", metrics={"a": 1}, measures=False)
    assert made.id.startswith("circ-")
    with db.read() as s:
        read = circuits.get(s, ada, made.id, content=True)
    assert (read.name, read.qpy, read.drawing) == ("bell", b"\x00\xff" * 1000, "q: ─■─")
    assert (read.metrics, read.analytics, read.measures, read.generated) == ({"a": 1}, None, False, False)
    assert (read.status, read.parent_id, read.creation_date) == ("Submitted", None, made.creation_date)


def test_bytes_and_drawing_are_read_only_where_asked_for(db, ada, experiment, add_circuit):
    made = add_circuit(drawing="q: ─■─")
    statements = []
    with db.read() as s:
        event.listen(s.connection(), "before_cursor_execute", lambda *call: statements.append(call[2]))
        rows = [
            circuits.get(s, ada, made.id),
            *circuits.by_hash(s, ada, experiment.id, "123"),
            *circuits.by_digest(s, ada, experiment.id, "abc"),
            *circuits.list_(s, ada, experiment_id=experiment.id, search="circ"),
            *circuits.get_many(s, ada, [made.id]).values(),
        ]
        circuits.children(s, made)
        assert ids(rows) == [made.id] * 5
        with pytest.raises(InvalidRequestError, match="qpy"):
            _ = rows[0].qpy
        with pytest.raises(InvalidRequestError, match="drawing"):
            _ = rows[0].drawing
    assert len(statements) == 6
    assert not any("qpy" in statement or "drawing" in statement for statement in statements)
    with db.read() as s:
        circuits.get(s, ada, made.id)
        assert circuits.get(s, ada, made.id, content=True).drawing == "q: ─■─"  # though the session had it without
        assert circuits.by_hash(s, ada, experiment.id, "123", content=True)[0].qpy == made.qpy
        assert circuits.by_digest(s, ada, experiment.id, "abc", content=True)[0].qpy == made.qpy
        assert circuits.get_many(s, ada, [made.id], content=True)[made.id].qpy == made.qpy


def test_a_drawing_is_kept(db, ada, add_circuit):
    one, two = add_circuit(), add_circuit()
    with db.write() as s:
        circuits.put_drawing(s, one, "q: ─■─")
    with db.read() as s:
        assert circuits.get(s, ada, one.id, content=True).drawing == "q: ─■─"
        assert circuits.get(s, ada, two.id, content=True).drawing == ""


def test_different_circuits_may_share_a_hash(db, ada, experiment, add_circuit):
    first, second = add_circuit(digest="ry(t)"), add_circuit(digest="ry(2t)")
    with db.read() as s:
        assert ids(circuits.by_hash(s, ada, experiment.id, "123")) == [second.id, first.id]
        assert ids(circuits.by_digest(s, ada, experiment.id, "ry(t)")) == [first.id]
        assert circuits.by_hash(s, ada, experiment.id, "124") == []
        assert circuits.by_hash(s, ada, "exp-other", "123") == []


def test_users_do_not_see_each_other(db, ada, bob, experiment, add_circuit):
    made = add_circuit()
    with db.read() as s:
        assert circuits.get(s, bob, made.id) is None
        assert circuits.get_many(s, bob, [made.id]) == {}
        assert circuits.by_hash(s, bob, experiment.id, made.hash) == []
        assert circuits.by_digest(s, bob, experiment.id, made.digest) == []
        assert circuits.list_(s, bob, experiment_id=experiment.id, circuit_ids=[made.id]) == []
        assert set(circuits.get_many(s, ada, [made.id, made.id, "circ-other"])) == {made.id}


def test_a_list_can_be_narrowed(db, ada, experiment, add_circuit, add_job):
    one, two, three = add_circuit(name="50% of_it"), add_circuit(tags="vqe"), add_circuit(name="500 of it")
    add_job(circuit_ids=[one.id], job_type="Run")
    add_job(circuit_ids=[one.id, two.id], job_type="Transpilation")

    def listed(**filters):
        with db.read() as s:
            return ids(circuits.list_(s, ada, **filters))

    assert listed() == listed(experiment_id=experiment.id) == [three.id, two.id, one.id]
    assert listed(limit=2) == [three.id, two.id]
    assert listed(circuit_ids=[one.id, three.id, "circ-other"]) == [three.id, one.id]
    assert listed(circuit_ids=[]) == []
    assert listed(job_type="Run") == [one.id]
    assert listed(job_type="Transpilation") == [two.id, one.id]
    assert listed(job_type="Analytics") == []
    assert listed(search="0% of_") == [one.id]
    assert listed(search="VQE") == [two.id]
    assert listed(experiment_id="exp-other") == []


def test_a_circuit_knows_what_was_made_from_it_and_who_used_it(db, add_circuit, add_job):
    parent = add_circuit()
    first = add_circuit(parent_id=parent.id, transpilation_target="fake_kyiv", transpilation_options={"seed": 1})
    second = add_circuit(parent_id=parent.id, generated=True)
    older, newer = add_job(circuit_ids=[parent.id, first.id, parent.id]), add_job(circuit_ids=[parent.id])
    with db.read() as s:
        assert ids(circuits.children(s, parent)) == [first.id, second.id]
        assert circuits.children(s, parent)[0].transpilation_options == {"seed": 1}
        assert circuits.children_of(s, [first, second]) == {first.id: [], second.id: []}
        assert circuits.job_ids(s, parent) == [newer.id, older.id]
        assert circuits.job_ids_of(s, [first, second]) == {first.id: [older.id], second.id: []}


def test_metrics_and_analytics_are_merged(db, ada, experiment, add_circuit):
    made = add_circuit(metrics={"a": 1, "b": 1})
    with db.write() as s:
        assert circuits.put_metrics(s, made, {"b": 2, "c": 3}).metrics == {"a": 1, "b": 2, "c": 3}
        circuits.put_analytics(s, made, analytics={"depth": 2}, status="Core metrics computation is done")
        circuits.put_analytics(s, made, analytics={"liveness": 0.5}, status="Done")
        circuits.put_analytics(s, made, analytics=None, status="Error")
    with db.read() as s:
        read = circuits.get(s, ada, made.id)
    assert read.metrics == {"a": 1, "b": 2, "c": 3}
    assert (read.analytics, read.status) == ({"depth": 2, "liveness": 0.5}, "Error")


def test_no_metric_is_lost_between_threads(db, ada, add_circuit, in_threads):
    made = add_circuit()

    def put(index):
        with db.write() as s:
            circuits.put_metrics(s, made, {f"m{index}": index})

    in_threads(16, put)
    with db.read() as s:
        assert circuits.get(s, ada, made.id).metrics == {f"m{index}": index for index in range(16)}

"""Experiments and what is noted in them."""

import pytest

from qiskit_haiqu_provider.api import models
from tests.gateway.rest import Api, fields, ok, refused

EXPERIMENT, EXPERIMENTS = models.Experiment, list[models.Experiment]


@pytest.fixture
def api(gateway):
    return Api(gateway.client)


def post(client, path, **body):
    return client.post(path, json=body)


def latest(artifact):
    """The value; in an artifact it stands under the moment when it was noted."""
    (value,) = artifact["artifact_data"].values()
    return value


def test_init_makes_an_experiment_once_and_opens_it_by_name_or_id(gateway):
    first = post(
        gateway.client, "/experiments/init", name="init", description="<b>x</b>", tags="a, b", metrics={"e": 1}
    )
    made = ok(first, EXPERIMENT)
    assert made["id"].startswith("exp-")
    assert (made["description"], made["tags"], made["metrics"]) == ("<b>x</b>", "a, b", {"e": 1})
    assert made["user"]["username"] == "ada"
    for name in ("init", made["id"]):
        assert ok(post(gateway.client, "/experiments/init", name=name), EXPERIMENT)["id"] == made["id"]


def test_null_texts_mean_empty(gateway):
    body = {"name": "nulls", "description": None, "tags": None, "metrics": None}
    made = ok(gateway.client.post("/experiments/init", json=body), EXPERIMENT)
    assert (made["description"], made["tags"], made["metrics"]) == ("", "", {})


def test_create_refuses_a_name_that_is_taken(gateway):
    made = ok(post(gateway.client, "/experiments", name="create"), EXPERIMENT)
    assert "POST /experiments/init" in refused(post(gateway.client, "/experiments", name="create"), 409)
    assert ok(post(gateway.other, "/experiments", name="create"), EXPERIMENT)["id"] != made["id"]


def test_list_by_name_is_an_array_of_one_or_none(gateway, api):
    ok(post(gateway.client, "/experiments/init", name="listed"))
    found = ok(gateway.client.get("/experiments", params={"name": "listed"}), EXPERIMENTS)
    assert [one["name"] for one in found] == ["listed"]
    assert ok(gateway.client.get("/experiments", params={"name": "liste"}), EXPERIMENTS) == []
    assert api.experiment in [one["id"] for one in ok(gateway.client.get("/experiments"), EXPERIMENTS)]


def test_update_changes_what_is_given(gateway, api):
    path = f"/experiments/{api.experiment}"
    name = f"renamed {api.experiment}"
    assert ok(gateway.client.put(path, json={"name": name}), EXPERIMENT)["name"] == name
    changed = ok(gateway.client.put(path, json={"name": None, "description": "why"}), EXPERIMENT)
    assert (changed["name"], changed["description"]) == (name, "why")
    assert ok(gateway.client.get(path), EXPERIMENT) | {"last_action_date": 0} == changed | {"last_action_date": 0}


def test_update_to_a_name_that_is_taken_is_refused(gateway, api):
    ok(post(gateway.client, "/experiments/init", name="taken"))
    answer = gateway.client.put(f"/experiments/{api.experiment}", json={"name": "taken"})
    assert answer.status_code in (400, 409)
    assert "Choose another name" in refused(answer, answer.status_code)


def test_metrics_are_artifacts_and_replace_each_other(gateway, api):
    path = f"/experiments/{api.experiment}"
    image = "data:image/png;base64,iVBORw0KGgo="
    values = {"number": 1.5, "text": "x", "list": [1, None], "frame": {"a": [1]}, "image": image, "none": None}
    assert ok(post(gateway.client, f"{path}/metrics", metrics=values), EXPERIMENT)["metrics"] == values
    again = ok(post(gateway.client, f"{path}/metrics", metrics={"number": 2}), EXPERIMENT)
    assert again["metrics"] == {**values, "number": 2}
    listed = ok(gateway.client.get(f"{path}/artifacts"), list[models.Artifact])
    assert {one["name"]: latest(one) for one in listed} == again["metrics"]
    assert listed[0]["name"] == "number"
    assert len(ok(gateway.client.get(f"{path}/artifacts", params={"limit": 2}))) == 2


@pytest.mark.parametrize("name", ["plain", "with space", "a/b/c", "../../etc/passwd", "ünï", "100%", "a?b#c", "."])
def test_artifacts_have_any_name_and_no_name_leaves_the_experiment(gateway, api, name):
    path = f"/experiments/{api.experiment}"
    ok(post(gateway.client, f"{path}/metrics", metrics={name: 7}))
    escaped = "".join(f"%{byte:02X}" for byte in name.encode())
    found = ok(gateway.client.get(f"{path}/artifacts/{escaped}"), models.Artifact)
    assert (found["name"], latest(found)) == (name, 7)
    missing = gateway.client.get(f"{path}/artifacts/{escaped}%2Fnot")
    assert "lists them" in refused(missing, 404)


def test_experiments_of_others_do_not_exist(gateway, api):
    path = f"/experiments/{api.experiment}"
    calls = [
        gateway.other.get(path),
        gateway.other.put(path, json={"name": "mine"}),
        gateway.other.post(f"{path}/metrics", json={"metrics": {}}),
        gateway.other.get(f"{path}/artifacts"),
        gateway.other.get(f"{path}/artifacts/x"),
        gateway.other.get(f"{path}/circuits"),
        gateway.other.get(f"{path}/circuits/h"),
        gateway.other.post(f"{path}/circuits/h/metrics", json={"metrics": {}}),
        gateway.other.get(f"{path}/jobs"),
        gateway.other.get(f"{path}/jobs/h"),
        gateway.other.post(f"{path}/jobs/h/metrics", json={"metrics": {}}),
        gateway.other.post("/circuits", json={"experiment_id": api.experiment, "qpy_dump": "", "hash": "h"}),
        gateway.other.post("/jobs", json={"experiment_id": api.experiment}),
    ]
    for answer in calls:
        assert f"no experiment '{api.experiment}'" in refused(answer, 404)
    assert api.experiment not in gateway.other.get("/experiments").text
    opened = ok(gateway.other.post("/experiments/init", json={"name": api.experiment}))
    assert opened["id"] != api.experiment


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": None}, "name"),
        ({"name": 3}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "x\0y"}, "name"),
        ({"name": "x", "tags": "t" * 1025}, "tags"),
        ({"name": "x", "metrics": []}, "metrics"),
        ({"name": "x", "metrics": {"deep": [[[[[]]]]] * 2, "big": 2**70}}, "metrics"),
    ],
)
def test_wrong_fields_are_named(gateway, body, field):
    assert fields(gateway.client.post("/experiments/init", json=body)) == [field]


def test_search_texts_that_look_like_sql_find_nothing(gateway):
    for text in ("' OR '1'='1", "%", "_", "'; DROP TABLE experiments; --", '"', "\\"):
        assert ok(gateway.client.get("/experiments", params={"name": text})) == []
        refused(gateway.client.get(f"/experiments/{text.replace('%', '%25')}"), 404)
    made = ok(post(gateway.client, "/experiments/init", name="Robert'); DROP TABLE users;--"))
    assert ok(gateway.client.get("/experiments", params={"name": made["name"]}))[0]["id"] == made["id"]

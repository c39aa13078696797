"""Experiments as agents work with them."""

import pytest


def test_an_experiment_is_made_once_and_found_by_id_and_name(tools):
    made = tools.post("/create_new_experiment", name="made once", description="<b>it</b>", context="to see")
    again = tools.post("/create_new_experiment", name="made once", description="other", context="other")
    assert again == made
    assert made["id"].startswith("exp-")
    assert (made["name"], made["description"], made["context"]) == ("made once", "<b>it</b>", "to see")
    assert (made["circuits_count"], made["jobs_count"]) == (0, 0)
    assert tools.get(f"/get_experiment/{made['id']}") == made
    assert tools.get("/by_name/made once") == made
    assert made in tools.get("/list_experiments")


def test_the_page_of_an_experiment_is_on_this_gateway(gateway, tools):
    made = tools.post("/create_new_experiment", name="with a page")
    assert made["url"] == f"{gateway.url}/dashboard/experiments/{made['id']}"


def test_a_name_may_hold_what_paths_cannot(tools):
    made = tools.post("/create_new_experiment", name="a/b c?d#e%2F")
    assert tools.get("/by_name/a%2Fb%20c%3Fd%23e%252F") == made


def test_what_is_null_or_left_out_of_an_update_stays(gateway, tools):
    made = tools.post("/create_new_experiment", name="before", description="old", context="why")
    path = f"/ai/update_experiment/{made['id']}"
    renamed = gateway.client.put(path, json={"name": "after", "description": None}).json()
    assert (renamed["name"], renamed["description"], renamed["context"]) == ("after", "old", "why")
    described = gateway.client.put(path, json={"description": "new"}).json()
    assert (described["name"], described["description"]) == ("after", "new")


def test_a_name_in_use_is_not_taken_twice(tools):
    tools.post("/create_new_experiment", name="first")
    second = tools.post("/create_new_experiment", name="second")
    status, detail = tools.refused("PUT", f"/update_experiment/{second['id']}", name="first")
    assert status == 400
    assert "another experiment named 'first'" in detail


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/get_experiment/exp-none"),
        ("GET", "/by_name/none"),
        ("PUT", "/update_experiment/exp-none"),
        ("GET", "/list_circuits_in_experiment/exp-none"),
        ("GET", "/list_jobs_in_experiment/exp-none"),
        ("GET", "/exp-none/artifacts"),
    ],
)
def test_what_is_not_there_is_404(gateway, method, path):
    answer = gateway.client.request(method, f"/ai{path}", json={} if method == "PUT" else None)
    assert answer.status_code == 404
    assert "none" in answer.json()["detail"]


def test_experiments_of_others_do_not_exist(tools, others):
    made = tools.post("/create_new_experiment", name="private", context="secret")
    assert others.refused("GET", f"/get_experiment/{made['id']}")[0] == 404
    assert others.refused("GET", "/by_name/private")[0] == 404
    assert others.refused("PUT", f"/update_experiment/{made['id']}", name="mine")[0] == 404
    assert made["id"] not in [experiment["id"] for experiment in others.get("/list_experiments")]
    assert others.post("/create_new_experiment", name="private")["id"] != made["id"]


def test_nothing_is_served_without_a_key(gateway):
    for path in ("/ai/list_experiments", "/ai/list_qpus_and_simulators", "/ai/get_job_results_and_status/jb-1"):
        assert gateway.client.get(path, headers={"authorization": ""}).status_code == 401

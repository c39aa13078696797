"""What the pages show, and to whom."""

import base64

import orjson
import pytest

from qiskit_haiqu_provider.gateway.dashboard import jobs as pages
from qiskit_haiqu_provider.gateway.store import circuits, experiments, jobs

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
HOSTILE = "<script>alert(1)</script>"
ZZ = [["ZZ"], [1.0]]


def note(person, **metrics):
    with person.site.db.write() as s:
        experiments.put_metrics(s, person.experiment, metrics)


def test_experiments_are_listed_with_their_counts(ada):
    ada.add_circuit()
    ada.add_job()
    text = ada.get("/dashboard/experiments")
    assert "ada&#39;s experiment" in text
    assert 'data-label="Circuits" class="num">1<' in text
    assert 'data-label="Jobs" class="num">1<' in text


@pytest.mark.parametrize("page", ["experiments", "circuits", "jobs", "devices"])
def test_a_search_without_a_match_says_so(ada, page):
    assert "matches." in ada.get(f"/dashboard/{page}", search="no such thing")


@pytest.mark.parametrize("page", ["circuits", "jobs"])
def test_empty_lists_say_so(ada, page):
    assert "yet." in ada.get(f"/dashboard/{page}")


def test_searches_and_filters_of_jobs(ada):
    ada.add_job(name="needle", status="Done")
    ada.add_job(name="hay", status="Error", job_type="Hybrid")
    other = ada.add_job(name="straw", device_id="fake_torino")
    for query, names in (
        ({"search": "need"}, {"needle"}),
        ({"status": "Error"}, {"hay"}),
        ({"kind": "Hybrid"}, {"hay"}),
        ({"search": "torino"}, {"straw"}),
        ({"search": other.id}, {"straw"}),
        ({"experiment": ada.experiment.id}, {"needle", "hay", "straw"}),
        ({"experiment": "exp-other"}, set()),
        ({"status": "Done", "kind": "Hybrid"}, set()),
    ):
        text = ada.get("/dashboard/jobs", **query)
        assert {name for name in ("needle", "hay", "straw") if f">{name}</a>" in text} == names, query


def test_searches_and_filters_of_circuits(ada):
    one, _ = ada.add_circuit(name="needle", tags="sharp"), ada.add_circuit(name="hay")
    ada.add_job(circuit_ids=[one.id])
    for query, names in (
        ({"search": "sharp"}, {"needle"}),
        ({"used_by": "Run"}, {"needle"}),
        ({"experiment": ada.experiment.id}, {"needle", "hay"}),
    ):
        text = ada.get("/dashboard/circuits", **query)
        assert {name for name in ("needle", "hay") if f">{name}</a>" in text} == names, query


def test_long_lists_are_cut_with_a_way_on(ada):
    for index in range(3):
        ada.add_job(name=f"job {index}")
    text = ada.get("/dashboard/jobs", limit=2, search="job")
    assert "job 2" in text
    assert "job 0" not in text
    assert 'href="/dashboard/jobs?limit=8&amp;search=job"' in text


def test_devices_are_listed_and_searched(ada):
    assert ">aer_simulator<" in ada.get("/dashboard/devices")
    assert ">aer_simulator<" not in ada.get("/dashboard/devices", search="torino")


def test_an_experiment_shows_what_was_noted(ada):
    image = "data:image/png;base64," + base64.b64encode(PIXEL).decode()
    note(ada, picture=image, energy=-1.5, settings={"maxiter": 5}, remark=HOSTILE)
    with ada.site.db.write() as s:
        points = [{"x": 0, "y": 1.0}, {"x": 1, "y": 0.5}]
        experiments.put_artifact(s, ada.experiment, name="series", data=points, artifact_type="timeseries")
        experiments.put_artifact(s, ada.experiment, name="odd", data=[{"x": "a"}], artifact_type="timeseries")
        experiments.put_artifact(s, ada.experiment, name="odder", data=[1, 2], artifact_type="timeseries")
    text = ada.get(f"/dashboard/experiments/{ada.experiment.id}")
    assert f'src="/dashboard/experiments/{ada.experiment.id}/image?name=picture"' in text
    assert "\N{MINUS SIGN}1.5" in text
    assert "&#34;maxiter&#34;: 5" in text
    assert "Line chart of series with 2 points." in text
    assert text.count("data-chart") == 1
    assert HOSTILE not in text


def test_pictures_are_served_as_what_they_are(ada):
    note(ada, **{"a/b c": "data:image/png;base64," + base64.b64encode(PIXEL).decode()})
    path = f"/dashboard/experiments/{ada.experiment.id}/image"
    answer = ada.web.get(path, params={"name": "a/b c"})
    assert (answer.content, answer.headers["content-type"]) == (PIXEL, "image/png")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "value", ["data:image/svg+xml;base64,AAAA", "data:text/html;base64,AAAA", "data:image/png;base64,!", "text", 1]
)
def test_what_is_no_picture_is_not_served_as_one(ada, value):
    note(ada, thing=value)
    path = f"/dashboard/experiments/{ada.experiment.id}/image"
    assert ada.web.get(path, params={"name": "thing"}).status_code == 404
    assert ada.web.get(path, params={"name": "other"}).status_code == 404


def test_many_artifacts_are_cut_and_say_so(ada):
    note(ada, **{f"value {index}": index for index in range(31)})
    assert "Shown are the 30 that were changed last." in ada.get(f"/dashboard/experiments/{ada.experiment.id}")


def test_a_circuit_shows_its_drawing_which_is_kept(ada):
    circuit = ada.add_circuit(description="a pair", metrics={"fidelity": 0.99, "all": [1]}, context="why")
    child = ada.add_circuit(name="child", parent_id=circuit.id, transpilation_target="fake_torino")
    ada.add_job(name="user", circuit_ids=[circuit.id])
    text = ada.get(f"/dashboard/circuits/{circuit.id}")
    assert "┤ H ├" in text
    assert all(part in text for part in ("a pair", "0.99", "child", "for fake_torino", "user", "why", "2-qubit", "h"))
    assert "bell" in ada.get(f"/dashboard/circuits/{child.id}"), "its parent"
    with ada.site.db.read() as s:
        assert "┤ H ├" in circuits.get(s, ada.user, circuit.id, content=True).drawing
    with ada.site.db.write() as s:
        circuits.put_drawing(s, circuit, "drawn before")
    assert "drawn before" in ada.get(f"/dashboard/circuits/{circuit.id}")


def test_a_job_shows_what_came_out_and_what_was_asked_for(ada):
    circuit = ada.add_circuit()
    cost = {"native": {"amount": 2.0, "unit": "s"}, "converted": {"amount": 3.2, "unit": "USD"}}
    job = ada.add_job(
        {"options": {"token": "***"}, "use_mitigation": True, "dry_run": False, "observables": None},
        name="Counts",
        description="two\nlines",
        circuit_ids=[circuit.id],
        results=[{"00": 0.5, "11": 0.5}],
        info={"qpu_cost": cost, "pre_device_pipeline_time": 0.25},
        logs="it ran",
        estimated_qpu_cost=cost,
    )
    text = ada.get(f"/dashboard/jobs/{job.id}")
    for part in ("<h1", "Counts", "two\nlines", "it ran", "2 s (3.2 USD)", "98.7 %", "250 ms", "bell", "***"):
        assert part in text
    assert "Use mitigation" in text
    assert "Dry run" not in text, "not asked for"
    assert '<th scope="row"><code>00</code></th><td class="num">500</td>' in text
    assert "Restart job" in text
    assert "Cancel job" not in text


def test_parts_of_results_are_chosen_by_number(ada):
    results = [{"00": 1.0}, {"11": 1.0}]
    job = ada.add_job(results=results, circuit_ids=[ada.add_circuit().id, ada.add_circuit(name="second").id])
    text = ada.get(f"/dashboard/jobs/{job.id}", circuit=2)
    assert "<code>11</code>" in text
    assert "<code>00</code>" not in text
    assert '<option value="2" selected>2 · second</option>' in text
    many = ada.add_job(results=[{"0": 1.0}] * 101)
    assert 'type="number" min="1" max="101" value="101"' in ada.get(f"/dashboard/jobs/{many.id}", circuit=500)


def test_readout_bases_are_shown(ada):
    results = [[{"0": 1.0}, {"1": 1.0}]]
    two = ada.add_job({"readout_bases": ["ZZ", "XX"]}, results=results)
    assert '<option value="2" selected>XX</option>' in ada.get(f"/dashboard/jobs/{two.id}", basis=2)
    one = ada.add_job({"readout_bases": ["YY"]}, results=[[{"0": 1.0}]])
    assert "in the basis <code>YY</code>" in ada.get(f"/dashboard/jobs/{one.id}")


@pytest.mark.parametrize("parameters", [[[0.1], [0.2]], "odd"])
def test_a_sweep_is_shown_even_if_its_parameters_are_odd(ada, parameters):
    circuit = ada.add_circuit(num_parameters=1)
    body = {"observables": [[ZZ]], "parameters": parameters}
    info = {"uncertainty": [[[0.1, 0.1]]]}
    job = ada.add_job(body, results=[[[1.0, 0.5]]], info=info, circuit_ids=[circuit.id])
    text = ada.get(f"/dashboard/jobs/{job.id}")
    assert "0.5 ± 0.1" in text
    assert ("Parameter value" in text) == (parameters != "odd")


def test_large_results_are_not_read_for_a_page(ada, monkeypatch):
    monkeypatch.setattr(pages, "MAX_READ", 10)
    job = ada.add_job(results=[{"00": 0.5, "11": 0.5}])
    text = ada.get(f"/dashboard/jobs/{job.id}")
    assert "too much for a page" in text
    assert "<canvas" not in text


def test_results_can_be_had_whole(ada):
    job = ada.add_job(results=[{"00": 1.0}])
    answer = ada.web.get(f"/dashboard/jobs/{job.id}/results.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == [{"00": 1.0}]
    assert ada.web.get(f"/dashboard/jobs/{ada.add_job().id}/results.json").json() is None


def test_other_kinds_of_jobs(ada):
    local = ada.add_job(
        {"results": '{"0": 1}'}, job_type="User local job", hash="1", metrics={"loss": 0.5, "all": [1]}, status="Done"
    )
    text = ada.get(f"/dashboard/jobs/{local.id}")
    assert "{&#34;0&#34;: 1}" in text
    assert "loss" in text
    assert "Restart job" not in text, "it did not run here"
    made = ada.add_circuit(name="made")
    transpiled = ada.add_job(job_type="Transpilation", status="Done", info={"transpiled_circuit_ids": [made.id]})
    assert "made" in ada.get(f"/dashboard/jobs/{transpiled.id}")
    program = {"layers": [{"type": "input"}, {"type": "device", "device_id": "aer_simulator", "options": {}}]}
    flow = ada.add_job({"program": program}, job_type="Hybrid")
    assert "device_id: aer_simulator" in ada.get(f"/dashboard/jobs/{flow.id}")


def test_a_failed_job_says_why_at_the_top(ada):
    job = ada.add_job(status="Error", logs="It was too wide. Use fewer qubits.")
    text = ada.get(f"/dashboard/jobs/{job.id}")
    assert text.index("The job failed.") < text.index("It was too wide.") < text.index('id="logs-title"')


def test_the_live_state_of_jobs(ada, bob):
    done, waiting = ada.add_job(status="Done", logs="fine"), ada.add_job()
    answer = ada.web.get("/dashboard/jobs/live.json", params={"id": [done.id, waiting.id, "jb-none"]})
    assert answer.json() == {
        done.id: {"status": "Done", "final": True, "logs": "fine", "done": 0, "total": 0},
        waiting.id: {"status": "Submitted", "final": False, "logs": "", "done": 0, "total": 0},
    }
    assert bob.web.get("/dashboard/jobs/live.json", params={"id": done.id}).json() == {}
    assert ada.web.get("/dashboard/jobs/live.json", params={"id": ["x"] * 201}).status_code == 400


def test_a_job_is_cancelled(ada):
    job = ada.add_job()
    answer = ada.web.post(f"/dashboard/jobs/{job.id}/cancel", data={"csrf": ada.csrf()})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/dashboard/jobs/{job.id}")
    with ada.site.db.read() as s:
        assert jobs.get(s, ada.user, job.id).status == "Cancelled"


def test_a_job_that_did_not_run_here_is_not_run_again(ada):
    job = ada.add_job(job_type="User local job", status="Done")
    answer = ada.web.post(f"/dashboard/jobs/{job.id}/restart", data={"csrf": ada.csrf()})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/dashboard/jobs/{job.id}")
    with ada.site.db.read() as s:
        assert jobs.get(s, ada.user, job.id).status == "Done"


def test_a_job_that_is_not_there_cannot_be_cancelled(ada):
    assert ada.web.post("/dashboard/jobs/jb-none/cancel", data={"csrf": ada.csrf()}).status_code == 404


def test_nobody_sees_the_records_of_others(ada, bob):
    note(ada, secret="data:image/png;base64,AAAA")
    circuit, job = ada.add_circuit(name="ada-circuit"), ada.add_job(name="ada-job", results=[{"0": 1.0}])
    for path in (
        f"experiments/{ada.experiment.id}",
        f"experiments/{ada.experiment.id}/image?name=secret",
        f"circuits/{circuit.id}",
        f"jobs/{job.id}",
        f"jobs/{job.id}/results.json",
    ):
        assert bob.web.get(f"/dashboard/{path}").status_code == 404, path
    for action in ("cancel", "restart"):
        answer = bob.web.post(f"/dashboard/jobs/{job.id}/{action}", data={"csrf": bob.csrf()})
        assert answer.status_code == 404, action
    for page in ("experiments", "circuits", "jobs"):
        assert "ada-" not in bob.get(f"/dashboard/{page}", experiment=ada.experiment.id)
        assert "ada&#39;s" not in bob.get(f"/dashboard/{page}")


def test_hostile_texts_are_shown_as_text(ada, outline):
    with ada.site.db.write() as s:
        experiment = experiments.create(s, ada.user, name=HOSTILE, description=HOSTILE, tags=HOSTILE, context=HOSTILE)
        experiments.put_metrics(s, experiment, {HOSTILE: {HOSTILE: HOSTILE}})
    texts = {"name": HOSTILE, "description": HOSTILE, "experiment_id": experiment.id}
    circuit = ada.add_circuit(
        **texts, tags=HOSTILE, context=HOSTILE, metrics={HOSTILE: HOSTILE}, drawing=HOSTILE, analytics=None
    )
    job = ada.add_job(
        {"options": {HOSTILE: HOSTILE}, "readout_bases": [HOSTILE, "Z"]},
        **texts,
        device_id=HOSTILE,
        logs=HOSTILE,
        results=[[{HOSTILE: 1.0}, {"</script>": 1.0}]],
        metrics={HOSTILE: HOSTILE},
        circuit_ids=[circuit.id],
    )
    for path in (
        "experiments",
        "circuits",
        "jobs",
        f"experiments/{experiment.id}",
        f"circuits/{circuit.id}",
        f"jobs/{job.id}",
        f"jobs/{job.id}?basis=2",
        f"jobs?search={HOSTILE}",
    ):
        page = outline(ada.get(f"/dashboard/{path}"))
        scripts = page.of("script")
        assert all("src" in attrs or attrs.get("type") == "application/json" for attrs in scripts), path
        assert "alert(1)" in "".join(page.text) or "basis=2" in path


def test_the_data_of_a_chart_are_json_that_cannot_end_its_element(ada):
    job = ada.add_job(results=[{"</script><b>": 1.0}])
    text = ada.get(f"/dashboard/jobs/{job.id}")
    data = text.split('<script type="application/json">')[1].split("</script>")[0]
    assert orjson.loads(data)["labels"] == ["</script><b>"]

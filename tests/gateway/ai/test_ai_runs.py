"""Runs and transpilations as agents ask for them, and the answers in words."""

import math

import pytest

from tests.gateway.ai.programs_for_tests import BELL_2, BELL_3, NOT_MEASURED, ONE_ZERO, TURN, TWO_ANGLES

SHOTS = 4000
SLACK = 5 / math.sqrt(SHOTS)


def test_devices_are_listed_without_their_maps(tools):
    devices = {device["id"]: device for device in tools.get("/list_qpus_and_simulators")}
    assert devices["aer_simulator"]["simulator"]
    assert devices["fake_torino"]["qubits"] == 133
    assert "cz" in devices["fake_torino"]["operation_names"]
    assert not any("coupling_map" in device for device in devices.values())


def test_the_answer_to_a_run_can_be_followed(gateway, tools, experiment):
    text = tools.post(
        "/run_circuits_on_qpu_or_simulator",
        experiment_id=experiment,
        circuits_qasm=[BELL_2],
        device_id="aer_simulator",
        shots=100,
    )
    assert text.keys() == {"context"}
    lines = text["context"].splitlines()
    job = tools.follow(text["context"])
    (circuit,) = tools.get(f"/list_circuits_in_experiment/{experiment}")
    assert lines[0] == "A run was submitted to aer_simulator: 1 circuit, 100 shots each."
    assert f"job_id: {job['id']}" in lines
    assert f"circuit_ids: {circuit['id']}" in lines
    assert f"Page: {gateway.url}/dashboard/jobs/{job['id']}" in lines
    assert "get_job_results_and_status" in text["context"]


def test_circuits_in_both_versions_run_in_order(tools, experiment):
    stored = tools.post("/submit_circuit_for_analytics", experiment_id=experiment, circuit_qasm=ONE_ZERO, name="10")
    job = tools.run(
        experiment_id=experiment,
        circuit_ids=[stored["id"]],
        circuits_qasm=[BELL_2, BELL_3, ONE_ZERO],
        device_id="aer_simulator",
        shots=SHOTS,
    )
    assert job["status"] == "Done"
    first, two, three, last = job["context"]
    assert first == last == {"10": 1.0}
    for bell in (two, three):
        assert bell.keys() == {"00", "11"}
        assert bell["00"] == pytest.approx(0.5, abs=SLACK)
    assert len(tools.get(f"/list_circuits_in_experiment/{experiment}")) == 2, "what is there was used again"


def test_observables_over_parameters_need_no_measurements(tools, experiment):
    angles = [0.0, 1.0, 2.0]
    job = tools.run(
        experiment_id=experiment,
        circuits_qasm=[TURN],
        device_id="aer_simulator",
        shots=SHOTS,
        parameters=[[angle] for angle in angles],
        observables=[[[["IZ"], [1.0]], [["ZI", "IZ"], [1.0, 2.0]]]],
    )
    ((z, both),) = job["context"]
    assert z == pytest.approx([math.cos(angle) for angle in angles], abs=SLACK)
    assert both == pytest.approx([1 + 2 * math.cos(angle) for angle in angles], abs=2 * SLACK)
    assert [len(row) for row in job["info"]["uncertainty"][0]] == [3, 3]


def test_mitigated_values_say_what_was_done(tools, experiment):
    job = tools.run(
        experiment_id=experiment,
        circuits_qasm=[TURN],
        device_id="fake_montreal",
        shots=SHOTS,
        parameters=[[1.0]],
        observables=[[[["IZ"], [1.0]]]],
        use_mitigation=True,
        options={"seed_simulator": 1, "transpilation_options": {"seed_transpiler": 1}},
    )
    (((value,),),) = job["context"]
    assert value == pytest.approx(math.cos(1.0), abs=SLACK)
    assert job["info"]["mitigation"][0][0]["circuits"] > 16


def test_values_come_in_the_order_of_the_alphabet(tools, experiment):
    job = tools.run(
        experiment_id=experiment, circuits_qasm=[TWO_ANGLES], run_type="StatevectorRun", parameters=[[[math.pi, 0.0]]]
    )
    (((real, imaginary),),) = job["context"]
    assert [abs(complex(*pair)) for pair in zip(real, imaginary, strict=True)] == pytest.approx([0, 1, 0, 0])


def test_an_exact_state_needs_no_device(tools, experiment):
    job = tools.run(experiment_id=experiment, circuits_qasm=[NOT_MEASURED], run_type="StatevectorRun")
    ((real, imaginary),) = job["context"]
    assert real == pytest.approx([math.sqrt(0.5), 0, 0, math.sqrt(0.5)])
    assert imaginary == pytest.approx([0, 0, 0, 0])


def test_the_shape_of_the_results_is_said_beforehand(tools, experiment):
    def said(**body):
        path = "/run_circuits_on_qpu_or_simulator"
        return tools.post(path, experiment_id=experiment, device_id="aer_simulator", **body)["context"]

    assert "a list [circuit] of distributions" in said(circuits_qasm=[BELL_3])
    values = said(circuits_qasm=[TURN], parameters=[[0.1], [0.2]], observables=[[[["ZZ"], [1]]]])
    assert "a list [circuit][observable][parameter set] of expectation values" in values
    states = said(circuits_qasm=[TURN, NOT_MEASURED], parameters=[[[0.1]], [[]]], run_type="StatevectorRun")
    assert "the exact state of 2 circuits" in states
    assert "a list [circuit][parameter set] of states" in states


def test_a_circuit_without_an_outcome_is_refused_with_help(tools, experiment):
    status, (issue,) = tools.refused(
        "POST",
        "/run_circuits_on_qpu_or_simulator",
        experiment_id=experiment,
        circuits_qasm=[BELL_3, NOT_MEASURED],
        device_id="aer_simulator",
    )
    assert status == 422
    assert issue["loc"] == ["body", "circuits_qasm"]
    assert "circuits_qasm[1] measures nothing. Add measurements" in issue["msg"]
    assert tools.get(f"/list_circuits_in_experiment/{experiment}") == [], "nothing is left of what was refused"


def test_a_program_that_cannot_be_read_is_named(tools, experiment):
    status, detail = tools.refused(
        "POST",
        "/run_circuits_on_qpu_or_simulator",
        experiment_id=experiment,
        circuits_qasm=[BELL_3, BELL_3.replace("cx", "foo")],
        device_id="aer_simulator",
    )
    assert status == 400
    assert detail.startswith("circuits_qasm[1]: ")
    assert "'foo'" in detail


@pytest.mark.parametrize(
    ("body", "status", "where"),
    [
        ({"circuits_qasm": [BELL_3]}, 422, "device_id"),
        ({"circuits_qasm": [BELL_3], "device_id": "fake_atlantis"}, 404, "fake_atlantis"),
        ({"device_id": "aer_simulator"}, 422, "circuits_qasm"),
        ({"circuit_ids": ["circ-none"], "device_id": "aer_simulator"}, 404, "circ-none"),
        ({"circuits_qasm": [BELL_3], "device_id": "aer_simulator", "shots": 0}, 422, "shots"),
        ({"circuits_qasm": [BELL_3], "device_id": "aer_simulator", "run_type": "Walk"}, 422, "run_type"),
        ({"circuits_qasm": [BELL_3], "run_type": "StatevectorRun", "use_mitigation": True}, 422, "use_mitigation"),
        ({"circuits_qasm": [BELL_3], "device_id": "aer_simulator", "options": {"sods": 1}}, 400, "sods"),
        ({"circuits_qasm": [TURN], "run_type": "StatevectorRun"}, 422, "parameters"),
        (
            {"circuits_qasm": [BELL_3], "device_id": "aer_simulator", "observables": [[[["ZZZ"], [1]]]]},
            422,
            "observables",
        ),
    ],
)
def test_what_cannot_be_run_is_refused_and_leaves_nothing(tools, experiment, body, status, where):
    found, detail = tools.refused("POST", "/run_circuits_on_qpu_or_simulator", experiment_id=experiment, **body)
    assert found == status
    assert where in str(detail)
    assert tools.get(f"/list_jobs_in_experiment/{experiment}") == []
    assert tools.get(f"/list_circuits_in_experiment/{experiment}") == []


def test_a_dry_run_says_what_it_would_cost(tools, experiment):
    job = tools.run(experiment_id=experiment, circuits_qasm=[BELL_3], device_id="fake_torino", dry_run=True)
    assert job["status"] == "Done"
    assert job["context"] == "The dry run is done, and nothing was run. Estimated cost: nothing, the run would be free."


def test_a_job_that_fails_says_why(tools, experiment):
    wide = 'OPENQASM 3.0; include "stdgates.inc"; qubit[60] q; h q;'
    job = tools.run(experiment_id=experiment, circuits_qasm=[wide], run_type="StatevectorRun")
    assert job["status"] == "Error"
    assert job["context"].startswith("The job failed: ")
    assert job["logs"] in job["context"]


def test_a_job_that_was_cancelled_says_so(gateway, tools, experiment):
    deep = f'OPENQASM 3.0; include "stdgates.inc"; qubit[22] q; bit[22] c; {"h q; " * 400} c = measure q;'
    text = tools.post(
        "/run_circuits_on_qpu_or_simulator",
        experiment_id=experiment,
        circuits_qasm=[deep],
        device_id="aer_simulator",
        shots=100_000_000,
        options={"method": "statevector"},
    )["context"]
    job_id = text.split("job_id: ")[1].split()[0]
    assert "has not ended" in tools.get(f"/get_job_results_and_status/{job_id}")["context"]
    gateway.client.post(f"/jobs/{job_id}/cancel", json=None).raise_for_status()
    job = tools.follow(text)
    assert job["status"] == "Cancelled"
    assert job["context"].startswith("The job was cancelled")


def test_the_same_idempotency_key_is_the_same_job(gateway, experiment):
    body = {"experiment_id": experiment, "circuits_qasm": [BELL_3], "device_id": "aer_simulator"}
    path = "/ai/run_circuits_on_qpu_or_simulator"
    answers = [
        gateway.client.post(path, json=body, headers={"Idempotency-Key": f"once {experiment}"}) for _ in range(2)
    ]
    assert answers[0].json() == answers[1].json()
    other = {**body, "shots": 7}
    assert gateway.client.post(path, json=other, headers={"Idempotency-Key": f"once {experiment}"}).status_code == 409


def test_credentials_are_neither_shown_nor_written(gateway, tools, experiment):
    secret = "a-credential-that-nobody-may-see"
    gateway.secrets.append(secret)
    job = tools.run(
        experiment_id=experiment,
        circuits_qasm=[BELL_3],
        device_id="aer_simulator",
        options={"ibm_quantum_token": secret, "seed_simulator": 7},
    )
    assert job["status"] == "Done"
    whole = gateway.client.get(f"/jobs/{job['id']}").json()
    assert whole["options"] == {"ibm_quantum_token": "***", "seed_simulator": 7}
    for file in gateway.home.rglob("*"):
        assert not file.is_file() or secret.encode() not in file.read_bytes(), file


def test_a_transpilation_names_the_new_circuits(tools, experiment):
    bell = tools.post("/submit_circuit_for_analytics", experiment_id=experiment, circuit_qasm=BELL_3, name="bell")
    text = tools.post(
        "/transpile_circuits",
        experiment_id=experiment,
        device_id="fake_torino",
        circuits_qasm=[BELL_3, ONE_ZERO],
        transpilation_options={"optimization_level": 1, "seed_transpiler": 3},
    )["context"]
    assert text.startswith("Transpilation of 2 circuits for fake_torino was submitted.\njob_id: jb-")
    job = tools.follow(text)
    assert job["status"] == "Done"
    made = dict(line.split(" -> ") for line in job["context"].splitlines() if " -> " in line)
    assert bell["id"] in made
    (child,) = tools.get(f"/list_children_circuits/{bell['id']}")
    assert child == {"id": made[bell["id"]], "name": "bell", "description": "Transpiled for fake_torino."}
    (circuit,) = tools.get(f"/list_circuits_in_experiment/{experiment}", circuit_ids=[child["id"]])
    assert circuit["transpilation_target"] == "fake_torino"
    assert circuit["analytics"]["operations_counts"].keys() <= {"rz", "sx", "x", "cz", "measure"}
    ran = tools.run(
        experiment_id=experiment,
        circuit_ids=[made[bell["id"]]],
        device_id="fake_torino",
        options={"skip_transpilation": True, "seed_simulator": 5},
    )
    (distribution,) = ran["context"]
    assert distribution["00"] + distribution["11"] > 0.7  # 0.5 if the circuit meant other qubits


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"device_id": "fake_torino"}, 400),
        ({"device_id": "fake_atlantis", "circuits_qasm": [BELL_3]}, 404),
        ({"device_id": "fake_torino", "circuit_ids": ["circ-none"]}, 404),
        ({"device_id": "fake_torino", "circuits_qasm": ["qubit"]}, 400),
        ({"device_id": "fake_torino", "circuits_qasm": [BELL_3], "transpilation_options": {"speed": 3}}, 422),
    ],
)
def test_what_cannot_be_transpiled_is_refused_and_leaves_nothing(tools, experiment, body, status):
    assert tools.refused("POST", "/transpile_circuits", experiment_id=experiment, **body)[0] == status
    assert tools.get(f"/list_circuits_in_experiment/{experiment}") == []


def test_jobs_are_listed_without_results(tools, experiment):
    first = tools.run(experiment_id=experiment, circuits_qasm=[BELL_3], device_id="aer_simulator", name="first")
    second = tools.run(experiment_id=experiment, circuits_qasm=[ONE_ZERO], device_id="aer_simulator", name="second")
    listed = tools.get(f"/list_jobs_in_experiment/{experiment}")
    assert [job["id"] for job in listed] == [second["id"], first["id"]]
    assert [job["name"] for job in listed] == ["second", "first"]
    assert all(job.keys() == first.keys() - {"context"} for job in listed)
    assert [job["id"] for job in tools.get(f"/list_jobs_in_experiment/{experiment}", limit=1)] == [second["id"]]
    circuit = tools.get(f"/list_circuits_in_experiment/{experiment}", job_type="Run")[-1]
    assert [job["id"] for job in tools.get(f"/list_jobs_for_circuit/{circuit['id']}")] == [first["id"]]


def test_a_job_that_ran_elsewhere_is_shown_as_noted(gateway, tools, experiment):
    body = {"experiment_id": experiment, "results": '{"00": 1.0}', "status": "Done", "job_type": "User local job"}
    job = gateway.client.post("/jobs", json=body).json()
    assert '{"00": 1.0}' in tools.get(f"/get_job_results_and_status/{job['id']}")["context"]


def test_jobs_of_others_do_not_exist(tools, others, experiment):
    job = tools.run(experiment_id=experiment, circuits_qasm=[BELL_3], device_id="aer_simulator")
    assert others.refused("GET", f"/get_job_results_and_status/{job['id']}")[0] == 404
    body = {"experiment_id": experiment, "circuits_qasm": [BELL_3], "device_id": "aer_simulator"}
    assert others.refused("POST", "/run_circuits_on_qpu_or_simulator", **body)[0] == 404
    assert others.refused("POST", "/transpile_circuits", **body)[0] == 404


def test_compression_says_that_it_is_not_offered(tools, experiment):
    path = "/compress_circuit_with_state_compression"
    assert tools.refused("POST", path, experiment_id=experiment, parameters={})[0] == 501

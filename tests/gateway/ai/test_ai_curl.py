"""The examples of the public documentation, sent with curl as they are printed there."""

import json
import shutil
import subprocess

import pytest

from tests.gateway.ai.programs_for_tests import BELL_2, TURN


def curl(gateway, path, body):
    """What the gateway answers to an example with this body; the key is in the query, as documented."""
    program = shutil.which("curl")
    assert program, "This test runs the real curl, which is not installed. Install it: apt-get install curl"
    line = [program, "--silent", "--show-error", "--noproxy", "*", "--write-out", "\n%{http_code}"]
    line += ["--request", "POST", "--url", f"{gateway.url}{path}?HAIQU_API_KEY={gateway.key}"]
    line += ["--header", "Content-Type: application/json", "--data", f"\n{json.dumps(body, indent=2)}\n"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer, _, status = done.stdout.rpartition("\n")
    assert status == "200", answer
    return json.loads(answer)


@pytest.fixture
def turn(tools, experiment):
    """The id of a stored circuit with one parameter."""
    body = {"experiment_id": experiment, "circuit_qasm": TURN}
    return tools.post("/submit_circuit_for_analytics", **body)["id"]


def run_example(experiment):
    """The body that is printed for runs, with its defaults."""
    return {
        "experiment_id": experiment,
        "circuit_ids": [],
        "parameters": [[[0.0]]],
        "shots": 1024,
        "observables": [[[["IZ"], [123]]]],
        "device_id": "aer_simulator",
        "options": {},
        "use_mitigation": False,
        "name": "",
        "description": "",
        "dry_run": False,
        "run_type": "Run",
    }


def test_the_example_of_the_tool_that_runs_circuits(gateway, tools, experiment):
    answer = curl(gateway, "/ai/run_circuits_on_qpu_or_simulator", {**run_example(experiment), "circuits_qasm": [TURN]})
    assert answer.keys() == {"context"}
    assert tools.follow(answer["context"])["context"] == [[[123.0]]]


@pytest.mark.parametrize(
    "options",
    [
        {"ibm_quantum_token": "<YOUR_TOKEN>", "ibm_quantum_instance": "<YOUR_INSTANCE>"},
        {
            "aws_access_key_id": "<YOUR_ACCESS_KEY_ID>",
            "aws_secret_access_key": "<YOUR_SECRET_KEY>",
            "aws_default_region": "<YOUR_DEFAULT_REGION>",
        },
        {"ionq_api_key": "<YOUR_TOKEN>"},
        {"optimization_level": 2},
    ],
)
def test_the_examples_of_its_options(gateway, tools, experiment, options):
    body = {
        **run_example(experiment),
        "circuits_qasm": [BELL_2],
        "parameters": None,
        "observables": None,
        "options": options,
    }
    answer = curl(gateway, "/ai/run_circuits_on_qpu_or_simulator", body)
    job = tools.follow(answer["context"])
    assert job["context"][0].keys() == {"00", "11"}
    assert "YOUR" not in gateway.client.get(f"/jobs/{job['id']}").text


def test_the_example_of_the_endpoint_that_runs_circuits(gateway, tools, experiment, turn):
    answer = curl(gateway, "/run", {**run_example(experiment), "circuit_ids": [turn]})
    documented = {
        *("id", "user_id", "experiment_id", "status", "job_type", "device_id", "creation_date", "circuit_ids", "shots"),
        *("options", "use_mitigation", "dry_run", "run_type", "name", "description", "run_date", "finish_date", "logs"),
        *("quality", "info", "time", "parameters", "observables", "quantum_results", "estimated_qpu_cost"),
    }
    assert answer.keys() >= documented
    assert (answer["status"], answer["job_type"], answer["circuit_ids"]) == ("Submitted", "Run", [turn])
    assert tools.follow(f"job_id: {answer['id']}")["context"] == [[[123.0]]]


def test_the_example_of_the_endpoint_that_notes_jobs(gateway, experiment):
    body = {
        "experiment_id": experiment,
        "hash": "",
        "circuit_hash": "",
        "results": "",
        "device_id": "",
        "shots": "",
        "name": "",
        "status": "",
        "job_type": "",
        "metrics": {},
    }
    answer = curl(gateway, "/jobs", body)
    documented = {
        *("id", "user_id", "experiment_id", "status", "job_type", "creation_date", "hash", "backend_name", "name"),
        *("description", "device_id", "run_date", "finish_date", "logs", "quality", "info", "time", "circuit_id"),
        *("results", "shot_local", "metrics"),
    }
    assert answer.keys() >= documented
    assert (answer["experiment_id"], answer["job_type"]) == (experiment, "User local job")

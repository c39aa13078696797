"""What schemathesis makes of ``/openapi.json``: no 5xx, no undocumented answer, conforming bodies, no open door."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from qiskit.circuit import Parameter

from tests.gateway.rest import Api, device, ok
from tests.interop.exact import bell, turned

SECONDS = 1800
"""Far more than it takes, also on a machine that is busy; it is bounded by its examples."""

HOOKS = Path(__file__).with_name("schemathesis_hooks.py")

CONFIG = f"""\
hooks = {json.dumps(str(HOOKS))}

# What JSON Schema cannot say, such as that an observable must fit its circuit, is answered with 400, 413 or 422.
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "400", "404", "409", "413", "422", "501"]

# Endpoints that are not offered say so.
[checks.not_a_server_error]
expected-statuses = ["2xx", "4xx", "501"]
"""

USED = {
    "path.experiment_id": "experiments",
    "body.experiment_id": "experiments",
    "path.circuit_id": "circuits",
    "query.circuit_id": "circuits",
    "body.circuit_ids[*]": "circuits",
    "path.circuit_hash": "hashes",
    "path.job_id": "jobs",
    "path.job_hash": "marks",
    "path.artifact_name": "artifacts",
    "path.experiment_name": "names",
    "path.device_id": "devices",
    "body.device_id": "devices",
}


def seeded(gateway):
    """Things that are there, by the name of their list."""
    api = Api(gateway.client)
    one, two = api.upload(bell(), hash="h1"), api.upload(turned(Parameter("t")), hash="h2")
    ids = [one["id"], two["id"]]
    values = {"metrics": {"energy": 1.5, "words": "x"}}
    name = ok(api.client.post(f"/experiments/{api.experiment}/metrics", json=values))["name"]
    body = {"experiment_id": api.experiment, "circuit_ids": ids[:1], "device_id": "aer_simulator"}
    jobs = [
        ok(api.post_run(ids, parameters=[[[]], [[0.1]]])),
        ok(api.post_run(ids[:1], observables=[[[["ZZ"], [1]]]])),
        ok(api.post_flow(ids[:1], device())),
        ok(api.client.post("/circuits/transpile", json=body)),
        ok(api.client.post("/jobs", json={"experiment_id": api.experiment, "hash": "j1", "circuit_hash": "h1"})),
    ]
    return {
        "experiments": [api.experiment],
        "circuits": ids,
        "hashes": ["h1", "h2"],
        "jobs": [api.finished(job)["id"] for job in jobs],
        "marks": ["j1"],
        "artifacts": ["energy", "words"],
        "names": [name],
        "devices": ["aer_simulator", "fake_montreal"],
    }


@pytest.fixture
def config(gateway, tmp_path):
    lines = [CONFIG]
    lines += [f"[dictionaries.{name}]\nvalues = {json.dumps(values)}\n" for name, values in seeded(gateway).items()]
    lines += ["[parameters]"]
    lines += [f'"{place}" = {{ dictionary = "{name}", probability = 0.8 }}' for place, name in USED.items()]
    file = tmp_path / "schemathesis.toml"
    file.write_text("\n".join(lines))
    return file


def test_schemathesis_finds_nothing(gateway, config, tmp_path):
    line = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "--no-color"]
    line += ["run", f"{gateway.url}/openapi.json", "--header", f"authorization: {gateway.key}"]
    line += ["--checks", "all", "--phases", "examples,coverage,fuzzing,stateful"]
    line += ["--max-examples", "10", "--generation-deterministic", "--workers", "1"]  # the same requests every time
    line += ["--exclude-path-regex", "^/mcp|^/dashboard", "--request-timeout", "60", "--warnings", "off"]
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")
    }  # the gateway is measured
    done = subprocess.run(
        line, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-5_000:]

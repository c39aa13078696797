"""What an agent does with the tools, whichever way it reaches them."""

import base64
import re

import anyio

from tests.gateway.ai.programs_for_tests import BELL_2, NOT_MEASURED, ONE_ZERO, TURN

TOOLS = {
    "create_new_experiment",
    "list_experiments_mcp",
    "get_experiment",
    "get_experiment_by_name",
    "update_experiment",
    "submit_circuit_for_analytics",
    "list_circuits_in_experiment",
    "list_children_circuits",
    "list_qpus_and_simulators",
    "run_circuits_on_qpu_or_simulator",
    "transpile_circuits",
    "get_job_results_and_status",
    "list_jobs_for_circuit",
    "list_jobs_in_experiment",
    "log_artifact_in_experiment",
    "list_artifacts_in_experiment",
    "get_artifact_in_experiment",
    "get_artifact_content_in_experiment",
}
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


async def call(client, tool, **arguments):
    """What a tool answers; it has to succeed."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return result


async def refused(client, tool, **arguments):
    """What a tool says that does not succeed."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error, result.content
    (content,) = result.content
    assert result.structured_content is None
    return content.text


async def follow(client, text):
    """The job that a text names, at its end."""
    job_id = re.search(r"^job_id: (jb-\S+)$", text, re.MULTILINE)[1]
    while True:
        job = (await call(client, "get_job_results_and_status", job_id=job_id)).structured_content
        if job["status"] in ("Done", "Error", "Cancelled"):
            return job
        await anyio.sleep(0.05)


async def converse(client, name):
    """A whole piece of work: experiment, circuit, runs, results, notes."""
    tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert tools.keys() == TOOLS
    for tool in tools.values():
        assert tool.description
        assert tool.input_schema["type"] == "object"
    assert tools["get_experiment"].annotations.read_only_hint
    assert not tools["run_circuits_on_qpu_or_simulator"].annotations.read_only_hint

    made = (await call(client, "create_new_experiment", name=name, context="a talk")).structured_content
    experiment = made["id"]
    assert (await call(client, "get_experiment_by_name", experiment_name=name)).structured_content == made
    renamed = await call(client, "update_experiment", experiment_id=experiment, description="of tests")
    assert renamed.structured_content["description"] == "of tests"
    assert experiment in (await call(client, "list_experiments_mcp")).content[0].text
    assert "fake_torino" in (await call(client, "list_qpus_and_simulators")).content[0].text
    await _run(client, experiment)
    await _note(client, experiment)
    await _stumble(client, experiment)


async def _run(client, experiment):
    bell = await call(
        client, "submit_circuit_for_analytics", experiment_id=experiment, circuit_qasm=BELL_2, name="bell"
    )
    circuit = bell.structured_content["id"]
    assert bell.structured_content["analytics"]["gates_2q"] == 1
    answer = await call(
        client,
        "run_circuits_on_qpu_or_simulator",
        experiment_id=experiment,
        circuit_ids=[circuit],
        circuits_qasm=[ONE_ZERO],
        device_id="aer_simulator",
        shots=200,
    )
    (content,) = answer.content
    assert answer.structured_content == {"context": content.text}, "the text is for reading, not JSON"
    job = await follow(client, content.text)
    assert job["context"][0].keys() == {"00", "11"}
    assert job["context"][1] == {"10": 1.0}
    answer = await call(
        client,
        "run_circuits_on_qpu_or_simulator",
        experiment_id=experiment,
        circuits_qasm=[TURN],
        device_id="aer_simulator",
        parameters=[[0.0]],
        observables=[[[["IZ"], [0.5]]]],
    )
    assert (await follow(client, answer.content[0].text))["context"] == [[[0.5]]]
    listed = await call(client, "list_circuits_in_experiment", experiment_id=experiment, limit=5, circuit_ids=[circuit])
    assert circuit in listed.content[0].text
    assert job["id"] in (await call(client, "list_jobs_for_circuit", circuit_id=circuit)).content[0].text
    assert job["id"] in (await call(client, "list_jobs_in_experiment", experiment_id=experiment)).content[0].text
    answer = await call(
        client, "transpile_circuits", experiment_id=experiment, circuit_ids=[circuit], device_id="fake_torino"
    )
    assert "->" in (await follow(client, answer.content[0].text))["context"]
    assert "fake_torino" in (await call(client, "list_children_circuits", circuit_id=circuit)).content[0].text


async def _note(client, experiment):
    there = {"experiment_id": experiment}
    noted = await call(client, "log_artifact_in_experiment", **there, name="a/b ?", kind="value", value=2.5)
    assert noted.content[0].text == "Done."
    found = await call(client, "get_artifact_in_experiment", **there, artifact_name="a/b ?")
    assert found.structured_content["value"] == 2.5
    content = await call(client, "get_artifact_content_in_experiment", **there, artifact_name="a/b ?")
    assert content.content[0].text == "2.5"
    picture = "data:image/png;base64," + base64.b64encode(PNG).decode()
    await call(client, "log_artifact_in_experiment", **there, name="plot", kind="image", value=picture)
    (image,) = (await call(client, "get_artifact_content_in_experiment", **there, artifact_name="plot")).content
    assert (image.type, image.mime_type, base64.b64decode(image.data)) == ("image", "image/png", PNG)
    assert "plot" in (await call(client, "list_artifacts_in_experiment", **there)).content[0].text


async def _stumble(client, experiment):
    run = "run_circuits_on_qpu_or_simulator"
    there = {"experiment_id": experiment, "device_id": "aer_simulator"}
    assert "exp-none" in await refused(client, "get_experiment", experiment_id="exp-none")
    assert "line 2, column 1: gate 'foo'" in await refused(
        client, run, **there, circuits_qasm=["OPENQASM 3.0; qubit q;\nfoo q;"]
    )
    assert "Add measurements" in await refused(client, run, **there, circuits_qasm=[NOT_MEASURED])
    lines = (await refused(client, run, **there, circuits_qasm=[ONE_ZERO], shots=0, run_type="Walk")).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["shots", "run_type"]
    assert "circuits_qasm[0]: " in await refused(client, run, **there, circuits_qasm=[7])
    assert "It has: experiment_id." in await refused(client, "get_experiment", experiment_id=experiment, id="x")
    assert "experiment_id: get_experiment needs it" in await refused(client, "get_experiment")
    assert "'..'" in await refused(client, "get_experiment", experiment_id="..")

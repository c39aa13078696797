"""Tools as they are taken from an OpenAPI document, and calls as requests."""

import json

import httpx
import pytest

from qiskit_haiqu_provider.gateway.app import create_app
from qiskit_haiqu_provider.gateway.tools import ArgumentError, problem, tools_in

DOCUMENT = {
    "paths": {
        "/ai/{tree_id}/grow": {
            "post": {
                "tags": ["AI"],
                "operationId": "grow",
                "summary": "Grow",
                "description": "Let it grow.",
                "parameters": [
                    {
                        "in": "path",
                        "name": "tree_id",
                        "required": True,
                        "schema": {"type": "string", "title": "Tree Id"},
                    },
                    {"in": "query", "name": "slowly", "description": "How.", "schema": {"type": "boolean"}},
                    {"in": "header", "name": "Idempotency-Key", "schema": {"type": "string"}},
                ],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Growth"}}}},
            },
            "get": {"tags": ["Trees"], "operationId": "other"},
        }
    },
    "components": {
        "schemas": {
            "Growth": {
                "title": "Growth",
                "type": "object",
                "required": ["by"],
                "properties": {
                    "by": {"type": "integer", "title": "By"},
                    "title": {"type": "string", "pattern": "^[^\\u0000]*$"},
                    "branch": {"$ref": "#/components/schemas/Branch", "description": "Where."},
                },
            },
            "Branch": {
                "type": "object",
                "properties": {"twigs": {"type": "array", "items": {"$ref": "#/components/schemas/Branch"}}},
            },
        }
    },
}


@pytest.fixture
def grow():
    (tool,) = tools_in(DOCUMENT).values()
    return tool


def request(tool, **arguments):
    return tool.request(httpx.AsyncClient(trust_env=False), "http://here", arguments)


def test_an_endpoint_becomes_one_flat_tool(grow):
    assert (grow.name, grow.title, grow.description, grow.method) == ("grow", "Grow", "Let it grow.", "POST")
    assert grow.schema == {
        "type": "object",
        "properties": {
            "tree_id": {"type": "string", "description": ""},
            "slowly": {"type": "boolean", "description": "How."},
            "by": {"type": "integer"},
            "title": {"type": "string"},
            "branch": {
                "type": "object",
                "properties": {"twigs": {"type": "array", "items": {}}},
                "description": "Where.",
            },
        },
        "required": ["tree_id", "by"],
        "additionalProperties": False,
    }


def test_arguments_go_where_they_belong(grow):
    made = request(grow, tree_id="an oak/é?", slowly=True, by=3, title=None)
    assert made.method == "POST"
    assert str(made.url) == "http://here/ai/an%20oak%2F%C3%A9%3F/grow?slowly=true"
    assert json.loads(made.content) == {"by": 3, "title": None}


def test_what_is_left_out_is_not_sent(grow):
    made = request(grow, tree_id="..", slowly=None)
    assert str(made.url) == "http://here/ai/%2E%2E/grow"
    assert made.content == b"{}"


@pytest.mark.parametrize("arguments", [{}, {"tree_id": ""}, {"tree_id": None}, {"tree_id": 3}])
def test_what_names_the_resource_is_needed(grow, arguments):
    with pytest.raises(ArgumentError, match="tree_id: grow needs it"):
        request(grow, **arguments)


def test_unknown_arguments_are_refused(grow):
    with pytest.raises(ArgumentError, match=r"speed: grow has no such argument\. It has: tree_id, slowly, by"):
        request(grow, tree_id="x", speed=1)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"detail": "No."}, "No."),
        (
            {"detail": [{"loc": ["body", "rows", 0, "x"], "msg": "too long"}, {"loc": ["body"], "msg": "empty"}]},
            "rows[0].x: too long\nempty",
        ),
        ({"error": 1}, "The gateway answered with status 400, and no explanation."),
        ([], "The gateway answered with status 400, and no explanation."),
    ],
)
def test_errors_are_said_in_lines(body, said):
    assert problem(httpx.Response(400, json=body)) == said


def test_an_answer_that_is_no_json_is_an_error_too():
    assert "status 502" in problem(httpx.Response(502, text="<html>"))


def test_the_descriptions_of_the_real_tools_say_what_agents_need():
    tools = tools_in(create_app().openapi())
    run = tools["run_circuits_on_qpu_or_simulator"].description
    for word in ("ibm_quantum_token", "aws_secret_access_key", "ionq_api_key", "dry_run", "rightmost", "default 1024"):
        assert word in run
    for tool in tools.values():
        assert tool.title
        assert all(field.get("description") for field in tool.schema["properties"].values()), tool.name
        assert "$ref" not in str(tool.schema)

"""``/openapi.json`` says everything that a client needs to know."""

import re

import pytest

from tests.gateway.rest import ok

METHODS = ("get", "post", "put", "delete", "patch")


@pytest.fixture(scope="module")
def document(gateway):
    return ok(gateway.client.get("/openapi.json"))


@pytest.fixture(scope="module")
def operations(document):
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    }


DOCUMENTED = """
GET /version                                             GET /health/auth
GET /user                                                POST /experiments/init
POST /experiments                                        GET /experiments
GET /experiments/{experiment_id}                         PUT /experiments/{experiment_id}
POST /experiments/{experiment_id}/metrics                GET /experiments/{experiment_id}/artifacts
GET /experiments/{experiment_id}/artifacts/{artifact_name}
POST /circuits                                           GET /circuits/{circuit_id}
GET /experiments/{experiment_id}/circuits/{circuit_hash} GET /experiments/{experiment_id}/circuits
POST /circuits/{circuit_id}/compute_analytics/{analytics_type}
POST /experiments/{experiment_id}/circuits/{circuit_hash}/metrics
POST /circuits/transpile                                 POST /circuits/{circuit_id}/backpropagate_observables
POST /circuits/lr_qaoa                                   GET /devices
GET /devices/{device_id}                                 GET /devices/{device_id}/gate_map
POST /run                                                POST /flow
GET /jobs/{job_id}                                       GET /experiments/{experiment_id}/jobs
POST /jobs/{job_id}/cancel                               POST /jobs/{job_id}/restart
POST /jobs                                               GET /experiments/{experiment_id}/jobs/{job_hash}
POST /experiments/{experiment_id}/jobs/{job_id}/metrics  GET /help/benchmarks
GET /circuits/{circuit_id}/metrics                       GET /circuits/{circuit_id}/metrics_evolution
POST /data_loading                                       POST /data_loading_estimates
POST /compression                                        POST /compression_estimates
POST /variational                                        POST /pretraining
POST /postprocess                                        POST /postprocess_skqd
"""


def test_every_documented_endpoint_is_there(operations):
    wanted = {" ".join(pair) for pair in re.findall(r"(GET|POST|PUT) (\S+)", DOCUMENTED)}
    assert len(wanted) == 43
    assert wanted <= operations.keys()


def test_every_operation_is_described_and_has_an_id_of_its_own(operations):
    for name, operation in operations.items():
        assert operation["summary"], name
        assert operation["description"], name
        assert operation["tags"], name
    assert len({operation["operationId"] for operation in operations.values()}) == len(operations)


def test_every_operation_names_its_errors(operations):
    for name, operation in operations.items():
        wanted = {"413", "422", "429", "503"}
        if name != "GET /version":
            wanted.add("401")
            assert operation["security"], name
        if "{" in name and "not_offered" not in operation["operationId"]:
            wanted.add("404")
        assert wanted <= operation["responses"].keys(), name
        for code, answer in operation["responses"].items():
            assert answer["description"], (name, code)
            if code >= "400":
                (schema,) = [content["schema"] for content in answer["content"].values()]
                body = "ValidationBody" if code == "422" else "ErrorBody"
                assert schema["$ref"].endswith(f"/{body}"), (name, code)


def test_every_parameter_is_described(operations):
    for name, operation in operations.items():
        for parameter in operation.get("parameters", ()):
            assert parameter.get("description"), (name, parameter["name"])


def test_every_property_is_described(document):
    schemas = document["components"]["schemas"]
    for name, schema in schemas.items():
        assert schema.get("description"), name
        for field, told in schema.get("properties", {}).items():  # one that has the text of its enum leaves it there
            assert told.get("description") or schemas[told["$ref"].rsplit("/", 1)[1]]["description"], (name, field)


def test_references_lead_somewhere(document):
    def references(value):
        if isinstance(value, dict):
            yield from (item for name, item in value.items() if name == "$ref")
            for item in value.values():
                yield from references(item)
        elif isinstance(value, list):
            for item in value:
                yield from references(item)

    schemas = document["components"]["schemas"]
    assert {reference.rsplit("/", 1)[1] for reference in references(document)} <= schemas.keys()


def test_enums_and_ranges_are_told(document):
    schemas = document["components"]["schemas"]
    assert "Cancelled" in schemas["JobState"]["enum"]
    assert schemas["RunCreate"]["properties"]["shots"]["minimum"] == 1
    assert schemas["RunCreate"]["properties"]["shots"]["maximum"] == 100_000_000
    assert schemas["ExperimentCreate"]["properties"]["name"]["maxLength"] == 200


def test_both_ways_to_send_the_key_are_told(document):
    places = {(scheme["in"], scheme["name"]) for scheme in document["components"]["securitySchemes"].values()}
    assert places == {("header", "authorization"), ("query", "HAIQU_API_KEY")}

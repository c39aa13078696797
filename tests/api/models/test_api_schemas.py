"""The schema that is published: complete, described, and with the examples that it promises."""

import inspect

import pytest
from pydantic import BaseModel, TypeAdapter

from qiskit_haiqu_provider.api import models

PUBLIC = [getattr(models, name) for name in models.__all__]
MODELS = [item for item in PUBLIC if inspect.isclass(item) and issubclass(item, BaseModel)]


def objects(schema):
    yield schema
    yield from schema.get("$defs", {}).values()


@pytest.mark.parametrize("mode", ["validation", "serialization"])
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_everything_is_described(model, mode):
    schema = model.model_json_schema(mode=mode)

    for part in objects(schema):
        assert part.get("description"), part["title"]
        for name, field in part.get("properties", {}).items():
            target = schema["$defs"][field["$ref"].rsplit("/", 1)[-1]] if "$ref" in field else {}
            assert field.get("description") or target.get("description"), f"{part['title']}.{name}"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_field_has_a_description_of_its_own(model):
    assert [name for name, field in model.model_fields.items() if not field.description] == []


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_examples_are_valid(model):
    for field in model.model_fields.values():
        for example in field.examples or []:
            TypeAdapter(field.rebuild_annotation()).validate_python(example)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_defaults_are_in_the_schema(model):
    properties = model.model_json_schema()["properties"] if model.model_fields else {}

    for name, field in model.model_fields.items():
        assert field.is_required() != ("default" in properties[name]), name


def test_layers_are_told_apart_by_a_type_that_cannot_be_left_out():
    schema = models.Program.model_json_schema()
    layers = schema["properties"]["layers"]["items"]

    assert layers["discriminator"]["propertyName"] == "type"
    assert len(layers["oneOf"]) == 15
    for reference in layers["oneOf"]:
        assert "type" in schema["$defs"][reference["$ref"].rsplit("/", 1)[-1]]["required"]


def test_ranges_are_in_the_schema():
    run = models.RunCreate.model_json_schema()["properties"]

    assert (run["shots"]["minimum"], run["shots"]["maximum"]) == (1, models.MAX_SHOTS)
    assert {"maxLength": 200, "pattern": "^[^\\u0000]*$", "type": "string"} in run["name"]["anyOf"]
    assert {"type": "null"} in run["options"]["anyOf"]


def test_what_asks_for_a_run_refuses_names_that_nobody_knows():
    closed = {model.__name__ for model in MODELS if model.model_config.get("extra") == "forbid"}

    asks = {"RunCreate", "AiRunCreate", "FlowCreate", "TranspileCreate", "AiTranspileCreate", "TranspilationOptions"}
    assert asks <= closed
    assert not any(name.endswith(("Job", "Circuit", "Experiment", "Device")) for name in closed)


def test_every_public_name_exists_once():
    assert len(set(models.__all__)) == len(models.__all__)
    assert all(hasattr(models, name) for name in models.__all__)

"""The tools for agents as the OpenAPI document has them: what they take, and how a call becomes a request."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from qiskit_haiqu_provider.gateway.paths import segment

TAG = "AI"
"""What marks the endpoints that are tools."""

_JSON = "application/json"
_NO_NUL = "^[^\\u0000]*$"


class ArgumentError(ValueError):
    """The arguments of a call do not fit the tool; says what to do."""


@dataclass(frozen=True, kw_only=True)
class Tool:
    """An endpoint as a tool: its parameters and the fields of its body are one flat list of arguments."""

    name: str
    title: str
    description: str
    method: str
    path: str
    schema: Mapping[str, Any]
    """JSON schema of the arguments."""

    places: Mapping[str, str]
    """Where each argument goes: ``path``, ``query`` or ``body``."""

    def request(self, client: httpx.AsyncClient, url: str, arguments: Mapping[str, Any]) -> httpx.Request:
        """The request that a call comes to.

        Args:
            client: Who will send it.
            url: Where the gateway is, without a slash at the end.
            arguments: What the tool is called with.

        Raises:
            ArgumentError: If an argument is unknown, or one that names the resource is missing.
        """
        for name in arguments:
            if name not in self.places:
                known = ", ".join(self.places) or "none"
                raise ArgumentError(f"{name[:100]}: {self.name} has no such argument. It has: {known}.")
        path = self.path
        for name in self._at("path"):
            path = path.replace(f"{{{name}}}", self._segment(name, arguments))
        query = {name: arguments[name] for name in self._at("query") if arguments.get(name) is not None}
        body = {name: arguments[name] for name in self._at("body") if name in arguments}
        has_body = "body" in self.places.values()
        return client.build_request(self.method, url + path, params=query or None, json=body if has_body else None)

    def _at(self, place: str) -> list[str]:
        return [name for name, known in self.places.items() if known == place]

    def _segment(self, name: str, arguments: Mapping[str, Any]) -> str:
        value = arguments.get(name)
        if not isinstance(value, str) or not value:
            raise ArgumentError(f"{name}: {self.name} needs it, as text that is not empty.")
        return segment(value)


def tools_in(document: Mapping[str, Any]) -> dict[str, Tool]:
    """The tools that an OpenAPI document has, by name."""
    found = [
        _tool(document, method, path, operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if TAG in operation.get("tags", ())
    ]
    return {tool.name: tool for tool in found}


def _tool(document: Mapping[str, Any], method: str, path: str, operation: Mapping[str, Any]) -> Tool:
    properties: dict[str, Any] = {}
    places: dict[str, str] = {}
    required: list[str] = []
    for parameter in operation.get("parameters", ()):
        if parameter["in"] not in ("path", "query"):
            continue  # headers are a matter of clients
        name = parameter["name"]
        properties[name] = {"description": parameter.get("description", ""), **_plain(parameter["schema"], document)}
        places[name] = parameter["in"]
        required += [name] * parameter.get("required", False)
    content = operation.get("requestBody", {}).get("content", {})
    if _JSON in content:
        body = _plain(content[_JSON]["schema"], document)
        properties.update(body["properties"])
        places.update(dict.fromkeys(body["properties"], "body"))
        required += body.get("required", [])
    return Tool(
        name=operation["operationId"],
        title=operation.get("summary", ""),
        description=operation.get("description", ""),
        method=method.upper(),
        path=path,
        schema={"type": "object", "properties": properties, "required": required, "additionalProperties": False},
        places=places,
    )


def _plain(schema: Any, document: Mapping[str, Any], inside: tuple[str, ...] = ()) -> Any:
    """A schema that refers to nothing, without titles, which only repeat names, and without a rule on NUL."""
    if isinstance(schema, list):
        return [_plain(item, document, inside) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    reference = schema.get("$ref")
    if isinstance(reference, str):
        if reference in inside:
            return {}  # a schema that contains itself allows anything there
        rest = {name: value for name, value in schema.items() if name != "$ref"}
        target = _plain(_target(reference, document), document, (*inside, reference))
        return {**target, **_plain(rest, document, inside)}
    return {
        name: _plain(value, document, inside)
        for name, value in schema.items()
        if not (name == "title" and isinstance(value, str)) and not (name == "pattern" and value == _NO_NUL)
    }


def _target(reference: str, document: Mapping[str, Any]) -> Any:
    found: Any = document
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    return found


def problem(response: httpx.Response) -> str:
    """What an answer that is no success says, one line for each thing that is wrong."""
    try:
        detail = response.json()["detail"]
    except (ValueError, KeyError, TypeError):
        return f"The gateway answered with status {response.status_code}, and no explanation."
    if not isinstance(detail, list):
        return str(detail)
    return "\n".join(f"{_field(issue.get('loc', ()))}{issue.get('msg', '')}" for issue in detail)


def _field(location: Any) -> str:
    """``circuits[0].name: `` for the place of an issue, as it is called in the arguments."""
    parts = [part for part in location if part not in ("body", "query", "path")]
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).lstrip(".")
    return f"{text}: " if text else ""

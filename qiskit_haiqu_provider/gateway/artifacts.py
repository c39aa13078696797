"""Artifacts of experiments in a form that is the same for every kind, and their content as bytes."""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from qiskit_haiqu_provider.api.models import ArtifactCreate, ArtifactKind
from qiskit_haiqu_provider.gateway.errors import ApiError
from qiskit_haiqu_provider.gateway.store.tables import Artifact

VALUE_BYTES = 100_000
"""The largest value, as JSON, that an answer about one artifact holds."""

LISTED_BYTES = 2_000
"""The same in a list of artifacts."""

_AUTH_HINT = (
    "Send your key in the header 'authorization'. Agents on MCP call get_artifact_content_in_experiment instead."
)
_JSON, _TEXT = "application/json", "text/plain"
_IMAGES: Mapping[str, Callable[[bytes], bool]] = {
    "image/png": lambda data: data.startswith(b"\x89PNG\r\n\x1a\n"),
    "image/jpeg": lambda data: data.startswith(b"\xff\xd8\xff"),
    "image/gif": lambda data: data.startswith((b"GIF87a", b"GIF89a")),
    "image/webp": lambda data: data.startswith(b"RIFF") and data[8:12] == b"WEBP",
}
"""Media types of pictures that no browser takes for a program, and how their files begin."""


def checked(body: ArtifactCreate) -> Any:
    """What is kept of an artifact.

    Raises:
        ApiError: 400 if the value is not of the kind that was said.
    """
    kind = body.kind
    if kind is ArtifactKind.TIMESERIES:
        if not body.points or body.value is not None:
            raise ApiError(400, "points: a timeseries needs at least one point {x, y} in 'points', and no 'value'.")
        return [point.model_dump() for point in body.points]
    fits, needed = _SHAPES[kind]
    if not fits(body.value):
        raise ApiError(400, f"value: an artifact of kind '{kind}' needs {needed}. Send that, or choose another kind.")
    return body.value


def _is_picture(value: Any) -> bool:
    return isinstance(value, str) and _picture_type(_decoded(value) or b"") is not None


_SHAPES: Mapping[ArtifactKind, tuple[Callable[[Any], bool], str]] = {
    ArtifactKind.TEXT: (lambda value: isinstance(value, str), "text"),
    ArtifactKind.VALUE: (lambda value: isinstance(value, (bool, int, float)), "a number or a truth value"),
    ArtifactKind.LIST: (lambda value: isinstance(value, list), "a list"),
    ArtifactKind.DICT: (lambda value: isinstance(value, dict), "an object"),
    ArtifactKind.IMAGE: (_is_picture, "a PNG, JPEG, GIF or WebP file as text: 'data:image/png;base64,...'"),
}


def content(artifact: Artifact) -> tuple[bytes, str]:
    """The bytes of an artifact and their media type, which is always one that is harmless in a browser."""
    data = artifact.artifact_data
    if not isinstance(data, str):
        return orjson.dumps(data), _JSON
    picture = _decoded(data)
    media_type = None if picture is None else _picture_type(picture)
    if picture is None or media_type is None:
        return data.encode(), _TEXT
    return picture, media_type


def descriptor(artifact: Artifact, content_url: str, *, limit: int) -> dict[str, Any]:
    """An artifact as agents see it; a value longer than ``limit`` bytes is left for its content."""
    kind = ArtifactKind(artifact.artifact_type)
    data, media_type = content(artifact)
    fits = len(data) <= limit and kind is not ArtifactKind.IMAGE
    points = artifact.artifact_data if fits and kind is ArtifactKind.TIMESERIES else None
    return {
        "name": artifact.name,
        "kind": kind,
        "value": artifact.artifact_data if fits and points is None else None,
        "mime_type": media_type,
        "content_url": content_url,
        "auth_hint": _AUTH_HINT,
        "x": None if points is None else [point["x"] for point in points],
        "y": None if points is None else [point["y"] for point in points],
        "points": points,
    }


def _decoded(text: str) -> bytes | None:
    """The file in a ``data:image/...;base64,`` text; ``None`` if it is none."""
    head, comma, body = text.partition(",")
    if not (comma and head.startswith("data:image/") and head.endswith(";base64")):
        return None
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        return None


def _picture_type(data: bytes) -> str | None:
    return next((name for name, begins in _IMAGES.items() if begins(data)), None)

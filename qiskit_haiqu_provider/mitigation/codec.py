"""Dataclasses of arrays as JSON values and back."""

import base64
import zlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

_TRUTH = "b"
_KIND, _ARRAY, _TUPLE = "kind", "array", "tuple"


def encoded(value: Any) -> Any:
    """A JSON value for a dataclass, a tuple, an array or what is one already."""
    if is_dataclass(value) and not isinstance(value, type):
        return {
            _KIND: type(value).__name__,
            **{spec.name: encoded(getattr(value, spec.name)) for spec in fields(value)},
        }
    if isinstance(value, np.ndarray):
        return {_ARRAY: _packed(value), "shape": list(value.shape), "type": value.dtype.str}
    if isinstance(value, tuple):
        return {_TUPLE: [encoded(each) for each in value]}
    if isinstance(value, np.generic):
        return value.item()
    return value


def decoded(value: Any, kinds: Mapping[str, type]) -> Any:
    """The value that :func:`encoded` was given.

    Args:
        value: The JSON value.
        kinds: The dataclasses that may appear, by name.
    """
    if not isinstance(value, dict):
        return value
    if _ARRAY in value:
        return _unpacked(value)
    if _TUPLE in value:
        return tuple(decoded(each, kinds) for each in value[_TUPLE])
    if _KIND not in value:
        return value
    given = {name: decoded(each, kinds) for name, each in value.items() if name != _KIND}
    return kinds[value[_KIND]](**given)


def _packed(array: Any) -> str:
    """Zipped, truth values eight to a byte."""
    raw = np.packbits(array) if array.dtype.kind == _TRUTH else np.ascontiguousarray(array)
    return base64.b64encode(zlib.compress(raw.tobytes())).decode()


def _unpacked(value: Mapping[str, Any]) -> Any:
    raw = zlib.decompress(base64.b64decode(value[_ARRAY]))
    shape, dtype = tuple(value["shape"]), np.dtype(value["type"])
    if dtype.kind == _TRUTH:
        size = int(np.prod(shape))
        return np.unpackbits(np.frombuffer(raw, dtype=np.uint8), count=size).astype(bool).reshape(shape)
    return np.frombuffer(raw, dtype=dtype).reshape(shape)

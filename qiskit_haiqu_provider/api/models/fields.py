"""What the wire models have in common: their base class, and the types of their fields.

Requests come from outside, so their types are narrow: no NUL and no lone surrogate in text, no NaN and no infinity in
numbers, no numbers beyond 64 bits, no ``true`` where a number is meant. Replies are ours and use wider types, so that
a client can read what another server answers.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    Strict,
    StringConstraints,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

INT64_MAX = 2**63 - 1
UINT64_MAX = 2**64 - 1
MAX_SHOTS = 100_000_000
MAX_DEPTH = 64
"""How deep lists and objects may be nested; more could exhaust the stack of whoever walks them."""


class Wire(BaseModel):
    """Base of everything that travels. Its errors do not repeat the input, which may hold credentials."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False, from_attributes=True, hide_input_in_errors=True)


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("text must not contain the NUL character; remove it")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError("text must be valid Unicode; remove the surrogate that has no partner") from None
    return text


@dataclass(frozen=True)
class _Storable:
    """Marks text that any database and any UTF-8 reply can hold; the JSON schema says so too."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(_storable, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"pattern": "^[^\\u0000]*$", **handler(schema)}


@dataclass(frozen=True)
class NullAs:
    """Reads ``null`` as what ``make`` returns, so that the code behind a model never meets None."""

    make: Callable[[], Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self._filled, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [handler(schema), {"type": "null"}]}

    def _filled(self, value: Any) -> Any:
        return self.make() if value is None else value


def plain_json(value: Any) -> Any:
    """Refuse what cannot be written as JSON or kept in a database. Never quotes a value: it may be a secret."""
    waiting = [(value, 0)]
    while waiting:
        item, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise ValueError(f"lists and objects must not be nested deeper than {MAX_DEPTH}; flatten the value")
        if isinstance(item, dict):
            waiting += ((part, depth + 1) for pair in item.items() for part in pair)
        elif isinstance(item, list | tuple) and not _all_finite(item):
            waiting += ((part, depth + 1) for part in item)
        elif not isinstance(item, list | tuple):
            _check_leaf(item)
    return value


def _all_finite(items: list[Any] | tuple[Any, ...]) -> bool:
    """A quick look that settles the long lists, which are numbers."""
    return set(map(type, items)) == {float} and all(map(math.isfinite, items))


def _check_leaf(item: Any) -> None:
    if isinstance(item, str):
        _storable(item)
    elif isinstance(item, float):
        if not math.isfinite(item):
            raise ValueError("numbers must be finite; remove NaN and infinity")
    elif isinstance(item, int):
        if not -INT64_MAX - 1 <= item <= UINT64_MAX:
            raise ValueError("integers must fit into 64 bits; send larger ones as text")
    elif item is not None:
        raise ValueError("only JSON values are allowed: null, booleans, numbers, text, lists and objects")


def _row_by_row(values: list[Any]) -> list[Any]:
    """Arrays as rows that are made one at a time: all their numbers as objects of Python at once take longer."""
    return [(row.tolist() for row in table) if hasattr(table, "tolist") else table for table in values]


STORABLE = _Storable()
NULL_IS_BLANK = NullAs(str)
NULL_IS_EMPTY_OBJECT = NullAs(dict)
NULL_IS_EMPTY_LIST = NullAs(list)
NULL_IS_FALSE = NullAs(bool)
_JSON = AfterValidator(plain_json)

Text = Annotated[str, STORABLE]
Identifier = Annotated[str, StringConstraints(max_length=200), STORABLE]
Name = Annotated[str, StringConstraints(max_length=200), STORABLE]
ShortText = Annotated[str, StringConstraints(max_length=1024), STORABLE]

NullableName = Annotated[Name, NULL_IS_BLANK]
NullableIdentifier = Annotated[Identifier, NULL_IS_BLANK]
NullableText = Annotated[Text, NULL_IS_BLANK]
NullableShortText = Annotated[ShortText, NULL_IS_BLANK]

JsonAny = Annotated[Any, _JSON]
JsonList = Annotated[list[Any], _JSON]
JsonObject = Annotated[dict[str, Any], _JSON]
ParameterValues = Annotated[JsonList, PlainSerializer(_row_by_row, return_type=list[Any], when_used="json")]
"""Lists of values; an engine that has checked them puts its arrays in place, one for each circuit."""

NullableObject = Annotated[JsonObject, NULL_IS_EMPTY_OBJECT]
NullableIdentifiers = Annotated[list[Identifier], NULL_IS_EMPTY_LIST]

Flag = Annotated[bool, Strict()]
NullableFlag = Annotated[Flag, NULL_IS_FALSE]
Real = Annotated[float, Strict(), Field(allow_inf_nan=False)]
Whole = Annotated[int, Strict(), Field(ge=0, le=INT64_MAX)]
Shots = Annotated[int, Strict(), Field(ge=1, le=MAX_SHOTS)]

Count = Annotated[int, Field(ge=0, le=INT64_MAX)]
"""A number of things in a reply."""

Pair = Annotated[list[Whole], Field(min_length=2, max_length=2)]
"""Two qubits that a device couples."""

Observable = tuple[list[Text], list[Real]]
"""Pauli strings, rightmost letter on qubit 0, and their real coefficients."""

Observables = list[list[Observable]]
"""For every circuit its observables."""

ReadoutBasis = Annotated[str, StringConstraints(pattern=r"^[XYZ]+$")]

"""Templates: how values are written, and how a page becomes an answer."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

_HERE = Path(__file__).parent
STATIC = _HERE / "static"

_LONG = 20_000
"""Characters of a text that are shown."""

_MINUTE, _HOUR = 60, 3600


def page(request: Request, template: str, *, code: int = 200, **values: Any) -> HTMLResponse:
    """A page.

    Args:
        request: What is answered.
        template: Name of the template.
        code: Status of the answer.
        values: What the template shows.
    """
    visitor = getattr(request.state, "visitor", None)
    text = _environment().get_template(template).render(visitor=visitor, path=request.url.path, **values)
    # Browsers send no Origin with forms of pages that want no referrer, and the login needs it.
    return HTMLResponse(text, status_code=code, headers={"referrer-policy": "same-origin"})


class Assets(StaticFiles):
    """Files whose address changes with their content, so that browsers may keep them."""

    def file_response(self, *arguments: Any, **named: Any) -> Response:
        """The file, with how long it is good."""
        answer = super().file_response(*arguments, **named)
        scope = named["scope"] if "scope" in named else arguments[2]
        versioned = scope["query_string"].startswith(b"v=")
        answer.headers["cache-control"] = "public, max-age=31536000, immutable" if versioned else "no-cache"
        return answer


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        duration=duration,
        moment=moment,
        number=number,
        cost=cost,
        json=json_text,
        compact=compact,
        cut=cut,
        size=size,
        layer=layer,
    )
    environment.globals["asset"] = _asset
    return environment


@lru_cache(maxsize=64)
def _asset(name: str) -> str:
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()
    return f"/dashboard/static/{name}?v={digest[:12]}"


def moment(value: datetime) -> str:
    """Such as ``7 Mar 2026, 14:05 UTC``."""
    return f"{value.day} {value:%b %Y, %H:%M} UTC"


def duration(seconds: float) -> str:
    """Such as ``350 ms``, ``12.4 s``, ``3 min 20 s`` or ``2 h 5 min``."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    if seconds < _HOUR:
        return f"{seconds // _MINUTE:.0f} min {seconds % _MINUTE:.0f} s"
    return f"{seconds // _HOUR:.0f} h {seconds % _HOUR // _MINUTE:.0f} min"


def number(value: Any) -> str:
    """A number to six digits, whole numbers in full; anything else as text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return f"{value:.6g}".replace("-", "\N{MINUS SIGN}") if isinstance(value, float) else str(value)


def cost(value: Mapping[str, Any]) -> str:
    """A cost object, such as ``42 s (33.6 USD)``."""
    parts = [
        f"{number(part['amount'])} {part.get('unit') or ''}".strip()
        for name in ("native", "converted")
        if isinstance(part := value.get(name), Mapping) and part.get("amount") is not None
    ]
    return f"{parts[0]} ({parts[1]})" if len(parts) > 1 else "".join(parts) or "unknown"


def size(count: int) -> str:
    """A number of bytes."""
    if count < 1 << 10:
        return f"{count} B"
    return f"{count / (1 << 20):.1f} MiB" if count >= 1 << 20 else f"{count / (1 << 10):.1f} KiB"


def json_text(value: Any) -> str:
    """A value as indented JSON, its beginning if it is long."""
    return cut(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode())


def compact(value: Any) -> str:
    """A value as JSON; the items of a list on a line each."""
    if not isinstance(value, list):
        return json_text(value)
    lines = ",\n".join(f"  {orjson.dumps(item, default=str).decode()}" for item in value)
    return cut(f"[\n{lines}\n]")


def cut(text: str, length: int = _LONG) -> str:
    """The text, or its beginning and how much is missing."""
    rest = len(text) - length
    return text if rest <= 0 else f"{text[:length]}\n… and {rest} more characters"


def layer(value: Mapping[str, Any]) -> str:
    """The settings of a layer that say something."""
    said = {name: item for name, item in value.items() if name != "type" and item not in (None, {}, [], "")}
    texts = (item if isinstance(item, str) else orjson.dumps(item).decode() for item in said.values())
    return ", ".join(f"{name}: {text}" for name, text in zip(said, texts, strict=True))

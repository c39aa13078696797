"""Errors as the documented API shapes them: ``{"detail": text}``, and a list of fields for 422. Never a traceback."""

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from qiskit_haiqu_provider.exceptions import HaiquCapacityError, HaiquError, HaiquInputError
from qiskit_haiqu_provider.gateway.execution.processes import BusyError

logger = logging.getLogger(__name__)


class ApiError(HTTPException):
    """An answer that is no success; the detail says what to do."""

    def __init__(self, status: int, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status_code=status, detail=detail, headers=None if headers is None else dict(headers))


def not_found(what: str, name: str, hint: str) -> ApiError:
    """The answer for something that does not exist, or that the caller may not see."""
    return ApiError(404, f"There is no {what} '{name[:200]}' that this key can see. {hint}")


def invalid(field: str, message: str) -> RequestValidationError:
    """The answer for a body whose field cannot be used, in the documented list shape."""
    where = [int(part) if part.isdigit() else part for part in field.split(".")]
    return RequestValidationError([{"loc": ("body", *where), "msg": message, "type": "value_error"}])


def install(app: FastAPI) -> None:
    """Have every error answered in the documented shapes."""
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(HaiquError, _on_input)
    app.add_exception_handler(OperationalError, _on_database)


async def _on_invalid(_: Request, error: Exception) -> JSONResponse:
    issues: list[Any] = list(error.errors()) if isinstance(error, RequestValidationError) else []
    # The values themselves are left out: they may be credentials.
    detail = [{"loc": list(issue["loc"]), "msg": issue["msg"], "type": issue["type"]} for issue in issues]
    return JSONResponse({"detail": detail}, status_code=422)


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    status = getattr(error, "status_code", 500)
    detail = getattr(error, "detail", "")
    headers = dict(getattr(error, "headers", None) or {})
    if isinstance(error, ApiError):
        return JSONResponse({"detail": detail}, status_code=status, headers=headers)
    if status == 400:  # the framework could not parse the body at all
        return await _on_invalid(request, RequestValidationError([_UNREADABLE]))
    if status == 405:
        headers["Allow"] = _methods(request) or headers.get("Allow", "")
    return JSONResponse({"detail": _DETAILS.get(status, detail)}, status_code=status, headers=headers)


def _methods(request: Request) -> str | None:
    """What a documented path can be asked for; the framework names the methods of one endpoint only."""
    paths = request.app.openapi()["paths"]
    for path in sorted(paths, key=lambda path: int(path.count("{"))):  # the most specific first
        if compile_path(path)[0].match(request.url.path):
            return ", ".join(sorted(method.upper() for method in paths[path]))
    return None


async def _on_input(_: Request, error: Exception) -> JSONResponse:
    if isinstance(error, BusyError):
        return JSONResponse({"detail": str(error)}, status_code=503, headers={"Retry-After": "1"})
    if isinstance(error, HaiquCapacityError):
        return JSONResponse({"detail": str(error)}, status_code=413)
    if isinstance(error, HaiquInputError):
        return JSONResponse({"detail": str(error)}, status_code=400)
    return fault(error)


async def _on_database(_: Request, error: Exception) -> JSONResponse:
    logger.error("The database could not be used.", exc_info=error)
    detail = "The gateway cannot use its database right now. Nothing was changed; try again soon."
    return JSONResponse({"detail": detail}, status_code=503, headers={"Retry-After": "2"})


def fault(error: Exception) -> JSONResponse:
    """The answer to a request that failed in a way nobody foresaw."""
    logger.error("A request failed unexpectedly.", exc_info=error)
    detail = (
        "The gateway failed unexpectedly; its log says more. Check whether the request took effect before repeating it."
    )
    return JSONResponse({"detail": detail}, status_code=500)


_UNREADABLE = {
    "loc": ("body",),
    "msg": "the body cannot be read: it is no JSON in UTF-8, or is nested too deeply",
    "type": "json_invalid",
}
_DETAILS = {
    404: "There is no such endpoint. GET /openapi.json lists them all.",
    405: "The endpoint does not know this method. GET /openapi.json lists them all.",
}

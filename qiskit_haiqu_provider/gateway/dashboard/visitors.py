"""Who looks at a page: the login behind a cookie. The API never takes the cookie, and pages never take a key."""

import hmac
import html
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Form, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from fastapi.routing import APIRoute
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from qiskit_haiqu_provider.gateway.auth import Caller
from qiskit_haiqu_provider.gateway.dashboard.rendering import page
from qiskit_haiqu_provider.gateway.errors import ApiError
from qiskit_haiqu_provider.gateway.services import Gateway
from qiskit_haiqu_provider.gateway.store import users
from qiskit_haiqu_provider.gateway.store.tables import User

logger = logging.getLogger(__name__)

COOKIE = "haiqu_session"


class LoginNeededError(Exception):
    """Nobody is logged in."""


@dataclass(frozen=True)
class Visitor:
    """Who is logged in."""

    user: User
    key_id: int
    csrf: str = field(repr=False)
    token: str = field(repr=False)

    @property
    def caller(self) -> Caller:
        """The same person as the API knows them."""
        return Caller(self.user, self.key_id)


def _visitor(request: Request, gateway: Gateway) -> Visitor:
    token = request.cookies.get(COOKIE, "")
    with gateway.database.read() as session:
        found = users.session_of(session, token) if token else None
    if found is None:
        raise LoginNeededError
    login, user = found
    visitor = Visitor(user, login.key_id, login.csrf, token)
    request.state.visitor = visitor
    gateway.rate_limit.count(login.key_id)
    return visitor


Visiting = Annotated[Visitor, Depends(_visitor)]
"""Parameter of a page that needs a login."""


def _confirmed(visitor: Visiting, csrf: Annotated[str, Form()] = "") -> Visitor:
    if not hmac.compare_digest(csrf.encode(), visitor.csrf.encode()):
        raise ApiError(
            403, "This form did not come from a page of yours, or is too old. Reload the page and try again."
        )
    return visitor


Confirmed = Annotated[Visitor, Depends(_confirmed)]
"""Parameter of an endpoint that changes something: the form must hold the token of the login."""


class PageRoute(APIRoute):
    """Answers errors with pages, and sends those who are not logged in to the login."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with errors taken care of."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except LoginNeededError:
                return _to_login(request)
            except HTTPException as error:
                return failure(request, error.status_code, str(error.detail), error.headers)
            except RequestValidationError:
                return failure(
                    request, 400, "A value in the address or the form cannot be used. Go back and change it."
                )

            except OperationalError:
                logger.exception("The database could not be used.")
                return failure(request, 503, "The gateway cannot use its database right now. Try again soon.")

        return answer


def failure(request: Request, status: int, detail: str, headers: Any = None) -> Response:
    """The answer to something that did not work."""
    if request.url.path.endswith(".json"):
        return JSONResponse({"detail": detail}, status_code=status, headers=headers)
    answer = page(request, "error.html", code=status, title=_TITLES.get(status, "That did not work"), detail=detail)
    answer.headers.update(headers or {})
    return answer


_TITLES = {
    403: "Not allowed",
    404: "Not found",
    405: "Not possible",
    429: "Too many requests",
}


def _to_login(request: Request) -> Response:
    if request.url.path.endswith(".json"):
        return JSONResponse({"detail": "Nobody is logged in. Log in at /dashboard/login."}, status_code=401)
    if request.method != "GET":
        return RedirectResponse("/dashboard/login", status_code=303)
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    if request.headers.get("sec-fetch-site") == "cross-site":
        # The browser keeps a strict cookie back when a link on another site is followed; from here it sends it.
        text = f'<!doctype html><title>Dashboard</title><meta http-equiv="refresh" content="0;url={html.escape(here)}">'
        return HTMLResponse(text)
    return RedirectResponse(f"/dashboard/login?next={quote(here)}", status_code=303)

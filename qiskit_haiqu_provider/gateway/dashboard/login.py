"""Logging in with a key, and out again."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from qiskit_haiqu_provider.gateway.dashboard.links import own_page
from qiskit_haiqu_provider.gateway.dashboard.rendering import page
from qiskit_haiqu_provider.gateway.dashboard.visitors import COOKIE, Confirmed, PageRoute
from qiskit_haiqu_provider.gateway.errors import ApiError
from qiskit_haiqu_provider.gateway.services import Gateway
from qiskit_haiqu_provider.gateway.store import users

router = APIRouter(prefix="/dashboard", include_in_schema=False, route_class=PageRoute)


@router.get("/login")
def ask(request: Request, next_: Annotated[str, Query(alias="next")] = "") -> Response:
    """The form for the key."""
    return page(request, "login.html", next=own_page(next_), problem="")


@router.post("/login")
def log_in(
    request: Request,
    gateway: Gateway,
    key: Annotated[str, Form()] = "",
    next_: Annotated[str, Form(alias="next")] = "",
) -> Response:
    """Open a login for a good key."""
    if not _is_own_form(request):
        raise ApiError(403, "The login form was not sent from this site. Open the login page and try again.")
    target = own_page(next_)
    with gateway.database.read() as session:
        found = users.user_of_key(session, key.strip())
    if found is None:
        gateway.rate_limit.count_failure(request.client.host if request.client else "")
        problem = "This key is not valid, or was revoked. Check it, or make a new one."
        return page(request, "login.html", code=401, next=target, problem=problem)
    with gateway.database.write() as session:
        users.close_session(session, request.cookies.get(COOKIE, ""))
        users.touch_key(session, found[1])
        token = users.open_session(session, found[1])
    answer = RedirectResponse(target, status_code=303)
    answer.set_cookie(
        COOKIE,
        token,
        max_age=int(users.SESSION_LIFETIME.total_seconds()),
        path="/dashboard",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return answer


@router.post("/logout")
def log_out(visitor: Confirmed, gateway: Gateway) -> Response:
    """End the login."""
    with gateway.database.write() as session:
        users.close_session(session, visitor.token)
    answer = RedirectResponse("/dashboard/login", status_code=303)
    answer.delete_cookie(COOKIE, path="/dashboard", httponly=True, samesite="strict")
    return answer


def _is_own_form(request: Request) -> bool:
    """Whether the browser says that a page of this host sent the form; every browser does for a POST."""
    try:
        return urlsplit(request.headers.get("origin", "")).netloc == request.headers.get("host")
    except ValueError:
        return False

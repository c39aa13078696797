"""Where links lead: those of clients into the dashboard, and the way back after a login."""

import re
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

HOME = "/dashboard/experiments"

_RECORD = re.compile(r"/(jobs|circuits)/([\w-]{1,200})", re.ASCII)
_OWN_PAGE = re.compile(r"/dashboard([/?][\w\-./?&=%+~]*)?", re.ASCII)


def own_page(path: str | None) -> str:
    """The path if it is one of a page here, else the first page: nobody is ever led to another site."""
    if path and _OWN_PAGE.fullmatch(path) and "//" not in path:
        return path
    return HOME


class RecordLinks:
    """Leads browsers that ask for ``/jobs/{id}`` or ``/circuits/{id}`` to the page; clients get their JSON.

    Clients show such links to people. A browser says that it takes HTML and has no key.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Redirect, or pass the request on."""
        found = _RECORD.fullmatch(scope["path"]) if scope["type"] == "http" and scope["method"] == "GET" else None
        if found is None or not _is_browser(scope):
            await self._app(scope, receive, send)
            return
        answer = RedirectResponse(f"/dashboard/{found[1]}/{found[2]}", status_code=303, headers={"vary": "accept"})
        await answer(scope, receive, send)


def _is_browser(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    query = parse_qs(scope["query_string"].decode("latin-1"))
    return "text/html" in headers.get("accept", "") and "authorization" not in headers and "HAIQU_API_KEY" not in query

"""Who calls: the raw key in the header ``authorization`` or in the query parameter ``HAIQU_API_KEY``."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request, Response, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from fastapi.security import APIKeyHeader, APIKeyQuery
from starlette.requests import HTTPConnection

from qiskit_haiqu_provider.gateway.errors import ApiError
from qiskit_haiqu_provider.gateway.services import Services
from qiskit_haiqu_provider.gateway.store import users
from qiskit_haiqu_provider.gateway.store.tables import User

_query = APIKeyQuery(name="HAIQU_API_KEY", auto_error=False, description="The key. Prefer the header.")
_header = APIKeyHeader(name="authorization", auto_error=False, description="The raw key, without a scheme.")


@dataclass(frozen=True)
class Caller:
    """Who calls, with which key."""

    user: User
    key_id: int


def authenticate(gateway: Services, key: str, *, address: str) -> Caller:
    """Whose key this is; the request is counted.

    Args:
        gateway: The running gateway.
        key: The key, alone or after ``Bearer``.
        address: Where the request comes from; too many wrong keys from there are refused.

    Raises:
        ApiError: 401 if the key is not valid, 429 if there were too many requests.
    """
    key = bare_key(key)
    with gateway.database.read() as session:
        found = users.user_of_key(session, key) if key else None
    if found is None:
        gateway.rate_limit.count_failure(address)
        what = "The key is not valid, or was revoked." if key else "A key is needed."
        raise ApiError(
            401,
            f"{what} Send it in the header 'authorization'; make one with: qiskit-haiqu keys create --user NAME",
            headers={"WWW-Authenticate": "ApiKey"},
        )
    user, row = found
    gateway.rate_limit.count(row.id)
    if users.touch_is_due(row):
        with gateway.database.write() as session:
            users.touch_key(session, row)
    return Caller(user, row.id)


def bare_key(key: str) -> str:
    """The key without the scheme that some clients put before it."""
    return key.strip().removeprefix("Bearer ").strip()


def address_of(request: HTTPConnection) -> str:
    """Where a request comes from."""
    return request.client.host if request.client else ""


class KeyedRoute(APIRoute):
    """An endpoint that asks for the key before it reads the body: strangers make the gateway parse nothing."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of the endpoint, behind the check of the key."""
        handle = super().get_route_handler()

        async def checked(request: Request) -> Response:
            await _identify(request, await _header(request) or await _query(request) or "")
            return await handle(request)

        return checked


async def _identify(request: Request, key: str) -> Caller:
    """Who calls; asked for once in each request."""
    if not hasattr(request.state, "caller"):
        gateway: Services = request.app.state.services
        request.state.caller = await run_in_threadpool(authenticate, gateway, key, address=address_of(request))
    caller: Caller = request.state.caller
    return caller


async def _caller(
    request: Request, header: Annotated[str | None, Security(_header)], query: Annotated[str | None, Security(_query)]
) -> Caller:
    return await _identify(request, header or query or "")


Authorized = Annotated[Caller, Depends(_caller)]
"""Parameter of an endpoint that needs a key."""

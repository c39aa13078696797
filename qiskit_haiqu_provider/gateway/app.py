"""The application: its parts put together, started and stopped."""

import contextlib
import os
from collections.abc import AsyncIterator, Callable, Sequence

from fastapi import FastAPI, Response
from fastapi.concurrency import run_in_threadpool

from qiskit_haiqu_provider.engines.local.engine import AER
from qiskit_haiqu_provider.gateway import errors
from qiskit_haiqu_provider.gateway.auth import Authorized
from qiskit_haiqu_provider.gateway.catalogue import Catalogue
from qiskit_haiqu_provider.gateway.dashboard import site
from qiskit_haiqu_provider.gateway.errors import ApiError
from qiskit_haiqu_provider.gateway.execution.dispatch import Vendor
from qiskit_haiqu_provider.gateway.execution.processes import Intake, Workers, context
from qiskit_haiqu_provider.gateway.execution.scheduler import Scheduler
from qiskit_haiqu_provider.gateway.middleware import BodyLimit, ContentDigest, Hygiene
from qiskit_haiqu_provider.gateway.ratelimit import RateLimit
from qiskit_haiqu_provider.gateway.routers import ai, circuits, devices, experiments, jobs, meta, runs, unsupported
from qiskit_haiqu_provider.gateway.services import Services
from qiskit_haiqu_provider.gateway.settings import Settings
from qiskit_haiqu_provider.gateway.store.database import Database
from qiskit_haiqu_provider.version import __version__

_DESCRIPTION = """\
A server for the Haiqu REST API on your own machine: circuits in, results out, on local simulators and on the devices of
the vendors that it was given.

Every endpoint but `/version` needs a key, in the header `authorization` (the raw key) or the query parameter
`HAIQU_API_KEY`. Errors are `{"detail": text}`; for 422 the detail lists the fields.
"""


def create_app(settings: Settings | None = None, *, vendors: Sequence[Vendor] = ()) -> FastAPI:
    """The gateway as an ASGI application; its database is opened when it starts.

    Args:
        settings: How it is set up.
        vendors: Ways to devices that are not on this machine.
    """
    chosen = settings or Settings()

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with contextlib.ExitStack() as stack:
            app.state.services = await run_in_threadpool(_start, chosen, vendors, stack)
            try:
                async with agents():
                    yield
            finally:
                await run_in_threadpool(stack.close)

    app = FastAPI(
        title="Haiqu-compatible gateway",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
    )
    site.install(app)
    app.add_middleware(BodyLimit, limit=chosen.limits.body_bytes)
    app.add_middleware(Hygiene)
    app.add_middleware(ContentDigest)
    errors.install(app)
    for module in (meta, experiments, unsupported, circuits, devices, runs, jobs, ai):
        app.include_router(module.router)
    agents = _install_mcp(app, chosen)
    return app


def _install_mcp(app: FastAPI, settings: Settings) -> Callable[[], contextlib.AbstractAsyncContextManager[None]]:
    """Add the MCP server, or an answer that says what to install; returns what runs it."""
    try:
        from qiskit_haiqu_provider.gateway.mcp import HttpEndpoint  # an extra
    except ImportError:
        app.add_api_route("/mcp", _no_mcp, methods=["GET", "POST", "DELETE"], include_in_schema=False)
        return contextlib.nullcontext
    endpoint = HttpEndpoint(app, settings)
    app.add_route("/mcp", endpoint, include_in_schema=False)  # type: ignore[arg-type]  # an ASGI application
    return endpoint.run


def _no_mcp(_: Authorized) -> Response:
    raise ApiError(501, "The MCP server is not installed. Run: pip install 'qiskit-haiqu-provider[gateway,mcp]'")


def _start(settings: Settings, vendors: Sequence[Vendor], stack: contextlib.ExitStack) -> Services:
    """Open everything; the stack closes it again in reverse order."""
    database = Database(settings.database)
    stack.callback(database.close)
    stack.enter_context(database.own())
    database.migrate()
    made = context(threads=max(1, (os.cpu_count() or 1) // settings.workers))
    intake = Intake(settings.limits, made)
    stack.callback(intake.close)
    workers = Workers(settings.workers, settings.limits, made)
    scheduler = Scheduler(database, workers=workers, limits=settings.limits, vendors=vendors)
    stack.callback(scheduler.close)
    scheduler.start()
    catalogue = Catalogue(vendors)
    catalogue.get(AER)  # those of this machine are listed now, so that the first request does not wait for it
    return Services(
        settings=settings,
        database=database,
        intake=intake,
        scheduler=scheduler,
        catalogue=catalogue,
        rate_limit=RateLimit(settings.rate_limit),
    )

"""Sessions and batches of vendors, as context managers around a backend."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar, runtime_checkable

from qiskit_haiqu_provider.engines.base import Engine
from qiskit_haiqu_provider.exceptions import HaiquOptionError

B = TypeVar("B", bound="Device")


class Device(Protocol):
    """A backend, as far as sessions need it."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    def options_set(self) -> Mapping[str, Any]:
        """The options that were set."""
        ...

    def with_options(self: B, **fields: Any) -> B:
        """The same device with other options."""
        ...


@runtime_checkable
class KeepsSessions(Protocol):
    """An engine whose vendor keeps a device for the jobs of a session."""

    def open_session(self, device: str, options: Mapping[str, Any], *, batch: bool, max_time: int | None) -> str:
        """Open a session or a batch, and return its id for the option ``session_id``."""
        ...

    def close_session(self, session_id: str) -> None:
        """Take no more jobs into it; those in it go on."""
        ...


@contextmanager
def opened(backend: B, engine: Engine, *, batch: bool, max_time: int | None) -> Iterator[B]:
    """Open a session, give the backend whose jobs go into it, and close it.

    Args:
        backend: The backend.
        engine: Who executes.
        batch: Whether it is a batch.
        max_time: Seconds after which the vendor closes it.

    Raises:
        HaiquOptionError: If who executes has no sessions.
    """
    keeper = getattr(engine, "vendor", engine)
    if not isinstance(keeper, KeepsSessions):
        if engine.via != "local":
            raise HaiquOptionError(
                f"{backend.name} has no {'batches' if batch else 'sessions'} via '{engine.via}'. Run the jobs without."
            )
        yield backend  # jobs of this machine have nobody to wait for
        return
    session_id = keeper.open_session(backend.name, backend.options_set(), batch=batch, max_time=max_time)
    try:
        yield backend.with_options(session_id=session_id)
    finally:
        keeper.close_session(session_id)

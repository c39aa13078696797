"""The end of a job: whether it has come, and who is told when it comes."""

import contextlib
import threading
from collections.abc import Callable, Generator
from typing import Any


class Completion:
    """Whether something is over. Those who want to know are called once, when it is; at once if it is already."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []

    def is_set(self) -> bool:
        """Whether it is over."""
        return self._over.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait at most ``timeout`` seconds; returns whether it is over."""
        return self._over.is_set() or self._over.wait(timeout)

    def set(self) -> None:
        """It is over: wake those who wait, and call those who asked for it."""
        if self._over.is_set():
            return
        with self._lock:
            callbacks, self._callbacks = self._callbacks, []
            self._over.set()
        for callback in callbacks:
            callback()

    def clear(self) -> None:
        """It begins anew."""
        self._over.clear()

    def on_set(self, callback: Callable[[], None]) -> None:
        """Call back when it is over; at once if it is."""
        with self._lock:
            if not self._over.is_set():
                self._callbacks.append(callback)
                return
        callback()


OVER = Completion()
"""That of all that was over from the start; it stays so."""

OVER.set()


def awaited(register: Callable[[Callable[[], None]], None]) -> Generator[Any, None, None]:
    """Wait for a call without blocking the event loop.

    Args:
        register: Takes what is to be called, from any thread.
    """
    import asyncio  # costs as much to load as all of this package

    loop = asyncio.get_running_loop()
    waiter = loop.create_future()

    def release() -> None:
        if not waiter.done():
            waiter.set_result(None)

    def wake() -> None:
        with contextlib.suppress(RuntimeError):  # the loop of that waiter is closed
            loop.call_soon_threadsafe(release)

    register(wake)
    yield from waiter

"""Sends a submission once, and waits for no answer without end. Imported only where the client of IBM is used.

The client repeats requests that failed, ``POST /jobs`` included, so that a job whose answer got lost could be there
twice. It mounts an adapter of ``requests`` for that; :class:`CarefulAdapter` takes its place, and leaves everything but
submissions to it.
"""

import threading
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectionError as BrokenConnection
from requests.exceptions import ConnectTimeout
from urllib3.exceptions import NewConnectionError

_CONNECT_SECONDS = 10.0


class CarefulAdapter(HTTPAdapter):
    """Sends submissions itself, without repeating them, and everything else through another adapter.

    Args:
        usual: What the client mounted.
        timeout: Seconds to wait for an answer where the client would wait for ever.
    """

    def __init__(self, usual: HTTPAdapter, *, timeout: float) -> None:
        super().__init__(max_retries=0)
        self._usual = usual
        self._timeout = timeout
        self._sent = threading.local()

    @property
    def left(self) -> bool:
        """Whether a submission of this thread may have reached the service since :meth:`begin`."""
        return getattr(self._sent, "left", False)

    @property
    def taken(self) -> bool:
        """Whether one may have taken effect: its own answer does not say that it was refused."""
        return getattr(self._sent, "taken", False)

    def begin(self) -> None:
        """Forget what this thread has sent so far."""
        self._sent.left = self._sent.taken = False

    def send(self, request: PreparedRequest, **kwargs: Any) -> Response:  # type: ignore[override]
        """Send a request."""
        kwargs["timeout"] = self._bounded(kwargs.get("timeout"))
        path = urlsplit(request.url or "").path
        if not (request.method == "POST" and str(path).endswith("/jobs")):
            return self._usual.send(request, **kwargs)
        earlier = self.left, self.taken
        self._sent.left = self._sent.taken = True
        try:
            answer = super().send(request, **kwargs)
        except BrokenConnection as error:
            if _never_connected(error):
                self._sent.left, self._sent.taken = earlier
            raise
        if _is_refusal(answer.status_code):
            self._sent.taken = earlier[1]
        return answer

    def close(self) -> None:
        """Close all connections."""
        self._usual.close()
        super().close()

    def _bounded(self, timeout: Any) -> Any:
        """A timeout with an end: that of the client, where it has one."""
        connect, read = timeout if isinstance(timeout, tuple) else (timeout, timeout)
        return connect or _CONNECT_SECONDS, min(read or self._timeout, self._timeout)


def _is_refusal(status: int) -> bool:
    return 400 <= status < 500 and status != 408


def _never_connected(error: BrokenConnection) -> bool:
    reason = getattr(error.args[0], "reason", None) if error.args else None
    reason = getattr(reason, "original_error", reason)  # of a proxy
    return isinstance(error, ConnectTimeout) or isinstance(reason, NewConnectionError)

"""The client of the Haiqu service: one method for each documented endpoint, and nothing that needs Qiskit circuits."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from qiskit_haiqu_provider.api.endpoints.circuits import CircuitEndpoints
from qiskit_haiqu_provider.api.endpoints.devices import DeviceEndpoints, ServiceEndpoints
from qiskit_haiqu_provider.api.endpoints.experiments import ExperimentEndpoints
from qiskit_haiqu_provider.api.endpoints.jobs import JobEndpoints, RunEndpoints
from qiskit_haiqu_provider.api.hush import forms
from qiskit_haiqu_provider.api.settings import Settings, checked
from qiskit_haiqu_provider.secret import scrubbed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    import httpx

    from qiskit_haiqu_provider.secret import Secret

URL = "https://api.haiqu.ai"
_DOMAIN = "haiqu.ai"


class HaiquClient(ServiceEndpoints, ExperimentEndpoints, CircuitEndpoints, DeviceEndpoints, RunEndpoints, JobEndpoints):
    """Talks to a Haiqu service, or to a gateway that speaks like one.

    Making a client costs no request. Connections are kept open and shared; threads may share a client. Proxies and
    trusted certificates are those of the environment (``HTTPS_PROXY``, ``NO_PROXY``, ``SSL_CERT_FILE``, ...); passwords
    in a netrc file are never sent.

    What reads, or may be repeated without harm, is sent again for a while when the service is away or busy, and as it
    asks with ``Retry-After``. A submission is sent again only if it certainly took no effect; else the error says with
    ``reached`` whether it may have. All errors are kinds of :class:`~qiskit_haiqu_provider.exceptions.HaiquApiError`,
    which keeps ``status``, ``detail`` and ``request_id``. No error, log, repr or pickle shows the key or a vendor's
    credentials, even where the service repeats them.

    Args:
        api_key: The key.
        url: Address of the service.
        auth: Whether the key travels in the ``authorization`` header, or as the query parameter ``HAIQU_API_KEY``,
            which servers may write to their logs.
        timeout: Seconds of silence after which an answer counts as lost. Default: ``HAIQU_TIMEOUT``, else 30.
        retry_seconds: Seconds after which no request is sent again; 0 sends each once. Default:
            ``HAIQU_RETRY_SECONDS``, else 60.
        transport: What carries the requests in place of the network, as in httpx; it gets them with the key.

    Raises:
        HaiquInputError: If an argument or a variable of the environment cannot be used.

    Example:
        ::

            from qiskit_haiqu_provider.api import models
            from qiskit_haiqu_provider.api.client import HaiquClient

            with HaiquClient("my-key") as client:
                experiment = client.init_experiment("Ising chain")
                body = models.RunCreate(
                    experiment_id=experiment.id, circuit_ids=["circ-..."], device_id="aer_simulator", shots=1000
                )
                job = client.run(body)
                while not job.status.final:
                    job = client.job(job.id, wait=20)
                print(job.quantum_results)
    """

    def __init__(
        self,
        api_key: Secret | str,
        *,
        url: str = URL,
        auth: str = "header",
        timeout: float | None = None,
        retry_seconds: float | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._open(checked(api_key, url=url, auth=auth, timeout=timeout, retry_seconds=retry_seconds), transport)

    @property
    def url(self) -> str:
        """Address of the service, without a slash at its end."""
        return self._settings.url

    @property
    def is_cloud(self) -> bool:
        """Whether this is Haiqu's own service, not a gateway."""
        host = urlsplit(self.url).hostname or ""
        return host == _DOMAIN or host.endswith(f".{_DOMAIN}")

    @property
    def account(self) -> str:
        """What tells keys apart without showing them: the same text for the same key, in every process."""
        return hashlib.sha256(f"haiqu account\0{self._settings.key.reveal()}".encode()).hexdigest()[:16]

    @property
    def honours_idempotency(self) -> bool:
        """Whether the service has said that it honours idempotency keys; it says so with its answers."""
        return self._link.honours_idempotency

    def scrubbed(self, text: str, secrets: Iterable[Secret] = ()) -> str:
        """A text of the service, with the key and other secrets masked that it may repeat."""
        return str(scrubbed(text, forms([self._settings.key, *secrets])))

    def close(self) -> None:
        """Close all connections; the client cannot be used any more."""
        self._link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<HaiquClient of {self.url}>"

    def __getstate__(self) -> dict[str, Any]:
        return {"settings": self._settings}  # the key in it is a Secret, which pickles to nothing

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._open(state["settings"], None)

    def _open(self, settings: Settings, transport: httpx.BaseTransport | None) -> None:
        from qiskit_haiqu_provider.api.link import Link  # brings httpx and pydantic, which nobody else needs

        self._settings = settings
        self._link = Link(settings, transport)

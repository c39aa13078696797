"""The Haiqu service as a provider reaches it: nothing is looked up, imported or asked before it is needed."""

import warnings
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qiskit_haiqu_provider.accounts.checks import check_timeout, warn_if_open
from qiskit_haiqu_provider.accounts.given import Given
from qiskit_haiqu_provider.engines.base import RemoteExecution
from qiskit_haiqu_provider.exceptions import HaiquError
from qiskit_haiqu_provider.run.checks import check_choice
from qiskit_haiqu_provider.secret import Secret
from qiskit_haiqu_provider.store import JobRecord, JobStore

if TYPE_CHECKING:
    import httpx

    from qiskit_haiqu_provider.accounts.connection import Connection
    from qiskit_haiqu_provider.api.client import HaiquClient
    from qiskit_haiqu_provider.engines.haiqu.adoption import JobFilter
    from qiskit_haiqu_provider.engines.haiqu.engine import HaiquEngine
    from qiskit_haiqu_provider.reach.history import Adopted, Wanted
    from qiskit_haiqu_provider.reach.vendors import Vendors


class Service:
    """The way to the service.

    Args:
        given: What the call says.
        store: Where jobs are kept, and beside them what is remembered of the service.
        timeout: Seconds to wait for an answer.
        api: How jobs are submitted.
        transport: What takes the place of the network.
    """

    def __init__(
        self,
        given: Given,
        store: JobStore,
        *,
        timeout: float | None = None,
        api: str = "auto",
        transport: "httpx.BaseTransport | None" = None,
    ) -> None:
        self.given = given
        self._store = store
        self._timeout = check_timeout(timeout)
        self._api = check_choice(api, ("auto", "run", "flow"), where="api")
        self._transport = transport

    def __getstate__(self) -> dict[str, Any]:
        # Connections and secrets belong to this process. Another one looks its own key up.
        state = {name: value for name, value in self.__dict__.items() if name not in ("connection", "engine")}
        return {**state, "_transport": None, "given": self.given.without_secrets()}

    @cached_property
    def connection(self) -> "Connection":
        """The settings in effect, looked up when they are first needed.

        Raises:
            HaiquAccountError: If saved accounts cannot be read.
        """
        from qiskit_haiqu_provider.accounts.connection import resolve

        return resolve(self.given)

    @property
    def configured(self) -> bool:
        """Whether there is a key."""
        return self.connection.key_source is not None

    @cached_property
    def vendors(self) -> "Vendors":
        """The ways straight to vendors."""
        from qiskit_haiqu_provider.reach.vendors import Vendors

        return Vendors(self, timeout=self._timeout)

    @cached_property
    def engine(self) -> "HaiquEngine":
        """The engine. Making it asks for nothing yet.

        Raises:
            HaiquAccountError: If there is no key.
        """
        from qiskit_haiqu_provider.engines.haiqu.engine import HaiquEngine

        return HaiquEngine(
            self.new_client(),
            experiment=self.connection.experiment.value,
            home=self.home,
            credentials=self.vendor_credentials,
            api=self._api,
            calibration=self.vendors,
        )

    def new_client(self, *, retry_seconds: float | None = None) -> "HaiquClient":
        """A client that shares nothing with that of the engine.

        Args:
            retry_seconds: Seconds in which requests are sent again. Default: as the environment says.

        Raises:
            HaiquAccountError: If there is no key.
        """
        from qiskit_haiqu_provider.api.client import HaiquClient

        connection = self.connection
        key = connection.read_key()
        warn_if_open(connection.url.value)
        return HaiquClient(
            key,
            url=connection.url.value,
            auth=connection.auth.value,
            timeout=self._timeout,
            retry_seconds=retry_seconds,
            transport=self._transport,
        )

    @property
    def client(self) -> "HaiquClient":
        """The client of the engine."""
        return self.engine.client

    def home(self) -> Path:
        """Folder for what is remembered of the service."""
        return self._store.home

    def vendor_credentials(self, device: str) -> Mapping[str, Secret]:
        """The credentials to send with a job for a device.

        Raises:
            HaiquAccountError: If one is missing.
        """
        from qiskit_haiqu_provider.accounts.credentials import vendor_credentials

        return vendor_credentials(device, self.given.credentials, self.connection.account)

    def follow(self, record: JobRecord) -> RemoteExecution | None:
        """Reaches the run of a record; ``None`` for one that ran elsewhere."""
        if record.via != "haiqu":
            return None
        try:
            return self.engine.resume(record.state)
        except HaiquError as error:
            from qiskit_haiqu_provider.reach.history import Unreachable

            return Unreachable(record, error)

    @staticmethod
    def _filter(wanted: "Wanted") -> "JobFilter":
        from qiskit_haiqu_provider.engines.haiqu.adoption import JobFilter

        return JobFilter(limit=wanted.limit, device=wanted.backend_name, statuses=wanted.statuses, after=wanted.after)

    def elsewhere(self, wanted: "Wanted", known: set[str]) -> "Sequence[Adopted] | None":
        """Jobs of the experiment that are not on record here; ``None``, and a warning, if the service is away."""
        try:
            if wanted.limit == 0 or not self.configured:
                return []
            return self.engine.elsewhere(self._filter(wanted), known=known)
        except HaiquError as error:
            warnings.warn(f"Jobs that were made elsewhere are not shown. {error}", stacklevel=4)
            return None

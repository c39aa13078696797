"""The ways of a provider straight to vendors: nothing is looked up, imported or asked before it is needed."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qiskit.transpiler import Target

from qiskit_haiqu_provider.accounts.credentials import Found, find_credentials
from qiskit_haiqu_provider.engines.base import RemoteExecution
from qiskit_haiqu_provider.engines.direct.ways import WAYS, Way, way_to
from qiskit_haiqu_provider.exceptions import HaiquError
from qiskit_haiqu_provider.reach.history import Unreachable
from qiskit_haiqu_provider.secret import Secret
from qiskit_haiqu_provider.store import JobRecord

if TYPE_CHECKING:
    from qiskit_haiqu_provider.engines.direct.engine import DirectEngine
    from qiskit_haiqu_provider.reach.service import Service


logger = logging.getLogger(__name__)


class Vendors:
    """The ways straight to vendors.

    Args:
        service: Knows the settings in effect, and what the call says.
        timeout: Seconds to wait for an answer of a vendor.
    """

    def __init__(self, service: "Service", *, timeout: float | None = None) -> None:
        self._service = service
        self._timeout = timeout
        self._engines: dict[str, DirectEngine] = {}

    def __getstate__(self) -> dict[str, Any]:
        # Clients belong to this process.
        return {**self.__dict__, "_engines": {}}

    def configured(self, way: Way) -> bool:
        """Whether the credentials of a vendor are there."""
        return way.needed in self._found(way)

    def ready(self) -> list[Way]:
        """The routes whose credentials are there."""
        return [way for way in WAYS if self.configured(way)]

    def engine(self, via: str) -> "DirectEngine":
        """The engine of a route. Making it asks for nothing yet."""
        if via not in self._engines:
            from qiskit_haiqu_provider.engines.direct.engine import DirectEngine

            way = next(way for way in WAYS if way.via == via)
            self._engines[via] = DirectEngine(way.opened(lambda: self._secrets(way), timeout=self._timeout))
        return self._engines[via]

    def follow(self, record: JobRecord) -> RemoteExecution:
        """Reaches the run of a record."""
        try:
            return self.engine(record.via).resume(record.state)
        except HaiquError as error:
            return Unreachable(record, error)

    def target(self, device: str) -> Target | None:
        """What the vendor says that a device can do, with today's errors; ``None`` if it does not tell."""
        way = way_to(device)
        if way is None or not self.configured(way):
            return None
        try:
            engine = self.engine(way.via)
            if device not in {record.id for record in engine.devices()}:
                return None
            return engine.target(device, engine.default_options(device))
        except HaiquError as error:
            logger.warning("The vendor of %s cannot be asked for its calibration: %s", device, error)
            return None

    def _secrets(self, way: Way) -> Mapping[str, Secret]:
        return {name: one.value for name, one in self._found(way).items()}

    def _found(self, way: Way) -> Mapping[str, Found[Secret]]:
        return find_credentials(way.asks_for, self._service.given.credentials, self._service.connection.account)

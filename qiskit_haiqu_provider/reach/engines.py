"""Who may execute: every engine that a provider reaches, made when a device is first asked for."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any

from qiskit_haiqu_provider.devices.record import DeviceRecord
from qiskit_haiqu_provider.engines.base import Engine, Executor, RemoteExecution
from qiskit_haiqu_provider.engines.direct.ways import WAYS, Way
from qiskit_haiqu_provider.exceptions import HaiquAccountError, HaiquError
from qiskit_haiqu_provider.reach.routes import check_via, no_way_to, not_found, runs_here
from qiskit_haiqu_provider.reach.service import Service
from qiskit_haiqu_provider.store import JobRecord

_Maker = Callable[[], Sequence[Engine]]


class Engines:
    """The engines of this machine, that of Haiqu, and those that go straight to vendors.

    Args:
        service: The way to Haiqu.
        executor: Runs parameter sweeps of local devices elsewhere.
    """

    def __init__(self, service: Service, *, executor: Executor | None = None) -> None:
        self._service = service
        self._vendors = service.vendors
        self._executor = executor

    @cached_property
    def _here(self) -> tuple[Engine, ...]:
        """The engines of this machine."""
        from qiskit_haiqu_provider.engines.braket.simulators import BraketSimulators
        from qiskit_haiqu_provider.engines.local.engine import LocalEngine

        return LocalEngine(self._executor), BraketSimulators()

    @property
    def vias(self) -> list[str]:
        """The routes that can be taken: credentials are there."""
        haiqu = ["haiqu"] if self._service.configured else []
        return ["local", *haiqu, *(way.via for way in self._vendors.ready())]

    def engine(self, via: str, device: str) -> Engine:
        """Who executes on a route, such as for a backend that came out of a pickle.

        Raises:
            HaiquAccountError: If the route needs a key, and there is none.
        """
        check_via(via)
        if via == "local":
            return next(engine for engine in self._here if device in {record.id for record in engine.devices()})
        return self._service.engine if via == "haiqu" else self._vendors.engine(via)

    def that_may_have(self, name: str | None, via: str | None) -> Iterator[Engine]:
        """The engines that may have a device, those of this machine first, then Haiqu, then the vendors.

        Args:
            name: The device; ``None`` for any.
            via: The only route to look at; ``None`` for all that can be taken.

        Raises:
            HaiquAccountError: If the route needs a key, and there is none.
        """
        for _, make in self._makers(name, via):
            yield from make()

    def records(self, name: str | None, via: str | None) -> list[tuple[Engine, DeviceRecord]]:
        """The devices that may be a device of that name, each with who executes.

        Without ``via``, a service that cannot be asked is warned of, and the others' devices are returned.

        Raises:
            HaiquError: If the only route cannot be taken, or the account that was named cannot be used.
        """
        found: list[tuple[Engine, DeviceRecord]] = []
        hidden: dict[str, list[str]] = {}
        for whose, make in self._makers(name, via):
            try:
                found += [(engine, record) for engine in make() for record in engine.devices()]
            except HaiquError as error:
                named = isinstance(error, HaiquAccountError) and self._service.given.account is not None
                if via is not None or not found or named:
                    raise
                hidden.setdefault(str(error), []).append(whose)
        for reason, those in hidden.items():
            warnings.warn(f"The devices of {', '.join(those)} are not shown. {reason}", stacklevel=3)
        return found

    def nothing_of(self, name: str, via: str | None, names: Sequence[str]) -> HaiquError:
        """The error for a device that was not found.

        Args:
            name: The device.
            via: The route that was asked for.
            names: The devices that were looked through.
        """
        ways = [way for way in self._vendors.ready() if name.startswith(way.prefix)]
        elsewhere = via is None and not runs_here(name)
        if elsewhere and not self._service.configured and not ways:
            unreachable = no_way_to(name, names, self._service.given, self._service.connection)
            if unreachable is not None:
                return unreachable
        asked = via == "haiqu" or (elsewhere and self._service.configured)
        return not_found(name, via, names, url=self._service.connection.url.value if asked else None)

    def follow(self, record: JobRecord) -> RemoteExecution | None:
        """Reaches the run of a record; ``None`` for one of this machine."""
        if record.via == "haiqu":
            return self._service.follow(record)
        return None if record.via == "local" else self._vendors.follow(record)

    def _makers(self, name: str | None, via: str | None) -> Iterator[tuple[str, _Maker]]:
        """Whose engines may have a device, and what makes them: only some of that may fail, so each is done apart."""
        check_via(via)
        if via in (None, "local"):
            yield "this machine", lambda: self._here
        if via == "haiqu" or (via is None and not (name and runs_here(name))):
            yield "Haiqu", lambda: [self._service.engine] if via or self._service.configured else []
        for way in WAYS:
            if via == way.via or (via is None and (name is None or name.startswith(way.prefix))):
                yield way.via, partial(self._vendor, way, via)

    def _vendor(self, way: Way, via: str | None) -> Sequence[Engine]:
        return [self._vendors.engine(way.via)] if via or self._vendors.configured(way) else []

    def __getstate__(self) -> dict[str, Any]:
        # Executors and connections belong to this process.
        return {**{name: value for name, value in vars(self).items() if name != "_here"}, "_executor": None}

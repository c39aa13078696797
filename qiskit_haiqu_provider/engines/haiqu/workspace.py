"""The experiment that jobs go to, and the circuits in it; both are remembered on disk, so that they cost no request."""

import contextlib
import hashlib
import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from qiskit import QuantumCircuit

from qiskit_haiqu_provider.engines.haiqu.circuits import CircuitRegistry
from qiskit_haiqu_provider.files import private_folder, replacing

if TYPE_CHECKING:
    from qiskit_haiqu_provider.api.client import HaiquClient


class Workspace:
    """An experiment of the service by name, and the ids of the circuits in it.

    Args:
        client: The service.
        name: Name of the experiment; made when it is first needed.
        home: Folder of the package's data.
    """

    def __init__(self, client: "HaiquClient", name: str, *, home: Callable[[], Path]) -> None:
        self._client = client
        self._home = home
        self.name = name
        self._lock = threading.Lock()
        self._id: str | None = None
        self._empty = False
        self._registry = CircuitRegistry(client, home=home)
        self.remembered = False
        """Whether something was taken from memory that the service may have forgotten."""

    def experiment_id(self) -> str:
        """The id of the experiment, which is made if there is none of that name."""
        with self._lock:
            if self._id is None:
                self._id = self._known() or self._opened()
            return self._id

    def circuit_ids(self, circuits: Sequence[QuantumCircuit]) -> list[str]:
        """The ids of circuits in the experiment; those that the service does not have are uploaded."""
        experiment = self.experiment_id()
        ids = self._registry.ids(experiment, circuits, empty=self._empty)
        self._empty, self.remembered = False, True
        return ids

    def forget(self) -> None:
        """Ask the service for everything again: it does not know what is remembered here."""
        with self._lock:
            if self._id is not None:
                self._registry.forget(self._id)
            self._id, self._empty, self.remembered = None, False, False
            with contextlib.suppress(OSError):
                self._path().unlink()

    def _opened(self) -> str:
        found = self._client.init_experiment(self.name)
        self._empty = found.circuits_count == 0
        with contextlib.suppress(OSError):  # what cannot be kept is asked for again
            self._keep(found.id)
        return found.id

    def _keep(self, experiment_id: str) -> None:
        path = self._path()
        private_folder(path.parent)
        with replacing(path) as file:
            file.write(json.dumps({"url": self._client.url, "name": self.name, "id": experiment_id}).encode())

    def _known(self) -> str | None:
        try:
            facts = json.loads(self._path().read_bytes())
            found = facts["id"] if facts["url"] == self._client.url and facts["name"] == self.name else None
        except (OSError, ValueError, KeyError, TypeError):
            return None
        self.remembered = isinstance(found, str)
        return found if isinstance(found, str) else None

    def _path(self) -> Path:
        """One small file for each service, account and name."""
        identity = f"{self._client.url}\0{self._client.account}\0{self.name}"
        return self._home() / "experiments" / f"{hashlib.sha256(identity.encode()).hexdigest()[:32]}.json"

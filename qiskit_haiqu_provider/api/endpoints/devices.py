"""The service, the account, and the devices."""

from __future__ import annotations

from qiskit_haiqu_provider.api import models
from qiskit_haiqu_provider.api.calls import get
from qiskit_haiqu_provider.api.endpoints.base import Endpoints


class ServiceEndpoints(Endpoints):
    """The service and the account."""

    def version(self) -> str:
        """The version of the service."""
        return self._link.one(models.Version, get("/version")).version

    def health_auth(self) -> models.AuthHealth:
        """Whose key this is; an error if the key is not good."""
        return self._link.one(models.AuthHealth, get("/health/auth"))

    def user(self) -> models.User:
        """The account that the key belongs to; its key is masked, even if the service repeats it."""
        return self._link.one(models.User, get("/user")).model_copy(update={"api_access_key": models.MASK})


class DeviceEndpoints(Endpoints):
    """Devices and simulators."""

    def devices(self, *, patience: float | None = None) -> list[models.Device]:
        """All devices and simulators. A record that cannot be read is left out, with one warning for all.

        Args:
            patience: Seconds after which an answer that has not come is given up, attempts included.
        """
        return self._link.many(models.Device, get("/devices", patience=patience), what="device")

    def device(self, device_id: str) -> models.Device:
        """One device."""
        return self._link.one(models.Device, get("/devices/{device_id}", device_id=device_id))

    def gate_map(self, device_id: str) -> models.GateMap:
        """Which instructions a device has, and on which qubits."""
        return self._link.one(models.GateMap, get("/devices/{device_id}/gate_map", device_id=device_id))

"""The devices that a gateway offers."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from qiskit_haiqu_provider.devices.record import DeviceRecord
from qiskit_haiqu_provider.engines.local.engine import LocalEngine
from qiskit_haiqu_provider.gateway.errors import ApiError, not_found
from qiskit_haiqu_provider.gateway.execution.dispatch import Vendor


class Catalogue:
    """The devices of this machine and of vendors, by id.

    Args:
        vendors: Ways to devices that are not on this machine.
    """

    def __init__(self, vendors: Sequence[Vendor] = ()) -> None:
        self._vendors = vendors

    @cached_property
    def records(self) -> dict[str, DeviceRecord]:
        """Every device; listed on first use."""
        elsewhere = [record for vendor in self._vendors for record in vendor.devices()]
        return {record.id: record for record in [*LocalEngine().devices(), *elsewhere]}

    def get(self, device_id: str) -> DeviceRecord:
        """The device of that id.

        Raises:
            ApiError: 404 if there is none.
        """
        record = self.records.get(device_id)
        if record is None:
            raise not_found("device", device_id, "GET /devices lists them all.")
        return record

    def check_options(self, device_id: str, options: dict[str, Any]) -> None:
        """Refuse options that the device does not have, before a job is made.

        Raises:
            HaiquInputError: If an option does not exist or its value is not allowed.
            ApiError: 422 for an option that the request has a field for.
        """
        for name, field in _FIELDS.items():
            if name in options:
                raise ApiError(400, f"options.{name}: use the field '{field}' of the request.")
        if self.get(device_id).via != LocalEngine.via:
            return  # its vendor knows them
        known = {name: value for name, value in options.items() if not isinstance(value, dict) or name != "noise_model"}
        LocalEngine().check_options(device_id, known)


_FIELDS = {"shots": "shots", "memory": "observables"}


def device_body(record: DeviceRecord, pending: int | None) -> dict[str, Any]:
    """A device in the form of the REST API."""
    coupling = record.coupling_map
    return {
        "id": record.id,
        "vendor": record.vendor,
        "name": record.id,
        "qubits": record.num_qubits,
        "status": "online",
        "simulator": record.simulator,
        "last_updated": None,
        "pending_jobs": None if record.simulator else pending,
        "operation_names": list(record.operation_names) or None,
        "coupling_map": None if coupling is None else [list(pair) for pair in coupling],
    }

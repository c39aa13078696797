"""The devices that a gateway offers."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from qiskit.transpiler import Target

from qiskit_haiqu_provider.devices.record import DeviceRecord
from qiskit_haiqu_provider.engines.local.engine import LocalEngine
from qiskit_haiqu_provider.engines.mitigating import with_mitigation
from qiskit_haiqu_provider.exceptions import HaiquDependencyError, HaiquError, HaiquInputError
from qiskit_haiqu_provider.gateway.errors import ApiError, invalid, not_found
from qiskit_haiqu_provider.gateway.execution.dispatch import Vendor, vendor_of
from qiskit_haiqu_provider.gateway.execution.recipe import RunRecipe
from qiskit_haiqu_provider.mitigation.settings import MitigationSettings, check_readout_method
from qiskit_haiqu_provider.run.request import RunRequest

T = TypeVar("T")
logger = logging.getLogger(__name__)

_PAUSE = 60.0
"""Seconds in which a vendor that could not be asked is not asked again."""


class Catalogue:
    """The devices of this machine and of vendors, by id. Vendors are asked when somebody wants to know.

    Args:
        vendors: Ways to devices that are not on this machine.
    """

    def __init__(self, vendors: Sequence[Vendor] = ()) -> None:
        self._vendors = vendors
        self._here = {record.id: record for record in LocalEngine().devices()}
        self._away: dict[str, float] = {}
        """For each vendor that could not be asked, when that was; by prefix."""

    @property
    def records(self) -> dict[str, DeviceRecord]:
        """Every device; those of a vendor that cannot be asked are left out."""
        found = dict(self._here)
        for vendor in self._vendors:
            try:
                found |= self._of(vendor)
            except ApiError:
                continue  # the log has it
        return found

    def get(self, device_id: str) -> DeviceRecord:
        """The device of that id.

        Raises:
            ApiError: 404 if there is none, 503 if its vendor cannot be asked.
        """
        vendor = vendor_of(device_id, self._vendors)
        record = (self._here if vendor is None else self._of(vendor)).get(device_id)
        if record is None:
            raise not_found("device", device_id, "GET /devices lists them all.")
        return record

    def check_device(self, device_id: str, secrets: Mapping[str, Any]) -> None:
        """Refuse a device that does not exist, and credentials that are not for it, before a job is made.

        With credentials of its own, a job may reach devices that the server does not know of. Then its vendor is asked
        when it is sent.

        Raises:
            ApiError: 404 if there is no such device, 503 if its vendor cannot be asked.
            HaiquInputError: If the credentials cannot be used.
        """
        vendor = vendor_of(device_id, self._vendors)
        if vendor is not None:
            vendor.engine(secrets)
        if vendor is None or not secrets:
            self.get(device_id)

    def check_options(self, device_id: str, options: dict[str, Any]) -> None:
        """Refuse options that the device does not have, before a job is made.

        Raises:
            HaiquInputError: If an option does not exist or its value is not allowed.
            ApiError: 422 for an option that the request has a field for.
        """
        for name, field in _FIELDS.items():
            if name in options:
                raise ApiError(400, f"options.{name}: use the field '{field}' of the request.")
        if vendor_of(device_id, self._vendors) is not None:
            return  # its vendor knows them
        known = {name: value for name, value in options.items() if not isinstance(value, dict) or name != "noise_model"}
        LocalEngine().check_options(device_id, known)

    def check_mitigation(self, recipe: RunRecipe, secrets: Mapping[str, Any]) -> None:
        """Refuse mitigation that who executes cannot do, or cannot do like that, before a job is made.

        Raises:
            RequestValidationError: If it cannot be done.
        """
        if not recipe.use_mitigation:
            return
        vendor = vendor_of(recipe.device, self._vendors)
        engine = LocalEngine() if vendor is None else vendor.engine(secrets)
        asked = RunRequest(
            device=recipe.device, tasks=(), use_mitigation=True, mitigation=recipe.mitigation, options=recipe.options
        )
        try:
            ready = with_mitigation(asked, engine, target=None)
            if ready.finish is not None:
                settings = MitigationSettings.of(recipe.mitigation)
                check_readout_method(settings, observables=recipe.observables is not None, where="")
        except (HaiquInputError, HaiquDependencyError) as error:
            raise invalid("use_mitigation", str(error).removeprefix("use_mitigation: ")) from None

    def vendor_target(self, device_id: str) -> Target | None:
        """What a vendor's device can do; ``None`` for a device of this machine.

        Raises:
            ApiError: 503 if the vendor cannot be asked.
        """
        vendor = vendor_of(device_id, self._vendors)
        return None if vendor is None else self._asked(vendor, lambda: vendor.engine({}).target(device_id, {}))

    def _of(self, vendor: Vendor) -> dict[str, DeviceRecord]:
        return {record.id: record for record in self._asked(vendor, vendor.devices)}

    def _asked(self, vendor: Vendor, ask: Callable[[], T]) -> T:
        """What a vendor says; one that could not be asked is left alone for a while."""
        name = vendor.prefix
        if time.monotonic() - self._away.get(name, float("-inf")) < _PAUSE:
            raise _unknown(name)
        try:
            answer = ask()
        except HaiquInputError:
            raise
        except Exception as error:  # whatever it is, other vendors' devices are still offered
            if name not in self._away:
                said = str(error) if isinstance(error, HaiquError) else type(error).__name__
                logger.warning("The devices %s* are not offered now: %s", name, said)
            self._away[name] = time.monotonic()
            raise _unknown(name) from None
        self._away.pop(name, None)
        return answer


def _unknown(prefix: str) -> ApiError:
    return ApiError(
        503,
        f"The gateway cannot ask the vendor of {prefix}* for its devices; its log says why. Send credentials of your "
        "own with the job, or try again later.",
        headers={"Retry-After": str(round(_PAUSE))},
    )


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

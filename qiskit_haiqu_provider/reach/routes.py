"""Who executes for which device, and what to say of one that is not found."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from qiskit_haiqu_provider.engines.direct.ways import WAYS, way_to
from qiskit_haiqu_provider.exceptions import (
    HaiquAccountError,
    HaiquBackendNotFoundError,
    HaiquDependencyError,
    HaiquError,
    HaiquInputError,
)
from qiskit_haiqu_provider.run.checks import is_whole

if TYPE_CHECKING:
    from qiskit_haiqu_provider.accounts.connection import Connection
    from qiskit_haiqu_provider.accounts.given import Given

ROUTES = ("local", "haiqu", *(way.via for way in WAYS))
"""Values of ``via``."""

_BRAKET = ("braket_sv", "braket_dm")
_HERE = ("aer_", "fake_", *_BRAKET)
"""How the ids of simulators begin that run on this machine unless ``via`` says otherwise."""

_REMOTE = ("ibm_", "aws_", "ionq_", "iqm_", "coda_")
"""How the ids of devices begin that are not on this machine."""


def check_via(via: object) -> None:
    """Raise for a route that does not exist."""
    if via is not None and via not in ROUTES:
        raise HaiquInputError(f"via must be one of {list(ROUTES)}, not {via!r}.")


def check_filters(name: object, simulator: object, min_num_qubits: object, filters: object) -> None:
    """Raise for filters of devices that would match nothing, or fail later.

    Raises:
        HaiquInputError: If one cannot be used.
    """
    if name is not None and not isinstance(name, str):
        raise HaiquInputError(f"name must be the name of a device, not {name!r}. See provider.backends().")
    if simulator is not None and not isinstance(simulator, bool):
        raise HaiquInputError(f"simulator must be None, True or False, not {simulator!r}.")
    if min_num_qubits is not None and not is_whole(min_num_qubits):
        raise HaiquInputError(f"min_num_qubits must be None or a whole number, not {min_num_qubits!r}.")
    if filters is not None and not callable(filters):
        raise HaiquInputError(
            f"filters must be a function of a backend, not {filters!r}. "
            "Give one such as lambda backend: backend.simulator."
        )


def runs_here(name: str) -> bool:
    """Whether a device runs on this machine by default, so that no service is asked for it."""
    return name.startswith(_HERE)


def not_found(name: str, via: str | None, names: Collection[str], *, url: str | None = None) -> HaiquError:
    """The error for a device that is not among those that were looked through.

    Args:
        name: The device.
        via: The route that was asked for.
        names: The devices that were looked through.
        url: The service that was asked; ``None`` if none was.
    """
    from difflib import get_close_matches  # needed for errors only

    from qiskit_haiqu_provider.devices.fakes import fakes_installed

    asked = "" if url is None else f" {url} was asked too." if via is None else f" {url} was asked."
    elsewhere = " The service may have it: give via='haiqu'." if via is None and runs_here(name) else ""
    if name.startswith("fake_") and not fakes_installed() and via != "haiqu":
        return HaiquDependencyError(
            f"{name} is a snapshot that comes with qiskit-ibm-runtime, which is not installed. "
            f"Run: pip install 'qiskit-haiqu-provider[ibm]'.{elsewhere}"
        )
    if name in _BRAKET and via != "haiqu" and name not in names:
        return HaiquDependencyError(
            f"{name} is a simulator of amazon-braket-sdk, which is not installed. "
            f"Run: pip install 'qiskit-haiqu-provider[braket]'.{elsewhere}"
        )
    if via == "local" and name.startswith(_REMOTE):
        return HaiquBackendNotFoundError(
            f"'{name}' is a device of a vendor and does not run on this machine. Leave via out, or give one of "
            f"{[route for route in ROUTES if route != 'local']}."
            f"{_offline(name, names)}"
        )
    near = get_close_matches(name, dict.fromkeys(names), n=3, cutoff=0.5)
    if near and not name.startswith("braket_"):
        return HaiquBackendNotFoundError(f"There is no device '{name}'. Did you mean {', '.join(near)}?{asked}")
    return HaiquBackendNotFoundError(
        f"There is no device '{name}'. See provider.backends() for all devices.{elsewhere}{asked}"
    )


def no_way_to(name: str, names: Collection[str], given: "Given", connection: "Connection") -> HaiquError | None:
    """The error for a vendor's device where there is neither a key of Haiqu nor the vendor's credentials.

    Args:
        name: The device.
        names: The devices of this machine.
        given: What the call says.
        connection: The settings in effect.

    Returns:
        The error; ``None`` for a name that is none of a vendor's.
    """
    if not name.startswith(_REMOTE):
        return None
    from qiskit_haiqu_provider.accounts.connection import no_key_message  # needed for errors only
    from qiskit_haiqu_provider.accounts.credentials import find_credentials, how_to_give, missing_parts, vendor_of

    way, vendor = way_to(name), vendor_of(name)
    missing = (
        [] if vendor is None else missing_parts(vendor, find_credentials(vendor, given.credentials, connection.account))
    )
    how = f" {how_to_give(vendor, missing)}" if vendor and missing else ""
    if way is None or vendor is None:
        also = f" It also needs credentials of {vendor.name}.{how}" if vendor and missing else ""
        reached = f"'{name}' is a device of a vendor, which is reached through Haiqu.{_offline(name, names)} "
        return HaiquAccountError(f"{reached}{no_key_message(lost=given.lost)}{also}")
    return HaiquAccountError(
        f"'{name}' is a device of {vendor.name}. It is reached through Haiqu, or straight at the vendor (via="
        f"'{way.via}'), and the credentials for both are missing.{_offline(name, names)} "
        f"{no_key_message(lost=given.lost)} Or go straight to {vendor.name}:{how}"
    )


def _offline(name: str, names: Collection[str]) -> str:
    twin = f"fake_{name.partition('_')[2]}"
    return f" Its noisy snapshot '{twin}' runs offline." if twin in names else ""

"""The ways straight to vendors, by name: nothing is imported or asked before it is needed."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, cast

from qiskit_haiqu_provider.secret import Secret

if TYPE_CHECKING:
    from qiskit_haiqu_provider.accounts import credentials as accounts
    from qiskit_haiqu_provider.engines.direct.port import Vendor


class Way(NamedTuple):
    """A route to a vendor."""

    via: str
    prefix: str
    """How the ids of its devices begin."""

    room: str
    """Name of its class in ``engines/<via>/vendor.py``."""

    needed: str
    """The credential without which there is no use in asking the vendor."""

    @property
    def asks_for(self) -> "accounts.Vendor":
        """What the vendor asks for."""
        from qiskit_haiqu_provider.accounts import credentials as accounts

        return next(vendor for vendor in accounts.VENDORS if f"{vendor.prefix}_" == self.prefix)

    def opened(self, credentials: Callable[[], Mapping[str, Secret]], *, timeout: float | None = None) -> "Vendor":
        """The vendor's room. Making it asks for nothing yet.

        Args:
            credentials: Looks the vendor's credentials up when they are needed.
            timeout: Seconds to wait for an answer.
        """
        room = getattr(import_module(f"qiskit_haiqu_provider.engines.{self.via}.vendor"), self.room)
        return cast("Vendor", room(credentials, timeout=timeout))


WAYS = (
    Way("ibm", "ibm_", "IbmVendor", "ibm_quantum_token"),
    Way("braket", "aws_", "BraketVendor", "aws_access_key_id"),
    Way("ionq", "ionq_", "IonqVendor", "ionq_api_key"),
    Way("coda", "coda_", "CodaVendor", "coda_token"),
)
"""Those that there are, the first one first."""


def way_to(device: str) -> Way | None:
    """The route straight to the vendor of a device; ``None`` if there is none."""
    return next((way for way in WAYS if device.startswith(way.prefix)), None)

"""The ways of a gateway straight to vendors, with credentials of the job or of the server."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from qiskit_haiqu_provider.accounts.credentials import checked_credentials, find_credentials
from qiskit_haiqu_provider.accounts.saved import load_account
from qiskit_haiqu_provider.devices.record import DeviceRecord
from qiskit_haiqu_provider.engines.direct.engine import DirectEngine
from qiskit_haiqu_provider.engines.direct.ways import WAYS, Way
from qiskit_haiqu_provider.exceptions import HaiquInputError
from qiskit_haiqu_provider.secret import Secret


class DirectVendor:
    """A vendor that jobs are sent to. Making it asks for nothing, and looks no credentials up.

    Args:
        way: The route.
    """

    def __init__(self, way: Way) -> None:
        self._way = way
        self._own = way.opened(self._of_server)

    @property
    def prefix(self) -> str:
        """How the ids of its devices begin."""
        return self._way.prefix

    def devices(self) -> Sequence[DeviceRecord]:
        """The devices, as the server's own credentials see them.

        Raises:
            HaiquError: If the vendor cannot be asked.
        """
        return self._own.devices()

    def engine(self, secrets: Mapping[str, Any]) -> DirectEngine:
        """An engine for one job: it prepares a run once, for its estimate and its submission.

        A job brings all credentials or none. With some of its own and some of the server's it could spend what is not
        its user's.

        Raises:
            HaiquInputError: If a credential is not known, or the one is missing without which the others are useless.
        """
        given = checked_credentials({name: text for name, text in secrets.items() if text not in (None, "")})
        if given and self._way.needed not in given:
            raise HaiquInputError(
                f"Credentials of {self._way.asks_for.name} have to come with {self._way.needed}, but only "
                f"{', '.join(given)} came. Send it along, or leave all out to use the account of the server."
            )
        own = {part.name: given[part.name] for part in self._way.asks_for.parts if part.name in given}
        return DirectEngine(self._way.opened(lambda: own) if own else self._own)

    def _of_server(self) -> Mapping[str, Secret]:
        """Those in the environment, in the saved account, and in the vendor's own files."""
        found = find_credentials(self._way.asks_for, {}, load_account())
        return {name: one.value for name, one in found.items()}


def direct_vendors(vias: Collection[str]) -> list[DirectVendor]:
    """The vendors of these routes, each once."""
    return [DirectVendor(way) for way in WAYS if way.via in vias]

"""The one object of IBM's client that everything goes through, made when it is first needed."""

import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from qiskit_haiqu_provider.accounts.credentials import VENDORS, how_to_give, missing_parts
from qiskit_haiqu_provider.engines.ibm.failures import failure
from qiskit_haiqu_provider.exceptions import HaiquAccountError, HaiquDependencyError, HaiquError
from qiskit_haiqu_provider.secret import Secret, raise_alone

if TYPE_CHECKING:
    from qiskit_haiqu_provider.engines.ibm.careful import CarefulAdapter

_NAME = "IBM Quantum"


class Connection:
    """IBM Quantum, as one account sees it. Making one costs no request.

    Args:
        secrets: The credentials that are there, asked for when they are needed.
        timeout: Seconds to wait for an answer.
    """

    def __init__(self, secrets: Callable[[], Mapping[str, Secret]], *, timeout: float) -> None:
        self._secrets = secrets
        self._timeout = timeout
        self._service: Any = None
        self._careful: CarefulAdapter | None = None
        self._lock = threading.RLock()

    @property
    def account(self) -> str:
        """Which instance this is; the same for all processes, and not to be read back from."""
        secrets = self._secrets()
        instance = secrets.get("ibm_quantum_instance")
        if instance is None:
            return f"{_NAME}, " + ("an instance that it chose" if "ibm_quantum_token" in secrets else "saved account")
        return f"{_NAME}, instance #{sha256(instance.reveal().encode()).hexdigest()[:10]}"

    @property
    def service(self) -> Any:
        """The ``QiskitRuntimeService``.

        Raises:
            HaiquDependencyError: If the client is not installed.
            HaiquAccountError: If there is no token, and no account saved with IBM's client.
            HaiquApiError: If IBM cannot be asked, or refuses the token.
        """
        with self._lock:
            if self._service is None:
                self._service = self._connect()
            return self._service

    @contextmanager
    def asking(self, what: str) -> Iterator[Any]:
        """Use the service; what goes wrong becomes an error of ours.

        Args:
            what: What is asked, for the message.

        Raises:
            HaiquApiError: If it fails.
        """
        before = sys.exception()
        service = self.service
        try:
            yield service
        except HaiquError:
            raise
        except Exception as error:
            raise_alone(self.failure(error, what, before=before))

    def failure(
        self, error: Exception, what: str, *, before: BaseException | None, reached: bool = False
    ) -> HaiquError:
        """The error for a call that failed; ``before`` is what was being handled when it began."""
        return failure(error, f"IBM Quantum, {what}", self._secrets().values(), before=before, reached=reached)

    def hidden(self) -> tuple[Secret, ...]:
        """What must not be shown."""
        return tuple(self._secrets().values())

    def careful(self, backend: Any) -> "CarefulAdapter":
        """What sends the submissions to a backend: each once.

        Raises:
            HaiquDependencyError: If the client is built in another way than is known; nothing is sent then.
        """
        from requests import Session

        from qiskit_haiqu_provider.engines.ibm.careful import CarefulAdapter

        try:
            clients = [backend._api_client, *backend.service._api_clients.values()]  # noqa: SLF001 - there is no other
            sessions = [client._session for client in clients]  # noqa: SLF001 - way to the client's connections
        except AttributeError:
            sessions = []
        if not sessions or not all(isinstance(session, Session) for session in sessions):
            raise HaiquDependencyError(
                "This version of qiskit-ibm-runtime does not let a submission be sent only once. Install one that is "
                "known: pip install 'qiskit-ibm-runtime>=0.46.1,<0.52'"
            )
        with self._lock:
            if self._careful is None:
                self._careful = CarefulAdapter(sessions[0].get_adapter("https://"), timeout=self._timeout)
            for session in sessions:
                session.mount("https://", self._careful)
            return self._careful

    def _connect(self) -> Any:
        before = sys.exception()
        try:
            from qiskit_ibm_runtime import QiskitRuntimeService
            from qiskit_ibm_runtime.accounts.exceptions import AccountNotFoundError
        except ImportError as error:
            raise HaiquDependencyError(
                "Runs straight at IBM need qiskit-ibm-runtime. Run: pip install 'qiskit-haiqu-provider[ibm]'"
            ) from error
        given = {name: secret.reveal() for name, secret in self._secrets().items()}
        named = {"token": given.get("ibm_quantum_token"), "instance": given.get("ibm_quantum_instance")}
        try:
            return QiskitRuntimeService(**{name: value for name, value in named.items() if value is not None})
        except AccountNotFoundError:
            vendor = next(vendor for vendor in VENDORS if vendor.name == _NAME)
            missing = missing_parts(vendor, given)
            raise HaiquAccountError(f"{_NAME} needs credentials. {how_to_give(vendor, missing)}") from None
        except Exception as error:
            raise_alone(self.failure(error, "opening the account", before=before))

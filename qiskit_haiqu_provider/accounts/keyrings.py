"""Secrets in the keyring of the operating system, for accounts that are saved with ``keyring=True``."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from qiskit_haiqu_provider.exceptions import HaiquAccountError, HaiquDependencyError
from qiskit_haiqu_provider.secret import Secret

SERVICE = "qiskit-haiqu-provider"


@dataclass(frozen=True)
class Ring:
    """The secrets of one account in the keyring; one entry for each, as some keyrings take short texts only."""

    id: str
    """Keeps accounts of the same name apart that belong to different homes."""

    names: tuple[str, ...]

    def write(self, account: str, secrets: Mapping[str, Secret]) -> None:
        """Put the secrets into the keyring."""
        ring = _library()
        with _explained("written"):
            for name, secret in secrets.items():
                ring.set_password(SERVICE, self._entry(account, name), secret.reveal())

    def read(self, account: str, name: str) -> Secret:
        """One secret.

        Raises:
            HaiquAccountError: If it is not there, or the keyring cannot be read.
        """
        ring = _library()
        with _explained("read"):
            text = ring.get_password(SERVICE, self._entry(account, name))
        if not text:
            raise HaiquAccountError(
                f"The {name} of account '{account}' is not in the keyring any more. Save the account again: "
                f"HaiquProvider.save_account('{account}', ..., overwrite=True)."
            )
        return Secret(text)

    def delete(self, account: str) -> None:
        """Remove the secrets; one that is not there is fine."""
        ring = _library()
        from keyring.errors import PasswordDeleteError

        with _explained("written"):
            for name in self.names:
                with contextlib.suppress(PasswordDeleteError):
                    ring.delete_password(SERVICE, self._entry(account, name))

    def _entry(self, account: str, name: str) -> str:
        return f"{account}/{name}/{self.id}"


def _library() -> Any:
    try:
        import keyring  # an extra
    except ImportError:
        raise HaiquDependencyError(
            "The account is in the keyring of the operating system, which needs an extra. "
            "Run: pip install 'qiskit-haiqu-provider[keyring]'"
        ) from None
    return keyring


@contextlib.contextmanager
def _explained(done: str) -> Iterator[None]:
    from keyring.errors import KeyringError

    try:
        yield
    except KeyringError as error:
        raise HaiquAccountError(
            f"The keyring of the operating system cannot be {done} ({type(error).__name__}). Unlock it, or save the "
            "account with keyring=False, which keeps it in a file that only you can read."
        ) from None

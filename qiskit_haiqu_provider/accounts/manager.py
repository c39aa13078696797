"""Saved accounts as the provider offers them: usable on the class, without making a provider."""

from collections.abc import Mapping
from typing import Any

from qiskit_haiqu_provider.secret import Secret


class Accounts:
    """Save, list and delete accounts."""

    @staticmethod
    def save_account(
        name: str = "default",
        *,
        api_key: str | Secret | None = None,
        url: str | None = None,
        experiment: str | None = None,
        auth: str | None = None,
        credentials: Mapping[str, str | Secret] | None = None,
        keyring: bool = False,
        overwrite: bool = False,
    ) -> None:
        """Keep a key, and whatever else belongs to an account, for later.

        The account named ``default`` is used by every provider; others with ``HaiquProvider(account=name)``. Secrets
        are in a file that only you can read, or, with ``keyring=True``, in the keyring of the operating system.

        Args:
            name: Name of the account.
            api_key: Key of the Haiqu service.
            url: Address of the service, or of a gateway.
            experiment: Name of the experiment that jobs go to.
            auth: How the key travels: ``header`` or ``query``.
            credentials: Credentials of vendors by name, which are sent with jobs for their devices.
            keyring: Whether to keep the secrets in the keyring of the operating system; needs the extra ``keyring``.
            overwrite: Whether to replace an account of that name.

        Raises:
            HaiquAccountError: If there is an account of that name, or it cannot be saved.
            HaiquInputError: If a value cannot be used.
        """
        from qiskit_haiqu_provider.accounts import saved as accounts

        accounts.save_account(
            name,
            api_key=api_key,
            url=url,
            experiment=experiment,
            auth=auth,
            credentials=credentials,
            keyring=keyring,
            overwrite=overwrite,
        )

    @staticmethod
    def saved_accounts() -> dict[str, dict[str, Any]]:
        """The saved accounts by name; every secret is shown as ``***``.

        Raises:
            HaiquAccountError: If the file of accounts cannot be read.
        """
        from qiskit_haiqu_provider.accounts import saved as accounts

        return accounts.saved_accounts()

    @staticmethod
    def delete_account(name: str = "default") -> bool:
        """Delete an account, and what it has in the keyring; returns whether there was one.

        Raises:
            HaiquAccountError: If the file of accounts or the keyring cannot be changed.
        """
        from qiskit_haiqu_provider.accounts import saved as accounts

        return accounts.delete_account(name)

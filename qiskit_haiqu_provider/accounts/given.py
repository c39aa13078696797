"""What a call says of how the Haiqu service is reached."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from qiskit_haiqu_provider.accounts.checks import check_auth, check_experiment, check_url
from qiskit_haiqu_provider.exceptions import HaiquInputError
from qiskit_haiqu_provider.secret import Secret


@dataclass(frozen=True, kw_only=True)
class Given:
    """What the call says."""

    api_key: Secret | None = None
    url: str | None = None
    experiment: str | None = None
    auth: str | None = None
    account: str | None = None
    credentials: Mapping[str, Secret] = field(default_factory=dict)
    lost: bool = False
    """Whether there was a key that did not travel with a pickle."""

    @classmethod
    def checked(
        cls, *, api_key: object, url: object, experiment: object, auth: object, account: object, credentials: object
    ) -> "Given":
        """What the call says, each value checked and each secret hidden at once.

        Raises:
            HaiquInputError: If a value cannot be used.
        """
        if account is not None and not isinstance(account, str):
            raise HaiquInputError(f"account must be the name of a saved account, not {account!r}.")
        return cls(
            api_key=_key(api_key),
            url=None if url is None else check_url(url),
            experiment=None if experiment is None else check_experiment(experiment),
            auth=None if auth is None else check_auth(auth),
            account=account,
            credentials=_credentials(credentials),
        )

    def without_secrets(self) -> "Given":
        """What may travel to another process."""
        return replace(self, api_key=None, credentials={}, lost=self.lost or self.api_key is not None)


def _key(api_key: object) -> Secret | None:
    if api_key is None:
        return None
    from qiskit_haiqu_provider.accounts.credentials import as_key  # not needed on this machine

    return as_key(api_key)


def _credentials(credentials: object) -> Mapping[str, Secret]:
    if credentials is None:
        return {}
    from qiskit_haiqu_provider.accounts.credentials import checked_credentials  # not needed on this machine

    return checked_credentials(credentials)

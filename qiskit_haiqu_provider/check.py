"""What is reachable from here, what is found from where, and what is missing: ``provider.check()``."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from qiskit_haiqu_provider.accounts.connection import Connection, no_key_message
from qiskit_haiqu_provider.accounts.credentials import (
    VENDORS,
    Found,
    Vendor,
    find_credentials,
    how_to_give,
    missing_parts,
)
from qiskit_haiqu_provider.accounts.given import Given
from qiskit_haiqu_provider.exceptions import (
    HaiquAuthenticationError,
    HaiquError,
    HaiquNotFoundError,
)
from qiskit_haiqu_provider.reach.service import Service
from qiskit_haiqu_provider.secret import Secret
from qiskit_haiqu_provider.store import JobStore
from qiskit_haiqu_provider.version import __version__

if TYPE_CHECKING:
    from qiskit_haiqu_provider.api.client import HaiquClient

MARKS = {True: "ok", False: "FAIL", None: "-"}

EXTRAS = {
    "ibm": "qiskit-ibm-runtime",
    "braket": "amazon-braket-sdk",
    "dask": "distributed",
    "gateway": "fastapi",
    "postgres": "psycopg",
    "mcp": "mcp",
    "keyring": "keyring",
    "progress": "tqdm",
}
"""The extras, each with the distribution by which it is recognised."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool | None
    """Whether it works; ``None`` for what is not set up, and need not be."""

    detail: str
    """What was found, and from where. Never a secret."""

    advice: str = ""
    """What to do about it."""

    def __str__(self) -> str:
        line = f"{MARKS[self.ok]:<5}{self.name}: {self.detail}"
        return f"{line}\n     {self.advice}" if self.advice else line


class Checks(tuple[Check, ...]):
    """All that was looked at, in order; prints one line for each."""

    __slots__ = ()

    @property
    def ok(self) -> bool:
        """Whether everything that is set up works."""
        return all(check.ok is not False for check in self)

    def __str__(self) -> str:
        return "\n".join(map(str, self))

    __repr__ = __str__


def check_all(service: Service, store: JobStore) -> Checks:
    """Look at everything.

    Args:
        service: The service; it is asked only if there is a key.
        store: Where jobs are kept.
    """
    found = [Check(name="package", ok=True, detail=f"qiskit-haiqu-provider {__version__}, qiskit {version('qiskit')}")]
    found += [_local(), _folder(store)]
    try:
        connection = service.connection
    except HaiquError as error:
        return Checks([*found, Check(name="account", ok=False, detail=str(error)), *_extras()])
    found += [_key(service.given, connection)]
    if service.configured:
        found += _asked(service)
    vendors = [_vendor(vendor, service.given, connection) for vendor in VENDORS]
    return Checks([*found, *vendors, *_extras()])


def _local() -> Check:
    aer = _version("qiskit-aer")
    if aer is None:
        return Check(
            name="this machine", ok=False, detail="qiskit-aer is not installed", advice="pip install qiskit-aer"
        )
    return Check(name="this machine", ok=True, detail=f"simulators, qiskit-aer {aer}, {os.cpu_count()} cores")


def _folder(store: JobStore) -> Check:
    """Where jobs, and the ids of circuits that the service knows, are kept."""
    home = store.home
    nearest = next(path for path in (home, *home.parents) if path.exists())
    if not (nearest.is_dir() and os.access(nearest, os.W_OK)):
        advice = "Set HAIQU_HOME to a folder that can be written."
        return Check(name="folder", ok=False, detail=f"{home} cannot be written; nothing is remembered", advice=advice)
    circuits = sum(1 for _ in (home / "circuits").glob("*.jsonl"))
    return Check(
        name="folder",
        ok=True,
        detail=f"{home}; jobs on record: {store.count()}, experiments whose circuits are remembered: {circuits}",
    )


def _key(given: Given, connection: Connection) -> Check:
    if connection.key_source is None:
        return Check(name="Haiqu key", ok=None, detail="not found", advice=no_key_message(lost=given.lost))
    try:
        connection.read_key()
    except HaiquError as error:
        return Check(name="Haiqu key", ok=False, detail=f"{connection.key_source} cannot be read", advice=str(error))
    return Check(name="Haiqu key", ok=True, detail=f"from {connection.key_source}")


def _asked(service: Service) -> Iterator[Check]:
    """What the service says now: nothing is asked twice, and the first thing that fails ends the questions."""
    url = service.connection.url
    where = f"{url.value} (from {url.source})"
    try:
        _ = service.client  # checks settings of the environment that the next line passes over
        client = service.new_client(retry_seconds=0)
        yield Check(name="Haiqu service", ok=True, detail=f"{where} runs version {client.version()}")
    except HaiquError as error:
        yield Check(name="Haiqu service", ok=False, detail=f"{where} cannot be used", advice=str(error))
        return
    yield (owner := _owner(client))
    if owner.ok is not False:
        yield _experiment(client, service.connection)


def _owner(client: "HaiquClient") -> Check:
    name = "Haiqu account"
    try:
        return Check(name=name, ok=True, detail=f"the key is good and belongs to {client.health_auth().username}")
    except HaiquNotFoundError:
        return Check(name=name, ok=None, detail="this service cannot check keys")
    except HaiquAuthenticationError as error:
        return Check(name=name, ok=False, detail="the service refuses the key", advice=str(error))
    except HaiquError as error:
        return Check(name=name, ok=False, detail="the service could not check the key", advice=str(error))


def _experiment(client: "HaiquClient", connection: Connection) -> Check:
    wanted = connection.experiment
    label = f"'{wanted.value}' (from {wanted.source})"
    try:
        found = client.experiments(name=wanted.value)
    except HaiquNotFoundError:
        found = []
    except HaiquError as error:
        return Check(name="experiment", ok=False, detail=f"{label} cannot be looked up", advice=str(error))
    if not found:
        return Check(name="experiment", ok=True, detail=f"{label} is made with the first job")
    one = found[0]
    detail = f"{label} is {one.id}, with {one.circuits_count or 0} circuits and {one.jobs_count or 0} jobs"
    return Check(name="experiment", ok=True, detail=detail)


def _vendor(vendor: Vendor, given: Given, connection: Connection) -> Check:
    """Whether the credentials of a vendor are there; those that have a default alone say nothing."""
    name = f"{vendor.name} credentials"
    try:
        found = find_credentials(vendor, given.credentials, connection.account)
        sent = find_credentials(vendor.for_haiqu, given.credentials, connection.account)
    except HaiquError as error:
        return Check(name=name, ok=False, detail="cannot be read", advice=str(error))
    missing = missing_parts(vendor, found)
    present = [part.name for part in vendor.parts if part.name in found and part.default is None]
    sources = _sources(found)
    if not missing_parts(vendor, sent) and sent != found:
        also = f"; straight at the vendor: {sources}" if not missing else ""
        return Check(name=name, ok=True, detail=f"for Haiqu: {_sources(sent)}{also}")
    if not missing:
        return Check(name=name, ok=True, detail=sources if sent == found else f"{sources}; not sent to Haiqu")
    advice = how_to_give(vendor, missing)
    if not present:
        return Check(
            name=name, ok=None, detail=f"not found; needed only for devices '{vendor.prefix}...'", advice=advice
        )
    return Check(name=name, ok=False, detail=f"incomplete: {sources}", advice=advice)


def _sources(found: Mapping[str, Found[Secret]]) -> str:
    return ", ".join(f"{part} (from {one.source})" for part, one in found.items())


def _extras() -> Sequence[Check]:
    return [_extra(extra, package) for extra, package in EXTRAS.items()]


def _extra(extra: str, package: str) -> Check:
    found = _version(package)
    if found is None:
        advice = f"pip install 'qiskit-haiqu-provider[{extra}]'"
        return Check(name=f"extra {extra}", ok=None, detail="not installed", advice=advice)
    return Check(name=f"extra {extra}", ok=True, detail=f"{package} {found}")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None

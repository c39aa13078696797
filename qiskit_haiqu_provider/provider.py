"""HaiquProvider: the devices that can be reached from here, and the jobs that were run on them."""

import contextlib
import os
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from qiskit import QuantumCircuit
from qiskit.providers import JobStatus

from qiskit_haiqu_provider.accounts.connection import Given
from qiskit_haiqu_provider.accounts.manager import Accounts
from qiskit_haiqu_provider.backend import HaiquBackend
from qiskit_haiqu_provider.devices.record import DeviceRecord
from qiskit_haiqu_provider.engines.base import Engine, Executor
from qiskit_haiqu_provider.exceptions import (
    HaiquAccountError,
    HaiquBackendNotFoundError,
    HaiquError,
    HaiquInputError,
    HaiquJobNotFoundError,
    HaiquNotFoundError,
)
from qiskit_haiqu_provider.job import HaiquJob
from qiskit_haiqu_provider.options.base import check_layer
from qiskit_haiqu_provider.options.definitions import EstimatorOptions, SamplerOptions
from qiskit_haiqu_provider.reach.history import Adopted, Wanted, adopted_job, known_ids, list_jobs
from qiskit_haiqu_provider.reach.routes import check_filters, check_via, no_way_to, not_found, runs_here
from qiskit_haiqu_provider.reach.service import Service
from qiskit_haiqu_provider.secret import Secret
from qiskit_haiqu_provider.store import JobRecord, JobStore
from qiskit_haiqu_provider.submit import stored_job

if TYPE_CHECKING:
    import httpx

    from qiskit_haiqu_provider.api.models import Experiment
    from qiskit_haiqu_provider.check import Checks


class HaiquProvider(Accounts):
    """Devices and jobs. Making one costs no network and imports no vendor library.

    Without a key there are the devices of this machine. With one, which is looked for when it is first needed, there
    are those of Haiqu as well. Each setting comes from the call, else the environment, else a saved account, else it
    has its default; :meth:`check` tells which.

    Args:
        api_key: Key of the Haiqu service. Environment: ``HAIQU_API_KEY``.
        url: Address of the service, or of a gateway. Environment: ``HAIQU_API_URL``.
        experiment: Name of the experiment that jobs go to; made if there is none. Environment: ``HAIQU_EXPERIMENT``.
        auth: How the key travels: ``header`` or ``query``.
        account: Name of a saved account; what it holds goes before the environment.
        credentials: Credentials of vendors, for example ``{"ibm_quantum_token": "...", "ibm_quantum_instance":
            "..."}``. They are sent to Haiqu with jobs for devices of that vendor, and only then.
        via: Who executes on devices for which :meth:`get_backend` is not told: ``local`` or ``haiqu``. Environment:
            ``HAIQU_VIA``. Default: simulators run on this machine, all other devices through Haiqu.
        timeout: Seconds to wait for an answer of the service. Default: that of the client.
        api: How jobs are submitted: ``run``, ``flow``, or ``auto`` for what the service has.
        transport: A transport of ``httpx`` that takes the place of the network.
        executor: Runs parameter sweeps of local devices elsewhere: an executor of ``concurrent.futures`` or a
            ``distributed.Client`` of Dask.
        home: Folder for jobs. Default: the environment variable ``HAIQU_HOME``, else the platform's data folder.
            Saved accounts are always in the default one.
        options: Defaults for the options of all primitives on backends of this provider, for example
            ``{"default_shots": 4096, "max_cost_usd": 5}``.

    Example:
        >>> from qiskit_haiqu_provider import HaiquProvider
        >>> HaiquProvider().get_backend("aer_simulator").via
        'local'
    """

    def __init__(
        self,
        *,
        api_key: str | Secret | None = None,
        url: str | None = None,
        experiment: str | None = None,
        auth: str | None = None,
        account: str | None = None,
        credentials: Mapping[str, str | Secret] | None = None,
        via: str | None = None,
        timeout: float | None = None,
        api: str = "auto",
        transport: "httpx.BaseTransport | None" = None,
        executor: Executor | None = None,
        home: str | os.PathLike[str] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        if executor is not None and not callable(getattr(executor, "submit", None)):
            raise HaiquInputError(
                f"executor must have a method submit(function, *arguments), which {executor!r} has not. "
                "Give an executor of concurrent.futures or a distributed.Client."
            )
        if transport is not None and not callable(getattr(transport, "handle_request", None)):
            raise HaiquInputError(
                f"transport must be an httpx.BaseTransport, which {transport!r} is not. Leave it out for the network."
            )
        if options is not None and not isinstance(options, Mapping):
            raise HaiquInputError(
                f"options must be a mapping from names to values, not {options!r}. Give one such as "
                "{'default_shots': 4096}."
            )
        given = Given.checked(
            api_key=api_key, url=url, experiment=experiment, auth=auth, account=account, credentials=credentials
        )
        check_via(via)
        self._via = via
        self._store = JobStore(home)
        self._service = Service(given, self._store, timeout=timeout, api=api, transport=transport)
        self._executor = executor
        self._options = dict(options or {})
        check_layer([SamplerOptions, EstimatorOptions], ("provider", self._options), owner="HaiquProvider(options=...)")

    @cached_property
    def _engines(self) -> tuple[Engine, ...]:
        """The engines of this machine, loaded when a device is first asked for."""
        from qiskit_haiqu_provider.engines.local.engine import LocalEngine

        return (LocalEngine(self._executor),)

    def __deepcopy__(self, _memo: Any) -> "HaiquProvider":
        # A handle on connections, jobs and a key, which are shared rather than copied.
        return self

    def __getstate__(self) -> dict[str, Any]:
        # Executors belong to this process.
        return {**self.__dict__, "_executor": None}

    @property
    def options(self) -> Mapping[str, Any]:
        """Defaults for the options of primitives."""
        return dict(self._options)

    @property
    def experiment(self) -> str:
        """Name of the experiment that jobs at the service go to."""
        return self._service.connection.experiment.value

    def experiments(self) -> "list[Experiment]":
        """The experiments of the service, with their names, ids, and counts of circuits and jobs.

        Raises:
            HaiquAccountError: If there is no key.
            HaiquApiError: If the service cannot be asked.
        """
        return self._service.client.experiments()

    def backends(
        self,
        name: str | None = None,
        *,
        simulator: bool | None = None,
        min_num_qubits: int | None = None,
        via: str | None = None,
        filters: Callable[[HaiquBackend], bool] | None = None,
    ) -> list[HaiquBackend]:
        """The devices that match all that is given.

        Without ``via``, a service that cannot be asked is warned of, and the devices of this machine are returned.

        Args:
            name: The device's name. A simulator that runs on this machine is not looked for elsewhere.
            simulator: Whether it is a simulator.
            min_num_qubits: The least number of qubits.
            via: Who executes: ``local`` or ``haiqu``.
            filters: Called with each backend; keeps those for which it returns true.
        """
        check_filters(name, simulator, min_num_qubits, filters)
        found = [
            HaiquBackend(engine, record, store=self._store, provider=self)
            for engine, record in self._records(name, via)
            if (name is None or record.id == name)
            and (simulator is None or record.simulator == simulator)
            and (min_num_qubits is None or record.num_qubits >= min_num_qubits)
        ]
        return [backend for backend in found if filters is None or filters(backend)]

    def get_backend(
        self, name: str = "aer_simulator", *, via: str | None = None, **backend_options: Any
    ) -> HaiquBackend:
        """One device.

        Simulators run on this machine unless ``via`` says otherwise, and all other devices through Haiqu.

        Args:
            name: The device's name, for example ``aer_simulator``, ``fake_torino`` or ``ibm_fez``.
            via: Who executes: ``local`` or ``haiqu``. Default: that of the provider.
            **backend_options: Options of the backend, for example ``method``, ``noise_model``, ``seed_simulator`` or
                ``shots``.

        Raises:
            HaiquBackendNotFoundError: If there is no such device; names the nearest.
            HaiquAccountError: If the device needs a key or credentials that are not there; names each of them.
            HaiquDependencyError: If the device needs an extra that is not installed.
            HaiquInputError: If an option is wrong.
            HaiquApiError: If the service cannot be asked.
        """
        if not isinstance(name, str):
            raise HaiquInputError(f"name must be the name of a device, not {name!r}. See provider.backends().")
        via = via or self._via or os.environ.get("HAIQU_VIA") or None
        names: list[str] = []
        for engine in self._reachable(name, via):
            for record in engine.devices():
                if record.id == name:
                    return HaiquBackend(engine, record, store=self._store, provider=self, options=backend_options)
                names.append(record.id)
        raise self._no_backend(name, via, names)

    def least_busy(
        self,
        *,
        simulator: bool | None = None,
        min_num_qubits: int | None = None,
        via: str | None = None,
        filters: Callable[[HaiquBackend], bool] | None = None,
    ) -> HaiquBackend:
        """The matching device with the fewest pending jobs; of equals an ideal simulator, else the narrowest.

        Devices that take no jobs now come last.

        Raises:
            HaiquBackendNotFoundError: If no device matches.
        """
        found = self.backends(simulator=simulator, min_num_qubits=min_num_qubits, via=via, filters=filters)
        if not found:
            raise HaiquBackendNotFoundError("No device matches the filters. See provider.backends() for all devices.")

        def load(backend: HaiquBackend) -> tuple[bool, int, bool, int]:
            status = backend.status()
            return not status.operational, status.pending_jobs, backend.record.constrained, backend.record.num_qubits

        return min(found, key=load)

    def job(self, job_id: str) -> HaiquJob:
        """The job with that id, also one of another process, of one that has ended, or of another program.

        Raises:
            HaiquJobNotFoundError: If no such job is known, here or at the service.
            HaiquApiError: If it is not known here, and the service cannot be asked.
        """
        if not isinstance(job_id, str):
            raise HaiquJobNotFoundError(f"{job_id!r} is not a job id. See provider.jobs().")
        try:
            return self._stored_job(job_id)
        except HaiquJobNotFoundError as error:
            if not _GIVEN_ID.fullmatch(job_id) or not self._service.configured:
                raise
            here = error
        try:
            return self._adopted_job(self._service.engine.adopt(job_id))
        except HaiquNotFoundError:
            url = self._service.connection.url.value
            raise HaiquJobNotFoundError(f"{here} {url} does not know it either.") from None

    def jobs(
        self,
        *,
        limit: int | None = 10,
        backend_name: str | None = None,
        status: JobStatus | str | Iterable[JobStatus | str] | None = None,
        created_after: datetime | None = None,
    ) -> list[HaiquJob]:
        """Jobs, the last submitted first: those on record here, and those of the experiment that were made elsewhere.

        A service that cannot be asked is warned of, and the jobs on record are returned.

        Args:
            limit: The most jobs to return; ``None`` for all on record, and the newest thousand of the service.
            backend_name: Only jobs of that device.
            status: Only jobs of that status, or of one of those.
            created_after: Only jobs submitted after that time; a time without zone is in UTC.
        """
        wanted = Wanted.checked(limit=limit, backend_name=backend_name, status=status, created_after=created_after)
        ours = self._store.records()
        theirs = self._service.elsewhere(wanted, known_ids(ours))
        if theirs is None:  # nor can their devices be asked for
            ours_job = partial(stored_job, self._store, backend_of=self._local_backend_of, follow=self._service.follow)
            return list_jobs(wanted, ours, (), ours_job=ours_job, theirs_job=self._adopted_job)
        return list_jobs(wanted, ours, theirs, ours_job=self._stored_job, theirs_job=self._adopted_job)

    def log(
        self,
        job_or_result: Any,
        circuit: QuantumCircuit | None = None,
        *,
        name: str = "",
        metrics: Mapping[str, Any] | None = None,
        device: str | None = None,
    ) -> str:
        """Note a job that ran elsewhere in the experiment, once: noting the same results again changes nothing.

        Args:
            job_or_result: A job of any provider, a ``Result``, a ``PrimitiveResult``, or a mapping from outcomes to
                counts. A job that has not ended is waited for.
            circuit: The circuit that it ran; uploaded if the experiment does not have it yet.
            name: Name of the job.
            metrics: Values to note with it, by name.
            device: Where it ran. Default: what the job or the result tells.

        Returns:
            The id of the job in the experiment; of one that ran through Haiqu, its own.

        Raises:
            HaiquInputError: If there is nothing that can be noted.
            HaiquAccountError: If there is no key.
            HaiquSubmissionError: If the answer was lost, and the service does not show the job; log it again.
            HaiquApiError: If the service refused it.
        """
        from qiskit_haiqu_provider.engines.haiqu.workspace import Workspace
        from qiskit_haiqu_provider.notes.note import log_once, read_note

        client = self._service.client
        note = read_note(job_or_result, circuit, name=name, metrics=metrics, device=device)
        return log_once(note, client, Workspace(client, self.experiment, home=self._service.home))

    def check(self) -> "Checks":
        """What is reachable, which settings and credentials are found from where, and what is missing.

        Asks the service if there is a key. Never fails for something that is missing, and shows no secret.
        """
        from qiskit_haiqu_provider.check import check_all

        return check_all(self._service, self._store)

    def engine(self, via: str) -> Engine:
        """Who executes on a route, such as for a backend that came out of a pickle.

        Raises:
            HaiquAccountError: If the route needs a key, and there is none.
        """
        check_via(via)
        return self._service.engine if via == "haiqu" else self._engines[0]

    def _reachable(self, name: str | None, via: str | None) -> Iterable[Engine]:
        """The engines that may have a device, those of this machine first."""
        check_via(via)
        if via != "haiqu":
            yield from self._engines
        if via == "haiqu" or (via is None and not (name and runs_here(name)) and self._service.configured):
            yield self._service.engine

    def _records(self, name: str | None, via: str | None) -> list[tuple[Engine, DeviceRecord]]:
        found: list[tuple[Engine, DeviceRecord]] = []
        try:
            for engine in self._reachable(name, via):
                found += [(engine, record) for record in engine.devices()]
        except HaiquError as error:
            named = isinstance(error, HaiquAccountError) and self._service.given.account is not None
            if via is not None or not found or named:
                raise
            warnings.warn(f"The devices of Haiqu are not shown. {error}", stacklevel=3)
        return found

    def _no_backend(self, name: str, via: str | None, names: list[str]) -> HaiquError:
        if via is None and not runs_here(name) and not self._service.configured:
            unreachable = no_way_to(name, names, self._service.given, self._service.connection)
            if unreachable is not None:
                return unreachable
        asked = via == "haiqu" or (via is None and not runs_here(name) and self._service.configured)
        return not_found(name, via, names, url=self._service.connection.url.value if asked else None)

    def _stored_job(self, job_id: str) -> HaiquJob:
        return stored_job(self._store, job_id, self._backend_of, self._service.follow)

    def _adopted_job(self, found: Adopted) -> HaiquJob:
        return adopted_job(self._store, found, self._backend_of, self._service.follow)

    def _backend_of(self, record: JobRecord) -> HaiquBackend | None:
        """The backend of a stored job; ``None`` if it cannot be reached any more."""
        try:
            return self.get_backend(record.backend, via=record.via)
        except HaiquError:
            return None

    def _local_backend_of(self, record: JobRecord) -> HaiquBackend | None:
        return self._backend_of(record) if record.via == "local" else None

    def __repr__(self) -> str:
        # Accounts that cannot be read are told of when they are needed; and there is no service before __init__ ends.
        with contextlib.suppress(HaiquError, AttributeError):
            if self._service.configured:
                return f"<HaiquProvider(via=['local', 'haiqu'], url='{self._service.connection.url.value}')>"
        return "<HaiquProvider(via=['local'])>"


_GIVEN_ID = re.compile(r"(?!local-|dry-)[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}")
"""Ids that a service may have given."""

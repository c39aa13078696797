"""HaiquProvider: the devices that can be reached from here, and the jobs that were run on them."""

import contextlib
import os
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from qiskit import QuantumCircuit
from qiskit.providers import JobStatus

from qiskit_haiqu_provider.accounts.given import Given
from qiskit_haiqu_provider.accounts.manager import Accounts
from qiskit_haiqu_provider.backend import HaiquBackend
from qiskit_haiqu_provider.engines.base import Engine, Executor
from qiskit_haiqu_provider.exceptions import HaiquBackendNotFoundError, HaiquError, HaiquInputError
from qiskit_haiqu_provider.job import HaiquJob
from qiskit_haiqu_provider.options.base import check_layer
from qiskit_haiqu_provider.options.definitions import EstimatorOptions, SamplerOptions
from qiskit_haiqu_provider.reach.arguments import check_parts
from qiskit_haiqu_provider.reach.engines import Engines
from qiskit_haiqu_provider.reach.routes import check_filters, check_via
from qiskit_haiqu_provider.reach.service import Service
from qiskit_haiqu_provider.secret import Secret
from qiskit_haiqu_provider.store import JobRecord, JobStore

if TYPE_CHECKING:
    import httpx

    from qiskit_haiqu_provider.api.models import Experiment
    from qiskit_haiqu_provider.check import Checks
    from qiskit_haiqu_provider.compare import CostComparison
    from qiskit_haiqu_provider.cost.ledger import Ledger
    from qiskit_haiqu_provider.reach.jobs import Jobs


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
        via: Who executes on devices, where a call does not say: ``local``, ``haiqu``, or straight at a
            vendor ``ibm``, ``braket``, ``ionq`` or ``coda``. Environment: ``HAIQU_VIA``. Default: simulators run on
            this machine, all other devices through Haiqu if there is a key, else straight at their vendor.
        timeout: Seconds to wait for an answer of the service. Default: that of the client.
        api: How jobs are submitted: ``run``, ``flow``, or ``auto`` for what the service has.
        transport: A transport of ``httpx`` that takes the place of the network.
        executor: Runs parameter sweeps of local devices elsewhere: an executor of ``concurrent.futures`` or a
            ``distributed.Client`` of Dask.
        home: Folder for jobs. Default: the environment variable ``HAIQU_HOME``, else the platform's data folder.
            Saved accounts are always in the default one.
        options: Defaults for the options of all primitives on backends of this provider, for example
            ``{"default_shots": 4096, "max_cost_usd": 5}``.
        budget_usd: The most that all runs together may cost; one that would pass it is refused.
        ledger: The file, or the :class:`~qiskit_haiqu_provider.Ledger`, in which cost adds up over all processes.
            Default with a budget: ``ledger.json`` in ``home``.

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
        budget_usd: float | None = None,
        ledger: "str | os.PathLike[str] | Ledger | None" = None,
    ) -> None:
        check_parts(executor=executor, transport=transport, options=options)
        given = Given.checked(
            api_key=api_key, url=url, experiment=experiment, auth=auth, account=account, credentials=credentials
        )
        check_via(via)
        self._via = via
        self._store = JobStore(home)
        self._ledger = self._ledger_of(ledger, budget_usd)
        self._service = Service(given, self._store, timeout=timeout, api=api, transport=transport)
        self._reach = Engines(self._service, executor=executor)
        self._options = dict(options or {})
        check_layer([SamplerOptions, EstimatorOptions], ("provider", self._options), owner="HaiquProvider(options=...)")

    def _ledger_of(self, ledger: Any, budget_usd: float | None) -> "Ledger | None":
        if ledger is None and budget_usd is None:
            return None
        from qiskit_haiqu_provider.cost.ledger import ledger_of

        return ledger_of(ledger, budget_usd=budget_usd, home=lambda: self._store.home)

    def __deepcopy__(self, _memo: Any) -> "HaiquProvider":
        # A handle on connections, jobs and a key, which are shared rather than copied.
        return self

    @property
    def options(self) -> Mapping[str, Any]:
        """Defaults for the options of primitives."""
        return dict(self._options)

    @property
    def ledger(self) -> "Ledger | None":
        """Where the cost of runs adds up; ``None`` without a budget."""
        return self._ledger

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

        Without a route, a service that cannot be asked is warned of, and the devices of this machine are returned.

        Args:
            name: The device's name. A simulator that runs on this machine is not looked for elsewhere.
            simulator: Whether it is a simulator.
            min_num_qubits: The least number of qubits.
            via: Who executes, as in :meth:`get_backend`; without any, devices of all routes are found.
            filters: Called with each backend; keeps those for which it returns true.
        """
        check_filters(name, simulator, min_num_qubits, filters)
        found = [
            HaiquBackend(engine, record, store=self._store, provider=self)
            for engine, record in self._reach.records(name, self._route(via))
            if (name is None or record.id == name)
            and (simulator is None or record.simulator == simulator)
            and (min_num_qubits is None or record.num_qubits >= min_num_qubits)
        ]
        return [backend for backend in found if filters is None or filters(backend)]

    def get_backend(
        self, name: str = "aer_simulator", *, via: str | None = None, **backend_options: Any
    ) -> HaiquBackend:
        """One device.

        Simulators run on this machine unless ``via`` says otherwise; all other devices are reached through Haiqu if
        there is a key, else straight at their vendor if its credentials are there.

        Args:
            name: The device's name, for example ``aer_simulator``, ``fake_torino`` or ``ibm_fez``.
            via: Who executes: ``local``, ``haiqu``, ``ibm``, ``braket``, ``ionq`` or ``coda``. Default: that of the
                provider.
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
        via = self._route(via)
        names: list[str] = []
        for engine in self._reach.that_may_have(name, via):
            for record in engine.devices():
                if record.id == name:
                    return HaiquBackend(engine, record, store=self._store, provider=self, options=backend_options)
                names.append(record.id)
        raise self._reach.nothing_of(name, via, names)

    def _route(self, via: str | None) -> str | None:
        """The only route to take: that of a call, of the provider, or of the environment."""
        return via or self._via or os.environ.get("HAIQU_VIA") or None

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
            status, record = backend.status(), backend.record
            width = record.num_qubits if record.constrained else 0
            return not status.operational, status.pending_jobs, record.constrained, width

        return min(found, key=load)

    def compare_cost(
        self,
        pubs: Iterable[Any],
        *,
        devices: str | Iterable[str] | None = None,
        via: str | None = None,
        shots: int = 1024,
        precision: float = 0.015625,
    ) -> "CostComparison":
        """What one workload would cost on each device; nothing is submitted.

        Circuits are transpiled for each device. Also told are the seconds on the device, the jobs that wait there, and
        the fidelity to expect from the errors in its Target. A device that cannot run the workload, or cannot be
        asked, says so in its row.

        Args:
            pubs: PUBs of a sampler, or of an estimator; their circuits need not fit any device.
            devices: Names of devices, or one name. Default: all that are reached and are no simulators.
            via: Who executes, as in :meth:`get_backend`.
            shots: Shots of sampler PUBs that do not say.
            precision: Precision of estimator PUBs that do not say.

        Returns:
            A table, the cheapest device first; ``to_dataframe()`` makes it one of pandas.

        Raises:
            HaiquInputError: If the PUBs cannot be read.
            HaiquBackendNotFoundError: If no device is reached, or there is none of a name.
        """
        from qiskit_haiqu_provider.compare import compare

        names = [devices] if isinstance(devices, str) else None if devices is None else list(devices)
        if names is None:
            found = self.backends(simulator=False, via=via)
        else:
            found = [self.get_backend(name, via=via) for name in names]
        if not found:
            raise HaiquBackendNotFoundError(
                "No device is reached that has a price: there is no key of Haiqu and no vendor's credentials. "
                "See provider.check(), or name devices=['fake_torino'] of this machine."
            )
        return compare(found, pubs, shots=shots, precision=precision)

    def job(self, job_id: str) -> HaiquJob:
        """The job with that id, also one of another process, of one that has ended, or of another program.

        Raises:
            HaiquJobNotFoundError: If no such job is known, here or at the service.
            HaiquApiError: If it is not known here, and the service cannot be asked.
        """
        return self._jobs().find(job_id)

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
        from qiskit_haiqu_provider.reach.history import Wanted

        wanted = Wanted.checked(limit=limit, backend_name=backend_name, status=status, created_after=created_after)
        return self._jobs().newest(wanted)

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

    def engine(self, via: str, device: str) -> Engine:
        """Who executes on a route for a device, such as for a backend that came out of a pickle.

        Raises:
            HaiquAccountError: If the route needs a key, and there is none.
        """
        return self._reach.engine(via, device)

    def _jobs(self) -> "Jobs":
        from qiskit_haiqu_provider.reach.jobs import Jobs

        return Jobs(self._store, self._service, backend_of=self._backend_of, follow=self._reach.follow)

    def _backend_of(self, record: JobRecord) -> HaiquBackend | None:
        """The backend of a stored job; ``None`` if it cannot be reached any more."""
        try:
            return self.get_backend(record.backend, via=record.via)
        except HaiquError:
            return None

    def __repr__(self) -> str:
        # Accounts that cannot be read are told of when they are needed; and there is no service before __init__ ends.
        with contextlib.suppress(HaiquError, AttributeError):
            url = f", url='{self._service.connection.url.value}'" if self._service.configured else ""
            return f"<HaiquProvider(via={self._reach.vias}{url})>"
        return "<HaiquProvider(via=['local'])>"

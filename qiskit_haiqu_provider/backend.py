"""HaiquBackend: one device, reached one way, as a Qiskit BackendV2."""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qiskit import QuantumCircuit
from qiskit.providers import BackendV2, Options, QubitProperties
from qiskit.quantum_info import Statevector
from qiskit.transpiler import Target

from qiskit_haiqu_provider.cost.estimate import CostEstimate
from qiskit_haiqu_provider.devices.isa import check_isa
from qiskit_haiqu_provider.devices.record import DeviceRecord
from qiskit_haiqu_provider.engines.base import Engine
from qiskit_haiqu_provider.job import HaiquJob
from qiskit_haiqu_provider.options.base import Layer
from qiskit_haiqu_provider.run.checks import check_shots
from qiskit_haiqu_provider.run.circuit_inputs import as_circuits, bound_values
from qiskit_haiqu_provider.run.plan import Plan, plan_run
from qiskit_haiqu_provider.run.request import RunRequest, RunType, Task
from qiskit_haiqu_provider.run_settings import RunSettings, read_arguments
from qiskit_haiqu_provider.sessions import opened
from qiskit_haiqu_provider.store import JobStore
from qiskit_haiqu_provider.submit import submit_job

if TYPE_CHECKING:
    from qiskit_haiqu_provider.views import BackendConfiguration, BackendStatus


class HaiquBackend(BackendV2):
    """A device of :class:`~qiskit_haiqu_provider.HaiquProvider`.

    Get one from ``HaiquProvider().get_backend(name)``. Options (``shots``, ``memory``, ``seed_simulator``, ``method``,
    ``noise_model``, ...) are given there, with ``set_options``, or for one call to :meth:`run`.
    """

    def __init__(
        self,
        engine: Engine,
        record: DeviceRecord,
        *,
        store: JobStore,
        provider: Any = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(provider=provider, name=record.id, description=record.description, backend_version="1")
        self._own_engine: Engine | None = engine
        self._via = engine.via
        self._record = record
        self._store = store
        self._ignored: set[frozenset[str]] = set()
        self._set: set[str] = set()
        self._defaults = engine.default_options(record.id)
        self._options = Options(**self._defaults)
        self.set_options(**(options or {}))

    @classmethod
    def _default_options(cls) -> Options:
        # What options there are depends on the device; __init__ sets them.
        return Options()

    def __getstate__(self) -> dict[str, Any]:
        # Connections belong to this process; another one gets its own from the provider.
        return {**self.__dict__, "_own_engine": None if self.provider is not None else self._own_engine}

    @property
    def _engine(self) -> Engine:
        if self._own_engine is None:
            self._own_engine = self.provider.engine(self._via, self._record.id)
        return self._own_engine

    @property
    def via(self) -> str:
        """Who executes: ``local``, ``haiqu`` or a vendor."""
        return self._via

    @property
    def simulator(self) -> bool:
        """Whether the device is a simulator."""
        return self._record.simulator

    @property
    def record(self) -> DeviceRecord:
        """What is known of the device without loading it."""
        return self._record

    @property
    def calibration(self) -> str | None:
        """Where errors and durations of the Target are from; ``None`` where there are none."""
        asked = self._all_options().get("calibration") == "vendor"
        return "from the vendor, as of when the Target is first asked for" if asked else self._record.calibration

    @property
    def target(self) -> Target:
        """What the device can do, with the qubits of every instruction, errors and durations where known."""
        return self._engine.target(self._record.id, self._all_options())

    @property
    def num_qubits(self) -> int:
        """The number of qubits."""
        return self._record.num_qubits if self._record.constrained else int(self.target.num_qubits)

    @property
    def max_circuits(self) -> None:
        """No limit: long lists are split inside."""
        return

    def qubit_properties(self, qubit: int | Sequence[int]) -> QubitProperties | list[QubitProperties]:
        """T1, T2 and frequency of a qubit, or of several; without values where nothing is known."""
        known = self.target.qubit_properties
        if isinstance(qubit, int):
            return known[qubit] if known else QubitProperties()
        return [known[index] if known else QubitProperties() for index in qubit]

    def set_options(self, **fields: Any) -> None:
        """Set options for all later runs.

        Raises:
            HaiquOptionError: If an option does not exist; suggests the nearest.
            HaiquInputError: If a value is not allowed.
        """
        self.check_options(fields)
        self._options.update_options(**fields)
        self._set.update(fields)

    def check_options(self, options: Mapping[str, Any]) -> None:
        """Raise for an option that does not exist or has a wrong value."""
        self._engine.check_options(self._record.id, options)

    def layers(self) -> list[Layer]:
        """Settings of the backend and of its provider, for options that leave them open."""
        options = self.options_set()
        names = {"shots": "default_shots", "seed_simulator": "seed_simulator"}
        own: dict[str, Any] = {general: options.pop(name) for name, general in names.items() if name in options}
        options.pop("memory", None)
        if options:
            own["backend_options"] = options
        return [("backend options", own), ("provider", getattr(self.provider, "options", {}))]

    def options_set(self) -> dict[str, Any]:
        """The options that were set, by :meth:`set_options` or as attributes."""
        defaults = self._defaults
        return {
            name: value
            for name, value in self._all_options().items()
            if name in self._set or (value is not defaults[name] and repr(value) != repr(defaults[name]))
        }

    def status(self) -> "BackendStatus":
        """Whether the device takes jobs, and how many are waiting; asks a remote service."""
        from qiskit_haiqu_provider.views import BackendStatus  # loaded when it is asked for

        pending = self._engine.pending_jobs(self._record.id)
        now = next((record for record in self._engine.devices() if record.id == self._record.id), self._record)
        return BackendStatus(
            backend_name=self.name, operational=now.operational, pending_jobs=pending, status_msg=now.status
        )

    def configuration(self) -> "BackendConfiguration":
        """Read-only view for code that was written for older backends, such as mthree."""
        from qiskit_haiqu_provider.views import BackendConfiguration  # loaded when it is asked for

        return BackendConfiguration(
            backend_name=self.name,
            backend_version=self.backend_version,
            num_qubits=self.num_qubits,
            basis_gates=tuple(self.operation_names),
            coupling_map=tuple(self.coupling_map.get_edges()) if self.coupling_map is not None else (),
            simulator=self.simulator,
            local=self.via == "local",
            max_shots=self._engine.max_shots(self.name),
            dt=self.dt,
            description=self.description,
        )

    def session(self, *, max_time: int | None = None) -> AbstractContextManager["HaiquBackend"]:
        """A session of the vendor, in which the device is kept for its jobs.

        Where jobs do not wait for each other, on this machine, it is this backend itself.

        Args:
            max_time: Seconds after which the vendor closes it; ``None`` for the limit of the plan.

        Returns:
            A context manager that opens the session, gives the backend whose jobs go into it, and closes the session;
            jobs in it go on.

        Raises:
            HaiquOptionError: If who executes has no sessions.

        Example:
            >>> from qiskit_haiqu_provider import HaiquProvider, SamplerV2
            >>> with HaiquProvider().get_backend("aer_simulator").session(max_time=600) as backend:
            ...     sampler = SamplerV2(backend)
        """
        return opened(self, self._engine, batch=False, max_time=max_time)

    def batch(self, *, max_time: int | None = None) -> AbstractContextManager["HaiquBackend"]:
        """A batch of the vendor, whose jobs run close together without keeping the device; else like :meth:`session`.

        Raises:
            HaiquOptionError: If who executes has no batches.
        """
        return opened(self, self._engine, batch=True, max_time=max_time)

    def with_options(self, **fields: Any) -> "HaiquBackend":
        """The same device with other options, which are set like those of :meth:`set_options`."""
        options = {**self.options_set(), **fields}
        return HaiquBackend(self._engine, self._record, store=self._store, provider=self.provider, options=options)

    def to_aer(self) -> Any:
        """An ``AerSimulator`` on this machine that behaves as this device, noise included as far as it is known.

        Raises:
            HaiquBackendNotFoundError: If nothing is known of the noise of a remote device.
        """
        return self._engine.simulator(self._record.id, self._all_options())

    def check_circuit(self, circuit: QuantumCircuit, *, where: str, options: Mapping[str, Any] | None = None) -> None:
        """Refuse a circuit that the device cannot run as it stands; nothing is transpiled silently.

        Args:
            circuit: The circuit.
            where: What it is, for the message (for example ``PUB 0``).
            options: Options of the run that go before the backend's. With ``skip_transpilation=False`` the service
                is asked to transpile, and takes any circuit.

        Raises:
            HaiquCircuitError: If it does not fit; the message names the instruction, its qubits, and the fix.
        """
        if not self._record.constrained:
            return
        effective = {**self._all_options(), **(options or {})}
        if effective.get("skip_transpilation", True):
            check_isa(circuit, self.target, device=self.name, where=where)

    def run(self, run_input: QuantumCircuit | Iterable[QuantumCircuit], **options: Any) -> HaiquJob:
        """Run circuits.

        Args:
            run_input: A circuit or several.
            **options: Options of the backend for this run (``shots``, ``memory``, ``seed_simulator``, ...), and

                * ``parameter_binds``: for each circuit a mapping from parameters to values, as in Aer; the result
                  has one experiment for each value;
                * ``run_type``: ``Run``, or ``StatevectorRun`` for exact amplitudes;
                * ``use_mitigation``, ``mitigation``, ``dry_run``, ``max_cost_usd``, ``name``, ``description``,
                  ``progress``: as in the options of the primitives;
                * ``job_tags``: kept with the job.

                Others are ignored with a warning, once.

        Returns:
            A job whose result is a ``qiskit.result.Result`` with counts and memory in hexadecimal.

        Raises:
            HaiquInputError: If something cannot be run; nothing was submitted.
        """
        tasks, plan, run_type, settings = self._parse(run_input, options)
        return self.submit(tasks, plan, settings, run_type=run_type)

    def estimate_cost(self, run_input: QuantumCircuit | Iterable[QuantumCircuit], **options: Any) -> CostEstimate:
        """What :meth:`run` would cost with the same arguments; nothing is submitted."""
        tasks, _, run_type, settings = self._parse(run_input, options)
        return self.price(tasks, settings, run_type=run_type)

    def statevector(self, circuits: QuantumCircuit | Sequence[QuantumCircuit]) -> Statevector | list[Statevector]:
        """Exact amplitudes in Qiskit order, final measurements and noise left out.

        Args:
            circuits: A circuit, or several, of at most 24 qubits, without free parameters, mid-circuit
                measurement, reset or control flow.

        Returns:
            A statevector for a circuit, a list for several.

        Raises:
            HaiquInputError: If a circuit has no statevector or is too wide.
        """
        single = isinstance(circuits, QuantumCircuit)
        result = self.run(circuits, run_type=RunType.STATEVECTOR.value, dry_run=False).result()
        states = [Statevector(experiment.data.statevector) for experiment in result.results]
        return states[0] if single else states

    def submit(
        self,
        tasks: tuple[Task, ...],
        plan: Plan,
        settings: RunSettings,
        *,
        run_type: RunType = RunType.RUN,
    ) -> HaiquJob:
        """Submit tasks that were planned; what the primitives and :meth:`run` do last."""
        return submit_job(
            self._engine,
            self._request(tasks, settings, run_type),
            plan,
            backend=self,
            store=self._store,
            dry_run=settings.dry_run,
            max_cost_usd=settings.max_cost_usd,
            ledger=getattr(self.provider, "ledger", None),
            progress=settings.progress,
            tags=settings.tags,
        )

    def price(self, tasks: tuple[Task, ...], settings: RunSettings, *, run_type: RunType = RunType.RUN) -> CostEstimate:
        """What :meth:`submit` would cost with the same arguments; nothing is submitted."""
        return self._engine.estimate(self._request(tasks, settings, run_type))

    def _request(self, tasks: tuple[Task, ...], settings: RunSettings, run_type: RunType) -> RunRequest:
        options = {**self._all_options(), **settings.options}
        self.check_options(options)
        for task in tasks:
            if task.shots is not None:
                check_shots(task.shots, where=f"PUB {task.pub}: shots", maximum=self._engine.max_shots(self.name))
        request = RunRequest(
            device=self._record.id,
            tasks=tasks,
            run_type=run_type,
            seed=options.get("seed_simulator"),
            use_mitigation=settings.use_mitigation,
            mitigation=settings.mitigation,
            options=options,
            name=settings.name,
            description=settings.description,
        )
        if not request.use_mitigation:
            return request
        from qiskit_haiqu_provider.engines.mitigating import with_mitigation  # loaded when it is used

        return with_mitigation(request, self._engine, target=self.target if self._record.constrained else None)

    def _all_options(self) -> dict[str, Any]:
        return dict(vars(self._options))

    def _parse(
        self, run_input: QuantumCircuit | Iterable[QuantumCircuit], options: Mapping[str, Any]
    ) -> tuple[tuple[Task, ...], Plan, RunType, RunSettings]:
        """The arguments of :meth:`run`, checked."""
        run_type, shots, binds, settings = read_arguments(
            options,
            known=self._all_options(),
            layers=self.layers,
            max_shots=self._engine.max_shots(self.name),
            ignore=self._warn_ignored,
        )
        circuits = as_circuits(run_input)
        exact = run_type is RunType.STATEVECTOR
        for index, circuit in enumerate(() if exact else circuits):
            self.check_circuit(circuit, where=f"circuit {index}", options=settings.options)
        memory = bool({**self._all_options(), **settings.options}["memory"])
        plan, tasks = plan_run(circuits, bound_values(circuits, binds), shots=shots, memory=memory)
        if exact:
            tasks = tuple(replace(task, shots=None) for task in tasks)
        return tasks, plan, run_type, settings

    def _warn_ignored(self, names: list[str], known: list[str]) -> None:
        """Warn, once, of arguments of :meth:`run` that mean nothing here."""
        if frozenset(names) not in self._ignored:
            self._ignored.add(frozenset(names))
            warnings.warn(f"{self.name} ignores the options {names}. Valid names: {known}.", stacklevel=5)

    def __repr__(self) -> str:
        return f"<HaiquBackend('{self.name}', via='{self.via}', num_qubits={self._record.num_qubits})>"

    def _repr_html_(self) -> str:
        from qiskit_haiqu_provider.views import html_table  # loaded when it is asked for

        facts: dict[str, Any] = {
            "via": self.via,
            "vendor": self._record.vendor,
            "qubits": self._record.num_qubits,
            "simulator": "yes" if self.simulator else "no",
            "status": self._record.status,
            "about": self._record.description,
        }
        if not self._record.ideal:
            facts["errors and durations"] = self.calibration or "unknown"
        return html_table(self.name, facts)

"""HaiquProvider: the devices that can be reached from here, and the jobs that were run on them."""

import os
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import cached_property
from itertools import islice
from typing import Any

from qiskit.providers import JobStatus

from qiskit_haiqu_provider.backend import HaiquBackend
from qiskit_haiqu_provider.devices.fakes import fakes_installed
from qiskit_haiqu_provider.devices.record import DeviceRecord
from qiskit_haiqu_provider.engines.base import Engine, Executor
from qiskit_haiqu_provider.exceptions import (
    HaiquBackendNotFoundError,
    HaiquDependencyError,
    HaiquError,
    HaiquInputError,
)
from qiskit_haiqu_provider.job import HaiquJob, stored_job, stored_jobs
from qiskit_haiqu_provider.options.base import check_layer
from qiskit_haiqu_provider.options.definitions import EstimatorOptions, SamplerOptions
from qiskit_haiqu_provider.run.checks import is_whole
from qiskit_haiqu_provider.store import JobRecord, JobStore, created_at


class HaiquProvider:
    """Devices and jobs. Making one costs no network and imports no vendor library.

    Args:
        executor: Runs parameter sweeps of local devices elsewhere: an executor of ``concurrent.futures`` or a
            ``distributed.Client`` of Dask.
        home: Folder for jobs. Default: the environment variable ``HAIQU_HOME``, else the platform's data folder.
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
        executor: Executor | None = None,
        home: str | os.PathLike[str] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        if executor is not None and not callable(getattr(executor, "submit", None)):
            raise HaiquInputError(
                f"executor must have a method submit(function, *arguments), which {executor!r} has not. "
                "Give an executor of concurrent.futures or a distributed.Client."
            )
        self._executor = executor
        self._store = JobStore(home)
        self._options = dict(options or {})
        check_layer([SamplerOptions, EstimatorOptions], ("provider", self._options), owner="HaiquProvider(options=...)")

    @cached_property
    def _engines(self) -> tuple[Engine, ...]:
        """The engines, loaded when a device is first asked for."""
        from qiskit_haiqu_provider.engines.local.engine import LocalEngine

        return (LocalEngine(self._executor),)

    def __getstate__(self) -> dict[str, Any]:
        # Executors belong to this process.
        return {**self.__dict__, "_executor": None}

    @property
    def options(self) -> Mapping[str, Any]:
        """Defaults for the options of primitives."""
        return dict(self._options)

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

        Args:
            name: The device's name.
            simulator: Whether it is a simulator.
            min_num_qubits: The least number of qubits.
            via: Who executes, for example ``local``.
            filters: Called with each backend; keeps those for which it returns true.
        """
        found = [
            HaiquBackend(engine, record, store=self._store, provider=self)
            for engine, record in self._records(via)
            if (name is None or record.id == name)
            and (simulator is None or record.simulator == simulator)
            and (min_num_qubits is None or record.num_qubits >= min_num_qubits)
        ]
        return [backend for backend in found if filters is None or filters(backend)]

    def get_backend(
        self, name: str = "aer_simulator", *, via: str | None = None, **backend_options: Any
    ) -> HaiquBackend:
        """One device.

        Args:
            name: The device's name, for example ``aer_simulator`` or ``fake_torino``.
            via: Who executes; only needed where a device can be reached in more than one way.
            **backend_options: Options of the backend, for example ``method``, ``noise_model``, ``seed_simulator`` or
                ``shots``.

        Raises:
            HaiquBackendNotFoundError: If there is no such device; names the nearest.
            HaiquDependencyError: If the device needs an extra that is not installed.
            HaiquInputError: If an option is wrong.
        """
        if not isinstance(name, str):
            raise HaiquInputError(f"name must be the name of a device, not {name!r}. See provider.backends().")
        for engine, record in self._records(via):
            if record.id == name:
                return HaiquBackend(engine, record, store=self._store, provider=self, options=backend_options)
        raise self._not_found(name, via)

    def least_busy(
        self,
        *,
        simulator: bool | None = None,
        min_num_qubits: int | None = None,
        via: str | None = None,
        filters: Callable[[HaiquBackend], bool] | None = None,
    ) -> HaiquBackend:
        """The matching device with the fewest pending jobs; of equals an ideal simulator, else the narrowest.

        Raises:
            HaiquBackendNotFoundError: If no device matches.
        """
        found = self.backends(simulator=simulator, min_num_qubits=min_num_qubits, via=via, filters=filters)
        if not found:
            raise HaiquBackendNotFoundError("No device matches the filters. See provider.backends() for all devices.")

        def load(backend: HaiquBackend) -> tuple[int, bool, int]:
            return backend.status().pending_jobs, backend.record.constrained, backend.record.num_qubits

        return min(found, key=load)

    def job(self, job_id: str) -> HaiquJob:
        """The job with that id, also one of another process or of one that has ended.

        Raises:
            HaiquJobNotFoundError: If no such job is known.
        """
        return stored_job(self._store, job_id, self._backend_of)

    def jobs(
        self,
        *,
        limit: int | None = 10,
        backend_name: str | None = None,
        status: JobStatus | str | Iterable[JobStatus | str] | None = None,
        created_after: datetime | None = None,
    ) -> list[HaiquJob]:
        """Jobs, the last submitted first.

        Args:
            limit: The most jobs to return; ``None`` for all.
            backend_name: Only jobs of that device.
            status: Only jobs of that status, or of one of those.
            created_after: Only jobs submitted after that time; a time without zone is in UTC.
        """
        wanted = _statuses(status)
        if limit is not None and (not is_whole(limit) or limit < 0):
            raise HaiquInputError(f"limit must be None or a whole number of at least 0, not {limit!r}.")
        after = created_after
        if after is not None and after.tzinfo is None:
            after = after.replace(tzinfo=UTC)

        def matches(record: JobRecord) -> bool:
            return (backend_name is None or record.backend == backend_name) and (
                after is None or created_at(record) > after
            )

        jobs = stored_jobs(self._store, self._backend_of, matches)
        return list(islice((job for job in jobs if wanted is None or job.status() in wanted), limit))

    def _records(self, via: str | None = None) -> list[tuple[Engine, DeviceRecord]]:
        known = [engine.via for engine in self._engines]
        if via is not None and via not in known:
            raise HaiquInputError(f"via must be one of {known}, not {via!r}.")
        return [
            (engine, record)
            for engine in self._engines
            if via is None or engine.via == via
            for record in engine.devices()
        ]

    def _backend_of(self, record: JobRecord) -> HaiquBackend | None:
        """The backend of a stored job; ``None`` if it cannot be reached any more."""
        try:
            return self.get_backend(record.backend, via=record.via)
        except HaiquError:
            return None

    def _not_found(self, name: str, via: str | None) -> HaiquError:
        if name.startswith("fake_") and not fakes_installed():
            return HaiquDependencyError(
                f"{name} is a snapshot that comes with qiskit-ibm-runtime, which is not installed. "
                "Run: pip install 'qiskit-haiqu-provider[ibm]'"
            )
        if name.startswith(_REMOTE):
            twin = f"fake_{name.partition('_')[2]}"
            known = any(record.id == twin for _, record in self._records(via))
            offline = f" Its noisy snapshot '{twin}' runs offline." if known else ""
            return HaiquBackendNotFoundError(
                f"'{name}' is a device of a vendor, which this release cannot reach yet; it runs 'aer_simulator' and "
                f"'fake_*' on this machine.{offline}"
            )
        names = [record.id for _, record in self._records(via)]
        near = get_close_matches(name, names, n=3, cutoff=0.5)
        hint = f"Did you mean {', '.join(near)}?" if near else "See provider.backends() for all devices."
        return HaiquBackendNotFoundError(f"There is no device '{name}'. {hint}")

    def __repr__(self) -> str:
        return "<HaiquProvider(via=['local'])>"


_REMOTE = ("ibm_", "aws_", "ionq_", "iqm_", "coda_")
"""How the ids of devices begin that are not on this machine."""


def _statuses(status: JobStatus | str | Iterable[JobStatus | str] | None) -> set[JobStatus] | None:
    if status is None:
        return None
    several = [status] if isinstance(status, (JobStatus, str)) else list(status)
    found = set()
    for one in several:
        name = one.name if isinstance(one, JobStatus) else one.upper()
        if name not in JobStatus.__members__:
            raise HaiquInputError(f"status must be one of {list(JobStatus.__members__)}, not {one!r}.")
        found.add(JobStatus[name])
    return found

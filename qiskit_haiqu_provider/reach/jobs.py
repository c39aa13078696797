"""The jobs that a provider finds: on record here, or known to the service alone."""

import re
from collections.abc import Callable
from typing import Any

from qiskit_haiqu_provider.exceptions import HaiquJobNotFoundError, HaiquNotFoundError
from qiskit_haiqu_provider.job import Follow, HaiquJob
from qiskit_haiqu_provider.reach.history import Adopted, Wanted, adopted_job, known_ids, list_jobs
from qiskit_haiqu_provider.reach.service import Service
from qiskit_haiqu_provider.store import JobRecord, JobStore
from qiskit_haiqu_provider.submit import stored_job

_GIVEN_ID = re.compile(r"(?!local-|dry-)[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}")
"""Ids that a service may have given."""


class Jobs:
    """Jobs that were submitted before.

    Args:
        store: Where those are on record that were submitted from here.
        service: Knows those of other programs.
        backend_of: The backend of a record; ``None`` if it cannot be reached any more.
        follow: Reaches the run of a record at its service.
    """

    def __init__(
        self,
        store: JobStore,
        service: Service,
        *,
        backend_of: Callable[[JobRecord], Any],
        follow: Follow,
    ) -> None:
        self._store = store
        self._service = service
        self._backend_of = backend_of
        self._follow = follow

    def find(self, job_id: str) -> HaiquJob:
        """The job with that id.

        Raises:
            HaiquJobNotFoundError: If no such job is known, here or at the service.
            HaiquApiError: If it is not known here, and the service cannot be asked.
        """
        if not isinstance(job_id, str):
            raise HaiquJobNotFoundError(f"{job_id!r} is not a job id. See provider.jobs().")
        try:
            return self._ours(job_id)
        except HaiquJobNotFoundError as error:
            if not _GIVEN_ID.fullmatch(job_id) or not self._service.configured:
                raise
            here = error
        try:
            return self._theirs(self._service.engine.adopt(job_id))
        except HaiquNotFoundError:
            url = self._service.connection.url.value
            raise HaiquJobNotFoundError(f"{here} {url} does not know it either.") from None

    def newest(self, wanted: Wanted) -> list[HaiquJob]:
        """The jobs that are wanted, the last submitted first; of the service only if it can be asked."""
        ours = self._store.records()
        theirs = self._service.elsewhere(wanted, known_ids(ours))
        ours_job = self._ours if theirs is not None else self._ours_alone
        return list_jobs(wanted, ours, theirs or (), ours_job=ours_job, theirs_job=self._theirs)

    def _ours(self, job_id: str) -> HaiquJob:
        return stored_job(self._store, job_id, self._backend_of, self._follow)

    def _ours_alone(self, job_id: str) -> HaiquJob:
        """The job on record; its device is looked for on this machine alone."""
        return stored_job(self._store, job_id, self._local_backend_of, self._follow)

    def _local_backend_of(self, record: JobRecord) -> Any:
        return self._backend_of(record) if record.via == "local" else None

    def _theirs(self, found: Adopted) -> HaiquJob:
        return adopted_job(self._store, found, self._backend_of, self._follow)

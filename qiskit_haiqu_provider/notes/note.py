"""Jobs that ran elsewhere, noted in an experiment of the service: each of them once."""

import hashlib
import json
import reprlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qiskit import QuantumCircuit

from qiskit_haiqu_provider.exceptions import (
    HaiquApiError,
    HaiquInputError,
    HaiquNotFoundError,
    HaiquSubmissionError,
)
from qiskit_haiqu_provider.files import plain
from qiskit_haiqu_provider.notes.results import Outcome, read_outcome
from qiskit_haiqu_provider.run.digest import content_digest

if TYPE_CHECKING:
    from qiskit_haiqu_provider.api.client import HaiquClient
    from qiskit_haiqu_provider.engines.haiqu.workspace import Workspace

LOOKS = (0.0, 0.2, 1.0)
"""Seconds to wait before each look for a job whose note got no answer."""

_LONGEST_NAME = 200


@dataclass(frozen=True, kw_only=True)
class Note:
    """A job that ran elsewhere, ready to be sent."""

    results: str
    shots: str
    device: str
    name: str
    metrics: Mapping[str, Any]
    circuit: QuantumCircuit | None
    service_job: str | None
    circuit_hash: str

    @property
    def hash(self) -> str:
        """By what the job is found again: its results, its circuit and its device."""
        content = f"{self.results}\0{self.circuit_hash}\0{self.device}"
        return hashlib.sha256(content.encode()).hexdigest()


def read_note(
    job_or_result: Any,
    circuit: QuantumCircuit | None,
    *,
    name: str,
    metrics: Mapping[str, Any] | None,
    device: str | None,
) -> Note:
    """Read what is to be noted, waiting for a job that has not ended.

    Raises:
        HaiquInputError: If an argument cannot be used; nothing was sent.
    """
    if circuit is not None and not isinstance(circuit, QuantumCircuit):
        raise HaiquInputError(f"circuit must be a QuantumCircuit, not {type(circuit).__name__}.")
    if metrics is not None and not isinstance(metrics, Mapping):
        raise HaiquInputError(f"metrics must be a mapping from names to values, not {type(metrics).__name__}.")
    _check_short(name, "name")
    _check_short(device or "", "device")
    outcome: Outcome = read_outcome(job_or_result, num_clbits=None if circuit is None else circuit.num_clbits)
    return Note(
        results=json.dumps(outcome.entries, separators=(",", ":"), sort_keys=True, allow_nan=False),
        shots=json.dumps(outcome.shots),
        device=device or outcome.device,
        name=name,
        metrics=_finite(plain(metrics or {})),
        circuit=circuit,
        service_job=outcome.service_job,
        circuit_hash="" if circuit is None else content_digest(circuit),
    )


def log_once(note: Note, client: "HaiquClient", workspace: "Workspace") -> str:
    """Note the job, unless it is there already; returns its id.

    Raises:
        HaiquApiError: If the service refused it; nothing was noted.
        HaiquSubmissionError: If it is not known whether it was noted.
    """
    if note.service_job is not None and _is_there(client, note.service_job):
        return note.service_job
    try:
        return _log(note, client, workspace)
    except HaiquNotFoundError:
        if not workspace.remembered:
            raise
    workspace.forget()  # the experiment that is remembered here was removed there
    return _log(note, client, workspace)


def _is_there(client: "HaiquClient", job_id: str) -> bool:
    try:
        client.job(job_id)
    except HaiquNotFoundError:
        return False
    return True


def _log(note: Note, client: "HaiquClient", workspace: "Workspace") -> str:
    experiment = workspace.experiment_id()
    if note.circuit is not None:
        workspace.circuit_ids([note.circuit])
    known = client.local_job(experiment, note.hash)
    if known is None:
        return _send(note, client, experiment)
    if note.metrics:
        client.log_job_metrics(experiment, known.id, dict(note.metrics))
    return str(known.id)


def _send(note: Note, client: "HaiquClient", experiment: str) -> str:
    """Send the note, once. If the answer is lost, the service is asked for it."""
    from qiskit_haiqu_provider.api.models import JobKind, JobState, LocalJobCreate

    body = LocalJobCreate(
        experiment_id=experiment,
        hash=note.hash,
        circuit_hash=note.circuit_hash,
        results=note.results,
        device_id=note.device,
        shots=note.shots,
        name=note.name,
        status=JobState.DONE,
        job_type=JobKind.LOCAL,
        metrics=dict(note.metrics),
    )
    try:
        return str(client.submit_local_job(body).id)
    except HaiquApiError as error:
        if not error.reached:
            raise
        lost = error
    found = _look_for(note.hash, client, experiment)
    if found is None:
        raise HaiquSubmissionError(
            "The service did not answer, and does not show the job (yet). Call log() again with the same result: it "
            "looks for the job first.",
            status=lost.status,
            detail=lost.detail,
            request_id=lost.request_id,
        ) from lost
    return found


def _look_for(job_hash: str, client: "HaiquClient", experiment: str) -> str | None:
    """The id of a job that may have been noted a moment ago."""
    for seconds in LOOKS:
        time.sleep(seconds)
        try:
            found = client.local_job(experiment, job_hash)
        except HaiquApiError:
            return None  # the client has tried for a while
        if found is not None:
            return str(found.id)
    return None


def _finite(metrics: dict[str, Any]) -> dict[str, Any]:
    """The metrics, if JSON has words for them."""
    for name, value in metrics.items():
        try:
            json.dumps(value, allow_nan=False)
        except ValueError:
            raise HaiquInputError(f"metrics[{name!r}] is not finite. Remove NaN and infinity.") from None
    return metrics


def _check_short(text: Any, where: str) -> None:
    if not isinstance(text, str) or len(text) > _LONGEST_NAME:
        raise HaiquInputError(
            f"{where} must be a text of at most {_LONGEST_NAME} characters, not {reprlib.repr(text)}."
        )

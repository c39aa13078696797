"""From prepared jobs to jobs that the vendor has accepted: each sent at most once, whatever happens on the way.

The journal has the client token before a job leaves, and the vendor's id as soon as it is known. If an answer is lost,
the vendor is asked for a job with the token, several times, as the submission may still be on its way. Where the vendor
cannot tell, the fate of the job is said to be not known; it is never sent again.
"""

import logging
import random
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from qiskit_haiqu_provider.engines.base import Journal
from qiskit_haiqu_provider.engines.direct.port import Sent, Vendor, VendorJob
from qiskit_haiqu_provider.engines.direct.state import RunState
from qiskit_haiqu_provider.engines.direct.together import tried
from qiskit_haiqu_provider.exceptions import HaiquApiError, HaiquError, HaiquSubmissionError
from qiskit_haiqu_provider.run.request import RunRequest

logger = logging.getLogger(__name__)

LOOKS = (0.2, 0.5, 1.0, 2.0)
"""Seconds to wait before each look for a job whose submission got no answer."""


def send_all(
    vendor: Vendor, jobs: Sequence[VendorJob], *, request: RunRequest, state: RunState, journal: Journal
) -> RunState:
    """Send the jobs of a run, as many at a time as the vendor takes.

    Args:
        vendor: Who gets them.
        jobs: What to send.
        request: The run.
        state: The run before anything has left.
        journal: Called with the state before and after jobs leave.

    Raises:
        HaiquSubmissionError: If it is not known whether a job was accepted, or accepted ones cannot be stopped.
        HaiquError: If the vendor refused a job; those that it had accepted were cancelled.
    """
    for start in range(0, len(jobs), vendor.at_once):
        part = range(start, min(start + vendor.at_once, len(jobs)))
        state = state.leaving(part)
        journal(state.to_json())
        calls = [partial(_sent, vendor, jobs[index], request=request, state=state, index=index) for index in part]
        outcomes = tried(calls, at_once=vendor.at_once)
        for index, (sent, _) in zip(part, outcomes, strict=True):
            if sent is not None:
                state = state.accepted(index, sent.id, sent.facts)
        journal(state.to_json())
        errors = [error for _, error in outcomes if error is not None]
        if errors:
            raise _worst(vendor, state, errors) from None
    return state


def _worst(vendor: Vendor, state: RunState, errors: Sequence[Exception]) -> Exception:
    """What to tell of jobs that were not accepted; those that were are stopped if that leaves nothing open."""
    unknown = next((error for error in errors if not _is_refusal(error)), None)
    if unknown is not None:
        return unknown
    return _withdrawn(vendor, state, errors[0]) or errors[0]


def _is_refusal(error: Exception) -> bool:
    """Whether the vendor has certainly not accepted the job."""
    return isinstance(error, HaiquError) and not isinstance(error, HaiquSubmissionError)


def _sent(vendor: Vendor, job: VendorJob, *, request: RunRequest, state: RunState, index: int) -> Sent:
    """A job that was sent.

    Raises:
        HaiquSubmissionError: If it is not known whether it was accepted.
        HaiquError: If it was not.
    """
    token = state.jobs[index].token
    try:
        return vendor.send(job, request=request, token=token)
    except HaiquApiError as error:
        if not error.reached or isinstance(error, HaiquSubmissionError):
            raise
        lost = error
    logger.warning("The answer to a submission was lost (%s); looking for its job.", type(lost).__name__)
    found = look_for(vendor, token, device=request.device)
    if found is not None:
        return Sent(found)
    raise _unknown(lost, state) from None


def look_for(vendor: Vendor, token: str, *, device: str) -> str | None:
    """The id of the job with a client token, after several looks; ``None`` if there is none, or nobody can tell."""
    for pause in LOOKS:
        time.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - spreads requests, guards nothing
        try:
            found = vendor.find(token, device=device)
        except HaiquApiError:
            continue
        if found is not None:
            return found
    return None


def _withdrawn(vendor: Vendor, state: RunState, reason: Exception) -> HaiquSubmissionError | None:
    """Stop the accepted jobs of a run of which another was refused.

    Returns:
        The error if one of them goes on: the run is kept then, so that nothing that is paid for is lost.
    """
    going: list[str] = []
    for job_id in state.ids:
        try:
            vendor.cancel(job_id, device=state.device)
        except HaiquError as error:
            logger.warning("Job %s could not be cancelled: %s", job_id, error)
            going.append(job_id)
    if not going:
        return None
    return HaiquSubmissionError(
        f"A job of the run was refused: {reason} Others had been accepted and go on: {going}. "
        f"provider.job('{state.via}-{state.token}') shows them, and partial_result() returns what they yield.",
        detail=str(reason),
    )


def _unknown(lost: HaiquApiError, state: RunState) -> HaiquSubmissionError:
    return HaiquSubmissionError(
        f"Whether the job was accepted is not known: its answer was lost ({type(lost).__name__}: {lost}). A second job "
        f"was not made. Its record is kept: provider.job('{state.via}-{state.token}') finds the job if the vendor can "
        "tell. Look at the vendor's console, and submit anew only if it is not there.",
        status=lost.status,
        detail=lost.detail,
        request_id=lost.request_id,
    )


def unnoted(_state: Mapping[str, Any]) -> None:
    """A journal that keeps nothing."""

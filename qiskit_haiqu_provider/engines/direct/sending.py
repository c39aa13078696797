"""From prepared jobs to jobs that the vendor has accepted: each sent at most once, whatever happens on the way.

The journal has the client token before a job leaves, and the vendor's id as soon as it is known. If an answer is lost,
the vendor is asked for a job with the token, several times, as the submission may still be on its way. Where the vendor
cannot tell, the fate of the job is said to be not known; it is never sent again.
"""

import contextlib
import logging
import random
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from qiskit.providers import JobStatus
from qiskit.providers.jobstatus import JOB_FINAL_STATES

from qiskit_haiqu_provider.engines.base import Journal
from qiskit_haiqu_provider.engines.direct.port import Look, Sent, Vendor, VendorJob
from qiskit_haiqu_provider.engines.direct.state import RunState, SentJob
from qiskit_haiqu_provider.engines.direct.together import tried
from qiskit_haiqu_provider.exceptions import HaiquApiError, HaiquError, HaiquResponseError, HaiquSubmissionError
from qiskit_haiqu_provider.run.request import RunRequest

logger = logging.getLogger(__name__)

LOOKS = (0.2, 0.5, 1.0, 2.0)
"""Seconds to wait before each look for a job whose submission got no answer."""


def send_all(
    vendor: Vendor, jobs: Sequence[VendorJob], *, request: RunRequest, state: RunState, journal: Journal
) -> RunState:
    """Send the jobs of a run, as many at a time as the vendor takes, until one is not accepted.

    Args:
        vendor: Who gets them.
        jobs: What to send.
        request: The run.
        state: The run before anything has left.
        journal: Called with the state before and after jobs leave.

    Raises:
        HaiquSubmissionError: If it is not known whether a job was accepted, or accepted ones were not stopped in time.
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
        errors = {index: error for index, (_, error) in zip(part, outcomes, strict=True) if error is not None}
        state = state.refused(_reasons(errors, range(part.stop, len(jobs))))
        journal(state.to_json())
        if errors:
            raise _worst(vendor, state, list(errors.values()), journal) from None
    return state


def _reasons(errors: Mapping[int, Exception], unsent: Iterable[int]) -> dict[int, str]:
    """Why there will be nothing of the jobs that were refused, and of those that are not sent because of that."""
    if not errors:
        return {}
    refused = {index: str(error) for index, error in errors.items() if _is_refusal(error)}
    return refused | dict.fromkeys(unsent, "It was not sent, as one before it was not accepted.")


def _worst(vendor: Vendor, state: RunState, errors: Sequence[Exception], journal: Journal) -> Exception:
    """What to tell of jobs that were not accepted; those that were are stopped if that leaves nothing open."""
    unknown = next((error for error in errors if not _is_refusal(error)), None)
    if unknown is not None:
        return unknown
    return _withdrawn(vendor, state, errors[0], journal) or errors[0]


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
    except HaiquError as error:
        if not isinstance(error, HaiquApiError) or not error.reached or isinstance(error, HaiquSubmissionError):
            raise
        lost = error
    except Exception as error:  # the vendor's client, about an answer nobody thought of: who knows what was done
        logger.debug("The client of %s failed unexpectedly.", state.via, exc_info=True)
        lost = HaiquResponseError(f"the client of {state.via} failed on it with {type(error).__name__}")
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


def _withdrawn(vendor: Vendor, state: RunState, reason: Exception, journal: Journal) -> HaiquSubmissionError | None:
    """Stop the accepted jobs of a run of which another was refused.

    Returns:
        The error if one of them is not cancelled: the run is kept then, as what it yields is paid for.
    """
    fates = _fates(vendor, state)
    if all(fate == _CANCELLED for fate in fates.values()):
        free = [index for index, job in enumerate(state.jobs) if job.id is not None and _is_free(vendor, state, job)]
        journal(state.refused(dict.fromkeys(free, "It was cancelled, as another one was refused.")).to_json())
        return None
    told = "; ".join(f"{job_id} {fate}" for job_id, fate in fates.items())
    return HaiquSubmissionError(
        f"A job of the run was refused: {reason} Of those that had been accepted, {told}. "
        f"provider.job('{state.via}-{state.token}') shows them: cancel() asks again, and partial_result() returns what "
        "they yield. Run again only what is missing.",
        detail=str(reason),
    )


def _fates(vendor: Vendor, state: RunState) -> dict[str, str]:
    """What becomes of accepted jobs that are asked to stop, as the vendor tells within a few seconds."""
    troubles: dict[str, HaiquError] = {}
    looks: dict[str, Look] = {}
    for job_id in state.ids:
        try:
            vendor.cancel(job_id, device=state.device)
        except HaiquError as error:
            logger.warning("Job %s could not be cancelled: %s", job_id, error)
            troubles[job_id] = error
    going = list(state.ids)
    for pause in (0.0, *LOOKS):
        time.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - spreads requests, guards nothing
        for job_id in going:
            with contextlib.suppress(HaiquError):
                looks[job_id] = vendor.look(job_id, device=state.device)
        going = [job_id for job_id in going if job_id not in troubles and not _has_ended(looks.get(job_id))]
        if not going:
            break
    return {job_id: _fate(looks.get(job_id), troubles.get(job_id)) for job_id in state.ids}


def _fate(look: Look | None, trouble: HaiquError | None) -> str:
    if look is not None and look.status is JobStatus.CANCELLED:
        return _CANCELLED
    if look is not None and _has_ended(look):
        return "had ended before"
    if trouble is not None:
        return f"could not be cancelled ({trouble})"
    return "may go on" if look is None else f"goes on ({look.word})"


def _has_ended(look: Look | None) -> bool:
    return look is not None and look.status in JOB_FINAL_STATES


def _is_free(vendor: Vendor, state: RunState, job: SentJob) -> bool:
    """Whether the vendor says that a job that was cancelled costs nothing."""
    try:
        return vendor.usage(str(job.id), job, device=state.device).get("usd") == 0
    except HaiquError:
        return False


_CANCELLED = "was cancelled"


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

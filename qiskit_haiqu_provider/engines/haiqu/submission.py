"""A submission to a service: sent at most once, whatever happens on the way.

A submission whose answer is lost (a timeout, a broken connection, a fault of the service) may have been accepted.
Then the service is asked for a job with the client token of the submission, several times, as the request may still
be on its way. Only a service that says that it honours idempotency keys is sent the same submission again, with the
same key. Otherwise the fate of the submission is told as not known.
"""

import logging
import random
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from qiskit_haiqu_provider.exceptions import HaiquApiError, HaiquSubmissionError

if TYPE_CHECKING:
    from qiskit_haiqu_provider.api.client import HaiquClient

logger = logging.getLogger(__name__)

LOOKS = (0.1, 0.4, 1.0, 2.0)
"""Seconds to wait before each look for a job whose submission got no answer."""

_NEWEST = 100
"""Jobs that are looked through for a token at first; a job that was just submitted is among the newest."""


def submit_once(post: Callable[[], str], *, client: "HaiquClient", experiment: str, token: str, run: str | None) -> str:
    """Submit a job and return its id.

    Args:
        post: Sends the submission, whose description holds the token, and returns the id of its job.
        client: The service.
        experiment: Id of the experiment that the job goes to.
        token: Client token of the submission.
        run: Client token of the run that the job is part of; its record is kept under it. ``None`` for a dry run,
            which has no record.

    Raises:
        HaiquApiError: If the service refused the job; it was not accepted.
        HaiquSubmissionError: If it is not known whether the job was accepted.
    """
    for last in (False, True):
        try:
            return post()
        except HaiquApiError as error:
            if not error.reached and not last:  # else the first one may have been accepted all the same
                raise
            lost = error
        logger.warning("The answer to a submission was lost (%s); looking for its job.", type(lost).__name__)
        found = look_for(token, client=client, experiment=experiment)
        if found is not None:
            return found
        if last or not client.honours_idempotency:
            break
    raise _unknown(lost, run) from None


def look_for(token: str, *, client: "HaiquClient", experiment: str) -> str | None:
    """The id of the job with a client token, after several looks; ``None`` if there is none, or nobody answers."""
    for pause in LOOKS:
        time.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - spreads requests, guards nothing
        try:
            found = find(token, client=client, experiment=experiment)
        except HaiquApiError:
            continue
        if found is not None:
            return found
    return None


def find(token: str, *, client: "HaiquClient", experiment: str, newest: int = _NEWEST) -> str | None:
    """The id of the job with a client token; ``None`` if the service has none.

    A job is mostly among the last few. Asking for many costs a long answer, and a service may refuse it.

    Raises:
        HaiquSubmissionError: If it is not among the newest, and there are older ones.
        HaiquApiError: If the service does not answer.
    """
    mark = mark_of(token)
    limit, seen = _NEWEST, -1
    while True:
        jobs = client.jobs(experiment, limit=limit)
        found = next((job.id for job in jobs if mark in (job.description or "")), None)
        if found is not None:
            return found
        if limit >= newest or len(jobs) <= seen:
            # If they are as many as before, this may be all that a service shows at a time.
            if len(jobs) < (limit if len(jobs) > seen else limit // 10):
                return None
            raise HaiquSubmissionError(
                f"Whether the job was accepted is not known: it is not among the newest {len(jobs):,} of the "
                "experiment, and older ones are not looked at. Look at the dashboard of the service, and run it again "
                "only if it is not there."
            )
        limit, seen = 10 * limit, len(jobs)


def mark_of(token: str) -> str:
    """How a client token stands in the description of its job."""
    return f"[client-token:{token}]"


def token_of(description: str | None) -> str | None:
    """The client token in the description of a job; ``None`` if it was submitted without one."""
    found = _MARK.search(description or "")
    return None if found is None else found[1]


_MARK = re.compile(r"\[client-token:([0-9a-f]{32})\]")


def _unknown(lost: HaiquApiError, run: str | None) -> HaiquSubmissionError:
    reason = f"its answer was lost ({type(lost).__name__}: {lost})"
    job = (
        f"Whether the job was accepted is not known: {reason}. A second job was not made. Its record is kept: "
        f"provider.job('haiqu-{run}') finds the job if there is one. Submit anew only if there is none."
    )
    dry = f"What the run costs is not known: {reason}. Nothing but a dry run was sent, which costs nothing. Ask again."
    return HaiquSubmissionError(
        dry if run is None else job,
        status=lost.status,
        detail=lost.detail,
        request_id=lost.request_id,
    )

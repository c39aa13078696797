"""From a laid-out request to jobs that the service has accepted."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from qiskit.providers import JobStatus

from qiskit_haiqu_provider.engines.base import Journal
from qiskit_haiqu_provider.engines.haiqu.facts import is_final, status_of
from qiskit_haiqu_provider.engines.haiqu.layout import Layout
from qiskit_haiqu_provider.engines.haiqu.options import AUTOMATIC
from qiskit_haiqu_provider.engines.haiqu.payload import circuits_of, flow_body, run_body
from qiskit_haiqu_provider.engines.haiqu.state import RunState, SentJob
from qiskit_haiqu_provider.engines.haiqu.submission import mark_of, submit_once
from qiskit_haiqu_provider.engines.haiqu.workspace import Workspace
from qiskit_haiqu_provider.exceptions import HaiquApiError, HaiquError, HaiquNotFoundError, HaiquSubmissionError
from qiskit_haiqu_provider.run.request import RunRequest
from qiskit_haiqu_provider.secret import Secret

if TYPE_CHECKING:
    from qiskit_haiqu_provider.api.client import HaiquClient

logger = logging.getLogger(__name__)

_DESCRIPTION = 1024
"""Characters that the service takes."""

_WITHDRAWN = "was cancelled"

_RETIRED = frozenset({405, 410, 501})
"""How a service answers that does not offer an endpoint (any more)."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be sent."""

    request: RunRequest
    layout: Layout
    credentials: Mapping[str, Secret] = field(default_factory=dict, repr=False)
    dry_run: bool = False


class Sender:
    """Sends orders to the service.

    Args:
        client: The service.
        workspace: The experiment that jobs go to.
        api: ``run``, ``flow``, or ``auto`` for the first of them that the service has.
    """

    def __init__(self, client: "HaiquClient", workspace: Workspace, *, api: str) -> None:
        self._client = client
        self._workspace = workspace
        self._api = api
        self._retired = False

    def send(self, order: Order, *, journal: Journal) -> RunState:
        """Send an order.

        What was remembered of the service may be out of date, or the service may have retired an endpoint. Then it
        refuses, and the order is sent again, as it should have been.

        Args:
            order: What to send.
            journal: Called with the state before each job leaves.

        Raises:
            HaiquSubmissionError: If it is not known whether a job was accepted.
            HaiquError: If the service refused; no job is left behind.
        """
        option = str(order.request.options.get("api", AUTOMATIC))
        chosen = self._api if option == AUTOMATIC else option
        while True:
            api = "flow" if chosen == "flow" or (chosen == AUTOMATIC and self._retired) else "run"
            remembered = self._workspace.remembered
            try:
                return self._sent(order, api, journal=journal)
            except _PartlyRefusedError as error:
                raise error.reason from None
            except HaiquSubmissionError:
                raise  # whatever was answered in the end, a job may be there
            except HaiquApiError as error:
                if chosen == AUTOMATIC and api == "run" and _is_retired(error):
                    self._retired = True
                elif remembered and isinstance(error, HaiquNotFoundError):
                    self._workspace.forget()
                else:
                    raise

    def _sent(self, order: Order, api: str, *, journal: Journal) -> RunState:
        experiment, circuits = self._uploaded(order, measured=api == "flow")
        request = order.request
        # The run's own token marks its first job; a dry run before it must not be taken for it.
        first = uuid4().hex if order.dry_run else request.token
        tokens = [first if index == 0 else uuid4().hex for index in range(len(order.layout.jobs))]
        state = RunState(
            token=request.token,
            url=self._client.url,
            account=self._client.account,
            experiment=experiment,
            device=request.device,
            api=api,
            seed=request.seed,
            use_mitigation=request.use_mitigation,
            mitigation=request.mitigation,
            finish=None if request.finish is None else request.finish.to_json(),
            jobs=tuple(SentJob(layout=job, token=token) for job, token in zip(order.layout.jobs, tokens, strict=True)),
        )
        posts = [self._post(order, index, api, state, ids) for index, ids in enumerate(circuits)]
        run = None if order.dry_run else state.token
        for index, post in enumerate(posts):
            if state.jobs[index].void:
                continue
            state = state.leaving(index)
            journal(state.to_json())
            try:
                job_id = submit_once(post, client=self._client, experiment=experiment, token=tokens[index], run=run)
            except HaiquError as error:
                unknown = isinstance(error, HaiquSubmissionError)
                if order.dry_run or not (unknown or state.ids):
                    raise  # there is nothing that costs anything
                state = state.stopped(index, refused="" if unknown else str(error))
                journal(state.to_json())
                if unknown:
                    raise  # the run may be whole
                self._withdraw(state, error)
                raise _PartlyRefusedError(error) from None
            state = state.accepted(index, job_id)
        return state

    def _uploaded(self, order: Order, *, measured: bool) -> tuple[str, list[list[str]]]:
        """The experiment, and for each job the ids of its circuits there; all are uploaded at once."""
        needed = [circuits_of(job, order.request, measured=measured) for job in order.layout.jobs]
        experiment = self._workspace.experiment_id()
        ids = iter(self._workspace.circuit_ids([circuit for circuits in needed for circuit in circuits]))
        return experiment, [[next(ids) for _ in circuits] for circuits in needed]

    def _post(
        self, order: Order, index: int, api: str, state: RunState, circuit_ids: Sequence[str]
    ) -> Callable[[], Any]:
        """What sends one job; its body is made before anything leaves."""
        token, job = state.jobs[index].token, order.layout.jobs[index]
        how: dict[str, Any] = {
            "experiment_id": state.experiment,
            "description": _described(order.request.description, token),
            "credentials": order.credentials,
            "dry_run": order.dry_run,
        }
        make = flow_body if api == "flow" else run_body
        body = make(job, order.request, circuit_ids, **how)
        return lambda: self._client.submit(body, idempotency_key=token)

    def _withdraw(self, state: RunState, reason: HaiquError) -> None:
        """Have every accepted job of a run cancelled of which another was refused: nothing is half-submitted.

        Raises:
            HaiquSubmissionError: If one was not cancelled: the run is kept then, as what it yields is paid for.
        """
        fates = {job_id: self._fate(job_id) for job_id in state.ids}  # of each, also after one that goes on
        if set(fates.values()) == {_WITHDRAWN}:
            logger.warning("Jobs %s were cancelled, because another of the same run was refused.", state.ids)
            return
        told = "; ".join(f"{job_id} {fate}" for job_id, fate in fates.items())
        use = (
            "The result of a mitigated run needs all of them."
            if state.finish is not None
            else "partial_result() returns what they yield; run again only what is missing."
        )
        raise HaiquSubmissionError(
            f"A job of the run was refused: {reason} Of those that had been accepted, {told}. "
            f"provider.job('haiqu-{state.token}') shows them, and cancel() asks again. {use}"
        ) from None

    def _fate(self, job_id: str) -> str:
        """What becomes of a job that is asked to stop."""
        try:
            job = self._client.cancel(job_id)
        except HaiquApiError as error:
            return f"could not be cancelled ({error})"
        if status_of(job) is JobStatus.CANCELLED:
            return _WITHDRAWN
        return "had ended before" if is_final(job) else f"goes on ({job.status})"


class _PartlyRefusedError(Exception):
    """Some jobs of a run were accepted before one was refused: sending it all again would be wrong."""

    def __init__(self, reason: HaiquError) -> None:
        super().__init__(str(reason))
        self.reason = reason


def _described(description: str, token: str) -> str:
    """The description with the client token, by which the job is found if the answer is lost."""
    mark = mark_of(token)
    return f"{description[: _DESCRIPTION - len(mark) - 1]} {mark}".strip()


def _is_retired(error: HaiquApiError) -> bool:
    """Whether the answer means that there is no such endpoint; otherwise something in the request is not there."""
    if error.status == 404:
        return str(error.detail).strip() == "Not Found" or "endpoint" in str(error.detail)
    return error.status in _RETIRED

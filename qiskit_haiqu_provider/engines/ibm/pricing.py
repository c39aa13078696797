"""What runs at IBM cost: seconds on the QPU, at the price of the instance's plan."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from qiskit_haiqu_provider.cost.estimate import CostEstimate, JobCost, table_estimate
from qiskit_haiqu_provider.cost.ibm import BASIS, REP_DELAY, UNKNOWN, qpu_seconds, seconds_usd
from qiskit_haiqu_provider.cost.prices import Price, read_prices
from qiskit_haiqu_provider.engines.direct.port import VendorJob
from qiskit_haiqu_provider.run.request import RunRequest

_FREE = ("open", "lite")
_ROWS = {"pay-as-you-go": "payg", "payg": "payg", "flex": "flex", "premium": "premium"}
_DEAREST = "payg"

_COUNTED = (
    "The client of IBM that is installed does not tell how many circuits IBM makes of the run; they are estimated."
)


def priced(request: RunRequest, jobs: Sequence[VendorJob], *, plan: str, exact: bool) -> CostEstimate:
    """The estimate of a run.

    Args:
        request: The run.
        jobs: Its jobs.
        plan: The instance's plan, in IBM's words.
        exact: Whether the jobs' executions are those that IBM will do.
    """
    price = _price(plan)
    rep_delay = request.options.get("rep_delay")
    seconds = [qpu_seconds(job.shots, rep_delay=REP_DELAY if rep_delay is None else rep_delay) for job in jobs]
    work: dict[int, tuple[int, int]] = {task.pub: (0, 0) for task in request.tasks}
    for job in jobs:
        for pub, (circuits, shots) in job.content.work.items():
            work[pub] = work[pub][0] + circuits, work[pub][1] + shots
    notes = [UNKNOWN, "" if exact else _COUNTED, "" if _known(plan) else f"The price of plan '{plan}' is not known."]
    estimate = table_estimate(
        price,
        device=request.device,
        via="ibm",
        unit="s",
        jobs=[
            JobCost(
                name=f"job {index} of {len(jobs)}",
                circuits=job.circuits,
                shots=job.shots,
                amount=amount,
                usd=seconds_usd(amount, price),
            )
            for index, (job, amount) in enumerate(zip(jobs, seconds, strict=True), start=1)
        ],
        work=work,
        basis=BASIS,
        unknown=" ".join(filter(None, notes)),
    )
    return replace(estimate, kind="free") if plan in _FREE else estimate


def usd_of(seconds: float, *, plan: str) -> float:
    """USD of seconds on the QPU.

    Args:
        seconds: As IBM charged them.
        plan: The instance's plan, in IBM's words.
    """
    return seconds_usd(seconds, _price(plan))


def _known(plan: str) -> bool:
    return plan in _FREE or plan in _ROWS


def _price(plan: str) -> Price:
    """The price of a plan; the dearest one for a plan that is not known."""
    if plan in _FREE:
        rates = {"usd_per_second": 0.0}
        source = "IBM's open plan is free of charge"
        return Price(vendor="ibm", device=plan, rates=rates, source=source, as_of=datetime.now(UTC).date())
    return read_prices().find("ibm", _ROWS.get(plan, _DEAREST))

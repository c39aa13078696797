"""What jobs at IonQ cost: its own estimate, else the table."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from qiskit_haiqu_provider.cost.estimate import CostEstimate, JobCost, shared_out, table_estimate
from qiskit_haiqu_provider.cost.ionq import BASIS, MITIGATED_UNKNOWN, UNKNOWN, gate_shots, job_usd
from qiskit_haiqu_provider.cost.prices import read_prices
from qiskit_haiqu_provider.engines.direct.port import VendorJob
from qiskit_haiqu_provider.engines.ionq.answers import fields, inside, number, unreadable
from qiskit_haiqu_provider.engines.ionq.client import PATIENCE, IonQClient
from qiskit_haiqu_provider.engines.ionq.payload import SIMULATOR, Content
from qiskit_haiqu_provider.exceptions import HaiquApiError, HaiquAuthenticationError
from qiskit_haiqu_provider.run.request import RunRequest

logger = logging.getLogger(__name__)

_UNIT = "gate-shots"
_SEVERAL = "IonQ does not say whether its least price is one for a job of several circuits, or one for each of them."


@dataclass(frozen=True, kw_only=True)
class _Quote:
    """IonQ's estimate of one job."""

    usd: float
    usd_high: float
    """With the least price for each circuit."""


def price_of(client: IonQClient, request: RunRequest, jobs: Sequence[VendorJob], *, backend: str) -> CostEstimate:
    """What jobs would cost.

    Args:
        client: The connection.
        request: What to run.
        jobs: The jobs that it takes.
        backend: IonQ's name of the device.

    Raises:
        HaiquInputError: If IonQ gives no estimate and the table has no price.
    """
    work = _work(request, jobs)
    if backend == SIMULATOR or not jobs:
        return _free(request, work, simulator=backend == SIMULATOR)
    try:
        quotes = [_quote(client, job.content) for job in jobs]
    except HaiquAuthenticationError:
        raise
    except HaiquApiError as error:
        logger.warning("IonQ gives no estimate, so that its price is taken from the table: %s", error)
        return _from_table(request, jobs, work)
    usd = sum(quote.usd for quote in quotes)
    return CostEstimate(
        device=request.device,
        via="ionq",
        amount=sum(_gate_shots(job.content) for job in jobs),
        unit=_UNIT,
        usd=usd,
        circuits=sum(job.circuits for job in jobs),
        shots=sum(job.shots for job in jobs),
        lines=shared_out(usd, work),
        basis=BASIS,
        source="IonQ's estimate of the jobs, under your contract",
        as_of=datetime.now(UTC).date(),
        kind="quote",
        usd_high=sum(quote.usd_high for quote in quotes),
        unknown=_unknown(
            jobs, "The gates that IonQ counts after it has compiled the circuits are not known beforehand."
        ),
        jobs=tuple(
            _job_cost(job, quote.usd, index, len(jobs))
            for index, (job, quote) in enumerate(zip(jobs, quotes, strict=True))
        ),
    )


def usd_of(found: Any) -> float | None:
    """USD of an amount with its unit; ``None`` if it is in another unit, or there is none."""
    return number(inside(found, "value")) if str(inside(found, "unit")).lower() == "usd" else None


def _quote(client: IonQClient, content: Content) -> _Quote:
    """IonQ's estimate of a job, in the old form or the new."""
    ones, twos = _gates(content)
    found = fields(
        client.read(
            "/jobs/estimate",
            query={
                "type": content.kind,
                "backend": content.backend,
                "1q_gates": ones,
                "2q_gates": twos,
                "qubits": content.width,
                "shots": content.shots,
                "error_mitigation": str(content.debiased).lower(),
            },
            patience=PATIENCE,
        ),
        what="estimate",
    )
    usd = number(found.get("estimated_total_cost", found.get("estimated_cost")))
    unit = found.get("estimated_unit", found.get("cost_unit", "usd"))
    if usd is None or str(unit).lower() != "usd":
        raise unreadable(f"it is no amount in USD (unit {str(unit)[:40]!r})")
    cards = inside(found, "rate_card", "rates")
    rates = cards[0] if isinstance(cards, list) and cards else found.get("rate_information")
    return _Quote(usd=usd, usd_high=max(usd, _with_least_prices(content, rates)))


def _with_least_prices(content: Content, rates: Any) -> float:
    """USD of a job if each of its circuits has the least price."""
    names = ("job_cost_minimum", "cost_1q_gate", "cost_2q_gate")
    least, one, two = (number(inside(rates, name)) or 0.0 for name in names)
    each = ((len(circuit.gates) - circuit.two_qubit_gates, circuit.two_qubit_gates) for circuit in content.circuits)
    return sum(max(least, content.shots * (ones * one + twos * two)) for ones, twos in each)


def _from_table(request: RunRequest, jobs: Sequence[VendorJob], work: Mapping[int, tuple[int, int]]) -> CostEstimate:
    price = read_prices().find("ionq", request.device)
    costs, high = [], 0.0
    for index, job in enumerate(jobs):
        content: Content = job.content
        how: dict[str, Any] = {"shots": content.shots, "price": price, "mitigated": content.debiased}
        costs.append(_job_cost(job, job_usd(*_gates(content), **how), index, len(jobs)))
        each = ((len(circuit.gates) - circuit.two_qubit_gates, circuit.two_qubit_gates) for circuit in content.circuits)
        high += sum(job_usd(ones, twos, **how) for ones, twos in each)
    return table_estimate(
        price,
        device=request.device,
        via="ionq",
        unit=_UNIT,
        jobs=costs,
        work=work,
        basis=BASIS,
        unknown=_unknown(jobs, UNKNOWN, MITIGATED_UNKNOWN if jobs[0].content.debiased else ""),
        usd_high=high,
    )


def _free(request: RunRequest, work: Mapping[int, tuple[int, int]], *, simulator: bool) -> CostEstimate:
    return CostEstimate(
        device=request.device,
        via="ionq",
        amount=0.0,
        unit=_UNIT,
        usd=0.0,
        circuits=sum(circuits for circuits, _ in work.values()),
        shots=sum(shots for _, shots in work.values()),
        lines=shared_out(0.0, work),
        basis="IonQ's simulator is free." if simulator else "Nothing is measured, so that nothing is sent.",
        source="IonQ's documentation" if simulator else "counted from the prepared run",
        as_of=datetime.now(UTC).date(),
        kind="free",
    )


def _unknown(jobs: Iterable[VendorJob], *sentences: str) -> str:
    several = _SEVERAL if any(job.circuits > 1 for job in jobs) else ""
    return " ".join(filter(None, (*sentences, several)))


def _work(request: RunRequest, jobs: Iterable[VendorJob]) -> dict[int, tuple[int, int]]:
    """For each PUB its circuit executions, and its shots over all of them."""
    found = {task.pub: (0, 0) for task in request.tasks}
    for job in jobs:
        for slot in job.slots:
            pub = request.tasks[slot.task].pub
            circuits, shots = found[pub]
            found[pub] = circuits + slot.sets, shots + slot.sets * job.content.shots
    return found


def _job_cost(job: VendorJob, usd: float, index: int, total: int) -> JobCost:
    return JobCost(
        name=f"job {index + 1} of {total}",
        circuits=job.circuits,
        shots=job.shots,
        amount=_gate_shots(job.content),
        usd=usd,
    )


def _gate_shots(content: Content) -> int:
    return gate_shots(*_gates(content), shots=content.shots)


def _gates(content: Content) -> tuple[int, int]:
    """Gates on one qubit and on two, over all circuits."""
    twos = sum(circuit.two_qubit_gates for circuit in content.circuits)
    return sum(len(circuit.gates) for circuit in content.circuits) - twos, twos

"""What a run costs at the service, as its dry run says."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from qiskit_haiqu_provider.cost.estimate import CostEstimate, shared_out
from qiskit_haiqu_provider.devices.record import DeviceRecord
from qiskit_haiqu_provider.engines.haiqu.layout import Layout
from qiskit_haiqu_provider.exceptions import HaiquResponseError
from qiskit_haiqu_provider.run.request import RunRequest

_NOTE = "The share of each PUB is in proportion to its shots."


def estimate_of(
    request: RunRequest, layout: Layout, costs: Sequence[Mapping[str, Any] | None], record: DeviceRecord
) -> CostEstimate:
    """The estimate for a run.

    Args:
        request: The run.
        layout: Its jobs.
        costs: For each job the service's ``estimated_qpu_cost``; ``None`` where it gave none.
        record: The device.

    Raises:
        HaiquResponseError: If the service gave no price in USD for a device that is no simulator.
    """
    dollars = [_dollars(cost) for cost in costs]
    if not record.simulator and None in dollars:
        raise HaiquResponseError(
            f"The service gave no estimate of the cost on {record.id} in USD. Nothing was submitted. Look at its price "
            "list, and run without dry_run and max_cost_usd if you accept an unknown cost."
        )
    native = [(cost or {}).get("native") or {} for cost in costs]
    usd = sum(amount or 0.0 for amount in dollars)
    unit = next((str(part["unit"]) for part in native if part.get("unit")), "USD")
    work = _work(request, layout)
    return CostEstimate(
        device=request.device,
        via="haiqu",
        amount=sum(float(part.get("amount") or 0.0) for part in native),
        unit=unit,
        usd=usd,
        circuits=sum(circuits for circuits, _ in work.values()),
        shots=sum(shots for _, shots in work.values()),
        lines=shared_out(usd, work),
        basis="Simulators of the service are free." if record.simulator else f"Dry run of the service. {_NOTE}",
        source="estimated_qpu_cost of the service",
        as_of=datetime.now(UTC).date(),
        kind="free" if record.simulator else "quote",
    )


def _dollars(cost: Mapping[str, Any] | None) -> float | None:
    """A cost in USD; ``None`` if it is not told, or cannot be: then it must not pass for free."""
    converted = (cost or {}).get("converted") or {}
    amount = converted.get("amount")
    if converted.get("unit") != "USD" or amount is None or amount < 0:
        return None
    return float(amount)


def _work(request: RunRequest, layout: Layout) -> dict[int, tuple[int, int]]:
    """For each PUB the circuit executions (one for each evaluation), and the shots over all of them."""
    work: dict[int, tuple[int, int]] = {}
    for job in layout.jobs:
        for slot in job.slots:
            task = request.tasks[slot.task]
            executions = slot.num_sets * (len(task.observables) if task.observables else 1)
            circuits, shots = work.get(task.pub, (0, 0))
            work[task.pub] = circuits + executions, shots + executions * (task.shots or 0)
    return work

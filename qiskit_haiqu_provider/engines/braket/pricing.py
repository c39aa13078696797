"""What tasks cost: AWS's price list if it is asked for, else our table."""

import csv
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from qiskit_haiqu_provider.cost.braket import (
    QPU_BASIS,
    QPU_UNKNOWN,
    SIMULATOR_BASIS,
    SIMULATOR_UNKNOWN,
    qpu_usd,
    simulator_usd,
)
from qiskit_haiqu_provider.cost.estimate import CostEstimate, JobCost, table_estimate
from qiskit_haiqu_provider.cost.prices import Price, read_prices
from qiskit_haiqu_provider.engines.braket.devices import AwsDevice
from qiskit_haiqu_provider.engines.direct.port import VendorJob
from qiskit_haiqu_provider.exceptions import HaiquConnectionError, HaiquResponseError
from qiskit_haiqu_provider.run.request import RunRequest

VARIABLE = "BRAKET_PRICE_OFFERS_URL"
"""Where Amazon's client looks for another address of the price list."""

_OFFERS = "https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/AmazonBraket/current/index.csv"
_METADATA_LINES = 5


def estimate(
    request: RunRequest, jobs: Sequence[VendorJob], device: AwsDevice, *, timeout: float | None
) -> CostEstimate:
    """The price of tasks, one for each job."""
    asked = bool(request.options.get("price_list"))
    price = listed_price(device, timeout=timeout) if asked else read_prices().find("braket", device.arn)
    work: dict[int, tuple[int, int]] = {task.pub: (0, 0) for task in request.tasks}
    for job in jobs:
        for slot in job.slots:
            task = request.tasks[slot.task]
            circuits, shots = work[task.pub]
            work[task.pub] = circuits + slot.sets, shots + slot.sets * int(task.shots or 0)
    found = table_estimate(
        price,
        device=request.device,
        via="braket",
        unit="tasks" if device.simulator else "shots",
        jobs=[
            JobCost(
                name=f"task {number} of {len(jobs)}",
                circuits=job.circuits,
                shots=job.shots,
                amount=1 if device.simulator else job.shots,
                usd=cost(price, device, shots=job.shots, seconds=0.0),
            )
            for number, job in enumerate(jobs, start=1)
        ],
        work=work,
        basis=SIMULATOR_BASIS if device.simulator else QPU_BASIS,
        unknown=SIMULATOR_UNKNOWN if device.simulator else QPU_UNKNOWN,
    )
    return replace(found, kind="price list") if asked else found


def cost(price: Price, device: AwsDevice, *, shots: int, seconds: float) -> float:
    """USD of one task."""
    return simulator_usd(seconds, price) if device.simulator else qpu_usd(shots, price, tasks=1)


def listed_price(device: AwsDevice, *, timeout: float | None) -> Price:
    """The price of a device in AWS's price list of now.

    Raises:
        HaiquConnectionError: If it cannot be read.
        HaiquResponseError: If the device is not in it, once.
    """
    rows = _rows(timeout)
    where = {"Region Code": device.region, "Currency": "USD"}
    if device.simulator:
        wanted = {**where, "Version": device.name.upper(), "operation": "CompleteTask"}
        rates = {"usd_per_minute": _one(rows, {**wanted, "Product Family": "Simulator Task"}), "minimum_seconds": 3.0}
    else:
        wanted = {**where, "DeviceName": device.name}
        rates = {
            "usd_per_task": _one(rows, {**wanted, "Product Family": "Quantum Task"}),
            "usd_per_shot": _one(rows, {**wanted, "Product Family": "Quantum Task-Shot"}),
        }
    today = datetime.now(UTC).date()
    return Price(vendor="braket", device=device.name, rates=rates, source="AWS's price list", as_of=today)


def _rows(timeout: float | None) -> list[Mapping[str, str]]:
    import httpx  # loaded when something is fetched

    url = os.environ.get(VARIABLE) or _OFFERS
    try:
        answer = httpx.get(url, timeout=timeout, follow_redirects=True).raise_for_status()
    except httpx.HTTPError as error:
        raise HaiquConnectionError(
            f"AWS's price list cannot be read ({type(error).__name__}). Leave price_list out for the table of this "
            f"package, or give another address in {VARIABLE}.",
            reached=False,
        ) from None
    return list(csv.DictReader(answer.text.splitlines()[_METADATA_LINES:]))


def _one(rows: Sequence[Mapping[str, str]], wanted: Mapping[str, str]) -> float:
    found = [row for row in rows if all(row.get(name, "").lower() == value.lower() for name, value in wanted.items())]
    if len(found) != 1:
        raise HaiquResponseError(
            f"AWS's price list has {len(found)} prices of {wanted}, where one is expected. Leave price_list out for "
            "the table of this package."
        )
    return float(found[0]["PricePerUnit"])

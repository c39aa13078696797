"""Amazon Braket: QPUs by tasks and shots, simulators by seconds."""

import math

from qiskit_haiqu_provider.cost.amounts import check_amount
from qiskit_haiqu_provider.cost.prices import Price
from qiskit_haiqu_provider.exceptions import HaiquInputError

QPU_BASIS = "Each task has a fee, and each shot a price; a program set is one task."
QPU_UNKNOWN = "Circuits that fail, credits, and what the result bucket in S3 costs are not known beforehand."

SIMULATOR_BASIS = "Simulators are paid by the time that they run, with a least time for each task."
SIMULATOR_UNKNOWN = "How long a simulation takes is not known beforehand."


def tasks_of(executables: int, *, per_task: int = 1) -> int:
    """Tasks that a number of executables takes: ``executables / per_task``, rounded up.

    Args:
        executables: Circuits, one for each parameter set and measurement group.
        per_task: Executables in a program set; 1 where the device has none.
    """
    if per_task < 1:
        raise HaiquInputError(f"per_task must be at least 1, not {per_task}. Give the most executables of a task.")
    return math.ceil(check_amount(executables, where="executables") / per_task)


def qpu_usd(shots: int, price: Price, *, tasks: int) -> float:
    """USD of a run on a QPU: ``usd_per_task * tasks + usd_per_shot * shots``.

    Source: AWS's price list. Shots of a program set are billed for each of its executables, the fee once.

    Args:
        shots: Shots over all executables.
        price: The row of the device.
        tasks: Tasks; a program set is one.
    """
    fees = price["usd_per_task"] * check_amount(tasks, where="tasks")
    return fees + price["usd_per_shot"] * check_amount(shots, where="shots")


def simulator_usd(seconds: float, price: Price) -> float:
    """USD of one task on a simulator: ``max(minimum_seconds, seconds) / 60 * usd_per_minute``.

    Source: AWS's price list; the least time is 3 s.

    Args:
        seconds: Seconds that the simulator runs.
        price: The row of the simulator.
    """
    billed = max(price["minimum_seconds"], check_amount(seconds, where="seconds"))
    return billed / 60 * price["usd_per_minute"]

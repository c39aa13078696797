"""IBM Quantum: seconds on the QPU, at the price of a plan."""

from qiskit_haiqu_provider.cost.amounts import check_amount
from qiskit_haiqu_provider.cost.prices import Price

SUB_JOB_SECONDS = 2.0
"""Seconds that each sub-job takes beside its executions."""

REP_DELAY = 250e-6
"""Default seconds between two executions."""

CIRCUIT_SECONDS = 100e-6
"""Seconds of a circuit and the reset after it, where they are not known."""

BASIS = "Each sub-job takes 2 s, and each execution the delay before it and the length of its circuit."
UNKNOWN = (
    "How the service splits the run into sub-jobs, the time that a session is idle, and runs to learn noise are not "
    "known beforehand. Plans in another currency than USD have prices of their own."
)


def qpu_seconds(
    executions: int, *, rep_delay: float = REP_DELAY, circuit_seconds: float = CIRCUIT_SECONDS, sub_jobs: int = 1
) -> float:
    """Seconds that a run uses the QPU for: ``2 s * sub_jobs + (rep_delay + circuit_seconds) * executions``.

    Source: IBM's guide "Workload usage" of 2026. The defaults give its short form, 2 s + 0.00035 s * executions.

    Args:
        executions: Shots over all circuits, parameter sets and copies that mitigation adds.
        rep_delay: Seconds between two executions.
        circuit_seconds: Seconds of the scheduled circuit with its reset.
        sub_jobs: Parts that the service runs one after the other.
    """
    return SUB_JOB_SECONDS * check_amount(sub_jobs, where="sub_jobs") + (
        check_amount(rep_delay, where="rep_delay") + check_amount(circuit_seconds, where="circuit_seconds")
    ) * check_amount(executions, where="executions")


def seconds_usd(seconds: float, price: Price) -> float:
    """USD of seconds on the QPU: ``seconds * usd_per_second``.

    Args:
        seconds: As :func:`qpu_seconds` gives them, or the service after a run.
        price: The row of the plan: ``payg``, ``flex`` or ``premium``.
    """
    return check_amount(seconds, where="seconds") * price["usd_per_second"]

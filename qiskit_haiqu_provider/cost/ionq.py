"""IonQ directly: gate-shots, with a least price for each job."""

from qiskit_haiqu_provider.cost.amounts import check_amount
from qiskit_haiqu_provider.cost.prices import Price

BASIS = "Each gate of each shot has a price, and each job a least price."
UNKNOWN = (
    "The gates that IonQ counts after it has compiled the circuits, and the prices of your contract, are not known "
    "beforehand."
)
MITIGATED_UNKNOWN = "Debiasing has a higher least price, which IonQ has not published."
"""What is unknown besides, unless the price has ``mitigated_minimum_usd``."""


def gate_shots(one_qubit_gates: int, two_qubit_gates: int, *, shots: int) -> int:
    """Gate-shots of a job, the native unit: ``(one_qubit_gates + two_qubit_gates) * shots``."""
    return (one_qubit_gates + two_qubit_gates) * shots


def job_usd(one_qubit_gates: int, two_qubit_gates: int, *, shots: int, price: Price, mitigated: bool = False) -> float:
    """USD of one job: ``max(minimum, shots * (n1 * usd_per_1q_gate_shot + n2 * usd_per_2q_gate_shot))``.

    Source: answers of IonQ's estimate of jobs, recorded in 2026.

    Args:
        one_qubit_gates: Gates on one qubit, over all circuits of the job.
        two_qubit_gates: Gates on two qubits, over all circuits of the job.
        shots: Shots of each circuit.
        price: The row of the device.
        mitigated: Whether results are debiased. Takes ``mitigated_minimum_usd``, if the price has it.
    """
    raised = mitigated and "mitigated_minimum_usd" in price.rates
    each = (
        check_amount(one_qubit_gates, where="one_qubit_gates") * price["usd_per_1q_gate_shot"]
        + check_amount(two_qubit_gates, where="two_qubit_gates") * price["usd_per_2q_gate_shot"]
    )
    least = price["mitigated_minimum_usd" if raised else "minimum_usd"]
    return max(least, check_amount(shots, where="shots") * each)

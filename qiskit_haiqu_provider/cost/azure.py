"""IonQ through Azure Quantum: tokens for each program and its gate-shots."""

from qiskit_haiqu_provider.cost.amounts import check_amount
from qiskit_haiqu_provider.cost.prices import Price

BASIS = "Each program has a base fee, which is higher with error mitigation, and each gate of each shot a price."
UNKNOWN = "What a token costs in your marketplace is not known beforehand."


def program_tokens(
    one_qubit_gates: int, two_qubit_gates: int, *, shots: int, price: Price, mitigated: bool = False
) -> float:
    """Azure Quantum Tokens of one program: ``base + shots * (n1 * per_1q_gate_shot + n2 * per_2q_gate_shot)``.

    Source: Microsoft's page on the prices of Azure Quantum providers, December 2024.

    Args:
        one_qubit_gates: Gates on one qubit.
        two_qubit_gates: Gates on two qubits.
        shots: Shots of the circuit.
        price: The row ``ionq`` of ``azure``.
        mitigated: Whether errors are mitigated.
    """
    each = (
        check_amount(one_qubit_gates, where="one_qubit_gates") * price["tokens_per_1q_gate_shot"]
        + check_amount(two_qubit_gates, where="two_qubit_gates") * price["tokens_per_2q_gate_shot"]
    )
    base = price["mitigated_base_tokens" if mitigated else "base_tokens"]
    return base + check_amount(shots, where="shots") * each


def tokens_usd(tokens: float, price: Price) -> float:
    """USD of Azure Quantum Tokens: ``tokens * usd_per_token``."""
    return check_amount(tokens, where="tokens") * price["usd_per_token"]

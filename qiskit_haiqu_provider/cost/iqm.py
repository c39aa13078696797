"""IQM Resonance: seconds on the QPU."""

from qiskit_haiqu_provider.cost.amounts import check_amount
from qiskit_haiqu_provider.cost.prices import Price

BASIS = "Seconds on the QPU have a price."
UNKNOWN = (
    "How many seconds a run takes is not known beforehand, and the price is the one that devices start at. The free "
    "tier has 30 credits a month."
)


def seconds_usd(seconds: float, price: Price) -> float:
    """USD of seconds on the QPU: ``seconds * usd_per_second``.

    Source: IQM's price page, August 2026. There is no public formula for the seconds.

    Args:
        seconds: Seconds on the QPU.
        price: The row ``resonance`` of ``iqm``.
    """
    return check_amount(seconds, where="seconds") * price["usd_per_second"]

"""What a job has set aside in a ledger. Its record holds this, so that whoever sees the job end can settle it."""

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from qiskit_haiqu_provider.cost.estimate import CostEstimate
from qiskit_haiqu_provider.exceptions import HaiquError

if TYPE_CHECKING:
    from qiskit_haiqu_provider.cost.ledger import Ledger

logger = logging.getLogger(__name__)

Reservation = Mapping[str, str]
"""The path of the ``ledger`` and the ``token`` of the run, as JSON; empty if nothing is set aside."""


def reservation_of(ledger: "Ledger | None", estimate: CostEstimate | None, *, token: str) -> Reservation:
    """What a run will have to set aside. A free run sets nothing aside and leaves no entry."""
    if ledger is None or estimate is None or estimate.usd_range[1] == 0:
        return {}
    return {"ledger": str(ledger.path), "token": token}


def settle(reservation: Reservation, *, usd: float) -> None:
    """Note what a run cost. A ledger that cannot be used is warned of: the run was done all the same."""
    if not reservation:
        return
    from qiskit_haiqu_provider.cost.ledger import Ledger  # only for runs under a budget

    try:
        Ledger(reservation["ledger"]).settle(reservation["token"], usd=usd)
    except HaiquError as error:
        logger.warning("That a run cost %s USD could not be noted (%s)", usd, error)


def release(reservation: Reservation) -> None:
    """Give back what was set aside for a run that was not submitted. A ledger that cannot be used is warned of."""
    if not reservation:
        return
    from qiskit_haiqu_provider.cost.ledger import Ledger  # only for runs under a budget

    try:
        Ledger(reservation["ledger"]).release(reservation["token"])
    except HaiquError as error:
        logger.warning("What was set aside for a run that was not submitted could not be given back (%s)", error)

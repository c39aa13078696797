"""Amounts: checked before anything is computed with them, and shown."""

import math
from typing import Any

from qiskit_haiqu_provider.exceptions import HaiquInputError
from qiskit_haiqu_provider.run.checks import is_real


def check_amount(value: Any, *, where: str) -> float:
    """A finite number of at least 0.

    Raises:
        HaiquInputError: If it is not.
    """
    if not is_real(value) or not math.isfinite(value) or value < 0:
        raise HaiquInputError(f"{where} must be a finite number of at least 0, not {value!r}. Give one such as 1.5.")
    return float(value)


def money(usd: float) -> str:
    """USD to the cent; less than a dollar to three digits where a cent would hide something."""
    return f"{usd:,.2f}" if usd >= 1 or round(usd, 2) == round(usd, 9) else f"{usd:.3g}"

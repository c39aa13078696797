"""Options of Coda's devices."""

from collections.abc import Mapping
from typing import Any

from qiskit_haiqu_provider.engines.coda.programs import BIT_ORDERS, OPENQASM3
from qiskit_haiqu_provider.engines.direct.options import Option, common_options
from qiskit_haiqu_provider.exceptions import HaiquInputError
from qiskit_haiqu_provider.run.checks import check_choice, check_flag

LEAST_SHOTS, MOST_SHOTS = 10, 10_000

HINTS = ("program_set", "run_batch")
"""How Coda is asked to hand circuits to Amazon Braket."""


def _shots(value: Any, where: str) -> None:
    _COMMON["shots"].check(value, where)
    check_least(int(value), where=where)


def check_least(shots: int, *, where: str) -> None:
    """Refuse fewer shots than Coda takes.

    Raises:
        HaiquInputError: If there are fewer.
    """
    if shots < LEAST_SHOTS:
        raise HaiquInputError(f"{where} is {shots}, but Coda takes {LEAST_SHOTS} to {MOST_SHOTS:,}. Give more.")


def _framework(value: Any, where: str) -> None:
    if not isinstance(value, str) or not value.strip():
        raise HaiquInputError(f"{where} must be Coda's name of a language, such as '{OPENQASM3}', not {value!r}.")


_COMMON = common_options(max_shots=MOST_SHOTS)

OPTIONS: Mapping[str, Option] = {
    **_COMMON,
    "shots": Option(_COMMON["shots"].default, _shots),
    "accept_overage": Option(False, lambda value, name: check_flag(value, where=name)),
    "braket_execution_mode_hint": Option(None, lambda value, name: check_choice(value, (None, *HINTS), where=name)),
    "bit_order": Option(None, lambda value, name: check_choice(value, (None, *BIT_ORDERS), where=name)),
    "source_framework": Option(OPENQASM3, _framework),
}
"""Those that every device of Coda has. ``accept_overage`` lets Coda bill what the credits do not cover; ``bit_order``
is the order of its outcomes, ``None`` for that of Qiskit and one warning, see :data:`~.programs.BIT_ORDERS`;
``source_framework`` is its name of the language that circuits are sent in: ``qiskit`` for a Qiskit program, and any
other for OpenQASM 3."""

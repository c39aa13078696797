"""Options of IBM's devices, and error mitigation in the words of IBM's client."""

from collections.abc import Mapping
from typing import Any

from qiskit_haiqu_provider.engines.direct.options import Option, common_options
from qiskit_haiqu_provider.exceptions import HaiquInputError, HaiquOptionError
from qiskit_haiqu_provider.mitigation.settings import CLIENT_ONLY
from qiskit_haiqu_provider.run.checks import check_flag, is_real, is_whole, unknown_option
from qiskit_haiqu_provider.run.request import RunRequest

MAX_SHOTS = 100_000_000
"""More than any device takes; each has its own limit."""

FLAGS = ("dynamical_decoupling", "readout_mitigation", "noise_tailoring", "advanced_mitigation")
"""The flags of error mitigation; all are on with ``use_mitigation=True`` unless it says otherwise."""


def _positive(value: Any, name: str) -> None:
    if value is not None and (not is_whole(value) or value < 1):
        raise HaiquInputError(f"{name} must be None or a whole number of seconds of at least 1, not {value!r}.")


def _delay(value: Any, name: str) -> None:
    if value is not None and (not is_real(value) or not 0 <= value < 1):
        raise HaiquInputError(f"{name} must be None or a number of seconds from 0 to below 1, not {value!r}.")


def _text(value: Any, name: str) -> None:
    if value is not None and not isinstance(value, str):
        raise HaiquInputError(f"{name} must be None or the id of a session, not {value!r}. Use backend.session().")


OPTIONS: Mapping[str, Option] = {
    **common_options(max_shots=MAX_SHOTS),
    "use_fractional_gates": Option(False, lambda value, name: check_flag(value, where=name)),
    "max_execution_time": Option(None, _positive),
    "rep_delay": Option(None, _delay),
    "session_id": Option(None, _text),
}
"""``max_execution_time`` is the most seconds on the QPU, ``rep_delay`` the seconds between two executions."""


def mitigation(request: RunRequest) -> dict[str, bool]:
    """All flags of error mitigation for a request.

    Raises:
        HaiquOptionError: If a flag does not exist, or IBM's devices do not have what it asks for.
    """
    if not request.use_mitigation:
        return dict.fromkeys(FLAGS, False)
    known = (*FLAGS, "readout_mitigation_options")
    for name, value in request.mitigation.items():
        if name not in known and name not in CLIENT_ONLY:
            raise unknown_option(name, known, owner="mitigation")
        if name in FLAGS:
            check_flag(value, where=f"mitigation[{name!r}]")
    if request.mitigation.get("readout_mitigation_options"):
        raise HaiquOptionError(
            "mitigation['readout_mitigation_options']: IBM's own readout mitigation has none of them. Leave it out, or "
            "set mitigation={'where': 'client'} to have this package mitigate."
        )
    flags = {name: bool(request.mitigation.get(name, True)) for name in FLAGS}
    if any(task.observables is None for task in request.tasks):
        _check_sampling(request, flags)
    return flags


def _check_sampling(request: RunRequest, flags: dict[str, bool]) -> None:
    """Refuse what IBM offers for expectation values only; zero-noise extrapolation has no meaning for samples."""
    if flags["readout_mitigation"]:
        raise HaiquOptionError(
            f"mitigation['readout_mitigation']: {request.device} does not mitigate readout errors of samples, only of "
            "expectation values. Give mitigation={'readout_mitigation': False}, or use an estimator."
        )
    if request.mitigation.get("advanced_mitigation"):
        raise HaiquOptionError(
            f"mitigation['advanced_mitigation']: {request.device} has it for expectation values only. Leave it out, or "
            "use an estimator."
        )
    flags["advanced_mitigation"] = False


def primitive_options(request: RunRequest, *, shots: int, estimates: bool) -> dict[str, Any]:
    """The options of IBM's sampler or estimator, of the old and the new kind alike; every mitigation is explicit.

    Args:
        request: The run.
        shots: Shots of each circuit execution.
        estimates: Whether it is for an estimator.
    """
    flags = mitigation(request)
    options: dict[str, Any] = {
        "default_shots": shots,
        "dynamical_decoupling": {"enable": flags["dynamical_decoupling"]},
        "twirling": {
            "enable_gates": flags["noise_tailoring"],
            "enable_measure": flags["readout_mitigation"] if estimates else flags["noise_tailoring"],
        },
        "environment": {},
    }
    if estimates:
        options["resilience_level"] = 0
        options["resilience"] = {
            "measure_mitigation": flags["readout_mitigation"],
            "zne_mitigation": flags["advanced_mitigation"],
        }
    if request.options.get("max_execution_time") is not None:
        options["max_execution_time"] = int(request.options["max_execution_time"])
    if request.options.get("rep_delay") is not None:
        options["execution"] = {"rep_delay": float(request.options["rep_delay"])}
    return options

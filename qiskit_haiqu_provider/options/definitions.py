"""The options that there are."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from qiskit_haiqu_provider.exceptions import HaiquInputError
from qiskit_haiqu_provider.mitigation.settings import check_budget, check_fraction, check_place, check_randomizations
from qiskit_haiqu_provider.options.base import Layer, Options, option
from qiskit_haiqu_provider.run.checks import (
    check_flag,
    check_precision,
    check_seed,
    check_shots,
    is_real,
)
from qiskit_haiqu_provider.run.request import Progress


def _flag(value: Any, where: str) -> Any:
    return check_flag(value, where=where)


def _text(limit: int) -> Callable[[Any, str], Any]:
    def check(value: Any, where: str) -> str:
        if not isinstance(value, str) or len(value) > limit:
            raise HaiquInputError(f"{where} must be a text of at most {limit} characters, not {value!r}.")
        return value

    return check


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise HaiquInputError(f"{where} must be a mapping from names to values, not {value!r}.")
    return dict(value)


def _optional_shots(value: Any, where: str) -> int | None:
    return None if value is None else check_shots(value, where=where)


def _cost(value: Any, where: str) -> float | None:
    if value is None:
        return None
    if not is_real(value) or not 0 <= value < float("inf"):
        raise HaiquInputError(f"{where} must be None or an amount in USD of at least 0, not {value!r}.")
    return float(value)


def _callable(value: Any, where: str) -> Any:
    if value is not None and not isinstance(value, bool) and not callable(value):
        raise HaiquInputError(f"{where} must be True for a bar, None, or a function of (done, total), not {value!r}.")
    return value


@dataclass(init=False)
class MitigationOptions(Options):
    """Which parts of error mitigation are used when ``use_mitigation`` is on."""

    dynamical_decoupling: bool = option(True, _flag)
    """Echo idle qubits, where the device tells the times of its gates. Default: ``True``."""

    readout_mitigation: bool = option(True, _flag)
    """Undo readout errors. Default: ``True``."""

    noise_tailoring: bool = option(True, _flag)
    """Twirl two-qubit gates, so that coherent errors average out. Default: ``True``."""

    advanced_mitigation: bool = option(True, _flag)
    """Renormalise by what the noise does to circuits whose answer is known. Default: ``True``."""

    readout_mitigation_options: dict[str, Any] = option(dict, _mapping)
    """Further settings of readout mitigation. Of this package: ``{"method": "m3"}`` undoes readout errors of samples by
    M3 (extra ``m3``), with ``advanced_mitigation=False``; ``"twirled"``, by random flips. Services have others.
    Default: none."""

    num_randomizations: int = option(16, check_randomizations)
    """Randomised copies of each circuit, each with its part of the shots. Default: 16."""

    companion_fraction: float | None = option(None, check_fraction)
    """Part of the shots for circuits with known results. Default: ``None``, 0.35 for expectation values and 0.125 for
    samples."""

    guard: bool = option(True, _flag)
    """Shrink corrections that noise alone could have made, towards the raw value. ``False`` leaves the corrected value
    as it is, as algorithms that follow small signals may want. Default: ``True``."""

    budget: str = option("double", check_budget)
    """``"double"``: at most twice the shots for expectation values, and an eighth more for samples; ``"equal"``: no
    more shots than without mitigation. Default: ``"double"``."""

    where: str | None = option(None, check_place)
    """``"engine"``: by the service that runs the circuits; ``"client"``: by this package. Default: ``None``, by the
    service if it mitigates itself, and else by this package."""


def _mitigation(value: Any, where: str) -> MitigationOptions:
    if isinstance(value, MitigationOptions):
        return copy.copy(value)
    if isinstance(value, Mapping):
        return MitigationOptions(**value)
    raise HaiquInputError(f"{where} must be MitigationOptions or a mapping, not {value!r}.")


@dataclass(init=False)
class RunOptions(Options):
    """Options that every run has, of a primitive or of ``backend.run``."""

    seed_simulator: int | None = option(None, lambda v, w: check_seed(v, where=w), env="HAIQU_SEED_SIMULATOR")
    """Seed of simulated randomness: the same seed gives the same answer. Default: ``None``."""

    use_mitigation: bool = option(False, _flag)
    """Mitigate errors. Default: ``False``."""

    mitigation: MitigationOptions = option(MitigationOptions, _mitigation)
    """Which parts of error mitigation are used."""

    dry_run: bool = option(False, _flag)
    """Submit nothing; the job's result is a cost estimate. Default: ``False``."""

    max_cost_usd: float | None = option(None, _cost, env="HAIQU_MAX_COST_USD")
    """Refuse runs whose estimate is above this, before anything is submitted. Default: ``None``, no cap."""

    name: str = option("", _text(200))
    """Name of the job. Default: empty."""

    description: str = option("", _text(1024))
    """Description of the job. Default: empty."""

    progress: Progress | bool | None = option(None, _callable)
    """Called with the parameter sets done and those in all, perhaps from another thread; ``True`` shows a bar (extra
    ``progress``). Default: ``None``."""

    backend_options: dict[str, Any] = option(dict, _mapping)
    """Options of the backend for these runs, such as ``method`` or ``noise_model``. Default: none."""


@dataclass(init=False)
class SamplerOptions(RunOptions):
    """Options of :class:`~qiskit_haiqu_provider.SamplerV2`."""

    default_shots: int = option(1024, lambda v, w: check_shots(v, where=w), env="HAIQU_DEFAULT_SHOTS")
    """Shots of PUBs that do not say. Default: 1024."""


@dataclass(init=False)
class EstimatorOptions(RunOptions):
    """Options of :class:`~qiskit_haiqu_provider.EstimatorV2`."""

    default_precision: float = option(0.015625, lambda v, w: check_precision(v, where=w), env="HAIQU_DEFAULT_PRECISION")
    """Target standard error of PUBs that do not say; 0 for the exact value. Default: 1/64 (4096 shots)."""

    default_shots: int | None = option(None, _optional_shots, env="HAIQU_DEFAULT_SHOTS")
    """Shots of each measurement circuit, instead of ``default_precision``. Default: ``None``."""

    def _all_layers(self) -> list[Layer]:
        """Where settings come from; shots that are set further out than a precision do not count."""
        layers = super()._all_layers()
        precise = next((index for index, (_, layer) in enumerate(layers) if "default_precision" in layer), None)
        if precise is None:
            return layers
        further = [
            (source, {name: value for name, value in layer.items() if name != "default_shots"})
            for source, layer in layers[precise + 1 :]
        ]
        return [*layers[: precise + 1], *further]

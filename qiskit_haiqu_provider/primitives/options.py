"""Options of the primitives: validated when they are set, deep to update, and able to explain themselves."""

import copy
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Self

from qiskit_haiqu_provider.engines.base import Progress
from qiskit_haiqu_provider.exceptions import HaiquInputError
from qiskit_haiqu_provider.run.checks import (
    check_flag,
    check_precision,
    check_seed,
    check_shots,
    is_real,
    unknown_option,
)

Layer = tuple[str, Mapping[str, Any]]
"""Where settings come from, and what it sets."""


@dataclass(frozen=True)
class Setting:
    """The effective value of an option, and where it came from."""

    name: str
    value: Any
    source: str

    def __str__(self) -> str:
        return f"{self.name} = {self.value!r}  ({self.source})"


class Explanation(tuple[Setting, ...]):
    """What :meth:`Options.explain` returns; prints one setting a line."""

    __slots__ = ()

    def __str__(self) -> str:
        return "\n".join(map(str, self))


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
    if value is not None and not callable(value):
        raise HaiquInputError(f"{where} must be None or a function of (done, total), not {value!r}.")
    return value


def _option(default: Any, check: Callable[[Any, str], Any], *, env: str | None = None) -> Any:
    """A field with its check, and the environment variable that can set it."""
    metadata = {"check": check, "env": env}
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(init=False)
class Options:
    """Base of all option sets: unknown names and wrong values are refused when they are set."""

    if TYPE_CHECKING:  # not fields of the dataclass
        _explicit: set[str]
        _layers: Callable[[], Sequence[Layer]]

    def __init__(self, **values: Any) -> None:
        object.__setattr__(self, "_explicit", set())
        object.__setattr__(self, "_layers", tuple)
        for spec in fields(self):
            made = spec.default if spec.default_factory is MISSING else spec.default_factory()
            object.__setattr__(self, spec.name, made)
        if values:
            self.update(values)

    def __setattr__(self, name: str, value: Any) -> None:
        specs = {spec.name: spec for spec in fields(self)}
        if name not in specs:
            raise unknown_option(name, specs, owner=type(self).__name__)
        object.__setattr__(self, name, specs[name].metadata["check"](value, name))
        self._explicit.add(name)

    def update(self, values: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Set several options. Nested options are merged: what is not named keeps its value.

        Nothing is set if one of them is wrong.

        Raises:
            HaiquOptionError: If an option does not exist; suggests the nearest.
            HaiquInputError: If a value is not allowed.
        """
        merged = copy.copy(self)
        for name, value in {**(values or {}), **more}.items():
            current = getattr(merged, name, None)
            if isinstance(current, Options) and isinstance(value, Mapping):
                current.update(value)
                merged._explicit.add(name)
            elif isinstance(current, dict) and isinstance(value, Mapping):
                setattr(merged, name, {**current, **value})
            else:
                setattr(merged, name, value)
        for spec in fields(self):
            object.__setattr__(self, spec.name, getattr(merged, spec.name))
        self._explicit.update(merged._explicit)

    def update_options(self, **values: Any) -> None:
        """The same as :meth:`update`, under the name that Qiskit's own options have."""
        self.update(values)

    def to_dict(self) -> dict[str, Any]:
        """All options as plain values."""
        return {
            spec.name: value.to_dict() if isinstance(value, Options) else copy.copy(value)
            for spec in fields(self)
            for value in [getattr(self, spec.name)]
        }

    def explicit(self) -> dict[str, Any]:
        """The options that were set, also to their default."""
        nested = {
            spec.name
            for spec in fields(self)
            if isinstance(value := getattr(self, spec.name), Options) and value.explicit()
        }
        return {name: getattr(self, name) for name in self._explicit | nested}

    def explain(self) -> Explanation:
        """The effective value of each option and where it came from.

        The first that sets it wins: the call, the primitive's options, the backend's options, the provider's
        options, the environment, the default.
        """
        return Explanation(self.effective(spec.name) for spec in fields(self))

    def effective(self, name: str) -> Setting:
        """The effective value of one option and where it came from."""
        for source, layer in self._all_layers():
            if name in layer:
                check = next(spec.metadata["check"] for spec in fields(self) if spec.name == name)
                return Setting(name, check(layer[name], f"{name} ({source})"), source)
        return Setting(name, getattr(self, name), "default")

    def bind(self, layers: Callable[[], Sequence[Layer]]) -> Self:
        """Tell where settings come from that these options leave open; called by the primitive."""
        object.__setattr__(self, "_layers", layers)
        return self

    def _all_layers(self) -> Iterator[Layer]:
        yield "options", self.explicit()
        yield from self._layers()
        yield "environment", self._environment()

    def _environment(self) -> dict[str, Any]:
        """Options that environment variables set, as numbers where they read as such."""
        found: dict[str, Any] = {}
        for spec in fields(self):
            text = os.environ.get(spec.metadata["env"] or "")
            if text:
                found[spec.name] = _number(text)
        return found

    def __copy__(self) -> Self:
        twin = type(self)()
        for spec in fields(self):
            object.__setattr__(twin, spec.name, copy.copy(getattr(self, spec.name)))
        twin._explicit.update(self._explicit)
        return twin.bind(self._layers)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return copy.copy(self)

    def __getstate__(self) -> dict[str, Any]:
        return self.explicit()

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]


def _number(text: str) -> Any:
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text


@dataclass(init=False)
class MitigationOptions(Options):
    """Which parts of error mitigation are used when ``use_mitigation`` is on."""

    dynamical_decoupling: bool = _option(True, _flag)
    """Echo idle qubits. Default: ``True``."""

    readout_mitigation: bool = _option(True, _flag)
    """Undo readout errors. Default: ``True``."""

    noise_tailoring: bool = _option(True, _flag)
    """Twirl two-qubit gates, so that coherent errors average out. Default: ``True``."""

    advanced_mitigation: bool = _option(True, _flag)
    """Renormalise by what the noise does to circuits whose answer is known. Default: ``True``."""

    readout_mitigation_options: dict[str, Any] = _option(dict, _mapping)
    """Further settings of readout mitigation. Default: none."""


def _mitigation(value: Any, where: str) -> MitigationOptions:
    if isinstance(value, MitigationOptions):
        return value
    if isinstance(value, Mapping):
        return MitigationOptions(**value)
    raise HaiquInputError(f"{where} must be MitigationOptions or a mapping, not {value!r}.")


@dataclass(init=False)
class PrimitiveOptions(Options):
    """Options that both primitives have."""

    seed_simulator: int | None = _option(None, lambda v, w: check_seed(v, where=w), env="HAIQU_SEED_SIMULATOR")
    """Seed of simulated randomness: the same seed gives the same answer. Default: ``None``."""

    use_mitigation: bool = _option(False, _flag)
    """Mitigate errors. Default: ``False``."""

    mitigation: MitigationOptions = _option(MitigationOptions, _mitigation)
    """Which parts of error mitigation are used."""

    dry_run: bool = _option(False, _flag)
    """Submit nothing; the job's result is a cost estimate. Default: ``False``."""

    max_cost_usd: float | None = _option(None, _cost, env="HAIQU_MAX_COST_USD")
    """Refuse runs whose estimate is above this, before anything is submitted. Default: ``None``, no cap."""

    name: str = _option("", _text(200))
    """Name of the job. Default: empty."""

    description: str = _option("", _text(1024))
    """Description of the job. Default: empty."""

    progress: Progress | None = _option(None, _callable)
    """Called with the parameter sets done and those in all, from another thread. Default: ``None``."""

    backend_options: dict[str, Any] = _option(dict, _mapping)
    """Options of the backend for the runs of this primitive, such as ``method``. Default: none."""


@dataclass(init=False)
class SamplerOptions(PrimitiveOptions):
    """Options of :class:`~qiskit_haiqu_provider.SamplerV2`."""

    default_shots: int = _option(1024, lambda v, w: check_shots(v, where=w), env="HAIQU_DEFAULT_SHOTS")
    """Shots of PUBs that do not say. Default: 1024."""


@dataclass(init=False)
class EstimatorOptions(PrimitiveOptions):
    """Options of :class:`~qiskit_haiqu_provider.EstimatorV2`."""

    default_precision: float = _option(
        0.015625, lambda v, w: check_precision(v, where=w), env="HAIQU_DEFAULT_PRECISION"
    )
    """Target standard error of PUBs that do not say; 0 for the exact value. Default: 1/64 (4096 shots)."""

    default_shots: int | None = _option(None, _optional_shots, env="HAIQU_DEFAULT_SHOTS")
    """Shots of each measurement circuit, instead of ``default_precision``. Default: ``None``."""

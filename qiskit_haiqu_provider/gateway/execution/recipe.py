"""What a job asks for, in JSON values only, so that it can be stored and run again after a crash. Holds no secret."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Self

PauliSum = Sequence[Sequence[Any]]
"""A pair of Pauli strings and real coefficients; the last character of a string is qubit 0."""


class _Stored:
    """Dataclasses that travel as JSON objects."""

    def to_json(self) -> dict[str, Any]:
        """The fields as a mapping."""
        return {item.name: getattr(self, item.name) for item in fields(self)}  # type: ignore[arg-type]

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what :meth:`to_json` wrote; fields of later versions are left out."""
        known = {item.name for item in fields(cls)}  # type: ignore[arg-type]
        return cls(**{name: value for name, value in data.items() if name in known})


@dataclass(frozen=True, kw_only=True)
class RunRecipe(_Stored):
    """Circuits to execute."""

    device: str
    shots: int
    statevector: bool = False
    parameters: Sequence[Sequence[Sequence[float]]] | None = None
    """``[circuit][set][value]``, values in the order of ``circuit.parameters``."""

    observables: Sequence[Sequence[PauliSum]] | None = None
    """``[circuit][observable]``."""

    readout_bases: Sequence[str] | None = None
    """Bases that every circuit is read out in, one letter per qubit, the last for qubit 0."""

    pack: bool = False
    pack_size: int | None = None
    """Copies that run side by side; ``None`` for as many as fit on two thirds of the device."""

    transpilation: Mapping[str, Any] | None = field(default_factory=dict)
    """Options of the transpiler; ``None`` takes the circuits as they are."""

    split_observables: bool = False
    auto_quality: bool = False
    use_mitigation: bool = False
    mitigation: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of the device."""

    dry_run: bool = False


@dataclass(frozen=True, kw_only=True)
class TranspileRecipe(_Stored):
    """Circuits to transpile for a device."""

    device: str
    options: Mapping[str, Any] = field(default_factory=dict)
    seeds: Sequence[int] = ()
    """One run of the transpiler per seed; the one with the fewest two-qubit gates wins."""


Recipe = RunRecipe | TranspileRecipe


WITH_CREDENTIALS = "with_credentials"
"""Whether a job came with credentials, which are not stored."""


def recipe_to_json(recipe: Recipe) -> dict[str, Any]:
    """The recipe with its kind."""
    return {"kind": "run" if isinstance(recipe, RunRecipe) else "transpile", **recipe.to_json()}


def recipe_from_json(data: Mapping[str, Any]) -> Recipe:
    """Read what :func:`recipe_to_json` wrote."""
    return RunRecipe.from_json(data) if data["kind"] == "run" else TranspileRecipe.from_json(data)

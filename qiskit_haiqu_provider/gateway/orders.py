"""From the bodies of ``/run`` and ``/flow`` to recipes; what cannot be done is refused here, before there is a job."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from qiskit_haiqu_provider.api import models
from qiskit_haiqu_provider.engines.local.engine import AER
from qiskit_haiqu_provider.gateway.catalogue import Catalogue
from qiskit_haiqu_provider.gateway.errors import invalid
from qiskit_haiqu_provider.gateway.execution.recipe import RunRecipe
from qiskit_haiqu_provider.gateway.execution.variants import TRANSPILER_OPTIONS
from qiskit_haiqu_provider.gateway.inputs import (
    CircuitFacts,
    check_count,
    check_observables,
    check_readout,
    parameter_sets,
)
from qiskit_haiqu_provider.gateway.mitigation import are_flags, asked_of_flow, asked_of_run
from qiskit_haiqu_provider.gateway.settings import Limits
from qiskit_haiqu_provider.mitigation.settings import MitigationSettings


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a submission comes to."""

    recipe: RunRecipe
    secrets: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Credentials for the device; kept in memory only."""


def order_run(
    body: models.RunCreate | models.AiRunCreate,
    circuits: Sequence[CircuitFacts],
    *,
    catalogue: Catalogue,
    limits: Limits,
) -> Order:
    """The order of a body of ``/run``.

    Raises:
        RequestValidationError: If a field cannot be used.
        ApiError: 404 for an unknown device, 503 if its vendor cannot be asked.
        HaiquInputError: If an option or a credential does not fit the device.
    """
    statevector = body.run_type is models.RunKind.STATEVECTOR
    if statevector and body.use_mitigation:
        raise invalid("use_mitigation", "an exact state has no errors. Leave it out.")
    options, secrets = _split(body.options)
    if statevector and options:
        raise invalid(f"options.{min(options)}", "it has no meaning for an exact state. Leave it out.")
    flags = options.get("error_mitigation_options")
    steps = _steps(options)
    device = body.device_id or (AER if statevector else "")
    if not device:
        raise invalid("device_id", "a device is needed. GET /devices lists them all.")
    if statevector and device != AER:
        raise invalid("device_id", "an exact state is computed on no device. Leave device_id out.")
    recipe = RunRecipe(
        device=device,
        shots=body.shots,
        statevector=statevector,
        observables=_jsonable(body.observables),
        readout_bases=getattr(body, "readout_bases", None),
        use_mitigation=bool(body.use_mitigation),
        mitigation=asked_of_run(flags) if body.use_mitigation else {},
        options=options,
        dry_run=body.dry_run,
        **steps,
    )
    return _checked(recipe, body.parameters, circuits, secrets=secrets, catalogue=catalogue, limits=limits)


def order_flow(
    body: models.FlowCreate,
    circuits: Sequence[CircuitFacts],
    *,
    catalogue: Catalogue,
    limits: Limits,
) -> Order:
    """The order of a body of ``/flow``.

    Raises:
        RequestValidationError: If a layer or a field cannot be used.
        ApiError: 404 for an unknown device, 503 if its vendor cannot be asked.
        HaiquInputError: If an option or a credential does not fit the device.
    """
    kinds = [layer.type for layer in body.program.layers]
    _check_layers(body, kinds)
    last = body.program.layers[-1]
    options, secrets = _split(getattr(last, "options", {}))
    layers = {layer.type: layer for layer in body.program.layers}
    transpilation = layers.get("transpilation")
    packing = layers.get("packing")
    mitigation = asked_of_flow(body.program.layers)
    recipe = RunRecipe(
        device=getattr(last, "device_id", AER),
        shots=body.shots,
        statevector=body.program.computes_state,
        observables=_jsonable(body.observables),
        readout_bases=body.readout_bases,
        pack=packing is not None,
        pack_size=getattr(packing, "pack_size", None),
        transpilation=None
        if transpilation is None
        else _transpiler_options(transpilation.model_dump(exclude={"type"})),
        split_observables="observable_split" in kinds,
        auto_quality=getattr(last, "auto_quality", False),
        use_mitigation=mitigation is not None,
        mitigation=mitigation or {},
        options=options,
        dry_run=body.dry_run,
    )
    secrets = {**secrets, **body.device_credentials}
    return _checked(recipe, body.parameters, circuits, secrets=secrets, catalogue=catalogue, limits=limits)


def _checked(
    recipe: RunRecipe,
    parameters: Sequence[Any] | None,
    circuits: Sequence[CircuitFacts],
    *,
    secrets: Mapping[str, Any],
    catalogue: Catalogue,
    limits: Limits,
) -> Order:
    """The order, after all checks that need no engine."""
    if not circuits:
        raise invalid("circuit_ids", "there is no circuit to run. Give at least one id.")
    check_count(len(circuits), limits)
    catalogue.check_device(recipe.device, secrets)
    catalogue.check_options(recipe.device, dict(recipe.options))
    catalogue.check_mitigation(recipe, secrets)
    sets = parameter_sets(parameters, circuits)
    if recipe.statevector:
        if recipe.observables is not None or recipe.readout_bases is not None:
            raise invalid("run_type", "an exact state is not measured. Leave observables and readout_bases out.")
    elif recipe.observables is None:
        check_readout(recipe.readout_bases, circuits)
    else:
        if recipe.readout_bases is not None:
            raise invalid("readout_bases", "they do not go with observables. Leave one of them out.")
        check_observables(recipe.observables, circuits)
    if recipe.auto_quality and recipe.readout_bases is not None:
        raise invalid(
            "readout_bases", "the quality of results in several bases is not defined. Leave auto_quality out."
        )
    _check_size(recipe, sets, len(circuits), limits)
    return Order(recipe=_with_sets(recipe, sets), secrets=secrets)


def _split(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options, and the credentials that were among them."""
    plain, secrets = models.split_credentials(options)
    if models.redacted(plain) != plain:
        raise invalid("options", "credentials must be at the top level of the options. Move them there.")
    return plain, secrets


def _with_sets(recipe: RunRecipe, sets: list[list[list[float]]] | None) -> RunRecipe:
    return RunRecipe.from_json({**recipe.to_json(), "parameters": sets})


def _check_size(recipe: RunRecipe, sets: list[list[list[float]]] | None, count: int, limits: Limits) -> None:
    if recipe.shots > limits.shots:
        raise invalid("shots", f"{recipe.shots:,} are too many, at most {limits.shots:,} fit in a job. Split the run.")
    total = 0
    for index in range(count):
        rows = 1 if sets is None else len(sets[index])
        columns = len(recipe.readout_bases or [0]) if recipe.observables is None else len(recipe.observables[index])
        total += rows * columns
    if recipe.use_mitigation:
        total *= MitigationSettings.num_randomizations
    if total > limits.evaluations:
        raise invalid("parameters", f"{total:,} evaluations are too many for one job, at most {limits.evaluations:,}.")


def _steps(options: dict[str, Any]) -> dict[str, Any]:
    """What ``options`` says of packing, transpilation and quality; taken out of it."""
    given = {name: options.pop(name) for name in list(options) if name in _STEPS}
    for name, value in given.items():
        if value is not None and not _STEPS[name](value):
            raise invalid(f"options.{name}", "this value cannot be used. See the documentation of the options.")
    if given.get("resilience_level") or given.get("use_fractional_gates"):
        name = "resilience_level" if given.get("resilience_level") else "use_fractional_gates"
        raise invalid(f"options.{name}", "no device of this gateway can do that. Leave it out.")
    if given.get("pack_size") is not None and not given.get("use_packing"):
        raise invalid("options.pack_size", "it needs use_packing. Set use_packing to true.")
    transpilation = dict(given.get("transpilation_options") or {})
    if given.get("optimization_level") is not None:
        if "optimization_level" in transpilation:
            raise invalid("options.optimization_level", "it is in transpilation_options too. Give it once.")
        transpilation["optimization_level"] = given["optimization_level"]
    if transpilation and given.get("skip_transpilation"):
        raise invalid("options.skip_transpilation", "it does not go with options of the transpiler. Give one of them.")
    return {
        "pack": bool(given.get("use_packing")),
        "pack_size": given.get("pack_size"),
        "transpilation": None if given.get("skip_transpilation") else _transpiler_options(transpilation),
        "auto_quality": bool(given.get("auto_quality")),
    }


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _level(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 3


def _copies(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 1


def _mapping(value: Any) -> bool:
    return isinstance(value, dict)


_STEPS: Mapping[str, Callable[[Any], bool]] = {
    "use_packing": _flag,
    "pack_size": _copies,
    "skip_transpilation": _flag,
    "transpilation_options": _mapping,
    "optimization_level": _level,
    "resilience_level": _level,
    "auto_quality": _flag,
    "use_fractional_gates": _flag,
    "error_mitigation_options": are_flags,
}


def _transpiler_options(given: Mapping[str, Any]) -> dict[str, Any]:
    chosen = {name: value for name, value in given.items() if value is not None}
    unknown = sorted(chosen.keys() - TRANSPILER_OPTIONS)
    if unknown:
        known = ", ".join(sorted(TRANSPILER_OPTIONS))
        raise invalid(
            "transpilation_options", f"{', '.join(unknown)} cannot be given to the transpiler. Known: {known}."
        )
    return chosen


def _check_layers(body: models.FlowCreate, kinds: Sequence[str]) -> None:
    """Refuse layers that cannot be done, or that do not fit the rest of the body."""
    for index, layer in enumerate(body.program.layers):
        where = f"program.layers.{index}.{layer.type}"
        if layer.type in kinds[:index]:
            raise invalid(where, "a program has each layer once. Keep one of them.")
        if layer.type in _FOR_OBSERVABLES and body.observables is None:
            raise invalid("observables", f"the layer {layer.type} needs observables. Give some, or remove the layer.")
        if layer.type in _INSTEAD and body.observables is not None:
            raise invalid("observables", f"they do not go with the layer {layer.type}. {_INSTEAD[layer.type]}")
    if ("readout_basis" in kinds) != (body.readout_bases is not None):
        raise invalid("readout_bases", "they need a readout_basis layer, and the layer needs them.")
    if _comes_before("transpilation", "packing", kinds):
        raise invalid("program.layers", "packing comes after transpilation. Put packing first.")


_FOR_OBSERVABLES = frozenset({"estimator", "observable_split", "qwc_compute", "advanced_obs_mitigation"})
_INSTEAD = {
    "distribution_mitigation": "Give an estimator layer instead.",
    "advanced_dist_mitigation": "Give advanced_obs_mitigation instead.",
}
"""Layers for samples, and what to give with observables."""


def _comes_before(first: str, second: str, kinds: Sequence[str]) -> bool:
    return first in kinds and second in kinds and kinds.index(first) < kinds.index(second)


def _jsonable(observables: Sequence[Any] | None) -> list[list[list[Any]]] | None:
    if observables is None:
        return None
    return [[[list(paulis), list(coeffs)] for paulis, coeffs in group] for group in observables]

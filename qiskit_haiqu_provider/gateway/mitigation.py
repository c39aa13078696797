"""What a submission asks of mitigation: flags of ``/run``, layers of ``/flow``."""

from collections.abc import Mapping, Sequence
from typing import Any

from qiskit_haiqu_provider.api import models
from qiskit_haiqu_provider.api.models.layers import Layer, MitigationFlags
from qiskit_haiqu_provider.gateway.errors import invalid

_FLAGS = frozenset(MitigationFlags.model_fields)

_LAYERS: Mapping[str, str] = {
    "noise_tailoring": "noise_tailoring",
    "dynamical_decoupling": "dynamical_decoupling",
    "advanced_obs_mitigation": "advanced_mitigation",
    "advanced_dist_mitigation": "advanced_mitigation",
    "advanced_readout_mitigation": "readout_mitigation",
}
"""Layers that are one part of mitigation, and the flag of that part."""

_OFF: Mapping[str, Any] = {**dict.fromkeys(_LAYERS.values(), False), "readout_mitigation_options": {}}


def are_flags(value: Any) -> bool:
    """Whether a value can be the ``error_mitigation_options`` of ``/run``."""
    return isinstance(value, dict) and all(
        name in _FLAGS and isinstance(flag, dict if name == "readout_mitigation_options" else bool)
        for name, flag in value.items()
    )


def asked_of_run(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """All flags of a run that mitigates.

    Args:
        given: Its ``error_mitigation_options``; the others have the documented defaults, which are those of layers.
    """
    return MitigationFlags().model_dump(exclude={"type"}) | dict(given or {})


def asked_of_flow(layers: Sequence[Layer]) -> dict[str, Any] | None:
    """All flags of a program: those of its layer for mitigation as a whole, and those of its layers for single parts.

    Returns:
        ``None`` if the program mitigates nothing.

    Raises:
        RequestValidationError: If a part of mitigation comes before the circuits are as they run.
    """
    found: dict[str, Any] | None = None
    for layer in layers:
        if isinstance(layer, models.EstimatorStep | models.DistributionStep) and layer.mitigation_enabled:
            flags = {name: getattr(layer, name) for name in _FLAGS}
            found = {**flags, **{name: True for name, on in (found or {}).items() if on is True}}
        elif layer.type in _LAYERS:
            found = {**(found or _OFF), _LAYERS[layer.type]: True}
    _check_order([layer.type for layer in layers])
    return found


def _check_order(kinds: Sequence[str]) -> None:
    """Refuse a part of mitigation ahead of a layer that makes other circuits of those that it works on."""
    for index, kind in enumerate(kinds):
        later = next((step for step in ("packing", "readout_basis", "transpilation") if step in kinds[index:]), None)
        if kind in _LAYERS and later is not None:
            raise invalid(
                f"program.layers.{index}.{kind}", f"it works on circuits as they run. Put it after the layer {later}."
            )

"""Options of the devices of the service, and their checks."""

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from qiskit_haiqu_provider.devices.record import DeviceRecord
from qiskit_haiqu_provider.engines.haiqu.limits import check_qubits
from qiskit_haiqu_provider.engines.local.options import DEVICE_NOISE, aer_options
from qiskit_haiqu_provider.engines.local.options import check_options as check_local_options
from qiskit_haiqu_provider.engines.local.options import default_options as default_local_options
from qiskit_haiqu_provider.exceptions import HaiquInputError, HaiquOptionError
from qiskit_haiqu_provider.mitigation.settings import CLIENT_ONLY
from qiskit_haiqu_provider.run.checks import check_choice, check_flag, check_seed, check_shots, is_whole, unknown_option
from qiskit_haiqu_provider.run.request import RunRequest, RunType

AER, IONQ = "aer_simulator", "ionq_simulator"

MAX_SHOTS = 100_000_000

AUTOMATIC = "auto"
APIS = (AUTOMATIC, "run", "flow")
"""Which endpoint takes a run: that of direct runs, that of hybrid programs, or the first that the service has."""

SNAPSHOT, VENDOR = "snapshot", "vendor"
"""Where errors and durations of a Target are from: a snapshot of the device, or its vendor, who is asked for them."""

MITIGATION: Mapping[str, Any] = {
    "dynamical_decoupling": True,
    "readout_mitigation": True,
    "noise_tailoring": True,
    "advanced_mitigation": True,
    "readout_mitigation_options": {},
}
"""The flags of error mitigation. All are sent, because the service's own defaults differ between its endpoints."""

_AER_OPTIONS = aer_options(default_local_options(noisy=False))
"""What goes to Aer as it is, with the defaults."""


@dataclass(frozen=True)
class _Option:
    default: Any
    check: Callable[[Any, str], object]
    only: str = ""
    """The kind of device that has the option; empty for all."""


_KINDS: Mapping[str, Callable[[str, bool], bool]] = {
    "": lambda _device, _simulator: True,
    "simulators": lambda _device, simulator: simulator,
    f"{AER} and fake_* devices": lambda device, _simulator: device == AER or is_fake(device),
    f"{AER} and {IONQ}": lambda device, _simulator: device in (AER, IONQ) or is_fake(device),
    "devices of IBM": lambda device, _simulator: device.startswith("ibm_"),
}
"""Kinds of devices by their names in messages; told by the id, and whether it is a simulator. Snapshots have a noise
model too, if only one value of it."""

_AER_ONLY, _NOISY_ONLY = f"{AER} and fake_* devices", f"{AER} and {IONQ}"


def is_fake(device: str) -> bool:
    """Whether the device is a snapshot that is simulated with its noise."""
    return device.startswith("fake_")


def default_options(device: str, *, simulator: bool | None = None) -> dict[str, Any]:
    """The options of a device with their defaults.

    Args:
        device: Id of the device.
        simulator: Whether a computer plays the device; judged by the id if it is not known.
    """
    return {
        name: DEVICE_NOISE if name == "noise_model" and is_fake(device) else copy.copy(option.default)
        for name, option in _OPTIONS.items()
        if _has(device, option, simulator=simulator)
    }


def check_options(device: str, options: Mapping[str, Any], *, simulator: bool | None = None) -> None:
    """Refuse unknown options and wrong values, and options that do not go together.

    Args:
        device: Id of the device.
        options: Some options, or all of them.
        simulator: Whether a computer plays the device; judged by the id if it is not known.

    Raises:
        HaiquOptionError: If an option does not exist, the device does not have it, or it does not go with another.
        HaiquInputError: If a value is not allowed.
    """
    for name, value in options.items():
        if name not in _OPTIONS:
            raise unknown_option(name, default_options(device, simulator=simulator), owner=device)
        option = _OPTIONS[name]
        if _has(device, option, simulator=simulator):
            option.check(value, name)
        elif value is not None:
            raise HaiquOptionError(f"{name}: {device} does not have this option, only {option.only} do. Leave it out.")
    if "noise_model" in options:
        _check_noise(device, options["noise_model"])
    _check_together(device, options)


def check_limits(request: RunRequest, record: DeviceRecord, *, cloud: bool) -> None:
    """Refuse what the service cannot do, before anything is sent.

    Args:
        request: What to run.
        record: The device.
        cloud: Whether the service is the Haiqu cloud; other gateways have limits of their own.

    Raises:
        HaiquInputError: If exact values are asked for where there are none.
        HaiquCapacityError: If a circuit uses more qubits than the cloud simulates.
    """
    noisy = _noisy(request)
    for task in request.tasks:
        if task.observables is not None and task.shots is None and request.run_type is RunType.RUN:
            _check_exact(f"PUB {task.pub}", record, noisy=noisy)
    if cloud:
        check_qubits(request, noisy=noisy, aer=record.id == AER or is_fake(record.id))


def mitigation_flags(request: RunRequest) -> dict[str, Any]:
    """All flags of error mitigation, those that the request leaves open with their defaults.

    Raises:
        HaiquOptionError: If a flag does not exist.
    """
    given = {name: value for name, value in request.mitigation.items() if name not in CLIENT_ONLY}
    for name in given:
        if name not in MITIGATION:
            raise unknown_option(name, MITIGATION, owner="mitigation")
    return {**MITIGATION, **given}


def device_options(request: RunRequest, *, number: int = 0) -> dict[str, Any]:
    """What travels to the device itself, in JSON values: only what differs from the defaults.

    Args:
        request: What to run.
        number: Which job of the request this is; each draws from a random stream of its own.
    """
    given = {name: _plain(request.options[name]) for name in _AER_OPTIONS if name in request.options}
    sent = {name: value for name, value in given.items() if value != _AER_OPTIONS[name]}
    if request.seed is not None:
        sent["seed_simulator"] = _job_seed(request.seed, number)
    noise = request.options.get("noise_model")
    if noise is not None and noise != DEVICE_NOISE:
        sent["noise_model"] = noise.to_dict(serializable=True) if hasattr(noise, "noise_instructions") else noise
    if request.options.get("use_fractional_gates"):
        sent["use_fractional_gates"] = True
    return sent


def _plain(value: Any) -> Any:
    """The value without numpy's types, which JSON does not have."""
    return value.item() if isinstance(value, np.generic) else value


_MOST_SEED = 2**31 - 1
"""Largest seed that is sent as it is; any Aer takes it."""


def _job_seed(seed: int, number: int) -> int:
    if number == 0 and seed <= _MOST_SEED:
        return int(seed)
    sequence = np.random.SeedSequence(seed, spawn_key=(number,))
    return int(sequence.generate_state(1)[0] >> 1)


def _has(device: str, option: _Option, *, simulator: bool | None) -> bool:
    known = device in (AER, IONQ) or is_fake(device)
    return _KINDS[option.only](device, known if simulator is None else simulator)


def _noisy(request: RunRequest) -> bool:
    """Whether a simulation has noise."""
    return is_fake(request.device) or request.options.get("noise_model") is not None


def _check_exact(where: str, record: DeviceRecord, *, noisy: bool) -> None:
    if record.simulator and not noisy:
        return
    reason = "with the noise of the simulation" if record.simulator else "measured by a machine"
    raise HaiquInputError(
        f"{where}: precision=0 asks for the exact value, but there is none {reason} through the service. Give a "
        f"precision above 0, for example 0.01, or use {AER} without a noise model."
    )


def _check_noise(device: str, value: Any) -> None:
    """Refuse noise that the device cannot have."""
    if is_fake(device):
        if value != DEVICE_NOISE:
            raise HaiquOptionError(
                f"noise_model: the service simulates {device} with its own noise, always. Use {AER} for a noise model "
                "of yours or none."
            )
    elif device == IONQ:
        if value is not None and not isinstance(value, str):
            raise HaiquInputError(
                f"noise_model of {IONQ} must be the name of a noise model such as 'aria-1', or None, not {value!r}."
            )
    elif value is not None:
        _check_aer_noise(value)


def _check_aer_noise(value: Any) -> None:
    if hasattr(value, "noise_instructions"):
        return
    if not isinstance(value, Mapping):
        raise HaiquInputError(
            f"noise_model must be a qiskit_aer.noise.NoiseModel, its dictionary, or None for no noise, not {value!r}."
        )
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        raise HaiquInputError(
            "noise_model: the dictionary holds values that JSON does not have. Give the NoiseModel itself, or its "
            "to_dict(serializable=True)."
        ) from None


def _check_together(device: str, options: Mapping[str, Any]) -> None:
    """Refuse options of which one makes another one useless."""
    skips = options.get("skip_transpilation") is True
    if skips and options.get("transpilation_options"):
        raise HaiquOptionError(
            "transpilation_options have no effect while skip_transpilation is True. Set skip_transpilation=False, or "
            "leave them out."
        )
    if options.get("pack_size") is not None and options.get("use_packing") is False:
        raise HaiquOptionError("pack_size has no effect while use_packing is False. Set use_packing=True.")
    if skips and options.get("use_packing") and device not in (AER, IONQ):
        raise HaiquOptionError(
            f"use_packing: the service has to place the copies of a circuit on {device}, which it does not while "
            "skip_transpilation is True. Set skip_transpilation=False."
        )


def _flag(value: Any, where: str) -> None:
    check_flag(value, where=where)


def _aer_option(value: Any, where: str) -> None:
    check_local_options({where: value}, device=AER)


def _pack_size(value: Any, where: str) -> None:
    if value is not None and (not is_whole(value) or value < 2):
        raise HaiquInputError(f"{where} must be None or a whole number of at least 2, not {value!r}.")


def _transpilation_options(value: Any, where: str) -> None:
    from pydantic import ValidationError  # loaded when a service is used

    from qiskit_haiqu_provider.api.models import TranspilationOptions

    if not isinstance(value, Mapping):
        raise HaiquInputError(f"{where} must be a mapping from names to values, not {value!r}.")
    for name in value:
        if name not in TranspilationOptions.model_fields:
            raise unknown_option(name, TranspilationOptions.model_fields, owner=where)
    try:
        TranspilationOptions.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, (where, *first["loc"])))
        raise HaiquInputError(f"{place}: {first['msg']}. See the options of Qiskit's transpiler.") from None


def _anything(_value: Any, _where: str) -> None:
    """What is allowed depends on the device."""


_OPTIONS: Mapping[str, _Option] = {
    "shots": _Option(1024, lambda v, w: check_shots(v, where=w, maximum=MAX_SHOTS)),
    "memory": _Option(False, _flag),
    "seed_simulator": _Option(None, lambda v, w: check_seed(v, where=w), "simulators"),
    "noise_model": _Option(None, _anything, _NOISY_ONLY),
    **{name: _Option(value, _aer_option, _AER_ONLY) for name, value in _AER_OPTIONS.items()},
    "skip_transpilation": _Option(True, _flag),
    "transpilation_options": _Option({}, _transpilation_options),
    "use_packing": _Option(False, _flag),
    "pack_size": _Option(None, _pack_size),
    "use_fractional_gates": _Option(False, _flag, "devices of IBM"),
    "auto_quality": _Option(False, _flag),
    "calibration": _Option(SNAPSHOT, lambda v, w: check_choice(v, (SNAPSHOT, VENDOR), where=w)),
    "api": _Option("auto", lambda v, w: check_choice(v, APIS, where=w)),
}

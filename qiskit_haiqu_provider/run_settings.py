"""How tasks are to be run, and how that is read from the arguments of ``backend.run``."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from qiskit_haiqu_provider.exceptions import HaiquInputError
from qiskit_haiqu_provider.options.base import Layer
from qiskit_haiqu_provider.options.definitions import SamplerOptions
from qiskit_haiqu_provider.progress import shown
from qiskit_haiqu_provider.run.checks import check_choice, check_shots
from qiskit_haiqu_provider.run.request import Progress, RunType


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """How tasks are to be run, apart from what they are."""

    options: Mapping[str, Any] = field(default_factory=dict)
    """Engine options that go before the backend's."""

    use_mitigation: bool = False
    mitigation: Mapping[str, Any] = field(default_factory=dict)
    dry_run: bool = False
    max_cost_usd: float | None = None
    name: str = ""
    description: str = ""
    progress: Progress | None = None
    tags: tuple[str, ...] = ()

    @classmethod
    def of(cls, values: Mapping[str, Any], **more: Any) -> "RunSettings":
        """The settings of a run from the effective values of its options."""
        return cls(
            options={**values["backend_options"], "seed_simulator": values["seed_simulator"]},
            use_mitigation=values["use_mitigation"],
            mitigation=values["mitigation"],
            dry_run=values["dry_run"],
            max_cost_usd=values["max_cost_usd"],
            name=values["name"],
            description=values["description"],
            progress=shown(values["progress"]),
            **more,
        )


class RunArguments(NamedTuple):
    """What ``backend.run`` was told beside the circuits."""

    run_type: RunType
    shots: int
    parameter_binds: Any
    settings: RunSettings


_OTHERS = {"parameter_binds", "run_type", "job_tags", "meas_level", "shots"}
"""Arguments that are no options of their own."""


def read_arguments(
    arguments: Mapping[str, Any],
    *,
    known: Collection[str],
    layers: Callable[[], Sequence[Layer]],
    max_shots: int,
    ignore: Callable[[list[str], list[str]], None],
) -> RunArguments:
    """The keyword arguments of ``backend.run``, checked.

    Args:
        arguments: The arguments; ``None`` means that one was not given.
        known: The options that the backend has.
        layers: Settings of the backend and of its provider.
        max_shots: The most shots that the device takes.
        ignore: Called with names that mean nothing here, if there are any, and with those that do.

    Raises:
        HaiquInputError: If a value is not allowed.
    """
    given = {name: value for name, value in arguments.items() if value is not None or name == "noise_model"}
    if given.pop("meas_level", 2) != 2:
        raise HaiquInputError("meas_level must be 2 (classified bits); raw signals are not simulated.")
    binds = given.pop("parameter_binds", None)
    tags = tuple(given.pop("job_tags", ()))
    run_type = check_choice(given.pop("run_type", "Run"), [kind.value for kind in RunType], where="run_type")
    if "shots" in given:
        given["default_shots"] = check_shots(given.pop("shots"), maximum=max_shots)
    general = SamplerOptions().to_dict().keys() - {"backend_options"}
    unknown = given.keys() - general - set(known)
    if unknown:
        ignore(sorted(unknown), sorted({*general, *known, *_OTHERS} - {"default_shots"}))
    chosen = SamplerOptions(**{name: given[name] for name in given.keys() & general})
    chosen.backend_options = {name: given[name] for name in given.keys() - general - unknown}
    values = chosen.bind(layers).values()
    shots = check_shots(values["default_shots"], maximum=max_shots)
    return RunArguments(RunType(run_type), shots, binds, RunSettings.of(values, tags=tags))

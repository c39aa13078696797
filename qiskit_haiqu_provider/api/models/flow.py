"""Programs made of layers, and the jobs that run them."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from qiskit_haiqu_provider.api.models.common import Cost, redacted
from qiskit_haiqu_provider.api.models.fields import (
    NULL_IS_EMPTY_OBJECT,
    Flag,
    Identifier,
    Name,
    NullableName,
    NullableShortText,
    Observables,
    ParameterValues,
    ReadoutBasis,
    Shots,
    Text,
    Wire,
)
from qiskit_haiqu_provider.api.models.jobs import Job
from qiskit_haiqu_provider.api.models.layers import DeviceStep, Layer
from qiskit_haiqu_provider.api.models.runs import OBSERVABLES, PARAMETERS, READOUT_BASES, RESULTS, TWO_TERMS

_ENDS = ("device", "statevector")
_WITHOUT_MEASUREMENT = ("input", "transpilation", "statevector")
"""The layers that make sense for an exact state."""


def _check_ends(kinds: list[str]) -> None:
    if not kinds:
        raise ValueError("layers is empty; give at least an input and a device or statevector layer")
    if kinds[0] != "input":
        raise ValueError("layers must start with an input layer; put it first")
    if kinds[-1] not in _ENDS:
        raise ValueError("layers must end with a device or statevector layer; put it last")
    if "input" in kinds[1:]:
        raise ValueError("layers has more than one input layer; keep the first")
    if any(kind in _ENDS for kind in kinds[:-1]):
        raise ValueError("layers has more than one device or statevector layer; keep the last")


def _check_company(kinds: list[str]) -> None:
    """Layers that cannot be in one program."""
    if kinds.count("estimator") + kinds.count("distribution_mitigation") > 1:
        raise ValueError("layers may have one estimator or distribution_mitigation layer; remove the others")
    if kinds.count("readout_basis") > 1:
        raise ValueError("layers may have one readout_basis layer; remove the others")
    if "readout_basis" in kinds and "estimator" in kinds:
        raise ValueError("layers must not have both estimator and readout_basis; remove one of them")
    useless = sorted(set(kinds).difference(_WITHOUT_MEASUREMENT))
    if kinds[-1] == "statevector" and useless:
        raise ValueError(f"an exact state is not measured; remove from layers: {', '.join(useless)}")


class Program(Wire):
    """What is done to the circuits, layer by layer."""

    schema_version: Literal[1] = Field(default=1, description="Version of this format.")
    layers: list[Layer] = Field(
        json_schema_extra={"minItems": 2},
        description="From an input layer to a device or statevector layer, in the order in which they are applied.",
        examples=[[{"type": "input"}, {"type": "transpilation"}, {"type": "device", "device_id": "aer_simulator"}]],
    )

    @field_validator("layers")
    @classmethod
    def _check_layers(cls, layers: list[Layer]) -> list[Layer]:
        kinds: list[str] = [layer.type for layer in layers]
        _check_ends(kinds)
        _check_company(kinds)
        return layers

    @property
    def computes_state(self) -> bool:
        """Whether the results are exact states."""
        return self.layers[-1].type == "statevector"

    @property
    def reads_bases(self) -> bool:
        """Whether the job's readout bases are used."""
        return any(layer.type == "readout_basis" for layer in self.layers)


def _masked(layer: Layer) -> Layer:
    if isinstance(layer, DeviceStep):
        return layer.model_copy(update={"options": redacted(layer.options)})
    return layer


def _without_credentials(program: Program) -> Program:
    return program.model_copy(update={"layers": [_masked(layer) for layer in program.layers]})


class FlowCreate(Wire, extra="forbid"):
    """Body that runs stored circuits through a program."""

    experiment_id: Identifier = Field(description="Experiment to put the job in.")
    name: NullableName = Field(default="", description="Name of the job.")
    description: NullableShortText = Field(default="", description="What the job is for.")
    program: Program = Field(description="What is done to the circuits.")
    circuit_ids: Annotated[list[Identifier], Field(min_length=1)] = Field(
        description="Stored circuits to run, in order."
    )
    shots: Shots = Field(default=1000, description="How often each circuit is run; not used for the exact state.")
    parameters: ParameterValues | None = Field(
        default=None, description=PARAMETERS, examples=[[[0.1, 0.2], [0.3, 0.4]]]
    )
    observables: Observables | None = Field(default=None, description=OBSERVABLES, examples=[TWO_TERMS])
    readout_bases: list[ReadoutBasis] | None = Field(
        default=None,
        description=f"{READOUT_BASES} Must be given exactly if the program has a readout_basis layer.",
        examples=[["ZZ", "XX"]],
    )
    device_credentials: Annotated[dict[Name, Text | None], NULL_IS_EMPTY_OBJECT] = Field(
        default={}, repr=False, description="Credentials of the device's vendor, by name. Never shown again."
    )
    dry_run: Flag = Field(default=False, description="Whether to stop before the device, with an estimate of the cost.")

    @model_validator(mode="after")
    def _check_bases(self) -> Self:
        if self.readout_bases and not self.program.reads_bases:
            raise ValueError("readout_bases needs a readout_basis layer in program; add the layer or remove the bases")
        if self.program.reads_bases and not self.readout_bases:
            raise ValueError("a readout_basis layer in program needs readout_bases; give the bases or remove the layer")
        return self


class FlowJob(Job):
    """A job that runs circuits through a program. Its program never shows credentials."""

    program: Annotated[Program, AfterValidator(_without_credentials)] = Field(
        description="What is done to the circuits, with `***` for credentials."
    )
    input_circuit_ids: list[str] = Field(description="Circuits to run, in order.")
    shots: int = Field(description="How often each circuit is run.")
    parameters: list[Any] | None = Field(default=None, description=PARAMETERS)
    observables: Observables | None = Field(default=None, description=OBSERVABLES, examples=[TWO_TERMS])
    readout_bases: list[str] | None = Field(default=None, description=READOUT_BASES)
    dry_run: bool = Field(description="Whether the job stops before the device.")
    quantum_results: list[Any] | None = Field(default=None, description=RESULTS)
    estimated_qpu_cost: Cost | None = Field(default=None, description="What the run is expected to cost; null if free.")

"""The layers of a program: what is done to circuits between submission and result."""

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, Strict, model_validator

from qiskit_haiqu_provider.api.models.circuits import TranspilerKeys
from qiskit_haiqu_provider.api.models.fields import INT64_MAX, Flag, Identifier, JsonObject, Wire, plain_json

_WHICH = "Which layer this is."


def _needs_type(schema: dict[str, Any]) -> None:
    """In a list of layers the type is what tells them apart, so there it cannot be left out."""
    schema["required"] = ["type", *schema.get("required", [])]


class Step(Wire):
    """Base of all layers."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_needs_type)


class InputStep(Step):
    """Takes the submitted circuits. Every program starts with it."""

    type: Literal["input"] = Field(default="input", description=_WHICH)


class PackingStep(Step):
    """Runs several copies of a circuit side by side on qubits that would idle."""

    type: Literal["packing"] = Field(default="packing", description=_WHICH)
    pack_size: Annotated[int, Strict(), Field(ge=2, le=INT64_MAX)] | None = Field(
        default=None, description="Number of copies; null lets the server choose."
    )


class TranspilationStep(TranspilerKeys):
    """Fits the circuits to the device. Further keys are handed to the transpiler as they are."""

    model_config = ConfigDict(extra="allow", json_schema_extra=_needs_type)

    type: Literal["transpilation"] = Field(default="transpilation", description=_WHICH)

    @model_validator(mode="after")
    def _check_further_keys(self) -> Self:
        plain_json(self.model_extra)
        return self


class MitigationFlags(Step):
    """What can be switched in the layers that mitigate errors as a whole."""

    advanced_mitigation: Flag = Field(default=True, description="Whether the server's own method is used.")
    readout_mitigation: Flag = Field(default=True, description="Whether errors of measurements are corrected.")
    noise_tailoring: Flag = Field(default=False, description="Whether gates are twirled with Pauli gates.")
    dynamical_decoupling: Flag = Field(default=True, description="Whether pulses protect qubits that wait.")
    readout_mitigation_options: JsonObject = Field(
        default={}, description="Settings for the correction of measurements."
    )


class EstimatorStep(MitigationFlags):
    """Measures expectation values of observables."""

    type: Literal["estimator"] = Field(default="estimator", description=_WHICH)
    mitigation_enabled: Flag = Field(default=False, description="Whether errors are mitigated at all.")


class DistributionStep(MitigationFlags):
    """Measures distributions of bitstrings."""

    type: Literal["distribution_mitigation"] = Field(default="distribution_mitigation", description=_WHICH)
    mitigation_enabled: Flag = Field(default=True, description="Whether errors are mitigated at all.")


class ObservableSplitStep(Step):
    """Makes one task of each observable."""

    type: Literal["observable_split"] = Field(default="observable_split", description=_WHICH)


class NoiseTailoringStep(Step):
    """Turns coherent errors into random ones by twirling with Pauli gates."""

    type: Literal["noise_tailoring"] = Field(default="noise_tailoring", description=_WHICH)


class DecouplingStep(Step):
    """Protects waiting qubits by sequences of pulses."""

    type: Literal["dynamical_decoupling"] = Field(default="dynamical_decoupling", description=_WHICH)


class ObservableMitigationStep(Step):
    """The server's own mitigation, for expectation values."""

    type: Literal["advanced_obs_mitigation"] = Field(default="advanced_obs_mitigation", description=_WHICH)


class DistributionMitigationStep(Step):
    """The server's own mitigation, for distributions."""

    type: Literal["advanced_dist_mitigation"] = Field(default="advanced_dist_mitigation", description=_WHICH)


class ReadoutMitigationStep(Step):
    """The server's own correction of measurements."""

    type: Literal["advanced_readout_mitigation"] = Field(default="advanced_readout_mitigation", description=_WHICH)


class CommutingStep(Step):
    """Computes expectation values from measurements that serve several Pauli strings at once."""

    type: Literal["qwc_compute"] = Field(default="qwc_compute", description=_WHICH)


class ReadoutBasisStep(Step):
    """Rotates the qubits into the readout bases of the job, at this point of the program."""

    type: Literal["readout_basis"] = Field(default="readout_basis", description=_WHICH)


class DeviceStep(Step):
    """Runs the circuits on a device. Ends a program."""

    type: Literal["device"] = Field(default="device", description=_WHICH)
    device_id: Identifier = Field(description="Device to run on.", examples=["aer_simulator"])
    options: JsonObject = Field(
        default={},
        repr=False,
        description="Settings of the device. Credentials belong into `device_credentials` of the job.",
    )
    auto_quality: Flag = Field(default=False, description="Whether the quality of each result is estimated.")


class StatevectorStep(Step):
    """Computes the exact state. Ends a program."""

    type: Literal["statevector"] = Field(default="statevector", description=_WHICH)


Layer = Annotated[
    InputStep
    | PackingStep
    | TranspilationStep
    | EstimatorStep
    | DistributionStep
    | ObservableSplitStep
    | NoiseTailoringStep
    | DecouplingStep
    | ObservableMitigationStep
    | DistributionMitigationStep
    | ReadoutMitigationStep
    | CommutingStep
    | ReadoutBasisStep
    | DeviceStep
    | StatevectorStep,
    Field(discriminator="type"),
]

"""Direct runs: circuits, a device, options."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from qiskit_haiqu_provider.api.models.common import Cost, redacted
from qiskit_haiqu_provider.api.models.enums import RunKind
from qiskit_haiqu_provider.api.models.fields import (
    Identifier,
    NullableFlag,
    NullableIdentifier,
    NullableIdentifiers,
    NullableName,
    NullableObject,
    NullableShortText,
    Observables,
    ParameterValues,
    ReadoutBasis,
    Shots,
    Wire,
)
from qiskit_haiqu_provider.api.models.jobs import Job

PARAMETERS = (
    "Values for the free parameters, in the order of the circuit's parameters: `[set][value]` for one circuit, "
    "`[circuit][set][value]` for any number of circuits. Null if there are none."
)
OBSERVABLES = (
    "For every circuit its observables, each a list of Pauli strings (rightmost letter on qubit 0) and a list of their "
    "real coefficients. The result holds expectation values then, not distributions."
)
READOUT_BASES = (
    "Pauli bases to read every circuit out in, one letter X, Y or Z per qubit, rightmost letter on qubit 0. "
    "The result holds one distribution per basis."
)
RESULTS = (
    "Null until done, and after a dry run. Nested by circuit, then observable or basis, then parameter set: "
    "probabilities by bitstring, expectation values, or `[real parts, imaginary parts]` of a state."
)
TWO_TERMS = [[[["ZZ", "XI"], [1.0, 0.5]]]]
"""One circuit, one observable of two terms."""


class RunRequest(Wire, extra="forbid"):
    """What every body that runs circuits has. Unknown names are refused."""

    experiment_id: Identifier = Field(description="Experiment to put the job in.")
    circuit_ids: NullableIdentifiers = Field(default=[], description="Stored circuits to run, in order.")
    parameters: ParameterValues | None = Field(
        default=None, description=PARAMETERS, examples=[[[0.1, 0.2], [0.3, 0.4]]]
    )
    shots: Shots = Field(default=1024, description="How often each circuit is run.")
    observables: Observables | None = Field(default=None, description=OBSERVABLES, examples=[TWO_TERMS])
    device_id: NullableIdentifier = Field(
        default="", description="Device to run on; not needed for the exact state.", examples=["aer_simulator"]
    )
    options: NullableObject = Field(
        default={},
        repr=False,
        description="Settings of the device, of mitigation and of packing; also the credentials of its vendor.",
        examples=[{"transpilation_options": {"optimization_level": 2}}],
    )
    use_mitigation: NullableFlag = Field(default=False, description="Whether errors of the device are mitigated.")
    name: NullableName = Field(default="", description="Name of the job.")
    description: NullableShortText = Field(default="", description="What the job is for.")
    dry_run: NullableFlag = Field(
        default=False, description="Whether to stop before the device, with an estimate of the cost."
    )
    run_type: RunKind = Field(default=RunKind.RUN, description="Shots on a device, or the exact state.")


class RunCreate(RunRequest):
    """Body that runs stored circuits."""

    readout_bases: list[ReadoutBasis] | None = Field(default=None, description=READOUT_BASES, examples=[["ZZ", "XX"]])


class RunJob(Job):
    """A job that runs circuits. Its options never show credentials."""

    circuit_ids: list[str] = Field(description="Circuits to run, in order.")
    parameters: list[Any] | None = Field(default=None, description=PARAMETERS)
    shots: int = Field(description="How often each circuit is run.")
    observables: Observables | None = Field(default=None, description=OBSERVABLES, examples=[TWO_TERMS])
    readout_bases: list[str] | None = Field(default=None, description=READOUT_BASES)
    device_id: str = Field(description="Device to run on.")
    options: Annotated[dict[str, Any], AfterValidator(redacted)] = Field(
        repr=False, description="The options of the submission, with `***` for credentials."
    )
    use_mitigation: bool | None = Field(description="Whether errors of the device are mitigated.")
    dry_run: bool = Field(description="Whether the job stops before the device.")
    run_type: RunKind = Field(description="Shots on a device, or the exact state.")
    quantum_results: list[Any] | None = Field(default=None, description=RESULTS)
    estimated_qpu_cost: Cost | None = Field(default=None, description="What the run is expected to cost; null if free.")

"""Jobs: the part that all share, transpilations, and results that a user brings along."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from qiskit_haiqu_provider.api.models.enums import JobKind, JobState
from qiskit_haiqu_provider.api.models.fields import (
    Identifier,
    NullableIdentifier,
    NullableName,
    NullableObject,
    NullableText,
    Wire,
)


class Job(Wire):
    """What every job has."""

    id: str = Field(description="Unique id.", examples=["jb-5f1e1d0a-7a3b-4a37-9a57-2e5d0f6c1b22"])
    user_id: int = Field(description="Number of the owner's account.")
    experiment_id: str = Field(description="Experiment that holds it.")
    status: JobState = Field(description="How far it has come.")
    job_type: JobKind = Field(description="What it does.")
    creation_date: datetime = Field(description="When it was accepted.")
    name: str | None = Field(default=None, description="Name.")
    description: str | None = Field(default=None, description="What it is for.")
    device_id: str | None = Field(default="Haiqu OS", description="Where it runs.")
    run_date: datetime | None = Field(default=None, description="When it started.")
    finish_date: datetime | None = Field(default=None, description="When it ended, in whatever way.")
    logs: str | None = Field(default=None, description="What happened so far; for a failed job also why.")
    quality: float | None = Field(default=None, description="Estimate of how close the result is to the ideal one.")
    info: dict[str, Any] | None = Field(
        default=None,
        description="Further facts, such as `uncertainty` of expectation values or `qpu_cost`.",
        examples=[{"pre_device_pipeline_time": 0.2}],
    )
    time: float | None = Field(default=None, description="Seconds spent on the device.")
    parameters: dict[str, Any] | list[Any] | None = Field(default=None, description="Values or settings of the job.")


class Accepted(Wire):
    """The answer to a submission, without what it repeats of it: what tells it from any other answer."""

    id: str = Field(min_length=1, description="Unique id of the job.")
    experiment_id: str = Field(description="Experiment that holds it.")
    status: str = Field(description="How far it has come, in the word of the service.")
    creation_date: datetime = Field(description="When it was accepted.")


class TranspileJob(Job):
    """A job that fits circuits to a device."""

    circuit_ids: list[str] = Field(description="Circuits to transpile.")
    device_id: str = Field(description="Device to transpile for.")
    transpilation_options: dict[str, Any] = Field(description="What was asked of the transpiler.")
    use_fractional_gates: bool = Field(default=False, description="Whether gates with continuous angles are allowed.")
    transpiled_circuit_ids: list[str] | None = Field(
        default=None, description="The new circuits in the order of the old ones; null until done."
    )


class LocalJobCreate(Wire):
    """Body that notes a job which the user has run elsewhere."""

    experiment_id: Identifier = Field(description="Experiment to put it in.")
    hash: NullableIdentifier = Field(
        default="", description="The client's own mark of the job, by which it is found later."
    )
    circuit_hash: NullableIdentifier = Field(default="", description="The client's mark of the circuit it ran.")
    results: NullableText = Field(default="", description="The results as JSON text.", examples=['{"00": 0.5}'])
    device_id: NullableIdentifier = Field(default="", description="Where it ran.")
    shots: NullableText = Field(default="", description="Number of shots as JSON text.", examples=["1024"])
    name: NullableName = Field(default="", description="Name.")
    status: JobState | Literal[""] = Field(default="", description="State of the job; empty if it is not known.")
    job_type: JobKind | Literal[""] = Field(default="", description="What it did; empty means a local job.")
    metrics: NullableObject = Field(default={}, description="Values to note with the job, by name.")


class LocalJob(Job):
    """A job which the user has run elsewhere."""

    hash: str = Field(description="The client's mark of the job.")
    backend_name: str = Field(description="Where it ran.")
    circuit_id: str | None = Field(default="", description="Stored circuit that it ran, if there is one.")
    results: str | None = Field(default="", description="The results as JSON text.")
    shot_local: str | None = Field(default="", description="Number of shots as JSON text.")
    metrics: dict[str, Any] | None = Field(default={}, description="Noted values by name.")

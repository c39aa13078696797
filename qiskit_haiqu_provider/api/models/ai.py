"""The interface for agents: circuits as OpenQASM, replies with an explanation in words."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from qiskit_haiqu_provider.api.models.circuits import CircuitRecord, TranspilationOptions
from qiskit_haiqu_provider.api.models.enums import ArtifactKind
from qiskit_haiqu_provider.api.models.fields import (
    NULL_IS_EMPTY_LIST,
    Count,
    Identifier,
    JsonAny,
    Name,
    NullableIdentifiers,
    NullableName,
    NullableShortText,
    NullableText,
    NullAs,
    Real,
    Text,
    Wire,
)
from qiskit_haiqu_provider.api.models.jobs import Job
from qiskit_haiqu_provider.api.models.runs import RunRequest

BELL = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1]; c = measure q;'

Programs = Annotated[list[Text], NULL_IS_EMPTY_LIST]
"""Circuits as OpenQASM text."""


class AiExperimentCreate(Wire):
    """Body that makes an experiment, or opens the one of that name."""

    name: Name = Field(description="Name of the experiment, unique for its owner.", examples=["Ising chain"])
    description: NullableText = Field(
        default="", description="What it is about. HTML is kept, and shown as text on this gateway's dashboard."
    )
    context: NullableText = Field(default="", description="Why it is made: the question behind it.")


class ContextExperiment(Wire):
    """An experiment, with the reason why it was made."""

    id: str = Field(description="Unique id.")
    name: str = Field(description="Name, unique for the owner.")
    context: str = Field(description="Why it was made; may be empty.")
    description: str | None = Field(default=None, description="What it is about.")
    creation_date: datetime | None = Field(default=None, description="When it was made.")
    tags: str | None = Field(default=None, description="Free text to find it by.")
    circuits_count: Count | None = Field(default=None, description="How many circuits it holds.")
    jobs_count: Count | None = Field(default=None, description="How many jobs it holds.")
    last_action_date: datetime | None = Field(default=None, description="When something last happened in it.")
    url: str | None = Field(default=None, description="Its page on the dashboard.")


class AiCircuitCreate(Wire):
    """Body that stores and analyses a circuit."""

    experiment_id: Identifier = Field(description="Experiment to put it in.")
    circuit_qasm: Text = Field(description="The circuit as OpenQASM 2 or 3.", examples=[BELL])
    name: NullableName = Field(default="", description="Name of the circuit.", examples=["bell"])
    context: NullableText = Field(default="", description="Why it is looked at.")
    description: NullableShortText = Field(default="", description="What it is.")


class ContextCircuit(CircuitRecord):
    """A circuit, with the reason why it was stored."""

    context: str | None = Field(default="", description="Why it was stored.")


class ChildCircuit(Wire):
    """A circuit that was made from another one."""

    id: str = Field(description="Unique id.")
    name: str = Field(description="Name; may be empty.")
    description: str = Field(default="", description="How it came to be, in a few words.")


class ContextReply(Wire):
    """An answer in words."""

    context: str = Field(
        description="What was done and what to do next, with the id of the job if there is one.",
        examples=["Job jb-5f1e1d0a-7a3b-4a37-9a57-2e5d0f6c1b22 was submitted."],
    )


class AiRunCreate(RunRequest):
    """Body that runs circuits, stored ones or OpenQASM."""

    circuits_qasm: Programs = Field(
        default=[], description="Circuits as OpenQASM 2 or 3; they are stored first.", examples=[[BELL]]
    )

    @model_validator(mode="after")
    def _check_circuits(self) -> Self:
        if not (self.circuit_ids or self.circuits_qasm):
            raise ValueError("there is no circuit to run; give circuit_ids or circuits_qasm")
        return self


class AiTranspileCreate(Wire, extra="forbid"):
    """Body that transpiles circuits, stored ones or OpenQASM."""

    experiment_id: Identifier = Field(description="Experiment that the circuits and the new ones belong to.")
    device_id: Identifier = Field(description="Device to transpile for.", examples=["fake_torino"])
    circuit_ids: NullableIdentifiers = Field(default=[], description="Stored circuits to transpile.")
    circuits_qasm: Programs = Field(
        default=[], description="Circuits as OpenQASM 2 or 3; they are stored first.", examples=[[BELL]]
    )
    transpilation_options: Annotated[TranspilationOptions, NullAs(TranspilationOptions)] = Field(
        default=TranspilationOptions(), description="What to ask of the transpiler."
    )
    name: NullableName = Field(default="", description="Name of the job.")
    description: NullableShortText = Field(default="", description="What the job is for.")


class JobContext(Job):
    """A job, with its results or an explanation of where it stands."""

    context: str | list[Any] = Field(
        description="The results of a finished run; for any other job what there is to say about it, in words."
    )


class Point(Wire):
    """A point of a series."""

    x: Real | Text = Field(description="Position: a number, or text such as a date.", examples=[1])
    y: Real = Field(description="Value.", examples=[-1.13])


class ArtifactCreate(Wire):
    """Body that notes a value in an experiment."""

    name: Name = Field(description="Name; one that exists is overwritten.", examples=["energy"])
    kind: ArtifactKind = Field(default=ArtifactKind.TEXT, description="What kind of value it is.")
    value: JsonAny = Field(
        default=None,
        description="The value: text, a number, a list, an object, or `data:image/png;base64,` text for an image.",
    )
    points: list[Point] | None = Field(default=None, description="The points of a timeseries; null for any other kind.")

    @model_validator(mode="after")
    def _check_points(self) -> Self:
        if self.points is not None and self.kind is not ArtifactKind.TIMESERIES:
            raise ValueError(f"points does not go with kind {self.kind}; use value, or kind timeseries")
        return self


class ArtifactRecord(Wire):
    """An artifact in a form that is the same for every kind."""

    name: str = Field(description="Name, unique in the experiment.", examples=["energy"])
    kind: ArtifactKind = Field(description="What kind of value it is.")
    value: Any = Field(default=None, description="The value, if it fits into a reply; null for images.")
    mime_type: str | None = Field(default=None, description="Media type of the content.", examples=["image/png"])
    content_url: str | None = Field(default=None, description="Where the raw content is found.")
    auth_hint: str | None = Field(default=None, description="How to authenticate there.")
    x: list[Any] | None = Field(default=None, description="Positions of a series.")
    y: list[Any] | None = Field(default=None, description="Values of a series.")
    points: list[Point] | None = Field(default=None, description="The series point by point.")

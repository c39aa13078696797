"""Experiments, the folders that circuits and jobs live in, and what is noted in them."""

from datetime import datetime
from typing import Any

from pydantic import Field

from qiskit_haiqu_provider.api.models.common import User
from qiskit_haiqu_provider.api.models.fields import (
    Count,
    JsonObject,
    Name,
    NullableObject,
    NullableShortText,
    NullableText,
    Text,
    Wire,
)


class ExperimentCreate(Wire):
    """Body that opens an experiment or makes a new one."""

    name: Name = Field(
        description="Name of the experiment, unique for its owner. To open one, its id is accepted as well.",
        examples=["Ising chain"],
    )
    description: NullableText = Field(
        default="", description="What it is about. HTML is kept, and shown as text on this gateway's dashboard."
    )
    tags: NullableShortText = Field(default="", description="Free text to find it by.", examples=["ising, vqe"])
    metrics: NullableObject = Field(
        default={}, description="Values to note in the experiment, by name.", examples=[{"energy": -1.13}]
    )


class ExperimentUpdate(Wire):
    """Body that changes an experiment. What is null or absent stays as it is."""

    name: Name | None = Field(default=None, description="New name; null keeps the old one.")
    description: Text | None = Field(default=None, description="Replaces the whole description; null keeps it.")


class MetricsCreate(Wire):
    """Body that notes values in an experiment, a circuit or a job."""

    metrics: JsonObject = Field(
        description="Values by name; a name that exists is overwritten. Images are `data:image/png;base64,` texts.",
        examples=[{"energy": -1.13, "label": "first try"}],
    )


class Experiment(Wire):
    """An experiment."""

    id: str = Field(description="Unique id.", examples=["exp-6f0c1e1a-4a52-4a7c-9d0e-6b8f2f1f3f55"])
    name: str = Field(description="Name, unique for the owner.")
    description: str = Field(description="What it is about; may be empty, never null.")
    creation_date: datetime = Field(description="When it was made.")
    user_id: int = Field(description="Number of the owner's account.")
    user: User = Field(description="The owner.")
    tags: str | None = Field(default="", description="Free text to find it by.")
    circuits_count: Count | None = Field(default=0, description="How many circuits it holds.")
    jobs_count: Count | None = Field(default=0, description="How many jobs it holds.")
    last_action_date: datetime | None = Field(default=None, description="When something last happened in it.")
    metrics: dict[str, Any] | None = Field(default={}, description="Noted values by name.")


class Artifact(Wire):
    """A value that was noted in an experiment."""

    name: str = Field(description="Name, unique in the experiment.", examples=["energy"])
    artifact_type: str = Field(description="What kind of value it is.", examples=["value"])
    artifact_data: Any = Field(default=None, description="The value itself: any JSON.")
    creation_date: datetime | None = Field(default=None, description="When it was first noted.")
    last_updated: datetime | None = Field(default=None, description="When it was last overwritten.")

"""Devices and what they can do."""

from datetime import datetime

from pydantic import Field

from qiskit_haiqu_provider.api.models.fields import Count, Pair, Wire


class DeviceSummary(Wire):
    """A machine or a simulator, without the map of its qubits."""

    id: str = Field(description="Unique id, used wherever a device is asked for.", examples=["fake_torino"])
    vendor: str = Field(description="Who makes it.", examples=["IBM"])
    name: str = Field(description="Name to show.", examples=["Fake Torino"])
    qubits: Count = Field(description="Number of qubits.")
    status: str = Field(description="Whether it takes jobs, in free words.", examples=["online"])
    simulator: bool = Field(description="Whether a computer plays the device.")
    last_updated: datetime | None = Field(default=None, description="When this record was last refreshed.")
    pending_jobs: Count | None = Field(default=None, description="Jobs that wait for it.")
    operation_names: list[str] | None = Field(
        default=None, description="Names of its instructions.", examples=[["cz", "rz", "sx", "x", "measure"]]
    )


class Device(DeviceSummary):
    """A machine or a simulator."""

    coupling_map: list[Pair] | None = Field(
        default=None, description="Pairs of qubits that may interact; null if any may.", examples=[[[0, 1], [1, 2]]]
    )


class GateMap(Wire):
    """Which instructions a device has, and on which qubits."""

    device_id: str = Field(description="Id of the device.", examples=["fake_torino"])
    qubits: Count = Field(description="Number of qubits.")
    coupling_map: list[Pair] | None = Field(
        default=None, description="Pairs of qubits that may interact; null if any may."
    )
    operations: dict[str, list[list[Count]] | None] = Field(
        description="For every instruction the qubits it can act on; null if it can act on any.",
        examples=[{"cz": [[0, 1], [1, 2]], "sx": [[0], [1], [2]], "delay": None}],
    )

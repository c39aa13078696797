"""Circuits, what is known of them, and how they are fitted to a device."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, Strict

from qiskit_haiqu_provider.api.models.enums import CircuitState
from qiskit_haiqu_provider.api.models.fields import (
    Count,
    Flag,
    Identifier,
    Name,
    NullableName,
    NullableObject,
    NullableShortText,
    Pair,
    Real,
    Text,
    Whole,
    Wire,
)

Measure = float | Literal["N/A"] | None
"""A number that cannot be told for every circuit."""


class CircuitCreate(Wire):
    """Body that uploads a circuit."""

    experiment_id: Identifier = Field(description="Experiment to put it in.")
    name: Name = Field(default="", description="Name of the circuit.", examples=["bell"])
    description: NullableShortText = Field(default="", description="What it is.")
    qpy_dump: Text = Field(
        description="QPY stream with exactly one circuit, in standard base64.",
        json_schema_extra={"contentEncoding": "base64"},
    )
    hash: Identifier = Field(description="The client's own mark of the circuit, by which it can be looked up later.")
    tags: NullableShortText = Field(default="", description="Free text to find it by.")
    metrics: NullableObject = Field(default={}, description="Values to note with the circuit, by name.")


class CircuitAnalytics(Wire):
    """Numbers about a circuit. `N/A` stands for what cannot be told of this one."""

    qubits: int = Field(ge=1, description="Number of qubits.")
    num_qubits_active: Count | None = Field(default=None, description="Qubits that at least one instruction uses.")
    num_parameters: Count | None = Field(default=None, description="Free parameters.")
    depth: Count = Field(description="Longest path through the circuit, in instructions.")
    depth_2q: Count = Field(description="Longest path, counting gates on two qubits only.")
    gates_1q: Count = Field(description="Gates on one qubit.")
    gates_2q: Count = Field(description="Gates on two qubits.")
    other_gates: Count | None = Field(default=None, description="Gates on more than two qubits.")
    gates_total: Count = Field(description="All gates.")
    other_ops: Count = Field(description="Instructions that are no gates, such as measurements.")
    instructions_total: Count | None = Field(default=None, description="All instructions.")
    operations_counts: dict[str, Count] | None = Field(default=None, description="How often each instruction occurs.")
    gate_size_distribution: dict[int, float] | None = Field(
        default=None, description="Share of the gates by the number of qubits they act on."
    )
    gate_diversity: dict[str, float] | None = Field(default=None, description="Share of each gate.")
    gate_diversity_basis_gates: dict[str, float] | None = Field(
        default=None, description="Share of each gate after rewriting into rotations and CX."
    )
    gate_count_distribution: dict[str, Count] | None = Field(default=None, description="How often each gate occurs.")
    program_communication: Measure = Field(
        default="N/A", description="How many pairs of qubits interact, as a share of all pairs."
    )
    critical_depth: Measure = Field(
        default="N/A", description="Share of the two-qubit gates that lie on the longest path."
    )
    entanglement_ratio: Measure = Field(default="N/A", description="Share of the gates that act on two qubits.")
    parallelism: Measure = Field(default="N/A", description="How densely the gates are packed, from 0 to 1.")
    liveness_per_qubit: list[Any] | Literal["N/A"] | None = Field(
        default="N/A", description="For every qubit the share of time steps in which it is used."
    )
    liveness: Measure = Field(default="N/A", description="Share of time steps in which a qubit is used, on average.")
    correlation_matrix: dict[str, Any] | None = Field(default=None, description="How often pairs of qubits interact.")
    kl_divergence: Measure = Field(
        default="N/A", description="Distance of the output distribution from the uniform one."
    )
    entanglement_capability: Measure = Field(
        default="N/A", description="Entanglement that the circuit makes on average over its parameters."
    )
    expressibility: Measure = Field(default="N/A", description="How far the states it can reach are from random ones.")
    quantum_fisher_information_matrix: list[Any] | Literal["N/A"] | None = Field(
        default="N/A", description="How the state answers to changes of the parameters."
    )
    circuit_normalized: str | None = Field(
        default=None, description="The circuit in rotations and CX, as OpenQASM text."
    )


class Evolution(Wire):
    """How a circuit's numbers develop from its first slice to its last."""

    metrics: list[Any] | str = Field(description="Numbers slice by slice, or the reason why there are none.")
    kl_divergence: list[Any] | str | None = Field(
        default=None, description="Distance from the uniform distribution slice by slice."
    )
    reality_check: list[Any] | str | None = Field(
        default=None, description="How well a noisy device would follow, slice by slice."
    )


class CircuitRecord(Wire):
    """What is known of a circuit, without the circuit itself."""

    id: str = Field(
        description="Unique id; starts with `circ-`.", examples=["circ-0b7c7e3e-2f0e-4c0e-8f55-0d9f4f1a9c11"]
    )
    hash: str = Field(description="The client's mark of the circuit.")
    name: str = Field(description="Name; may be empty.")
    experiment_id: str = Field(description="Experiment that holds it.")
    user_id: int = Field(description="Number of the owner's account.")
    creation_date: datetime = Field(description="When it was stored.")
    status: CircuitState = Field(description="How far the analysis has come.")
    generated: bool = Field(description="Whether the server made it, for example by transpilation.")
    description: str | None = Field(default="", description="What it is.")
    tags: str | None = Field(default="", description="Free text to find it by.")
    parameters: dict[str, Any] | None = Field(default=None, description="Settings that it was made with.")
    analytics: CircuitAnalytics | None = Field(default=None, description="Numbers about it; null until computed.")
    transpilation_target: str | None = Field(
        default=None, description="Device that it was transpiled for; null for a circuit that was not."
    )
    transpilation_options: dict[str, Any] | None = Field(
        default=None, description="Options that it was transpiled with."
    )
    transpiled_circuit_ids: list[str] | None = Field(default=None, description="Circuits transpiled from it.")
    compressed_circuit_ids: list[str] | None = Field(default=None, description="Circuits compressed from it.")
    job_ids: list[str] | None = Field(default=None, description="Jobs that used it.")
    evolution: Evolution | None = Field(default=None, description="Its development; null until computed.")
    metrics: dict[str, Any] | None = Field(default=None, description="Noted values by name.")


class Circuit(CircuitRecord):
    """A circuit."""

    qpy: str | None = Field(
        default=None,
        description="QPY stream with exactly this circuit, in standard base64.",
        json_schema_extra={"contentEncoding": "base64"},
    )


class TranspilerKeys(Wire):
    """What can be asked of the transpiler. Null leaves the choice to it."""

    optimization_level: Annotated[int, Strict(), Field(ge=0, le=3)] | None = Field(
        default=None, description="Effort from 0 to 3; null means 3."
    )
    basis_gates: list[Text] | None = Field(
        default=None, description="Names of the gates to rewrite into.", examples=[["rz", "sx", "x", "cz"]]
    )
    coupling_map: list[Pair] | None = Field(
        default=None, description="Pairs of qubits that may interact.", examples=[[[0, 1], [1, 2]]]
    )
    initial_layout: list[Whole] | None = Field(
        default=None, description="For every qubit of the circuit the qubit of the device.", examples=[[2, 0, 1]]
    )
    layout_method: Literal["trivial", "dense", "sabre"] | None = Field(
        default=None, description="How qubits are placed on the device."
    )
    routing_method: Literal["basic", "lookahead", "sabre", "none"] | None = Field(
        default=None, description="How swaps are inserted."
    )
    translation_method: Literal["translator", "synthesis"] | None = Field(
        default=None, description="How gates are rewritten into those of the device."
    )
    scheduling_method: Literal["alap", "asap"] | None = Field(
        default=None, description="Whether idle time goes before gates (alap) or after them (asap)."
    )
    approximation_degree: Annotated[Real, Field(ge=0, le=1)] | None = Field(
        default=None, description="1 keeps the circuit exact; less allows shorter approximations."
    )
    seed_transpiler: Whole | None = Field(default=None, description="Makes random choices repeatable.")
    dt: Real | None = Field(default=None, description="Time step of the device in seconds.", examples=[4e-9])
    qubits_initially_zero: Flag | None = Field(
        default=None, description="Whether every qubit starts in state 0, which allows more simplification."
    )


class TranspilationOptions(TranspilerKeys, extra="forbid"):
    """Options of a transpilation job. Unknown names are refused."""

    approximation_degree: Annotated[Real, Field(ge=0, le=1)] = Field(
        default=1.0, description="1 keeps the circuit exact; less allows shorter approximations."
    )
    qubits_initially_zero: Flag = Field(
        default=True, description="Whether every qubit starts in state 0, which allows more simplification."
    )


class TranspileCreate(Wire, extra="forbid"):
    """Body that transpiles stored circuits for a device."""

    experiment_id: Identifier = Field(description="Experiment that the circuits and the new ones belong to.")
    circuit_ids: list[Identifier] = Field(default=[], description="Circuits to transpile.")
    device_id: Identifier = Field(description="Device to transpile for.", examples=["fake_torino"])
    transpilation_options: TranspilationOptions = Field(
        default=TranspilationOptions(), description="What to ask of the transpiler."
    )
    seed_transpiler: Whole | Annotated[list[Whole], Field(min_length=1)] | None = Field(
        default=None,
        description="A seed, or several: then each is tried, and the result with the fewest two-qubit gates is kept.",
    )
    use_fractional_gates: Flag = Field(
        default=False, description="Whether gates with continuous angles may be used where the device has them."
    )
    name: NullableName = Field(default="", description="Name of the job.")
    description: NullableShortText = Field(default="", description="What the job is for.")

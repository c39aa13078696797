"""Circuits that the service makes of others, or of a problem; and those that it compares with."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from qiskit_haiqu_provider.api.models.fields import Identifier, JsonObject, Name, Real, Text, Wire

Term = tuple[Text, Real, Real]
"""A Pauli string, rightmost letter on qubit 0, and the real and the imaginary part of its coefficient."""

_TERMS = "For every observable its terms: a Pauli string, and the real and the imaginary part of its coefficient."
_TWO_TERMS = [[["ZZ", 1.0, 0.0], ["XI", 0.5, 0.0]]]


class BackpropagationCreate(Wire, extra="forbid"):
    """Body that moves gates from the end of a circuit into the observables."""

    circuit_id: Identifier = Field(description="Stored circuit to shorten.")
    observables: list[list[Term]] = Field(description=_TERMS, examples=[_TWO_TERMS])
    max_qwc_groups: Annotated[int, Field(strict=True, ge=1, le=100_000)] | None = Field(
        default=None, description="At most so many groups of terms that can be measured together; null sets no limit."
    )
    max_error_total: Annotated[Real, Field(ge=0)] | None = Field(
        default=None, description="Error that left out terms may add up to; null sets no limit."
    )
    max_error_per_slice: Annotated[Real, Field(ge=0)] | None = Field(
        default=None, description="The same for each slice of the circuit; null sets no limit."
    )


class Backpropagation(Wire):
    """Shorter circuits, and what to measure on them."""

    optimized_circuit_ids: list[str] = Field(description="For every observable its shortened circuit.")
    backpropagated_observables: list[list[tuple[str, float, float]]] = Field(
        description=f"{_TERMS} Each belongs to its own circuit.", examples=[_TWO_TERMS]
    )


class LrQaoaCreate(Wire, extra="forbid"):
    """Body that builds the circuit of a linear-ramp QAOA. The problem is given in one of two forms."""

    experiment_id: Identifier = Field(description="Experiment to put the circuit in.")
    name: Name = Field(description="Name of the circuit.", examples=["lr-qaoa-p10"])
    p: Annotated[int, Field(strict=True, ge=1)] = Field(description="Number of layers.", examples=[10])
    lp_problem: Annotated[Text, Field(min_length=1)] | None = Field(
        default=None, description="The problem as the text of an LP file: binary variables, a quadratic objective."
    )
    polynomial_problem: JsonObject | None = Field(
        default=None,
        description="The problem as a polynomial of binary variables: `sense` (`min` or `max`), `n_vars`, `constant`, "
        "and the coefficients in `linear`, `quadratic` and `higher_order`.",
    )
    alphas: list[Real] | None = Field(
        default=None, description="Angles of the problem, one per layer; null for a ramp."
    )
    betas: list[Real] | None = Field(default=None, description="Angles of the mixer, one per layer; null for a ramp.")
    delta: Real = Field(default=0.5, description="Height of the ramps, usually from 0 to 1.")
    initial_state_qpy: Text | None = Field(
        default=None,
        description="QPY stream with the circuit to start from, in standard base64; null for equal weights.",
        json_schema_extra={"contentEncoding": "base64"},
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.lp_problem is None) == (self.polynomial_problem is None):
            raise ValueError("give either lp_problem or polynomial_problem")
        for name, angles in (("alphas", self.alphas), ("betas", self.betas)):
            if angles is not None and len(angles) != self.p:
                raise ValueError(f"{name} has {len(angles)} angles for {self.p} layers; give one for each")
        return self


class ReferenceCircuit(Wire):
    """A well-known circuit, in the numbers that `CircuitAnalytics` has of any."""

    name: str = Field(description="How it is called.")
    program_communication: float = Field(description="How many pairs of qubits interact, as a share of all pairs.")
    critical_depth: float = Field(description="Share of the two-qubit gates that lie on the longest path.")
    entanglement_ratio: float = Field(description="Share of the gates that act on two qubits.")
    parallelism: float = Field(description="How densely the gates are packed, from 0 to 1.")
    liveness: float = Field(description="Share of time steps in which a qubit is used, on average.")

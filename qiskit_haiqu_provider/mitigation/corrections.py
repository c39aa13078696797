"""What takes the noise out of a distribution, and how else it might have come out of its calibration."""

from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from qiskit_haiqu_provider.mitigation.damping import LEAST, Damping
from qiskit_haiqu_provider.mitigation.distributions import DENSE_BITS, Model, fit, mitigated
from qiskit_haiqu_provider.mitigation.scatter import student_factor

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Corrected:
    """A distribution without most of its noise."""

    bits: NDArray[np.uint8]
    """Outcomes, shape ``(outcomes, bits)``."""

    weights: Array
    """At least 0, summing to 1."""

    facts: dict[str, Any] = field(default_factory=dict)
    """What to tell of this set."""

    warning: str = ""
    doubt: Array | None = None
    """Standard errors by what no companion shows; ``None`` for 15 % of the correction of each outcome."""


class Correction(Protocol):
    """The noise as circuits with known values show it, and how it is undone."""

    def facts(self) -> dict[str, Any]:
        """What to tell of all sets."""
        ...

    def drawn(self, rng: np.random.Generator) -> Self:
        """The noise as other shots of these circuits might show it."""
        ...

    def steps(self, outcomes: int, bits: int) -> int:
        """The work that it is to correct a distribution: outcomes times what each depends on."""
        ...

    def corrected(self, bits: NDArray[np.uint8], weights: Array, *, shots: int) -> Corrected:
        """Undo the noise.

        Args:
            bits: Distinct outcomes, shape ``(outcomes, bits)``.
            weights: How often they were seen, summing to 1.
            shots: How many shots they are made of.
        """
        ...


@dataclass(frozen=True)
class Deconvolution:
    """A model of few numbers, fitted to the dampings of some parities."""

    parities: NDArray[np.uint8]
    """Shape ``(parities, bits)``."""

    factors: Array
    """Their dampings."""

    residuals: Array
    """What each companion adds to the error of a damping, shape ``(companions, parities)``."""

    everywhere: bool
    guard: bool
    model: Model

    def facts(self) -> dict[str, Any]:
        """The damping of all parities, and the chance of a flip of each bit."""
        return {
            "damping": float(np.exp(self.model.everywhere)),
            "flips": np.round(self.model.flips(), 6).tolist(),
            "unmitigated_share": 0.0,
        }

    def drawn(self, rng: np.random.Generator) -> "Deconvolution":
        """The model of dampings to which each companion adds its error anew, by a random factor.

        So errors of one companion move all its parities together. This is a multiplier bootstrap, with a factor for
        companions that are few.
        """
        rows = len(self.residuals)
        size = rows / (rows - 1) * student_factor(rows) if rows > 1 else 1.0
        moved = self.factors + np.sqrt(size) * rng.normal(size=rows) @ self.residuals
        return _fitted(self.parities, np.clip(moved, LEAST, None), self.residuals, self.everywhere, self.guard)

    def steps(self, outcomes: int, bits: int) -> int:
        """All outcomes of few bits, bit by bit, twice: the prior takes as long; all pairs of those seen of many."""
        return 2 * bits << bits if bits <= DENSE_BITS else outcomes**2

    def corrected(self, bits: NDArray[np.uint8], weights: Array, *, shots: int) -> Corrected:
        """The distribution deconvolved."""
        found = mitigated(bits, weights, self.model, shots=shots, guard=self.guard)
        facts, doubt = {"shrinkage": found.shrinkage}, found.doubt if self.everywhere else None
        return Corrected(found.outcomes, found.weights, facts, doubt=doubt)


def deconvolution(
    found: Damping, parities: NDArray[np.uint8], *, everywhere: bool, guard: bool
) -> Deconvolution | None:
    """Fit the model; ``None`` if nothing is known of the noise.

    Args:
        found: Dampings of parities.
        parities: These, shape ``(parities, bits)``.
        everywhere: Whether all parities may be damped together; not so by readout errors alone.
        guard: Whether corrections that noise could have made are shrunk.
    """
    known = found.usable & (found.factors > LEAST)
    if not known.any():
        return None
    return _fitted(parities[known], found.factors[known], found.residuals[:, known], everywhere, guard)


def _fitted(
    parities: NDArray[np.uint8], factors: Array, residuals: Array, everywhere: bool, guard: bool
) -> Deconvolution:
    errors = np.sqrt((residuals**2).sum(axis=0))
    model = fit(parities, factors, errors, everywhere=everywhere)
    return Deconvolution(parities, factors, residuals, everywhere, guard, model)

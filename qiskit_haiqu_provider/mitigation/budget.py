"""How many circuits a mitigated run has, and how many shots each of them gets."""

import math
from dataclasses import dataclass

from qiskit_haiqu_provider.mitigation.settings import MitigationSettings

_OBSERVABLES = 0.35
_DISTRIBUTIONS = 0.125
"""Parts of the shots that companions get by default; calibrations of the readout get the latter in both cases."""

_SHOTS_A_COPY = 4
"""Below this many shots there are fewer copies instead."""


@dataclass(frozen=True)
class Budget:
    """Circuits and shots for one basis of one circuit."""

    copies: int
    """Randomised copies of each parameter set."""

    shots: int
    """Of each copy."""

    companion_shots: int
    """Shots of all companions together."""

    def shots_of(self, companions: float) -> int:
        """Shots of each, if there are so many companions."""
        return max(1, int(self.companion_shots / max(1, companions)))


def budget_for(
    shots: int, settings: MitigationSettings, *, sets: int, observables: bool, advanced: bool, calibrated: bool
) -> Budget:
    """Divide shots between a circuit and its companions.

    Expectation values may cost twice the shots, distributions and calibrations the companions' part more than the
    shots; with ``budget="equal"`` nothing costs more than without mitigation. One set of companions serves all
    parameter sets, and grows with the root of their number, as its error should shrink with theirs.

    Args:
        shots: What was asked for, of each basis and parameter set.
        settings: The settings.
        sets: Number of parameter sets.
        observables: Whether expectation values are wanted, not samples.
        advanced: Whether companions have the circuit's gates.
        calibrated: Whether there are companions or calibrations at all.
    """
    fraction = _OBSERVABLES if observables and advanced else _DISTRIBUTIONS
    fraction = settings.companion_fraction or fraction
    if not calibrated:
        total, spare = shots, 0.0
    elif settings.budget == "equal":
        total, spare = round(shots * (1 - fraction)), shots * fraction
    elif observables and advanced:
        total, spare = round(2 * shots * (1 - fraction)), 2 * shots * fraction
    else:
        total, spare = shots, shots * fraction
    random = settings.noise_tailoring or settings.flips or (calibrated and settings.advanced_mitigation)
    copies = max(1, min(settings.num_randomizations, total // _SHOTS_A_COPY)) if random else 1
    return Budget(copies, max(1, total // copies), round(spare * _growth(sets)))


def companions_for(settings: MitigationSettings, sets: int) -> int:
    """Companions of one basis, for all parameter sets together."""
    return math.ceil(settings.num_randomizations * _growth(sets))


def _growth(sets: int) -> float:
    return math.sqrt(max(1, sets))

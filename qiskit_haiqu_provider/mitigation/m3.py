"""Readout errors undone by M3 of the package mthree, which is an extra, from calibrations of this package.

M3 inverts the errors of single qubits on the outcomes that were seen, and none other
(`arXiv:2108.12518 <https://arxiv.org/abs/2108.12518>`_). Its calibrations are circuits without gates that prepare
random bits, each in as many 0 as 1: what it calls balanced.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qiskit_haiqu_provider.mitigation.corrections import Corrected
from qiskit_haiqu_provider.mitigation.readout import Outcomes
from qiskit_haiqu_provider.mitigation.settings import check_mthree

Array = NDArray[np.float64]

_STEPS_A_PAIR = 4
"""As measured, against the other way to correct distributions."""

_MOST_DIRECT, _MOST_ROUNDS = 4096, 25
"""Outcomes up to which the system is solved directly, and rounds of iterations for more; the defaults of mthree."""

_FAULTY = "M3 left bits out that are wrong as often as right."
_NO_SOLUTION = "M3 found no solution, so that probabilities are those of the raw counts: "


@dataclass(frozen=True)
class M3:
    """Errors of each bit as calibrations show them; arrays of shape ``(2, bits)``, of a 0 first and then of a 1."""

    errors: Array
    """The chance that the bit is read wrongly."""

    shots: Array
    """How often that was tried."""

    def facts(self) -> dict[str, Any]:
        """What to tell of all sets: the chances that a 0 and a 1 of each bit are read wrongly."""
        return {"readout_method": "m3", "flips": np.round(self.errors.T, 6).tolist(), "unmitigated_share": 0.0}

    def drawn(self, rng: np.random.Generator) -> "M3":
        """The errors as other calibrations might show them."""
        tries = self.shots.astype(np.int64)
        return M3(rng.binomial(tries, self.errors) / np.maximum(1, tries), self.shots)

    def steps(self, outcomes: int, bits: int) -> int:  # noqa: ARG002 - as for any correction
        """A system of equations, with an unknown for each outcome."""
        return _STEPS_A_PAIR * outcomes**2

    def corrected(self, bits: NDArray[np.uint8], weights: Array, *, shots: int) -> Corrected:
        """The distribution without readout errors: quasi-probabilities of M3, then the nearest probabilities.

        Args:
            bits: Distinct outcomes, shape ``(outcomes, bits)``.
            weights: How often they were seen, summing to 1.
            shots: How many shots they are made of.

        Raises:
            HaiquDependencyError: If mthree is not installed.
        """
        check_mthree()  # a job may be read by another process than the one that submitted it
        import mthree

        seen = _strings(bits)
        counts = dict(zip(seen, np.maximum(1, np.rint(weights * shots)).astype(int).tolist(), strict=True))
        solver = mthree.M3Mitigation(None, iter_threshold=_MOST_DIRECT)
        solver.cals_from_matrices(list(self._matrices()))
        try:
            found = solver.apply_correction(
                counts, list(range(bits.shape[1])), max_iter=_MOST_ROUNDS, return_mitigation_overhead=True
            )
        except mthree.exceptions.M3Error as error:
            return Corrected(bits, weights, {"mitigation_overhead": 1.0}, f"{_NO_SOLUTION}{error}")
        nearest = found.nearest_probability_distribution()
        better = np.array([nearest.get(string, 0.0) for string in seen])
        facts = {"mitigation_overhead": float(found.mitigation_overhead)}
        return Corrected(bits, better / better.sum(), facts, "" if self._sound().all() else _FAULTY)

    def _sound(self) -> NDArray[np.bool_]:
        """The bits whose errors can be undone."""
        sound: NDArray[np.bool_] = self.errors.sum(axis=0) < 1
        return sound

    def _matrices(self) -> NDArray[np.float32]:
        """For each bit the chances of what is read (rows) of what there is (columns)."""
        zero, one = np.where(self._sound(), self.errors, 0.0)
        return np.array([[1 - zero, one], [zero, 1 - one]], dtype=np.float32).transpose(2, 0, 1)


def m3_of(calibrations: Sequence[tuple[NDArray[np.bool_], Outcomes]], *, shots: int) -> M3:
    """The errors that calibrations show.

    Args:
        calibrations: Circuits without gates: the bits that each prepares, shape ``(copies, bits)``, and its outcomes
            without them, so that every 1 is an error.
        shots: Shots of each copy.
    """
    prepared = np.concatenate([flips for flips, _ in calibrations])
    values = [outcomes.values(np.eye(flips.shape[1], dtype=np.uint8)) for flips, outcomes in calibrations]
    wrong = (1 - np.concatenate(values)) / 2
    kinds = np.stack([~prepared, prepared])
    copies = kinds.sum(axis=1)
    errors = np.where(kinds, wrong, 0.0).sum(axis=1) / np.maximum(1, copies)
    return M3(errors, copies * float(shots))


def _strings(bits: NDArray[np.uint8]) -> list[str]:
    """Outcomes as text, the first bit last."""
    letters = (bits[:, ::-1] + ord("0")).astype(np.uint8)
    return [row.tobytes().decode() for row in letters]

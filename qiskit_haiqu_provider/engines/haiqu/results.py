"""From ``quantum_results`` of a job to task results.

Services nest results by circuit, then observable or readout basis, then parameter set. A result that does not fit what
was asked for is refused: better none than a wrong one.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.quantum_info import SparsePauliOp

from qiskit_haiqu_provider.engines.haiqu.bitstrings import read_distributions
from qiskit_haiqu_provider.engines.haiqu.layout import JobLayout, Kind, Slot
from qiskit_haiqu_provider.engines.haiqu.nesting import known_numbers, leaves, numbers, per_circuit, unreadable
from qiskit_haiqu_provider.engines.local.pauli import expectations
from qiskit_haiqu_provider.exceptions import HaiquResponseError
from qiskit_haiqu_provider.run.result import Expectations, Statevectors, TaskResult

logger = logging.getLogger(__name__)

SERVICE, BOUND, UNKNOWN = "service", "bound", "unknown"
"""Where standard errors come from: the service, an upper bound of ours, or nowhere, so that they are NaN."""

_WORST_LAST = (SERVICE, BOUND, UNKNOWN)


def read_results(
    job: JobLayout, quantum_results: Any, info: Mapping[str, Any] | None, *, mitigated: bool
) -> tuple[list[TaskResult], dict[str, Any]]:
    """Read the results of a job.

    Standard errors are ``info["uncertainty"]`` where the service gives it. Elsewhere they are bounds, as explained at
    :func:`bounds`; or NaN if errors were mitigated, because mitigation raises the variance by an unknown factor. An
    uncertainty that does not fit counts as not given.

    Args:
        job: How the job was laid out.
        quantum_results: As the service gives it; not looked at if the job has no circuits.
        info: Further facts from the service.
        mitigated: Whether errors were mitigated.

    Returns:
        One result for each slot, and facts for the metadata of the run: ``stds`` says where standard errors come from.

    Raises:
        HaiquResponseError: If the results are not what was asked for; names the PUB and the circuit.
    """
    found = [read() for read in _readers(job, quantum_results, info, mitigated=mitigated)]
    sources = [source for _, source in found if source]
    return [task for task, _ in found], {"stds": max(sources, key=_WORST_LAST.index)} if sources else {}


def readable_results(
    job: JobLayout, quantum_results: Any, info: Mapping[str, Any] | None, *, mitigated: bool
) -> dict[int, TaskResult]:
    """Those of the results of a job that can be read, by the index of their task; of the others a warning tells."""
    found: dict[int, TaskResult] = {}
    try:
        readers = _readers(job, quantum_results, info, mitigated=mitigated)
    except HaiquResponseError as error:
        logger.warning("The results of a job are left out: %s", error)
        return found
    for slot, read in zip(job.slots, readers, strict=True):
        try:
            found[slot.task], _ = read()
        except HaiquResponseError as error:
            logger.warning("A result is left out: %s", error)
    return found


def _readers(
    job: JobLayout, quantum_results: Any, info: Mapping[str, Any] | None, *, mitigated: bool
) -> list[Callable[[], tuple[TaskResult, str]]]:
    """For each slot what reads its result, and where its standard errors come from; empty if it has none.

    Raises:
        HaiquResponseError: If there is not one entry for each circuit.
    """
    count = job.num_circuits
    given = per_circuit(quantum_results, count) if count else []
    errors = _uncertainties(info, count)
    readers: list[Callable[[], tuple[TaskResult, str]]] = []
    first = 0
    for slot in job.slots:
        part = slice(first, first + job.circuits_in(slot))
        readers.append(partial(_result, _Reader(job, slot, first, given[part]), errors[part], mitigated=mitigated))
        first = part.stop
    return readers


def merged_facts(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of two jobs of one run together: the less certain source of standard errors speaks for both."""
    both = {**first, **second}
    sources = [facts["stds"] for facts in (first, second) if "stds" in facts]
    return {**both, "stds": max(sources, key=_WORST_LAST.index)} if sources else both


def bounds(values: NDArray[np.float64], slot: Slot, shots: int) -> NDArray[np.float64]:
    r"""Standard errors that shot noise does not exceed: :math:`\sqrt{(S^2 - (v - c)^2) / N}`.

    Here :math:`v` is the expectation value, :math:`c` the identity part, :math:`S` the sum of the absolute
    coefficients of the other Paulis, and :math:`N` the shots. For a single Pauli this is exact. For a sum it is an
    upper bound, whichever Paulis are measured together: a group of Paulis with coefficients that sum to :math:`s_g`
    gives outcomes within :math:`\pm s_g`, hence a variance of at most :math:`s_g^2 - m_g^2`, where :math:`m_g` is its
    mean. Shots of different groups are independent, so that variances add, and
    :math:`\sum_g (s_g^2 - m_g^2) \le S^2 - M^2`: the difference of both sides is
    :math:`\sum_{g \ne h} (s_g s_h - m_g m_h)`, where no term is negative as :math:`|m_g| \le s_g`.

    Args:
        values: Expectation values, shape ``(observables, sets)``.
        slot: The place of the task, with the constants and scales of its observables.
        shots: Shots of each measured circuit.
    """
    constants, scales = np.array(slot.constants)[:, None], np.array(slot.scales)[:, None]
    variances = np.maximum(0.0, scales**2 - (values - constants) ** 2) / shots
    errors: NDArray[np.float64] = np.sqrt(variances)
    return errors


@dataclass(frozen=True)
class _Reader:
    """Reads the results of one slot."""

    job: JobLayout
    slot: Slot
    first: int
    """Index of the slot's first circuit in the job."""

    given: Sequence[Any]
    """What the service gave for each circuit of the slot."""

    def where(self, offset: int = 0) -> str:
        return f"PUB {self.slot.pub} (circuit {self.first + offset} of the job)"

    def distributions(self) -> TaskResult:
        axes = [self.slot.bases] if self.slot.bases else []
        if self.job.swept:
            axes.append(self.slot.num_sets // max(1, self.slot.bases))
        found = [
            leaf
            for offset, each in enumerate(self.given)
            for leaf in leaves(each, tuple(axes), where=self.where(offset))
        ]
        return read_distributions(found, self.slot.num_clbits, where=self.where())

    def states(self) -> TaskResult:
        size = 1 << self.slot.num_qubits
        parts = self.by_set(
            (2, size), lambda offset, shape: numbers(self.given[offset], shape, where=self.where(offset))
        )
        amplitudes = parts[:, 0] + 1j * parts[:, 1]
        norms = np.square(parts).sum(axis=(1, 2))
        if (np.abs(norms - 1) > _NORM_TOLERANCE).any():
            raise unreadable(self.where(), "the squared amplitudes of a state do not sum to 1")
        if not self.slot.observables:
            return Statevectors(amplitudes)
        observables = [SparsePauliOp(list(paulis), list(coeffs)) for paulis, coeffs in self.slot.observables]
        values = expectations(amplitudes, observables) if len(amplitudes) else np.empty((len(observables), 0))
        return Expectations(values, np.zeros_like(values))

    def by_set(
        self, shape: tuple[int, ...], read: Callable[[int, tuple[int, ...]], NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """What ``read`` finds for each circuit, with the axis of parameter sets first."""
        if not self.given:
            return np.empty((0, *shape))
        if self.job.swept:
            return read(0, (self.slot.num_sets, *shape))
        return np.stack([read(offset, shape) for offset in range(len(self.given))])

    def by_observable(self, read: Callable[[int, tuple[int, ...]], NDArray[np.float64]]) -> NDArray[np.float64]:
        """What ``read`` finds for each circuit, as ``(observables, sets)``."""
        count = len(self.slot.constants)
        if not self.given:
            return np.empty((count, 0))
        if self.job.swept:
            return read(0, (count, self.slot.num_sets))
        return np.stack([read(offset, (count,)) for offset in range(len(self.given))], axis=1)


_NORM_TOLERANCE = 1e-6


def _result(reader: _Reader, errors: Sequence[Any], *, mitigated: bool) -> tuple[TaskResult, str]:
    """The result of a slot, and where its standard errors come from; empty if it has none."""
    if reader.job.kind is Kind.SAMPLES:
        return reader.distributions(), ""
    if reader.job.kind is Kind.STATES:
        return reader.states(), ""
    found, source = _estimates(reader, errors, mitigated=mitigated)
    return found, source if found.values.size else ""


def _estimates(reader: _Reader, errors: Sequence[Any], *, mitigated: bool) -> tuple[Expectations, str]:
    """Expectation values with standard errors, and where these come from."""
    values = reader.by_observable(
        lambda offset, shape: numbers(reader.given[offset], shape, where=reader.where(offset))
    )
    stds = reader.by_observable(lambda offset, shape: known_numbers(errors[offset], shape))
    unknown = np.isnan(stds)
    if not unknown.any():
        return Expectations(values, stds), SERVICE
    if mitigated:
        return Expectations(values, stds), UNKNOWN
    return Expectations(values, np.where(unknown, bounds(values, reader.slot, reader.job.shots), stds)), BOUND


def _uncertainties(info: Mapping[str, Any] | None, count: int) -> list[Any]:
    """The uncertainties of each circuit, as far as the service gives any."""
    try:
        return per_circuit((info or {}).get("uncertainty"), count)
    except HaiquResponseError:
        return [None] * count

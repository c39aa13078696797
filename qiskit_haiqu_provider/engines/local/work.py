"""What happens to a unit of work, on this machine or on a worker."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit

from qiskit_haiqu_provider.engines.local.aer import (
    execute,
    outcomes,
    saving_probabilities,
    saving_statevector,
    saving_values,
)
from qiskit_haiqu_provider.engines.local.evolve import evolve, supports
from qiskit_haiqu_provider.engines.local.noise import confusions, with_readout_errors
from qiskit_haiqu_provider.engines.local.pauli import expectations
from qiskit_haiqu_provider.engines.local.sampling import MOST_TALLIED, draw, pack, shuffled, tally, unpack
from qiskit_haiqu_provider.engines.local.units import Piece, Route, Unit
from qiskit_haiqu_provider.run.angles import angle_values
from qiskit_haiqu_provider.run.measure import (
    MeasurementGroup,
    Measurements,
    measurement_circuit,
)
from qiskit_haiqu_provider.run.result import Expectations, Samples, Statevectors, TaskResult


def run_unit(unit: Unit) -> list[TaskResult]:
    """Run a unit and return one result for each of its pieces."""
    return _ROUTES[unit.route](unit)


def _by_states(unit: Unit) -> list[TaskResult]:
    """Evolve the states of all pieces, then answer each from them."""
    circuits = [piece.prepared.circuit for piece in unit.pieces]
    # Without parameters all sets have the same state.
    values = [
        piece.values if circuit.num_parameters else piece.values[:1]
        for piece, circuit in zip(unit.pieces, circuits, strict=True)
    ]
    by_aer = [index for index, circuit in enumerate(circuits) if not supports(circuit)]
    data = iter(
        execute(
            [saving_statevector(circuits[index]) for index in by_aer],
            [values[index] for index in by_aer],
            options=unit.options,
        )
    )
    results: list[TaskResult] = []
    for index, piece in enumerate(unit.pieces):
        if index in by_aer:
            found = [np.asarray(next(data).statevector, dtype=np.complex128) for _ in values[index]]
            states = np.reshape(found, (len(values[index]), 1 << piece.prepared.num_qubits))
        else:
            states = evolve(circuits[index], values[index])
        results.append(_answer(unit, piece, states))
    return results


def _answer(unit: Unit, piece: Piece, states: NDArray[np.complex128]) -> TaskResult:
    if piece.statevector:
        circuit = piece.prepared.circuit
        columns = dict(zip(circuit.parameters, piece.values.T, strict=True))
        phases = np.exp(1j * angle_values(circuit.global_phase, columns))
        return Statevectors(_repeated(states, len(piece.values)) * phases[:, None])
    if piece.observables is None:
        return sampled(unit, piece, states.real**2 + states.imag**2)
    if piece.shots is None:
        values = _repeated(expectations(states, piece.observables).T, len(piece.values)).T
        return Expectations(values, np.zeros_like(values))
    rotated = (_rotated(states, group) for group in piece.plan.groups)
    return estimated(unit, piece, (found.real**2 + found.imag**2 for found in rotated))


def _repeated(rows: NDArray[Any], sets: int) -> NDArray[Any]:
    """One row for every set, where a single state serves them all."""
    return rows if len(rows) == sets else np.repeat(rows, sets, axis=0)


def sampled(unit: Unit, piece: Piece, probabilities: NDArray[np.float64]) -> Samples:
    """Shots of the piece's classical bits.

    Args:
        unit: Has the random streams.
        piece: What is sampled.
        probabilities: Of the final states, in Qiskit order, shape ``(sets, outcomes)``; one row may serve all sets.
    """
    shots, prepared = piece.shots or 0, piece.prepared
    num_clbits, size = prepared.num_clbits, probabilities.shape[1]
    shown = np.empty((len(piece.values), shots, -(-num_clbits // 8)), dtype=np.uint8)
    # Small numbers, because there is one for every shot.
    everything = np.arange(size if size <= MOST_TALLIED else 0, dtype=np.min_scalar_type(size - 1))
    packed = pack(everything, prepared.measured, num_clbits)
    for block in piece.blocks():
        rng = unit.generator(piece, block)
        rows = _of_block(probabilities, block)
        if size <= MOST_TALLIED:
            shown[block] = packed[shuffled(everything, tally(rows, shots, rng), shots, rng)]
            continue
        for index, row in enumerate(rows, start=block.start):
            seen, counts = draw(row, shots, rng)
            found = shuffled(np.arange(len(seen)), counts[None], shots, rng)[0]
            shown[index] = pack(seen, prepared.measured, num_clbits)[found]
    return Samples(shown, num_clbits)


def _of_block(rows: NDArray[np.float64], block: slice) -> NDArray[np.float64]:
    """The rows of a block of sets; a single row serves all sets."""
    return rows[block] if len(rows) > 1 else np.repeat(rows, block.stop - block.start, axis=0)


def estimated(unit: Unit, piece: Piece, distributions: Iterable[NDArray[np.float64]]) -> Expectations:
    """Estimates as if every group were measured ``shots`` times.

    Args:
        unit: Has the random streams.
        piece: What is estimated; exactly, if it has no shots.
        distributions: For each group the probabilities of all outcomes of all qubits in its bases, as in
            :func:`sampled`.
    """
    shots = piece.shots or 0
    estimates = _Estimates(piece.plan, len(piece.values))
    for number, (group, probabilities) in enumerate(zip(piece.plan.groups, distributions, strict=True)):
        size = probabilities.shape[1]
        everything = _bits(np.arange(size), group.qubits) if size <= MOST_TALLIED or piece.shots is None else None
        values = None if everything is None else group.values(everything)
        for block in piece.blocks():
            rng = unit.generator(piece, block, number)
            rows = _of_block(probabilities, block)
            if values is not None and piece.shots is None:
                estimates.add(block, values, rows, exact=True)
                continue
            if values is not None:
                estimates.add(block, values, tally(rows, shots, rng))
                continue
            for index, row in enumerate(rows, start=block.start):
                seen, counts = draw(row, shots, rng)
                place = slice(index, index + 1)
                estimates.add(place, group.values(_bits(seen, group.qubits)), counts[None])
    return estimates.result()


def _bits(states: NDArray[np.intp], qubits: Sequence[int]) -> NDArray[np.uint8]:
    """Single bits of basis states, shape ``(states, qubits)``."""
    bits: NDArray[np.uint8] = ((states[:, None] >> np.array(qubits)) & 1).astype(np.uint8)
    return bits


def _rotated(states: NDArray[np.complex128], group: MeasurementGroup) -> NDArray[np.complex128]:
    """The states with the group's bases turned into Z."""
    rotated = states.copy()
    for qubit, basis in zip(group.qubits, group.bases, strict=True):
        if basis == "Z":
            continue
        pairs = rotated.reshape(len(states), -1, 2, 1 << qubit)
        zero, one = pairs[:, :, 0, :].copy(), pairs[:, :, 1, :]
        if basis == "Y":
            one *= -1j
        pairs[:, :, 0, :] += one
        np.subtract(zero, one, out=one)
        pairs *= np.sqrt(0.5)
    return rotated


class _Estimates:
    """Means and variances of observables, added up over measurement groups."""

    def __init__(self, plan: Measurements, sets: int) -> None:
        self.values = np.repeat(plan.constants[:, None], sets, axis=1)
        self.variances = np.zeros_like(self.values)

    def add(self, sets: slice, values: NDArray[np.float64], counts: NDArray[Any], *, exact: bool = False) -> None:
        """Add one group's outcomes for some sets.

        Args:
            sets: Which sets.
            values: What each outcome contributes to each observable, shape ``(outcomes, observables)``.
            counts: How often each outcome was seen, shape ``(sets, outcomes)``; probabilities if ``exact``.
            exact: Whether there is no sampling error.
        """
        total = counts.sum(axis=1, keepdims=True)
        means = counts @ values / total
        self.values[:, sets] += means.T
        if exact:
            return
        variances = counts @ values**2 / total - means**2
        # What is left of a certain outcome by rounding is no variance.
        variances[variances < _ROUNDING * (values**2).max(axis=0, initial=0.0)] = 0.0
        self.variances[:, sets] += (variances / total).T

    def result(self) -> Expectations:
        return Expectations(self.values, np.sqrt(self.variances))


_ROUNDING = 1e-13


def _by_shots(unit: Unit) -> list[TaskResult]:
    """Let Aer sample every piece and every measurement group in one job."""
    jobs: list[tuple[QuantumCircuit, NDArray[np.float64], int]] = []
    for piece in unit.pieces:
        circuits = _circuits_to_sample(piece, unit.gates)
        jobs.extend((circuit, piece.values, piece.shots or 0) for circuit in circuits)
    data = iter(_execute_by_shots(unit, jobs))
    results: list[TaskResult] = []
    for piece in unit.pieces:
        found = _samples(unit, piece, data) if piece.observables is None else _estimates_from_shots(piece, data)
        results.append(found)
    return results


def _circuits_to_sample(piece: Piece, gates: frozenset[str] | None) -> list[QuantumCircuit]:
    circuit = piece.prepared.circuit
    if piece.observables is not None:
        return [measurement_circuit(circuit, group, gates) for group in piece.plan.groups]
    if not piece.prepared.static:
        return [circuit]
    measured = circuit.copy()
    for qubit, clbit in piece.prepared.measured:
        measured.measure(qubit, clbit)
    return [measured]


def _execute_by_shots(unit: Unit, jobs: Sequence[tuple[QuantumCircuit, NDArray[np.float64], int]]) -> list[Any]:
    """One Aer job for every number of shots; the data in the order of the jobs."""
    found: dict[int, list[Any]] = {}
    order = sorted({shots for _, _, shots in jobs})
    for step, shots in enumerate(order):
        places = [index for index, job in enumerate(jobs) if job[2] == shots]
        data = iter(
            execute(
                [jobs[index][0] for index in places],
                [jobs[index][1] for index in places],
                options=unit.options,
                shots=shots,
                seed=unit.aer_seed() + step,
                noise_model=unit.noise_model,
            )
        )
        for index in places:
            found[index] = [next(data) for _ in jobs[index][1]]
    return [experiment for index in range(len(jobs)) for experiment in found[index]]


def _samples(unit: Unit, piece: Piece, data: Iterator[Any]) -> Samples:
    num_clbits, shots = piece.prepared.num_clbits, piece.shots or 0
    shown = np.empty((len(piece.values), shots, -(-num_clbits // 8)), dtype=np.uint8)
    for block in piece.blocks():
        rng = unit.generator(piece, block)
        for index in range(block.start, block.stop):
            # Aer counts nothing where nothing is measured: all bits are zero then.
            seen = getattr(next(data), "counts", {"0x0": shots})
            rows, counts = outcomes(seen, num_clbits)
            shown[index] = rows[shuffled(np.arange(len(rows)), counts[None], shots, rng)[0]]
    return Samples(shown, num_clbits)


def _estimates_from_shots(piece: Piece, data: Iterator[Any]) -> Expectations:
    estimates = _Estimates(piece.plan, len(piece.values))
    own = piece.prepared.circuit.num_clbits
    for group in piece.plan.groups:
        clbits = range(own, own + len(group.qubits))
        for index in range(len(piece.values)):
            rows, counts = outcomes(next(data).counts, own + len(group.qubits))
            estimates.add(slice(index, index + 1), group.values(unpack(rows, clbits)), counts[None])
    return estimates.result()


def _by_probabilities(unit: Unit) -> list[TaskResult]:
    """Exact values with noise: the limit of infinitely many shots, readout errors included."""
    return [_exact_with_noise(unit, piece) for piece in unit.pieces]


def _exact_with_noise(unit: Unit, piece: Piece) -> Expectations:
    estimates = _Estimates(piece.plan, len(piece.values))
    circuits = []
    for group in piece.plan.groups:
        circuit = measurement_circuit(piece.prepared.circuit, group, unit.gates)
        body = circuit.copy_empty_like()
        for instruction in circuit.data:
            if instruction.name != "measure":
                body.append(instruction)
        circuits.append(saving_probabilities(body, group.qubits))
    options = {**unit.options, "method": "density_matrix"}
    data = iter(execute(circuits, [piece.values] * len(circuits), options=options, noise_model=unit.noise_model))
    for group in piece.plan.groups:
        values = group.values(_bits(np.arange(1 << len(group.qubits)), range(len(group.qubits))))
        matrices = None if unit.noise_model is None else confusions(unit.noise_model, group.qubits)
        for index in range(len(piece.values)):
            probabilities = np.asarray(next(data).probabilities)
            if matrices is not None:
                probabilities = with_readout_errors(probabilities, matrices)
            estimates.add(slice(index, index + 1), values, probabilities[None], exact=True)
    return estimates.result()


def _by_values(unit: Unit) -> list[TaskResult]:
    """Exact values from Aer, for states too wide for amplitudes."""
    results: list[TaskResult] = []
    for piece in unit.pieces:
        observables = piece.observables or ()
        circuit = saving_values(piece.prepared.circuit, observables)
        data = execute([circuit], [piece.values], options=unit.options)
        rows = [[getattr(found, str(index)) for found in data] for index in range(len(observables))]
        values = np.array(rows, dtype=np.float64).reshape(len(observables), len(piece.values))
        results.append(Expectations(values, np.zeros_like(values)))
    return results


_ROUTES = {
    Route.STATES: _by_states,
    Route.SHOTS: _by_shots,
    Route.PROBABILITIES: _by_probabilities,
    Route.VALUES: _by_values,
}

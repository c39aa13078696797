"""What happens to a unit of work, on this machine or on a worker."""

from collections.abc import Iterator, Sequence
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
from qiskit_haiqu_provider.engines.local.channels.readings import Reading
from qiskit_haiqu_provider.engines.local.channels.run import correlations, distributions
from qiskit_haiqu_provider.engines.local.crowd import evolve_together
from qiskit_haiqu_provider.engines.local.estimation import Estimates, bits_of, estimated
from qiskit_haiqu_provider.engines.local.noise import confusions, with_readout_errors
from qiskit_haiqu_provider.engines.local.pauli import expectations
from qiskit_haiqu_provider.engines.local.sampling import (
    AT_ONCE,
    MOST_TALLIED,
    cumulated,
    draw,
    pack,
    shuffled,
    singles,
    unpack,
)
from qiskit_haiqu_provider.engines.local.states.bases import probabilities_in
from qiskit_haiqu_provider.engines.local.states.evolve import evolve
from qiskit_haiqu_provider.engines.local.units import Piece, Route, Unit, rows_of
from qiskit_haiqu_provider.run.angles import angle_values
from qiskit_haiqu_provider.run.measure import measurement_circuit
from qiskit_haiqu_provider.run.result import Expectations, Samples, Statevectors, TaskResult


def run_unit(unit: Unit) -> list[TaskResult]:
    """Run a unit and return one result for each of its pieces."""
    return _ROUTES[unit.route](unit)


def _by_states(unit: Unit) -> list[TaskResult]:
    """Evolve the states of all pieces, then answer each from them."""
    results: dict[int, TaskResult] = dict(_constant(unit))
    others = {index: piece for index, piece in enumerate(unit.pieces) if index not in results}
    if not others:
        return [results[index] for index in range(len(unit.pieces))]
    by_aer = {index: piece for index, piece in others.items() if piece.prepared.program is None}
    data = iter(
        execute(
            [saving_statevector(piece.prepared.circuit) for piece in by_aer.values()],
            [_distinct(piece) for piece in by_aer.values()],
            options=unit.options,
        )
    )
    for index, piece in others.items():
        values, program = _distinct(piece), piece.prepared.program
        if program is None:
            found = [np.asarray(next(data).statevector, dtype=np.complex128) for _ in values]
            states = np.reshape(found, (len(values), 1 << piece.prepared.num_qubits))
        else:
            states = evolve(program, values, lend=True, phases=piece.statevector or piece.observables is not None)
        results[index] = _answer(unit, piece, states)
    return [results[index] for index in range(len(unit.pieces))]


def _distinct(piece: Piece) -> NDArray[np.float64]:
    """The sets to evolve: without parameters all have the same state."""
    return piece.values if piece.prepared.columns else piece.values[:1]


def _constant(unit: Unit) -> dict[int, Samples]:
    """Shots of the circuits without parameters, by index of the piece; those of one shape are drawn together."""
    wanted = {
        index: piece
        for index, piece in enumerate(unit.pieces)
        if piece.observables is None and not piece.statevector and piece.prepared.constant
    }
    evolve_together([piece.prepared for piece in wanted.values()])
    alike: dict[tuple[int, ...], list[tuple[int, Piece, NDArray[np.float64]]]] = {}
    for index, piece in wanted.items():
        cumulative = piece.prepared.cumulative
        if cumulative is not None:
            shape = len(piece.values), piece.shots or 0, *piece.prepared.rows.shape
            alike.setdefault(shape, []).append((index, piece, cumulative))
    found: dict[int, Samples] = {}
    for (sets, shots, *_), members in alike.items():
        step = max(1, AT_ONCE // shots) if sets == 1 else 1
        for first in range(0, len(members), step):
            indices, pieces, cumulatives = zip(*members[first : first + step], strict=True)
            if len(indices) == 1:
                found[indices[0]] = _drawn(unit, pieces[0], cumulatives[0], pieces[0].prepared.rows)
            else:
                found.update(zip(indices, _drawn_together(unit, pieces, cumulatives), strict=True))
    return found


def _drawn_together(
    unit: Unit, pieces: Sequence[Piece], cumulatives: Sequence[NDArray[np.float64]]
) -> Iterator[Samples]:
    """Shots of circuits of one shape, each with one set."""
    rows = np.stack([piece.prepared.rows for piece in pieces])
    sources = [unit.generator(piece, slice(0, 1)) for piece in pieces]
    shown = singles(np.concatenate(cumulatives), rows, pieces[0].shots or 0, sources)
    return (Samples(shown[index : index + 1], piece.prepared.num_clbits) for index, piece in enumerate(pieces))


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
    groups = piece.plan.groups
    return estimated(unit, piece, (probabilities_in(states, group.qubits, group.bases) for group in groups))


def _repeated(rows: NDArray[Any], sets: int) -> NDArray[Any]:
    """One row for every set, where a single state serves them all."""
    return rows if len(rows) == sets else np.repeat(rows, sets, axis=0)


def sampled(
    unit: Unit,
    piece: Piece,
    probabilities: NDArray[np.float64],
    *,
    measured: Sequence[tuple[int, int]] | None = None,
) -> Samples:
    """Shots of the piece's classical bits.

    Args:
        unit: Has the random streams.
        piece: What is sampled.
        probabilities: Of the final states, in Qiskit order, shape ``(sets, outcomes)``; one row may serve all sets.
        measured: (bit of an outcome, clbit) of each measurement; by default the bits are the circuit's qubits.
    """
    shots, prepared = piece.shots or 0, piece.prepared
    measured = prepared.measured if measured is None else measured
    num_clbits, size = prepared.num_clbits, probabilities.shape[1]
    if size <= MOST_TALLIED:
        return _drawn(unit, piece, cumulated(probabilities), pack(np.arange(size), measured, num_clbits))
    shown = _no_shots(piece)
    for block in piece.blocks():
        rng = unit.generator(piece, block)
        for index, row in enumerate(rows_of(probabilities, block), start=block.start):
            seen, counts = draw(row, shots, rng)
            found = shuffled(np.arange(len(seen)), counts[None], shots, rng)[0]
            shown[index] = pack(seen, measured, num_clbits)[found]
    return Samples(shown, num_clbits)


def _drawn(unit: Unit, piece: Piece, cumulative: NDArray[np.float64], packed: NDArray[np.uint8]) -> Samples:
    """Shots by the cumulative probabilities of all outcomes, and their packed classical bits."""
    shown = _no_shots(piece)
    for block in piece.blocks():
        sources = [unit.generator(piece, block)] * (block.stop - block.start)
        shown[block] = singles(rows_of(cumulative, block), packed[None], piece.shots or 0, sources)
    return Samples(shown, piece.prepared.num_clbits)


def _no_shots(piece: Piece) -> NDArray[np.uint8]:
    """Room for the shots of a piece."""
    return np.empty((len(piece.values), piece.shots or 0, -(-piece.prepared.num_clbits // 8)), dtype=np.uint8)


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
    estimates = Estimates(piece.plan, len(piece.values))
    own = piece.prepared.circuit.num_clbits
    for group in piece.plan.groups:
        clbits = range(own, own + len(group.qubits))
        for index in range(len(piece.values)):
            rows, counts = outcomes(next(data).counts, own + len(group.qubits))
            estimates.add(slice(index, index + 1), group.values(unpack(rows, clbits)), counts[None])
    return estimates.result()


def _by_probabilities(unit: Unit) -> list[TaskResult]:
    """Outcome probabilities with noise, readout errors included: what infinitely many shots would show."""
    return [
        _exact_with_noise(unit, piece) if piece.readings is None else _read(unit, piece, piece.readings)
        for piece in unit.pieces
    ]


def _read(unit: Unit, piece: Piece, readings: Sequence[Reading]) -> TaskResult:
    """Answers from the density matrix, evolved here."""
    if piece.observables is not None and piece.shots is None:
        means = correlations(readings, piece.values)
        values = np.repeat(piece.plan.constants[:, None], len(piece.values), axis=1)
        for group, found in zip(piece.plan.groups, means, strict=True):
            products = group.terms.astype(np.intp) @ (1 << np.arange(len(group.qubits)))
            values += group.weights @ found[:, products].T
        return Expectations(values, np.zeros_like(values))
    seen = distributions(readings, piece.values)
    if piece.observables is not None:
        return estimated(unit, piece, seen, measured_only=True)
    places = {qubit: place for place, qubit in enumerate(sorted({qubit for qubit, _ in piece.prepared.measured}))}
    measured = [(places[qubit], clbit) for qubit, clbit in piece.prepared.measured]
    return sampled(unit, piece, next(seen), measured=measured)


def _exact_with_noise(unit: Unit, piece: Piece) -> Expectations:
    estimates = Estimates(piece.plan, len(piece.values))
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
        values = group.values(bits_of(np.arange(1 << len(group.qubits)), range(len(group.qubits))))
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

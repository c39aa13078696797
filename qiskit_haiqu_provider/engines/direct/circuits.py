"""From the tasks of a request to circuits that only need to be sampled, and from outcomes to packed bits."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit

from qiskit_haiqu_provider.engines.direct.slots import Slot
from qiskit_haiqu_provider.exceptions import HaiquInputError, HaiquResponseError
from qiskit_haiqu_provider.run.circuits import measures
from qiskit_haiqu_provider.run.measure import measurement_circuit, measurements
from qiskit_haiqu_provider.run.request import RunRequest, RunType, Task
from qiskit_haiqu_provider.run.result import Distributions, Samples


@dataclass(frozen=True, kw_only=True)
class CircuitExecution:
    """A circuit that is sampled for some parameter sets."""

    circuit: QuantumCircuit
    values: NDArray[np.float64]
    """Shape ``(sets, circuit.num_parameters)``; without columns if the circuit is bound."""

    shots: int
    """Shots of each set."""

    slot: Slot
    pub: int


def executions(
    request: RunRequest, *, gates: Collection[str] | None = None, bind: bool = True
) -> Iterator[CircuitExecution]:
    """The circuits that answer a request by sampling alone.

    Observables become one circuit for each qubit-wise commuting group: the task's circuit, basis changes, and
    measurements into bits after all its own. Circuits that measure nothing are left out: their bits are all 0.

    Args:
        request: What to run.
        gates: Names of the gates that basis changes may use; ``None`` for any.
        bind: Whether to make a circuit without parameters for each parameter set.

    Raises:
        HaiquInputError: If exact values or states are asked for.
        HaiquCircuitError: If the gates cannot change the basis.
    """
    for index, task in enumerate(request.tasks):
        check_samples(task, request)
        for group, circuit in _measured(task, gates):
            slot = Slot(task=index, first=0, sets=task.num_sets, group=group)
            whole = CircuitExecution(
                circuit=circuit, values=task.parameter_values, shots=int(task.shots or 0), slot=slot, pub=task.pub
            )
            if bind or not circuit.num_parameters:
                yield from _bound(whole)
            elif task.num_sets:
                yield whole


def check_samples(task: Task, request: RunRequest) -> None:
    """Refuse a task that no number of shots answers.

    Raises:
        HaiquInputError: If exact values or states are asked for.
    """
    if request.run_type is not RunType.RUN:
        raise HaiquInputError(
            f"PUB {task.pub}: {request.device} measures circuits and has no statevector. Use aer_simulator."
        )
    if task.shots is None:
        raise HaiquInputError(
            f"PUB {task.pub}: precision=0 asks for the exact value, which {request.device} cannot give. Give a "
            "precision above 0, for example 0.01, or use aer_simulator."
        )


def samples_of_counts(counts: Sequence[Mapping[str, int]], num_clbits: int, *, stream: int = 0) -> Samples:
    """Shots from counts, in an order that is mixed, but always the same.

    Args:
        counts: For each set how often each bitstring was seen; the last character is classical bit 0.
        num_clbits: Width of the bitstrings.
        stream: Another one gives another order: the first of the sets.

    Raises:
        HaiquResponseError: If sets differ in their number of shots, or a bitstring has another width.
    """
    per_set = [
        mixed(np.repeat(packed(list(each), num_clbits), list(each.values()), axis=0), stream=stream + offset)
        for offset, each in enumerate(counts)
    ]
    if len({len(rows) for rows in per_set}) > 1:
        raise HaiquResponseError("The vendor returned results with different numbers of shots for one circuit.")
    width = -(-num_clbits // 8)
    return Samples(np.stack(per_set) if per_set else np.empty((0, 0, width), dtype=np.uint8), num_clbits)


def samples_of_bits(bits: NDArray[np.uint8]) -> Samples:
    """Shots from single bits.

    Args:
        bits: Shape ``(sets, shots, num_clbits)``, 0 or 1; classical bit 0 comes first.
    """
    sets, shots, num_clbits = bits.shape
    pad = np.zeros((sets, shots, -num_clbits % 8), dtype=np.uint8)
    return Samples(np.packbits(np.concatenate([pad, bits[..., ::-1]], axis=-1), axis=-1), num_clbits)


def mixed(shots: NDArray[np.uint8], *, stream: int) -> NDArray[np.uint8]:
    """Shots in another order: sorted ones would mislead whoever takes a part of them for a sample.

    Args:
        shots: Shape ``(shots, ...)``.
        stream: Another one gives another order.
    """
    found: NDArray[np.uint8] = np.random.default_rng([_SEED, stream]).permutation(shots, axis=0)
    return found


def distributions_of(weights: Sequence[Mapping[str, float]], num_clbits: int) -> Distributions:
    """Distributions from (quasi-)probabilities of bitstrings.

    Args:
        weights: For each set the weight of each bitstring; the last character is classical bit 0.
        num_clbits: Width of the bitstrings.

    Raises:
        HaiquResponseError: If a bitstring has another width.
    """
    rows = [packed(list(each), num_clbits) for each in weights]
    sizes = [len(each) for each in weights]
    return Distributions(
        outcomes=np.concatenate(rows) if rows else np.empty((0, -(-num_clbits // 8)), dtype=np.uint8),
        weights=np.array([value for each in weights for value in each.values()], dtype=np.float64),
        offsets=np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]).astype(np.int64),
        num_clbits=num_clbits,
    )


def packed(bitstrings: Sequence[str], num_clbits: int) -> NDArray[np.uint8]:
    """Bitstrings as rows of packed bytes.

    Args:
        bitstrings: Strings of 0 and 1, spaces between registers allowed; the last character is classical bit 0.
        num_clbits: Their width.

    Raises:
        HaiquResponseError: If one has another width, or other characters.
    """
    plain = [text.replace(" ", "") for text in bitstrings]
    wrong = next((text for text in plain if len(text) != num_clbits or set(text) - {"0", "1"}), None)
    if wrong is not None:
        raise HaiquResponseError(f"The vendor returned an outcome {wrong!r} where {num_clbits} bits were expected.")
    bits = np.frombuffer("".join(plain).encode(), dtype=np.uint8).reshape(len(plain), num_clbits) - ord("0")
    pad = np.zeros((len(plain), -num_clbits % 8), dtype=np.uint8)
    return np.packbits(np.concatenate([pad, bits], axis=1), axis=1)


def _measured(task: Task, gates: Collection[str] | None) -> Iterator[tuple[int | None, QuantumCircuit]]:
    """The circuits to sample for a task, each with the index of its measurement group."""
    if task.observables is not None:
        for index, group in enumerate(measurements(task.observables).groups):
            yield index, measurement_circuit(task.circuit, group, gates)
    elif measures(task.circuit):
        yield None, task.circuit


def _bound(whole: CircuitExecution) -> Iterator[CircuitExecution]:
    """One execution for each parameter set, its circuit without parameters."""
    for index, values in enumerate(whole.values):
        circuit = whole.circuit.assign_parameters(values) if whole.circuit.num_parameters else whole.circuit
        slot = replace(whole.slot, first=index, sets=1)
        yield replace(whole, circuit=circuit, values=np.empty((1, 0)), slot=slot)


_SEED = 20240229
"""Of the order of the shots. Any number does."""

"""The hand-written limit: what careful code gets out of Aer for one circuit and its values.

Statevectors come from one Aer run with runtime parameter binding, everything after that is numpy.
Whatever depends on the circuit or the observable alone is prepared once and kept.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.primitives import BitArray
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel

Pub = tuple[Any, ...]


class Kept:
    """Values made once for an object and kept as long as the object is the same."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, str], tuple[object, Any]] = {}

    def get(self, owner: object, what: str, make: Callable[[], Any]) -> Any:
        """The kept value, or a new one."""
        key = (id(owner), what)
        if key not in self._kept:
            if len(self._kept) > 2000:
                self._kept.clear()
            self._kept[key] = (owner, make())
        return self._kept[key][1]


class States:
    """Statevectors of circuits for all their parameter sets."""

    def __init__(self) -> None:
        self._simulator = AerSimulator(method="statevector", shots=1)
        self._kept = Kept()

    def of(
        self,
        circuits: Sequence[QuantumCircuit],
        values: Sequence[NDArray[np.float64] | None],
        turned: str = "Z",
    ) -> list[NDArray[np.complex128]]:
        """One statevector a circuit and set, in order.

        Args:
            circuits: The circuits; final measurements are left out.
            values: For each circuit its parameter sets, or ``None``.
            turned: The basis that the state is expressed in, ``Z`` or ``X``.
        """
        ready = [self._kept.get(c, turned, partial(_saving, c, turned)) for c in circuits]
        bound = any(sets is not None for sets in values)
        binds = [
            dict(zip(c.parameters, np.atleast_2d(sets).T.tolist(), strict=True))
            for c, sets in zip(circuits, values, strict=True)
            if sets is not None
        ]
        extra = {"parameter_binds": binds, "runtime_parameter_bind_enable": True} if bound else {}
        result = self._simulator.run(ready, **extra).result()
        return [np.asarray(one.data.statevector) for one in result.results]


def _saving(circuit: QuantumCircuit, turned: str) -> QuantumCircuit:
    bare = circuit.remove_final_measurements(inplace=False)
    if turned == "X":
        bare.h(range(bare.num_qubits))
    bare.save_statevector()
    return bare


class Expectation:
    """Expectation values with the terms of an observable grouped by the bits they flip."""

    def __init__(self, observable: SparsePauliOp) -> None:
        self._index = np.arange(1 << observable.num_qubits)
        by_mask: dict[int, list[tuple[int, complex]]] = defaultdict(list)
        powers = 1 << np.arange(observable.num_qubits)
        for x, z, phase, coefficient in zip(
            observable.paulis.x @ powers,
            observable.paulis.z @ powers,
            observable.paulis.phase + (observable.paulis.x & observable.paulis.z).sum(axis=1),
            observable.coeffs,
            strict=True,
        ):
            by_mask[int(x)].append((int(z), coefficient * (-1j) ** int(phase)))
        self._groups = [(mask, self._diagonal(terms)) for mask, terms in by_mask.items()]

    def _diagonal(self, terms: list[tuple[int, complex]]) -> NDArray[np.complex128] | complex:
        if len(terms) == 1 and terms[0][0] == 0:
            return terms[0][1]
        total = np.zeros(len(self._index), complex)
        for z, factor in terms:
            total += factor * (1.0 - 2.0 * (np.bitwise_count(self._index & z) & 1))
        return total

    def __call__(self, state: NDArray[np.complex128]) -> float:
        total = 0.0
        for mask, diagonal in self._groups:
            image = state if mask == 0 else state[self._index ^ mask]
            total += float(np.vdot(state, diagonal * image).real)
        return total


class HandEstimator:
    """Exact values, or values from shots of the two bases that an Ising chain needs."""

    def __init__(self, precision: float) -> None:
        self._precision = precision
        self._states = States()
        self._kept = Kept()
        self._rng = np.random.default_rng()

    def run(self, pubs: Sequence[Pub]) -> list[NDArray[np.float64]]:
        """The expectation values of each PUB."""
        return [self._estimate(*pub) for pub in pubs]

    def _estimate(
        self, circuit: QuantumCircuit, observable: SparsePauliOp, sets: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        if self._precision == 0:
            value = self._kept.get(observable, "exact", lambda: Expectation(observable))
            return np.array([value(state) for state in self._states.of([circuit], [sets])])
        signs = self._kept.get(observable, "bases", lambda: _two_bases(observable))
        shots = round(self._precision**-2)
        total = np.zeros(len(np.atleast_2d(sets)))
        for basis, diagonal in signs.items():
            for index, state in enumerate(self._states.of([circuit], [sets], basis)):
                weights = np.abs(state) ** 2
                counts = self._rng.multinomial(shots, weights / weights.sum())
                total[index] += counts @ diagonal / shots
        return total


def _two_bases(observable: SparsePauliOp) -> dict[str, NDArray[np.float64]]:
    """For the bases Z and X the value of each outcome."""
    index = np.arange(1 << observable.num_qubits)
    values = {"Z": np.zeros(len(index)), "X": np.zeros(len(index))}
    powers = 1 << np.arange(observable.num_qubits)
    for pauli, coefficient in zip(observable.paulis, observable.coeffs.real, strict=True):
        basis, mask = ("X", pauli.x @ powers) if pauli.x.any() else ("Z", pauli.z @ powers)
        values[basis] += coefficient * (1.0 - 2.0 * (np.bitwise_count(index & int(mask)) & 1))
    return values


class HandSampler:
    """Outcomes drawn straight from the statevectors."""

    def __init__(self) -> None:
        self._states = States()
        self._rng = np.random.default_rng()

    def run(self, pubs: Sequence[Pub]) -> list[BitArray]:
        """The outcomes of each PUB."""
        states = self._states.of([pub[0] for pub in pubs], [pub[1] for pub in pubs])
        drawn = []
        first = 0
        for circuit, sets, shots in pubs:
            count = 1 if sets is None else len(np.atleast_2d(sets))
            mine = states[first : first + count]
            first += count
            outcomes = np.stack([self._draw(state, shots) for state in mine])
            drawn.append(_packed(outcomes, circuit.num_clbits))
        return drawn

    def _draw(self, state: NDArray[np.complex128], shots: int) -> NDArray[np.int64]:
        edges = np.cumsum(np.abs(state) ** 2)
        if shots >= len(state):
            weights = np.diff(edges, prepend=0.0) / edges[-1]
            outcomes = np.repeat(np.arange(len(state)), self._rng.multinomial(shots, weights))
            return self._rng.permutation(outcomes).astype(np.int64, copy=False)
        found = np.searchsorted(edges, self._rng.random(shots) * edges[-1], side="right")
        inside: NDArray[np.int64] = np.minimum(found, len(state) - 1)
        return inside


class HandNoisySampler:
    """Noise model and circuit cut down to the active qubits, one density matrix a set."""

    def __init__(self, simulator: AerSimulator, *, trajectories: bool) -> None:
        self._noise = simulator.options.noise_model
        self._method = "statevector" if trajectories else "density_matrix"
        self._kept = Kept()

    def run(self, pubs: Sequence[Pub]) -> list[BitArray]:
        """The outcomes of each PUB."""
        return [self._sample(*pub) for pub in pubs]

    def _sample(self, circuit: QuantumCircuit, sets: NDArray[np.float64], shots: int) -> BitArray:
        small, simulator = self._kept.get(circuit, "small", lambda: self._cut(circuit))
        binds = [dict(zip(circuit.parameters, np.atleast_2d(sets).T.tolist(), strict=True))]
        result = simulator.run(small, shots=shots, memory=True, parameter_binds=binds).result()
        outcomes = np.array([[int(m, 16) for m in one.data.memory] for one in result.results])
        return _packed(outcomes, circuit.num_clbits)

    def _cut(self, circuit: QuantumCircuit) -> tuple[QuantumCircuit, AerSimulator]:
        active = sorted({circuit.find_bit(q).index for i in circuit.data if i.name != "barrier" for q in i.qubits})
        place = {qubit: index for index, qubit in enumerate(active)}
        small = QuantumCircuit(len(active), circuit.num_clbits)
        for item in circuit.data:
            if item.name != "barrier":
                qubits = [place[circuit.find_bit(qubit).index] for qubit in item.qubits]
                clbits = [circuit.find_bit(clbit).index for clbit in item.clbits]
                small.append(item.operation, qubits, clbits)
        return small, AerSimulator(method=self._method, noise_model=_cut_noise(self._noise, place))


def _cut_noise(noise: NoiseModel, place: dict[int, int]) -> NoiseModel:
    errors = []
    for error in noise.to_dict()["errors"]:
        qubits = error["gate_qubits"][0]
        if all(qubit in place for qubit in qubits):
            errors.append({**error, "gate_qubits": [tuple(place[qubit] for qubit in qubits)]})
    return NoiseModel.from_dict({"errors": errors})


def _packed(outcomes: NDArray[np.int64], num_bits: int) -> BitArray:
    """Outcomes as the big-endian bytes of a BitArray."""
    size = -(-num_bits // 8)
    as_bytes = outcomes.astype(">u8").view(np.uint8).reshape(*outcomes.shape, 8)
    return BitArray(np.ascontiguousarray(as_bytes[..., 8 - size :]), num_bits)

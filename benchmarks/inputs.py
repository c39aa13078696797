"""Circuits and observables that the workloads are made of."""

from itertools import product

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.circuit.library import QFTGate, efficient_su2, quantum_volume
from qiskit.quantum_info import SparsePauliOp
from qiskit.transpiler import generate_preset_pass_manager


def ansatz(num_qubits: int, *, measured: bool = False) -> QuantumCircuit:
    """The hardware-efficient ansatz with three repetitions."""
    circuit = efficient_su2(num_qubits, reps=3)
    if measured:
        circuit.measure_all()
    return circuit


def tfim(num_qubits: int, field: float = 0.7) -> SparsePauliOp:
    """The transverse-field Ising chain."""
    bonds = [("ZZ", [i, i + 1], 1.0) for i in range(num_qubits - 1)]
    fields = [("X", [i], field) for i in range(num_qubits)]
    return SparsePauliOp.from_sparse_list(bonds + fields, num_qubits=num_qubits)


def random_paulis(num_qubits: int, terms: int, seed: int = 1) -> SparsePauliOp:
    """Distinct random Pauli strings with normal coefficients."""
    rng = np.random.default_rng(seed)
    labels: set[str] = set()
    while len(labels) < terms:
        labels.add("".join(rng.choice(list("IXYZ"), num_qubits)))
    return SparsePauliOp(sorted(labels), rng.normal(size=terms))


def molecular(num_qubits: int, terms: int, seed: int = 2) -> SparsePauliOp:
    """The largest terms of a random two-body electronic Hamiltonian, Jordan-Wigner mapped.

    The integrals are random but have the symmetries of real orbitals, so that the Pauli strings
    are those of a molecule.
    """
    rng = np.random.default_rng(seed)
    orbitals = range(num_qubits // 2)
    half = len(orbitals)
    lower = [_annihilator(num_qubits, mode) for mode in range(num_qubits)]
    hop = {
        (p, q): sum(lower[p + spin].adjoint() @ lower[q + spin] for spin in (0, half)).simplify()
        for p, q in product(orbitals, repeat=2)
    }
    pairs = {pair: rng.normal() for pair in product(orbitals, repeat=2) if pair[0] <= pair[1]}
    quads = {key: rng.normal() for key in product(pairs, repeat=2) if key[0] <= key[1]}

    def ordered(p: int, q: int) -> tuple[int, int]:
        return (p, q) if p <= q else (q, p)

    parts = [pairs[ordered(*pair)] * operator for pair, operator in hop.items()]
    for (one, first), (two, second) in product(hop.items(), repeat=2):
        left, right = sorted([ordered(*one), ordered(*two)])
        parts.append(0.5 * quads[left, right] * (first @ second))
    whole = SparsePauliOp.sum(parts).simplify()
    largest = np.argsort(-np.abs(whole.coeffs))[:terms]
    return SparsePauliOp(whole.paulis[largest], whole.coeffs[largest].real)


def _annihilator(num_qubits: int, mode: int) -> SparsePauliOp:
    string = "Z" * mode
    sites = list(range(mode + 1))
    terms = [(string + "X", sites, 0.5), (string + "Y", sites, 0.5j)]
    return SparsePauliOp.from_sparse_list(terms, num_qubits=num_qubits)


def distinct(count: int, num_qubits: int, seed: int, depth: int = 6) -> list[QuantumCircuit]:
    """Measured circuits that differ in their gates, not only in their angles."""
    rng = np.random.default_rng(seed)
    return [_random_circuit(rng, num_qubits, depth) for _ in range(count)]


def _random_circuit(rng: np.random.Generator, num_qubits: int, depth: int) -> QuantumCircuit:
    circuit = QuantumCircuit(num_qubits)
    for _ in range(depth):
        for qubit in range(num_qubits):
            kind = rng.integers(4)
            if kind == 0:
                circuit.h(qubit)
            else:
                (circuit.rx, circuit.ry, circuit.rz)[kind - 1](rng.uniform(0, np.pi), qubit)
        order = rng.permutation(num_qubits)
        for control, target in zip(order[::2], order[1::2], strict=False):
            circuit.cx(control, target)
    circuit.measure_all()
    return circuit


def bell() -> QuantumCircuit:
    """Two entangled qubits, measured."""
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def fourier(num_qubits: int, seed: int) -> QuantumCircuit:
    """The Fourier transform of a random product state, in elementary gates, measured."""
    rng = np.random.default_rng(seed)
    circuit = QuantumCircuit(num_qubits)
    for qubit in range(num_qubits):
        circuit.ry(rng.uniform(0, np.pi), qubit)
    circuit.append(QFTGate(num_qubits), range(num_qubits))
    return _measured(circuit, ["h", "cp", "swap", "ry"])


def volume(num_qubits: int, seed: int) -> QuantumCircuit:
    """A quantum volume circuit in elementary gates, measured."""
    return _measured(quantum_volume(num_qubits, seed=seed), ["u", "cx"])


def ghz(num_qubits: int) -> QuantumCircuit:
    """A Clifford circuit, wide enough that only a stabilizer simulation can run it."""
    circuit = QuantumCircuit(num_qubits)
    circuit.h(0)
    for qubit in range(num_qubits - 1):
        circuit.cx(qubit, qubit + 1)
    circuit.measure_all()
    return circuit


def feedback(num_qubits: int, seed: int) -> QuantumCircuit:
    """Measures in the middle and acts on the outcome."""
    rng = np.random.default_rng(seed)
    circuit = QuantumCircuit(num_qubits, num_qubits)
    for qubit in range(num_qubits - 1):
        circuit.ry(rng.uniform(0, np.pi), qubit)
        circuit.cx(qubit, qubit + 1)
        circuit.measure(qubit, qubit)
        with circuit.if_test((circuit.clbits[qubit], 1)):
            circuit.x(qubit + 1)
    circuit.measure_all()
    return circuit


def maxcut(num_qubits: int, seed: int = 3) -> tuple[QuantumCircuit, SparsePauliOp]:
    """Two layers of QAOA for a random 3-regular graph, and its cost."""
    rng = np.random.default_rng(seed)
    rings = [rng.permutation(num_qubits) for _ in range(2)]
    edges = {tuple(sorted((int(r[i - 1]), int(r[i])))) for r in rings for i in range(num_qubits)}
    cost = SparsePauliOp.from_sparse_list([("ZZ", list(edge), 1.0) for edge in sorted(edges)], num_qubits=num_qubits)
    gamma, beta = ParameterVector("gamma", 2), ParameterVector("beta", 2)
    circuit = QuantumCircuit(num_qubits)
    circuit.h(range(num_qubits))
    for layer in range(2):
        for edge in sorted(edges):
            circuit.rzz(2 * gamma[layer], *edge)
        circuit.rx(2 * beta[layer], range(num_qubits))
    return circuit, cost


def _measured(circuit: QuantumCircuit, gates: list[str]) -> QuantumCircuit:
    flat = generate_preset_pass_manager(0, basis_gates=gates).run(circuit)
    flat.measure_all()
    return flat

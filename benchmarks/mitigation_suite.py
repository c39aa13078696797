"""What mitigation is measured on: devices with their noise, circuits, and observables.

The circuits that are kept apart from tuning were chosen before anything of ours ran on them, by what they are without
mitigation alone: each family of the other suite but GHZ states, which are Clifford circuits, with another size and
other couplings, seeds or numbers, and 32 to 115 two-qubit gates. Of their devices one is a Heron, one an Eagle.

As that suite has been looked at more than once since, a third one was drawn in the same way, after the last choice.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.circuit.library import ECRGate, RZGate
from qiskit.quantum_info import Operator, SparsePauliOp, Statevector
from qiskit.transpiler import generate_preset_pass_manager

from qiskit_haiqu_provider.devices.fakes import load_fake
from qiskit_haiqu_provider.engines.local.noise import device_noise, part_of

OVER_ROTATION, SPREAD, PHASE = 0.06, 0.02, 0.03
"""Coherent errors of a two-qubit gate, in radians."""


def ghz(n: int) -> QuantumCircuit:
    circuit = QuantumCircuit(n)
    circuit.h(0)
    for qubit in range(n - 1):
        circuit.cx(qubit, qubit + 1)
    return circuit


def tfim(n: int, steps: int, *, coupling: float = -0.5, field: float = 0.6) -> QuantumCircuit:
    circuit = QuantumCircuit(n)
    for _ in range(steps):
        for one in [*range(0, n - 1, 2), *range(1, n - 1, 2)]:
            circuit.rzz(coupling, one, one + 1)
        circuit.rx(field, range(n))
    return circuit


def xxz(n: int, steps: int, *, exchange: float = 0.35, coupling: float = 0.25) -> QuantumCircuit:
    circuit = QuantumCircuit(n)
    circuit.x(range(0, n, 2))
    for _ in range(steps):
        for one in [*range(0, n - 1, 2), *range(1, n - 1, 2)]:
            circuit.rxx(exchange, one, one + 1)
            circuit.ryy(exchange, one, one + 1)
            circuit.rzz(coupling, one, one + 1)
        circuit.rz(0.2, range(n))
    return circuit


def qaoa(n: int, depth: int, *, diameters: bool = False) -> QuantumCircuit:
    """With a linear ramp, on a line or on a ring with its diameters, where each qubit has three neighbours."""
    line = [(one, one + 1) for one in range(n - 1)]
    edges = [*line, (0, n - 1), *((one, one + n // 2) for one in range(n // 2))] if diameters else line
    circuit = QuantumCircuit(n)
    circuit.h(range(n))
    for layer in range(depth):
        gamma, beta = 0.7 * (layer + 1) / depth, 0.7 * (1 - layer / depth)
        for edge in edges:
            circuit.rzz(gamma, *edge)
        circuit.rx(2 * beta, range(n))
    return circuit


def ansatz(n: int, layers: int, seed: int) -> QuantumCircuit:
    rng = np.random.default_rng(seed)
    circuit = QuantumCircuit(n)
    for _ in range(layers):
        for qubit in range(n):
            circuit.u(*rng.uniform(-np.pi, np.pi, 3), qubit)
        for one in [*range(0, n - 1, 2), *range(1, n - 1, 2)]:
            circuit.cz(one, one + 1)
    return circuit


def adder(n: int, ones: Sequence[int]) -> QuantumCircuit:
    """A Draper adder of two numbers of n / 2 bits; some bits are 1."""
    half = n // 2
    circuit = QuantumCircuit(n)
    circuit.x(list(ones))
    for one in reversed(range(half, n)):
        circuit.h(one)
        for other in range(half, one):
            circuit.cp(np.pi / 2 ** (one - other), other, one)
    for one in range(half, n):
        for other in range(one - half + 1):
            circuit.cp(np.pi / 2 ** (one - half - other), other, one)
    for one in range(half, n):
        for other in reversed(range(half, one)):
            circuit.cp(-np.pi / 2 ** (one - other), other, one)
        circuit.h(one)
    return circuit


CIRCUITS: dict[str, Callable[[], QuantumCircuit]] = {
    "ghz 2": lambda: ghz(2),
    "ghz 4": lambda: ghz(4),
    "ghz 8": lambda: ghz(8),
    "ghz 10": lambda: ghz(10),
    "tfim 4 x 3": lambda: tfim(4, 3),
    "tfim 6 x 2": lambda: tfim(6, 2),
    "tfim 6 x 4": lambda: tfim(6, 4),
    "tfim 6 x 6": lambda: tfim(6, 6),
    "tfim 6 x 10": lambda: tfim(6, 10),
    "tfim 8 x 3": lambda: tfim(8, 3),
    "tfim 10 x 2": lambda: tfim(10, 2),
    "tfim 10 x 5": lambda: tfim(10, 5),
    "tfim 10 x 10": lambda: tfim(10, 10),
    "xxz 4 x 2": lambda: xxz(4, 2),
    "xxz 8 x 4": lambda: xxz(8, 4),
    "qaoa 5 x 3": lambda: qaoa(5, 3),
    "qaoa 8 x 3": lambda: qaoa(8, 3),
    "qaoa 8 x 3 regular": lambda: qaoa(8, 3, diameters=True),
    "ansatz 4 x 4": lambda: ansatz(4, 4, 11),
    "ansatz 6 x 8": lambda: ansatz(6, 8, 5),
    "adder 4": lambda: adder(4, [0, 2]),
    "adder 6": lambda: adder(6, [0, 3]),
    "tfim 5 x 8": lambda: tfim(5, 8, coupling=-0.8, field=0.9),
    "tfim 9 x 4": lambda: tfim(9, 4, coupling=0.4, field=1.1),
    "xxz 7 x 3": lambda: xxz(7, 3, exchange=0.45, coupling=0.15),
    "qaoa 7 x 4": lambda: qaoa(7, 4),
    "qaoa 6 x 3 regular": lambda: qaoa(6, 3, diameters=True),
    "ansatz 5 x 8": lambda: ansatz(5, 8, 23),
    "adder 6, 5 + 3": lambda: adder(6, [0, 2, 3, 4]),
    "tfim 7 x 6": lambda: tfim(7, 6, coupling=0.35, field=0.8),
    "tfim 8 x 5": lambda: tfim(8, 5, coupling=-0.6, field=0.5),
    "xxz 6 x 5": lambda: xxz(6, 5, exchange=0.3, coupling=0.4),
    "qaoa 9 x 3": lambda: qaoa(9, 3),
    "qaoa 6 x 4 regular": lambda: qaoa(6, 4, diameters=True),
    "ansatz 7 x 6": lambda: ansatz(7, 6, 41),
    "adder 6, 2 + 6": lambda: adder(6, [1, 4, 5]),
}

QUICK = ("tfim 4 x 3", "tfim 6 x 4", "xxz 4 x 2", "qaoa 5 x 3", "ansatz 4 x 4")
DEV = (
    *("ghz 4", "ghz 8", "ghz 10"),
    *("tfim 6 x 2", "tfim 6 x 4", "tfim 6 x 6", "tfim 6 x 10", "tfim 10 x 2", "tfim 10 x 5", "tfim 10 x 10"),
    *("xxz 8 x 4", "qaoa 8 x 3", "qaoa 8 x 3 regular", "ansatz 6 x 8", "adder 4", "adder 6"),
)
LONG = ("tfim 10 x 5", "tfim 10 x 10")
"""Circuits that take long to simulate, and are left out on the slowest device."""

UNSEEN = tuple(list(CIRCUITS)[-14:-7])
FRESH = tuple(list(CIRCUITS)[-7:])
CLIFFORD = ("ghz 2", "ghz 4", "ghz 8", "ghz 10")


@dataclass(frozen=True)
class Case:
    """A circuit on some qubits of a device, with its noise."""

    device: str
    variant: str
    name: str

    def __str__(self) -> str:
        return f"{self.device} {self.variant} {self.name}"

    @property
    def clifford(self) -> bool:
        return self.name in CLIFFORD

    @cached_property
    def logical(self) -> QuantumCircuit:
        return CIRCUITS[self.name]()

    @cached_property
    def _compiled(self) -> tuple[QuantumCircuit, list[int]]:
        """Transpiled with measurements, so that the layout minds their errors; then cut to its qubits."""
        measured = self.logical.measure_all(inplace=False)
        passes = generate_preset_pass_manager(3, backend=load_fake(self.device), seed_transpiler=5)
        whole = passes.run(measured)
        position = {bit: index for index, bit in enumerate(whole.qubits)}
        used = sorted({position[bit] for each in whole.data if each.name != "barrier" for bit in each.qubits})
        small = QuantumCircuit(len(used), whole.num_clbits)
        for each in whole.data:
            if each.name != "barrier":
                small.append(
                    each.operation,
                    [used.index(position[bit]) for bit in each.qubits],
                    [whole.find_bit(bit).index for bit in each.clbits],
                )
        return small, used

    @cached_property
    def measured(self) -> QuantumCircuit:
        """The circuit of the device, with measurements."""
        return self._compiled[0]

    @cached_property
    def circuit(self) -> QuantumCircuit:
        """The same without."""
        circuit = self.measured.copy_empty_like()
        bare = QuantumCircuit(circuit.num_qubits)
        for each in self.measured.data:
            if each.name != "measure":
                bare.append(each.operation, [self.measured.find_bit(bit).index for bit in each.qubits])
        return bare

    @cached_property
    def target(self) -> Any:
        return part_of(load_fake(self.device).target, self.used)

    @cached_property
    def place(self) -> list[int]:
        """For each logical qubit the qubit that it is measured on."""
        found = [0] * self.logical.num_qubits
        for each in self.measured.data:
            if each.name == "measure":
                found[self.measured.find_bit(each.clbits[0]).index] = self.measured.find_bit(each.qubits[0]).index
        return found

    @cached_property
    def noise(self) -> Any:
        noise = device_noise(load_fake(self.device).target, self.used)
        return noise if self.variant == "stoch" else with_coherent_errors(noise, seed=len(self.device))

    @property
    def used(self) -> list[int]:
        """The qubits of the device that take part."""
        return self._compiled[1]

    def wide(self, circuit: QuantumCircuit) -> QuantumCircuit:
        """One of the circuits on the whole device."""
        found = QuantumCircuit(load_fake(self.device).num_qubits)
        if circuit.clbits:
            found.add_register(ClassicalRegister(circuit.num_clbits, "meas"))
        return found.compose(circuit, qubits=self.used, clbits=range(circuit.num_clbits))

    @property
    def wide_observables(self) -> list[SparsePauliOp]:
        """The observables on the whole device."""
        num_qubits = load_fake(self.device).num_qubits
        return [each.apply_layout(self.used, num_qubits) for each in self.observables.values()]

    @cached_property
    def wide_noise(self) -> Any:
        """The option ``noise_model`` of the whole device."""
        return "device" if self.variant == "stoch" else moved(self.noise, self.used)

    @cached_property
    def observables(self) -> dict[str, SparsePauliOp]:
        """Local and global, in two bases; on the qubits of the device."""
        n = self.logical.num_qubits
        width = self.circuit.num_qubits
        found = {}
        for letter in "ZX":
            singles = [(letter, [self.place[qubit]], 1 / n) for qubit in range(n)]
            pairs = [(2 * letter, self.place[qubit : qubit + 2], 1 / (n - 1)) for qubit in range(n - 1)]
            parity = [(n * letter, self.place, 1.0)]
            for name, terms in (("mean", singles), ("pairs", pairs), ("parity", parity)):
                found[f"{name} {letter}"] = SparsePauliOp.from_sparse_list(terms, width)
        return found

    @cached_property
    def state(self) -> Statevector:
        return Statevector(self.circuit)

    def ideal_values(self) -> np.ndarray[Any, Any]:
        return np.array([self.state.expectation_value(each).real for each in self.observables.values()])

    def ideal_probabilities(self) -> np.ndarray[Any, Any]:
        """In the order of the classical bits."""
        return np.asarray(self.state.probabilities(self.place))


def with_coherent_errors(noise: Any, *, seed: int) -> Any:
    """The noise with too long two-qubit gates, and phases after them."""
    from qiskit_aer.noise import NoiseModel, coherent_unitary_error

    rng = np.random.default_rng(seed)
    found = NoiseModel(basis_gates=noise.basis_gates)
    for name, errors in noise._local_quantum_errors.items():  # noqa: SLF001 - Aer has no other way to read them
        for qubits, error in errors.items():
            changed = error
            if len(qubits) > 1:
                excess = rng.normal(OVER_ROTATION, SPREAD)
                changed = error.compose(coherent_unitary_error(_excess(name, excess)))
            found.add_quantum_error(changed, name, qubits)
    for qubits, error in noise._local_readout_errors.items():  # noqa: SLF001
        found.add_readout_error(error, qubits)
    return found


def moved(noise: Any, places: Sequence[int]) -> Any:
    """The noise on other qubits."""
    from qiskit_aer.noise import NoiseModel

    found = NoiseModel(basis_gates=noise.basis_gates)
    for name, errors in noise._local_quantum_errors.items():  # noqa: SLF001
        for qubits, error in errors.items():
            found.add_quantum_error(error, name, [places[qubit] for qubit in qubits])
    for qubits, error in noise._local_readout_errors.items():  # noqa: SLF001
        found.add_readout_error(error, [places[qubit] for qubit in qubits])
    return found


def _excess(name: str, angle: float) -> Operator:
    """What is too much of a gate: its own generator, and a phase on both qubits."""
    circuit = QuantumCircuit(2)
    if name == "ecr":  # exp(-i angle / 2 generator), the generator being what the gate is a quarter turn of
        generator = Operator(ECRGate()).data
        matrix = np.cos(angle / 2) * np.eye(4) - 1j * np.sin(angle / 2) * generator
        circuit.unitary(matrix, [0, 1])
    else:
        circuit.rzz(angle, 0, 1)
    circuit.append(RZGate(PHASE), [0])
    circuit.append(RZGate(PHASE), [1])
    return Operator(circuit)


def cases(devices: Sequence[str], names: Sequence[str], variants: Sequence[str] = ("stoch", "coh")) -> Iterator[Case]:
    for device in devices:
        for name in names:
            for variant in variants if name not in LONG or device != "fake_kyiv" else ():
                yield Case(device, variant, name)

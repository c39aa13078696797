"""What IonQ's machines do with a circuit: IonQ's JSON -> Qiskit -> Aer -> probabilities.

Gates and matrices are those of IonQ's documentation, not taken from the package, so that a mistake there is found.
"""

import cmath
import math

import numpy as np
from qiskit import QuantumCircuit, qasm3
from qiskit.circuit.library import UnitaryGate
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, depolarizing_error

_FIXED = {
    "x": "x",
    "not": "x",
    "y": "y",
    "z": "z",
    "h": "h",
    "s": "s",
    "si": "sdg",
    "t": "t",
    "ti": "tdg",
    "v": "sx",
    "vi": "sxdg",
    "swap": "swap",
}
_ROTATIONS = {"rx": "rx", "ry": "ry", "rz": "rz", "xx": "rxx", "yy": "ryy", "zz": "rzz"}


class UnsupportedError(ValueError):
    """A gate that IonQ does not have."""


def circuit_of(gates, qubits, gateset):
    """The circuit that a list of gates describes."""
    circuit = QuantumCircuit(qubits)
    for gate in gates:
        (_add_native if gateset == "native" else _add_qis)(circuit, gate)
    return circuit


def probabilities(circuit):
    """The exact probability of each outcome; bit k of an outcome is qubit k."""
    measured = circuit.copy()
    measured.save_probabilities_dict()
    found = AerSimulator(method="statevector").run(measured).result().data(0)["probabilities"]
    return {int(state): float(weight) for state, weight in found.items() if weight > 1e-12}


def frequencies(circuit, *, shots, seed, error=0.0):
    """The share of the shots of each outcome, on a machine that errs now and then."""
    measured = circuit.copy()
    measured.measure_all()
    noise = NoiseModel()
    if error:
        noise.add_all_qubit_quantum_error(depolarizing_error(error, 2), ["cx", "rxx", "ryy", "rzz", "pair"])
    simulator = AerSimulator(seed_simulator=seed, noise_model=noise if error else None)
    counts = simulator.run(measured, shots=shots).result().get_counts()
    return {int(state, 2): count / shots for state, count in sorted(counts.items())}


def shots_by_register(program, *, shots, seed):
    """Single shots of an OpenQASM 3 program; bit k of a register is entry k of its list."""
    circuit = qasm3.loads(program)
    memory = AerSimulator(seed_simulator=seed).run(circuit, shots=shots, memory=True).result().get_memory()
    names = [register.name for register in reversed(circuit.cregs)]
    return [
        {
            "registers": {
                name: [int(bit) for bit in reversed(bits)] for name, bits in zip(names, shot.split(), strict=True)
            }
        }
        for shot in memory
    ]


def gate_counts(gates):
    """Gates on one qubit and on two, as they are billed."""
    widths = [len(_qubits(gate)) for gate in gates]
    return widths.count(1), len(widths) - widths.count(1)


def _qubits(gate):
    listed = [*gate.get("controls", []), *gate.get("targets", [])]
    return [*listed, *(gate[name] for name in ("control", "target") if name in gate)]


def _add_qis(circuit, gate):
    name, qubits = gate["gate"], _qubits(gate)
    controls = len(gate.get("controls", [])) + ("control" in gate)
    if name == "cnot":
        name = "x"
    if name in _ROTATIONS:
        plain = QuantumCircuit(len(qubits) - controls)
        getattr(plain, _ROTATIONS[name])(gate["rotation"], *range(plain.num_qubits))
    elif name in _FIXED and "rotation" not in gate:
        plain = QuantumCircuit(len(qubits) - controls)
        getattr(plain, _FIXED[name])(*range(plain.num_qubits))
    else:
        raise UnsupportedError(name)
    operation = plain.data[0].operation
    circuit.append(operation.control(controls) if controls else operation, qubits)


def _add_native(circuit, gate):
    name = gate["gate"]
    if name == "gpi":
        matrix = _gpi(gate["phase"])
    elif name == "gpi2":
        matrix = (np.eye(2) - 1j * _gpi(gate["phase"])) / math.sqrt(2)
    elif name == "ms":
        first, second = (_gpi(phase) for phase in gate["phases"])
        half = math.pi * gate.get("angle", 0.25)
        matrix = math.cos(half) * np.eye(4) - 1j * math.sin(half) * np.kron(second, first)
    elif name == "zz":
        half = math.pi * gate["angle"]
        matrix = np.diag([cmath.exp(-1j * half * sign) for sign in (1, -1, -1, 1)])
    else:
        raise UnsupportedError(name)
    label = "pair" if len(matrix) == 4 else None  # by which noise knows it
    circuit.append(UnitaryGate(matrix, label=label), _qubits(gate))


def _gpi(phase):
    turn = cmath.exp(2j * math.pi * phase)
    return np.array([[0, 1 / turn], [turn, 0]])

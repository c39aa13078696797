"""How well a device is expected to run a circuit, from the errors in its Target."""

import math

from qiskit import QuantumCircuit
from qiskit.exceptions import QiskitError
from qiskit.transpiler import Target


def expected_fidelity(circuit: QuantumCircuit, target: Target) -> float | None:
    """The probability that no instruction fails: the product of ``1 - error`` along the circuit.

    A rough measure: errors are taken as independent, idle qubits as perfect, and control flow as not there.

    Args:
        circuit: A circuit that fits the target.
        target: What the device can do, with errors.

    Returns:
        Between 0 and 1; ``None`` if the target knows no error of any instruction in the circuit.
    """
    position = {qubit: index for index, qubit in enumerate(circuit.qubits)}
    log, known = 0.0, False
    for instruction in circuit.data:
        if instruction.name not in target.operation_names:
            continue
        qubits = tuple(position[qubit] for qubit in instruction.qubits)
        properties = (target[instruction.name] or {}).get(qubits)
        error = None if properties is None else properties.error
        if error is not None:
            known = True
            log += math.log(max(1e-300, 1 - min(1.0, error)))
    return math.exp(log) if known else None


def circuit_seconds(circuit: QuantumCircuit, target: Target) -> float | None:
    """How long one shot of a circuit takes on the device, reset not included.

    Args:
        circuit: A circuit that fits the target, without parameters that change durations.
        target: What the device can do, with durations.

    Returns:
        Seconds; ``None`` if the target does not know the durations.
    """
    try:
        return float(circuit.estimate_duration(target))
    except (QiskitError, TypeError, ValueError):
        return None

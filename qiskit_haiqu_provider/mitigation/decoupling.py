"""Dynamical decoupling: pairs of X on qubits that wait, where a device tells how long its gates take."""

from collections.abc import Sequence

from qiskit import QuantumCircuit
from qiskit.circuit import CONTROL_FLOW_OP_NAMES
from qiskit.circuit.library import XGate
from qiskit.exceptions import QiskitError
from qiskit.transpiler import PassManager, Target
from qiskit.transpiler.passes import ALAPScheduleAnalysis, PadDynamicalDecoupling


def has_durations(target: Target | None) -> bool:
    """Whether circuits of a device can be scheduled and padded."""
    if (
        target is None
        or target.dt is None
        or "delay" not in target.operation_names
        or "x" not in target.operation_names
    ):
        return False
    return any(properties is not None and properties.duration for properties in target["x"].values())


def decoupled(circuit: QuantumCircuit, target: Target, qubits: Sequence[int]) -> QuantumCircuit | None:
    """The circuit with its gates as late as possible and two echoes in every gap that has room for them.

    The circuit may have free parameters, so that one schedule serves all its randomised copies.

    Args:
        circuit: A circuit of the device's instructions.
        target: The device.
        qubits: Those that take part; the others are left alone.

    Returns:
        ``None`` if the circuit cannot be scheduled.
    """
    if not CONTROL_FLOW_OP_NAMES.isdisjoint(circuit.count_ops()):
        return None
    passes = [
        ALAPScheduleAnalysis(target=target),
        PadDynamicalDecoupling(target=target, dd_sequence=[XGate(), XGate()], qubits=list(qubits)),
    ]
    try:
        padded: QuantumCircuit = PassManager(passes).run(circuit)
    except QiskitError:  # for example a gate without a duration
        return None
    return padded

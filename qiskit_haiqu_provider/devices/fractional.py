"""Fractional gates of IBM devices: ``rx`` and ``rzz`` of any angle as one pulse, where ``rzz`` has a limited range.

Importing this module tells Qiskit's transpiler how to write ``rzz`` of other angles, as qiskit-ibm-runtime does.
"""

import math
from collections.abc import Sequence
from typing import Any

from qiskit import QuantumCircuit
from qiskit.converters import circuit_to_dag
from qiskit.transpiler.passes.utils import wrap_angles

RZZ_BOUNDS = [(0, math.pi / 2)]
"""Angles of ``rzz`` that the devices take."""


def wrapped_rzz(angles: Sequence[float], _qubits: Sequence[int]) -> Any:
    """``rzz`` of any angle, written with an angle that the devices take."""
    angle = float(angles[0])
    half_turns = round(angle / math.pi)
    rest = angle - half_turns * math.pi  # at most a quarter turn to either side
    circuit = QuantumCircuit(2, global_phase=-half_turns * math.pi / 2)
    if half_turns % 2:  # half a turn is Z on both qubits, each of which is rz up to a phase
        circuit.rz(math.pi, [0, 1])
        circuit.global_phase += math.pi
    if rest < 0:
        circuit.x(0)
    circuit.rzz(abs(rest), 0, 1)
    if rest < 0:
        circuit.x(0)
    return circuit_to_dag(circuit)


wrap_angles.WRAP_ANGLE_REGISTRY.add_wrapper("rzz", wrapped_rzz)

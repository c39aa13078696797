"""What methods of Aer's do not simulate, told before anything runs."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit

from qiskit_haiqu_provider.engines.local.unroll import aer_operations, operation_names
from qiskit_haiqu_provider.exceptions import HaiquCircuitError
from qiskit_haiqu_provider.run.angles import angle_values
from qiskit_haiqu_provider.run.circuits import walk


def check_method(circuit: QuantumCircuit, values: NDArray[np.float64], method: str, *, where: str) -> None:
    """Refuse a circuit that a method cannot simulate.

    Args:
        circuit: The circuit as the simulator gets it.
        values: Values of shape ``(sets, parameters)``, columns in the order of ``circuit.parameters``.
        method: Aer's method.
        where: How errors call the circuit.

    Raises:
        HaiquCircuitError: If it has an instruction that the method does not know, or an angle that it does not take.
    """
    foreign = [f"'{name}'" for name in sorted(operation_names(circuit) - aer_operations(method))]
    if not foreign and method == "stabilizer":
        foreign = [f"'rz' by {angle:.6g}" for angle in _turns(circuit, values) if not _is_quarter(angle)][:1]
    if foreign:
        only = " It takes Clifford gates alone, and rz by multiples of pi/2." if method == "stabilizer" else ""
        raise HaiquCircuitError(
            f"{where}: method='{method}' cannot simulate {', '.join(foreign)}.{only} "
            "Set method='automatic', which takes all gates."
        )


def _turns(circuit: QuantumCircuit, values: NDArray[np.float64]) -> Iterator[float]:
    """The angles of all gates rz; but those of loop variables, which Aer finds out."""
    columns = dict(zip(circuit.parameters, values.T, strict=True))
    for instruction in walk(circuit):
        if instruction.name == "rz":
            (angle,) = instruction.params
            if columns.keys() >= getattr(angle, "parameters", set()):
                yield from angle_values(angle, columns).tolist()


def _is_quarter(angle: float) -> bool:
    """Whether it is a multiple of pi/2 but for rounding, as exactly as Aer wants it."""
    return math.isclose(angle, round(angle / (math.pi / 2)) * (math.pi / 2), rel_tol=5e-16, abs_tol=2e-16)

"""What happens to a unit of work: Braket's simulators give the probabilities, from which shots and values follow."""

import warnings
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit

from qiskit_haiqu_provider.engines.braket.openqasm import write
from qiskit_haiqu_provider.engines.local.estimation import estimated
from qiskit_haiqu_provider.engines.local.units import Piece, Unit
from qiskit_haiqu_provider.engines.local.work import sampled
from qiskit_haiqu_provider.run.angles import angle_values
from qiskit_haiqu_provider.run.measure import measurement_circuit
from qiskit_haiqu_provider.run.result import Statevectors, TaskResult

STATES, MIXED = "braket_sv", "braket_dm"
"""Ids of the simulators: of state vectors, and of density matrices."""


def run_unit(unit: Unit) -> list[TaskResult]:
    """Run a unit, whose option ``simulator`` says where, and return one result for each of its pieces."""
    return [_answer(unit, piece, str(unit.options["simulator"])) for piece in unit.pieces]


def _answer(unit: Unit, piece: Piece, simulator: str) -> TaskResult:
    circuit = piece.prepared.circuit
    if piece.statevector:
        columns = dict(zip(circuit.parameters, piece.values.T, strict=True))
        phases = np.exp(1j * angle_values(circuit.global_phase, columns))
        amplitudes = _results(circuit, piece.values, simulator, "state_vector")
        return Statevectors(_for_all(amplitudes, len(piece.values)) * phases[:, None])
    if piece.observables is None:
        return sampled(unit, piece, _results(circuit, piece.values, simulator, "probability all"))
    return estimated(unit, piece, _in_the_bases_of_groups(piece, simulator))


def _in_the_bases_of_groups(piece: Piece, simulator: str) -> Iterator[NDArray[np.float64]]:
    for group in piece.plan.groups:
        measured = measurement_circuit(piece.prepared.circuit, group)
        turned = measured.copy_empty_like()
        turned.data = [instruction for instruction in measured.data if instruction.name != "measure"]
        yield _for_all(_results(turned, piece.values, simulator, "probability all"), len(piece.values))


def _for_all(rows: NDArray[Any], sets: int) -> NDArray[Any]:
    """One row for every set, where a single one serves them all."""
    return rows if len(rows) == sets else np.repeat(rows, sets, axis=0)


def _results(circuit: QuantumCircuit, values: NDArray[np.float64], simulator: str, kind: str) -> NDArray[Any]:
    """A result of the simulator for every parameter set, or one row for all if there are no parameters.

    Returns:
        Shape ``(sets or 1, 2**n)``, in Qiskit order.
    """
    from braket.ir.openqasm import Program  # takes a second, and is in an extra

    # All qubits are named, because the simulator leaves out the others.
    idle = "".join(f"i q[{index}];\n" for index in range(circuit.num_qubits))
    program = write(circuit, values, ending=f"{idle}#pragma braket result {kind}")
    device = _simulator(simulator)
    found = np.empty((len(values) if program.inputs else min(1, len(values)), 1 << circuit.num_qubits), dtype=complex)
    for index, row in enumerate(found):
        with warnings.catch_warnings():  # it warns of circuits without noise on the one that can have noise
            warnings.filterwarnings("ignore", "You are running a noise-free circuit")
            answer = device.run(Program(source=program.source, inputs=program.of_set(index)), shots=0)
        row[:] = _qiskit_order(answer.resultTypes[0].value, circuit.num_qubits)
    return found if kind == "state_vector" else found.real


def _qiskit_order(row: NDArray[Any], qubits: int) -> NDArray[Any]:
    """Braket's first qubit is the highest bit of an index, Qiskit's is the lowest."""
    return np.asarray(row).reshape((2,) * qubits).transpose(range(qubits)[::-1]).reshape(-1)


@lru_cache(maxsize=2)
def _simulator(name: str) -> Any:
    from braket.default_simulator import DensityMatrixSimulator, StateVectorSimulator  # in an extra

    return StateVectorSimulator() if name == STATES else DensityMatrixSimulator()

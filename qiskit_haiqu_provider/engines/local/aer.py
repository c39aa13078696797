"""Aer, driven with whole parameter sweeps: one job for many circuits and all their parameter sets.

Values are bound inside Aer (runtime parameter binding), so no circuit is copied for a parameter set. Two ways of
Aer's are left off because they were seen to give wrong values: shot branching and chunked ("blocking") states.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import CONTROL_FLOW_OP_NAMES
from qiskit.quantum_info import SparsePauliOp

from qiskit_haiqu_provider.exceptions import HaiquJobError


@lru_cache(maxsize=32)
def simulator(options: tuple[tuple[str, Any], ...]) -> Any:
    """An AerSimulator with those options; building one takes long, so they are kept."""
    from qiskit_aer import AerSimulator  # loaded when something is simulated

    return AerSimulator(**dict(options))


def execute(
    circuits: Sequence[QuantumCircuit],
    values: Sequence[NDArray[np.float64]],
    *,
    options: Mapping[str, Any],
    shots: int = 1,
    seed: int | None = None,
    noise_model: Any = None,
) -> list[Any]:
    """Run circuits with all their parameter sets in one Aer job.

    Args:
        circuits: Circuits with saves or measurements.
        values: For each circuit values of shape ``(sets, parameters)``.
        options: Options of AerSimulator.
        shots: Shots for every circuit and set.
        seed: Aer's seed; every experiment of the job draws from a stream of its own.
        noise_model: Aer noise model, or ``None``.

    Returns:
        The data of every experiment, sets of the first circuit first.

    Raises:
        HaiquJobError: With Aer's message if the simulation fails.
    """
    run_circuits: list[QuantumCircuit] = []
    binds: list[dict[Any, list[float]]] = []
    for circuit, sets in zip(circuits, values, strict=True):
        body = _without_parametric_phase(circuit)
        if not body.num_parameters:
            run_circuits.extend(repeat(body, len(sets)))
            binds.extend({} for _ in sets)
        elif CONTROL_FLOW_OP_NAMES.isdisjoint(body.count_ops()):
            columns = dict(zip(circuit.parameters, sets.T.tolist(), strict=True))
            run_circuits.append(body)
            binds.append({parameter: columns[parameter] for parameter in body.parameters})
        else:
            # Aer ends the whole process when it binds a parameter inside control flow.
            run_circuits.extend(circuit.assign_parameters(row) for row in sets)
            binds.extend({} for _ in sets)
    if not run_circuits:
        return []
    bound = any(binds)
    job = simulator(tuple(sorted(options.items()))).run(
        run_circuits,
        parameter_binds=binds if bound else None,
        runtime_parameter_bind_enable=bound,
        shots=shots,
        seed_simulator=seed,
        noise_model=noise_model,
        shot_branching_enable=False,
        blocking_enable=False,
    )
    result = job.result()
    if not result.success:
        raise HaiquJobError(f"The simulation failed: {_reason(result)}")
    return [experiment.data for experiment in result.results]


def saving_statevector(circuit: QuantumCircuit) -> QuantumCircuit:
    """The circuit, without its global phase, with its final state saved as ``statevector``."""
    from qiskit_aer.library import SaveStatevector

    saving = circuit.copy()
    if isinstance(circuit.global_phase, (int, float)):
        saving.global_phase = 0  # one with parameters is left out when it runs, which needs to know all of them
    saving.append(SaveStatevector(circuit.num_qubits), circuit.qubits)
    return saving


def saving_probabilities(circuit: QuantumCircuit, qubits: Sequence[int]) -> QuantumCircuit:
    """The circuit with the outcome probabilities of some qubits saved as ``probabilities``."""
    from qiskit_aer.library import SaveProbabilities

    saving = circuit.copy()
    saving.append(SaveProbabilities(len(qubits)), list(qubits))
    return saving


def saving_values(circuit: QuantumCircuit, observables: Sequence[SparsePauliOp]) -> QuantumCircuit:
    """The circuit with the expectation value of each observable saved under its index."""
    from qiskit_aer.library import SaveExpectationValue

    saving = circuit.copy()
    for index, observable in enumerate(observables):
        saving.append(SaveExpectationValue(observable, label=str(index)), circuit.qubits)
    return saving


def outcomes(counts: Mapping[str, int], num_clbits: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Aer's counts as rows of big-endian packed bytes, with how often each row was seen."""
    size = -(-num_clbits // 8)
    packed = b"".join([int(key, 16).to_bytes(size, "big") for key in counts])
    rows = np.frombuffer(packed, dtype=np.uint8).reshape(len(counts), size)
    return rows, np.fromiter(counts.values(), dtype=np.int64, count=len(counts))


def _without_parametric_phase(circuit: QuantumCircuit) -> QuantumCircuit:
    """The circuit up to its global phase, which Aer cannot bind and no outcome depends on."""
    if isinstance(circuit.global_phase, (int, float)):
        return circuit
    phaseless = circuit.copy()
    phaseless.global_phase = 0
    return phaseless


def _reason(result: Any) -> str:
    """What Aer says of the circuits that failed; or of the run, if it says no more."""
    said = sorted({str(experiment.status) for experiment in result.results if not experiment.success})
    return "; ".join([each.removeprefix("ERROR:").strip() for each in said or [str(result.status)]])

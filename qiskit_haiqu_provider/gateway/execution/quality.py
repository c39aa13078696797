"""How close the results of a run are to those of an ideal device."""

from collections.abc import Sequence

import numpy as np
from qiskit.quantum_info import hellinger_fidelity

from qiskit_haiqu_provider.engines.local.engine import AER, LocalEngine
from qiskit_haiqu_provider.exceptions import HaiquError
from qiskit_haiqu_provider.gateway.execution.results import Distribution, distributions
from qiskit_haiqu_provider.run.request import RunRequest, Task
from qiskit_haiqu_provider.run.result import Expectations, Samples

MAX_QUBITS = 24
"""Widest circuit that is simulated for comparison."""

_SHOTS = 1_000_000
"""Shots of the ideal distribution: its own noise is then far below that of any run."""


def sampling_quality(task: Task, measured: Sequence[Distribution], engine: LocalEngine) -> float | None:
    """Mean Hellinger fidelity of the distributions to the ideal ones over the parameter sets.

    Returns:
        Between 0 and 1; ``None`` if the circuit cannot be simulated for comparison.
    """
    ideal = _ideal(Task(circuit=task.circuit, parameter_values=task.parameter_values, shots=_SHOTS), engine)
    if not isinstance(ideal, Samples):
        return None
    pairs = zip(measured, distributions(ideal), strict=True)
    return float(np.mean([hellinger_fidelity(dict(seen), dict(expected)) for seen, expected in pairs]))


def estimation_quality(task: Task, measured: Expectations, engine: LocalEngine) -> float | None:
    """One minus the mean distance to the exact values, in units of the widest distance possible.

    For an observable with coefficients ``c`` that is twice the sum of ``abs(c)`` over its Paulis but the identity.

    Returns:
        Between 0 and 1; ``None`` if the circuit cannot be simulated for comparison.
    """
    exact = _ideal(
        Task(circuit=task.circuit, parameter_values=task.parameter_values, observables=task.observables, shots=None),
        engine,
    )
    if not isinstance(exact, Expectations) or task.observables is None:
        return None
    widths = []
    for observable in task.observables:
        acts = (observable.paulis.x | observable.paulis.z).any(axis=1)
        widths.append(2 * float(np.abs(observable.coeffs[acts]).sum()))
    spans = np.array(widths)[:, None]
    distances = np.divide(
        np.abs(measured.values - exact.values), spans, where=spans > 0, out=np.zeros_like(exact.values)
    )
    return float(1.0 - distances.mean().clip(0, 1))


def _ideal(task: Task, engine: LocalEngine) -> object:
    if task.circuit.num_qubits > MAX_QUBITS or not task.num_sets:
        return None
    options = engine.default_options(AER)
    try:
        return engine.submit(RunRequest(device=AER, tasks=(task,), options=options)).result().tasks[0]
    except HaiquError:  # too large, or no single state: there is nothing to compare with
        return None

"""Ways to mitigate errors, ours and others written for the comparison, all for the same total number of shots.

Ours runs through the primitives. A run of the others has several times the shots of one repetition and is then cut into
repetitions, because simulating a circuit takes longer than drawing shots from it; they share their randomisations.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from qiskit import QuantumCircuit

from benchmarks.mitigation_suite import Case
from qiskit_haiqu_provider import EstimatorV2, HaiquProvider, SamplerV2
from qiskit_haiqu_provider.backend import HaiquBackend
from qiskit_haiqu_provider.engines.local.engine import LocalEngine
from qiskit_haiqu_provider.mitigation.recipe import mitigate
from qiskit_haiqu_provider.mitigation.settings import MitigationSettings
from qiskit_haiqu_provider.run.measure import measurement_circuit, measurements
from qiskit_haiqu_provider.run.request import RunRequest, Task
from qiskit_haiqu_provider.run.result import RunResult, Samples

Array = np.ndarray[Any, Any]

OFF = MitigationSettings(
    dynamical_decoupling=False,
    readout_mitigation=False,
    noise_tailoring=False,
    advanced_mitigation=False,
    budget="equal",
    guard=False,
)
TREX = replace(OFF, readout_mitigation=True)
TWIRLED_TREX = replace(TREX, noise_tailoring=True)

ENGINE = LocalEngine()
_HOME = TemporaryDirectory()
PROVIDER = HaiquProvider(home=Path(_HOME.name))
"""Jobs of a benchmark are kept nowhere."""


@dataclass(frozen=True)
class Answer:
    """Values of all observables, shape ``(repetitions, observables)``."""

    values: Array
    stds: Array


def backend(case: Case) -> HaiquBackend:
    """The device of a case, with its noise."""
    return PROVIDER.get_backend(case.device, noise_model=case.wide_noise, max_parallel_threads=1)


def our_options(shots: int, seed: int) -> dict[str, Any]:
    """Options of our primitives: the defaults, but for the same number of shots as the others."""
    return {
        "use_mitigation": True,
        "mitigation": {"budget": "equal"},
        "default_shots": shots,
        "seed_simulator": seed,
    }


def run(case: Case, tasks: Sequence[Task], *, seed: int) -> RunResult:
    options = {**ENGINE.default_options("aer_simulator"), "noise_model": case.noise, "max_parallel_threads": 1}
    return ENGINE.submit(RunRequest(device="aer_simulator", tasks=tuple(tasks), options=options, seed=seed)).result()


def repetitions(result: RunResult, count: int) -> list[RunResult]:
    """A run cut into some with fewer shots."""
    parts = []
    for index in range(count):
        tasks = []
        for each in result.tasks:
            assert isinstance(each, Samples)
            size = each.outcomes.shape[1] // count
            tasks.append(Samples(each.outcomes[:, index * size : (index + 1) * size], each.num_clbits))
        parts.append(replace(result, tasks=tuple(tasks)))
    return parts


def finished(case: Case, task: Task, settings: MitigationSettings, *, count: int, seed: int) -> list[RunResult]:
    """The results of a task, mitigated, for each repetition."""
    request = RunRequest(device="aer_simulator", tasks=(task,), seed=seed)
    planned = mitigate(request, target=case.target, settings=settings)
    tasks = [replace(each, shots=(each.shots or 0) * count) for each in planned.request.tasks]
    return [planned.finisher.finish(part) for part in repetitions(run(case, tasks, seed=seed), count)]


def exact(case: Case) -> Array:
    """What is measured without mitigation with infinitely many shots."""
    task = Task(
        circuit=case.circuit,
        parameter_values=np.empty((1, 0)),
        observables=tuple(case.observables.values()),
        shots=None,
    )
    found: Any = run(case, [task], seed=0).tasks[0]
    return np.asarray(found.values[:, 0])


def values_of(
    case: Case, settings: MitigationSettings, shots: int, count: int, seed: int, circuit: Any = None
) -> Answer:
    task = Task(
        circuit=case.circuit if circuit is None else circuit,
        parameter_values=np.empty((1, 0)),
        observables=tuple(case.observables.values()),
        shots=shots,
    )
    found = finished(case, task, settings, count=count, seed=seed)
    values = np.array([each.tasks[0].values[:, 0] for each in found])
    stds = np.array([each.tasks[0].stds[:, 0] for each in found])
    return Answer(values, stds)


def raw(case: Case, shots: int, count: int, seed: int) -> Answer:
    return values_of(case, OFF, shots, count, seed)


def trex(case: Case, shots: int, count: int, seed: int) -> Answer:
    return values_of(case, TREX, shots, count, seed)


def twirled_trex(case: Case, shots: int, count: int, seed: int) -> Answer:
    return values_of(case, TWIRLED_TREX, shots, count, seed)


def ours(case: Case, shots: int, count: int, seed: int) -> Answer:
    """As a user runs it: the primitive with its defaults on the whole device, each repetition a run of its own."""
    pub = (case.wide(case.circuit), case.wide_observables)
    found = [
        EstimatorV2(backend(case), options=our_options(shots, seed + 7919 * index)).run([pub]).result()[0]
        for index in range(count)
    ]
    return Answer(np.array([each.data.evs for each in found]), np.array([each.data.stds for each in found]))


def zne(case: Case, shots: int, count: int, seed: int) -> Answer:
    """Gates once and three times, twirled, readout mitigated; the exponential through both, or else a line."""
    single = values_of(case, TWIRLED_TREX, shots // 2, count, seed).values
    triple = values_of(case, TWIRLED_TREX, shots - shots // 2, count, seed + 1, circuit=folded(case.circuit, 3)).values
    line = 1.5 * single - 0.5 * triple
    fits = (np.sign(single) == np.sign(triple)) & (np.abs(triple) < np.abs(single)) & (np.abs(triple) > 0.01)
    ratio = np.divide(single, triple, out=np.ones_like(single), where=fits)
    found = np.where(fits, single * np.sqrt(np.maximum(ratio, 0)), line)
    return Answer(np.clip(found, -1, 1), np.zeros_like(found))


def folded(circuit: QuantumCircuit, times: int) -> QuantumCircuit:
    """Each two-qubit gate several times; those of the devices here are their own inverses."""
    found = circuit.copy_empty_like()
    for each in circuit.data:
        for _ in range(times if len(each.qubits) > 1 else 1):
            found.append(each)
    return found


def m3(case: Case, shots: int, count: int, seed: int) -> Answer:
    """Readout errors of each qubit, measured on all zeros and all ones, and inverted exactly."""
    matrices = _readout(case, shots // 16, count, seed)
    plan = measurements(tuple(case.observables.values()))
    values = np.tile(plan.constants, (count, 1))
    for group in plan.groups:
        circuit = measurement_circuit(case.circuit, group, case.target.operation_names)
        task = Task(circuit=circuit, parameter_values=np.empty((1, 0)), shots=(shots - shots // 8) * count)
        for index, part in enumerate(repetitions(run(case, [task], seed=seed), count)):
            bits = _bits(part.tasks[0])
            inverse = np.linalg.inv(matrices[index][list(group.qubits)])  # [seen, true]
            factors = np.take_along_axis(
                (inverse @ np.array([1.0, -1.0]))[None], bits[:, :, None], axis=2
            )  # value of Z for what was seen, shape (shots, qubits, 1)
            each = np.where(group.terms[None] > 0, factors[:, None, :, 0], 1.0).prod(axis=2)
            values[index] += group.weights @ each.mean(axis=0)
    return Answer(values, np.zeros_like(values))


def _readout(case: Case, shots: int, count: int, seed: int) -> Array:
    """Shape ``(repetitions, qubits, true, seen)``."""
    width = case.circuit.num_qubits
    tasks = []
    for ones in (False, True):
        circuit = QuantumCircuit(width, width)
        if ones:
            circuit.x(range(width))
        circuit.measure(range(width), range(width))
        tasks.append(Task(circuit=circuit, parameter_values=np.empty((1, 0)), shots=shots * count))
    found = []
    for part in repetitions(run(case, tasks, seed=seed + 17), count):
        ones = np.stack([_bits(each).mean(axis=0) for each in part.tasks], axis=1)
        found.append(np.stack([1 - ones, ones], axis=2))
    return np.array(found)


def _bits(samples: Any) -> Array:
    """Shape ``(shots, bits)`` of the only set."""
    width = samples.num_clbits
    return np.unpackbits(samples.outcomes[0], axis=-1)[:, ::-1][:, :width]


METHODS: dict[str, Callable[[Case, int, int, int], Answer]] = {
    "raw": raw,
    "M3": m3,
    "TREX": trex,
    "twirl + TREX": twirled_trex,
    "ZNE": zne,
    "ours": ours,
}


def shares_of(case: Case, settings: MitigationSettings, shots: int, count: int, seed: int) -> Array:
    """Distributions over the classical bits, shape ``(repetitions, outcomes)``."""
    task = Task(circuit=case.measured, parameter_values=np.empty((1, 0)), shots=shots)
    found = []
    for each in finished(case, task, settings, count=count, seed=seed):
        one = each.tasks[0]
        dense = np.zeros(1 << one.num_clbits)
        size = one.outcomes.shape[1]
        keys = one.outcomes.astype(np.int64) @ (256 ** np.arange(size)[::-1])
        dense[keys] = one.weights
        found.append(dense)
    return np.array(found)


def our_shares(case: Case, shots: int, count: int, seed: int) -> Array:
    """As a user runs it; from the counts."""
    circuit = case.wide(case.measured)
    found = []
    for index in range(count):
        sampler = SamplerV2(backend(case), options=our_options(shots, seed + 7919 * index))
        counts = sampler.run([circuit]).result()[0].data.meas.get_int_counts()
        dense = np.zeros(1 << circuit.num_clbits)
        dense[list(counts)] = list(counts.values())
        found.append(dense / dense.sum())
    return np.array(found)


def m3_shares(case: Case, shots: int, count: int, seed: int) -> Array:
    """Readout errors inverted on all outcomes, and the nearest distribution."""
    from qiskit_haiqu_provider.mitigation.distributions import on_simplex

    seen = shares_of(case, OFF, shots - shots // 8, count, seed)
    matrices = _readout(case, shots // 16, count, seed)[:, case.place]
    found = []
    for weights, local in zip(seen, matrices, strict=True):
        tensor = weights
        for bit, matrix in enumerate(np.linalg.inv(local)):
            pairs = tensor.reshape(-1, 2, 1 << bit)
            tensor = np.einsum("ats,tu->aus", pairs, matrix).reshape(-1)
        found.append(on_simplex(tensor))
    return np.array(found)


SHARES: dict[str, Callable[[Case, int, int, int], Array]] = {
    "raw": lambda case, shots, count, seed: shares_of(case, OFF, shots, count, seed),
    "M3": m3_shares,
    "readout only": lambda case, shots, count, seed: shares_of(case, TREX, shots, count, seed),
    "ours": our_shares,
}

"""Who is measured: each contestant takes the PUBs of a workload and returns plain results.

What a user sets up once (primitives, simulators) is set up before the clock starts.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from qiskit.primitives import (
    BackendEstimatorV2,
    BackendSamplerV2,
    StatevectorEstimator,
    StatevectorSampler,
)
from qiskit_aer import AerSimulator
from qiskit_aer.primitives import EstimatorV2 as AerEstimator
from qiskit_aer.primitives import SamplerV2 as AerSampler

from benchmarks.byhand import HandEstimator, HandNoisySampler, HandSampler
from benchmarks.rows import ALL, HAND, OURS
from benchmarks.workloads import Workload, snapshot
from qiskit_haiqu_provider import EstimatorV2, HaiquProvider, SamplerV2

Run = Callable[[Sequence[Any]], list[Any]]
"""Runs PUBs; returns for each its expectation values, or the BitArray of its register ``meas``."""


def names(workload: Workload) -> list[str]:
    """The contestants that take part in a workload."""
    out = set(workload.leave_out)
    if workload.primitive == "estimator" and workload.precision == 0:
        out.add("backend")  # it only knows shots
    if workload.device is not None:
        out.add("statevector")  # it knows no noise
    return [name for name in ALL if name not in out]


def runner(name: str, workload: Workload) -> Run:
    """Set up a contestant for a workload."""
    if name == HAND:
        return _hand(workload)
    if workload.primitive == "estimator":
        return _estimator(name, workload.precision)
    return _sampler(name, workload.device)


def _estimator(name: str, precision: float) -> Run:
    primitives: dict[str, Callable[[], Any]] = {
        OURS: EstimatorV2,
        "statevector": StatevectorEstimator,
        "aer": AerEstimator,
        "backend": lambda: BackendEstimatorV2(backend=AerSimulator()),
    }
    primitive = primitives[name]()

    def run(pubs: Sequence[Any]) -> list[Any]:
        return [pub.data.evs for pub in primitive.run(pubs, precision=precision).result()]

    return run


def _sampler(name: str, device: str | None) -> Run:
    primitives: dict[str, Callable[[], Any]] = {
        OURS: lambda: SamplerV2(_our_backend(device)),
        "statevector": StatevectorSampler,
        "aer": lambda: AerSampler.from_backend(_simulator(device)),
        "backend": lambda: BackendSamplerV2(backend=_simulator(device)),
    }
    primitive = primitives[name]()

    def run(pubs: Sequence[Any]) -> list[Any]:
        return [pub.data.meas for pub in primitive.run(pubs).result()]

    return run


def _hand(workload: Workload) -> Run:
    if workload.primitive == "estimator":
        return HandEstimator(workload.precision).run
    if workload.device is None:
        return HandSampler().run
    simulator = _simulator(workload.device)
    return HandNoisySampler(simulator, trajectories=workload.trajectories).run


def _our_backend(device: str | None) -> Any:
    return HaiquProvider().get_backend("aer_simulator" if device is None else snapshot(device).name)


@cache
def _simulator(device: str | None) -> AerSimulator:
    return AerSimulator() if device is None else AerSimulator.from_backend(snapshot(device))

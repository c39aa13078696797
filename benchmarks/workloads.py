"""What is measured: each workload makes fresh PUBs of the same shape for every repetition.

Fresh values (and, where the workload says so, fresh circuits) keep caches of results from winning.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp
from qiskit.transpiler import generate_preset_pass_manager

from benchmarks import inputs
from benchmarks.rows import NO_GOAL

Pub = tuple[Any, ...]
MakePubs = Callable[[int], list[Pub]]

EXACT = "Exact expectation values"
SHOTS = "Shot-based estimation and sampling"
NOISE = "Noisy devices"
OTHER = "Anything else"


@dataclass(frozen=True, kw_only=True)
class Workload:
    """One row of the report."""

    name: str
    table: str
    primitive: Literal["estimator", "sampler"]
    make: Callable[[], MakePubs]
    """Prepares circuits and observables; what it returns makes PUBs from a seed."""

    precision: float = 0.0
    device: str | None = None
    """Class name of the snapshot that the circuits are run on; ``None`` for the ideal simulator."""

    leave_out: frozenset[str] = frozenset()
    """Contestants that need tens of seconds here, or cannot do it."""

    goal: float = NO_GOAL
    stretch: float | None = None
    """A goal that an optional compiled kernel was thought to need."""

    calls: int = 1
    """Calls in a measured run; many where one is too short to time."""

    quick: bool = False
    memory: bool = False
    trajectories: bool = False
    """Whether the hand-written limit goes shot by shot, because a density matrix is too big."""


def _values(circuit: QuantumCircuit, sets: int, seed: int) -> Any:
    values = np.random.default_rng(seed).uniform(-np.pi, np.pi, (sets, circuit.num_parameters))
    return values[0] if sets == 1 else values


def estimates(
    num_qubits: int, sets: int, observable: Callable[[int], SparsePauliOp] = inputs.tfim
) -> Callable[[], MakePubs]:
    def make() -> MakePubs:
        circuit, observed = inputs.ansatz(num_qubits), observable(num_qubits)
        return lambda seed: [(circuit, observed, _values(circuit, sets, seed))]

    return make


def samples(num_qubits: int, sets: int, shots: int) -> Callable[[], MakePubs]:
    def make() -> MakePubs:
        circuit = inputs.ansatz(num_qubits, measured=True)
        return lambda seed: [(circuit, _values(circuit, sets, seed), shots)]

    return make


def _fixed(circuit: Callable[[], QuantumCircuit], shots: int = 1024) -> Callable[[], MakePubs]:
    """The same circuit every time."""

    def make() -> MakePubs:
        only = circuit()
        return lambda _: [(only, None, shots)]

    return make


def _fresh(circuit: Callable[[int], QuantumCircuit], shots: int = 1024) -> Callable[[], MakePubs]:
    """Another circuit every time."""
    return lambda: lambda seed: [(circuit(seed), None, shots)]


def _on_device(num_qubits: int, device: str) -> Callable[[], MakePubs]:
    def make() -> MakePubs:
        circuit = inputs.ansatz(num_qubits, measured=True)
        manager = generate_preset_pass_manager(1, backend=snapshot(device), seed_transpiler=1)
        isa = manager.run(circuit)
        return lambda seed: [(isa, _values(isa, 1, seed), 1024)]

    return make


def _qaoa(num_qubits: int, sets: int) -> Callable[[], MakePubs]:
    def make() -> MakePubs:
        circuit, cost = inputs.maxcut(num_qubits)
        return lambda seed: [(circuit, cost, _values(circuit, sets, seed))]

    return make


@cache
def snapshot(device: str) -> Any:
    """A device snapshot of qiskit-ibm-runtime; loading one takes a second."""
    from qiskit_ibm_runtime import fake_provider

    return getattr(fake_provider, device)()


def _exact(name: str, make: Callable[[], MakePubs], **more: Any) -> Workload:
    return Workload(name=name, table=EXACT, primitive="estimator", make=make, **more)


def _shot_estimate(name: str, make: Callable[[], MakePubs], **more: Any) -> Workload:
    return Workload(name=name, table=SHOTS, primitive="estimator", make=make, **more)


def _sampling(name: str, make: Callable[[], MakePubs], **more: Any) -> Workload:
    return Workload(name=name, table=SHOTS, primitive="sampler", make=make, **more)


def _noisy(name: str, num_qubits: int, device: str, **more: Any) -> Workload:
    return Workload(
        name=name, table=NOISE, primitive="sampler", make=_on_device(num_qubits, device),
        device=device, **more,
    )  # fmt: skip


def _other(name: str, primitive: str, make: Callable[[], MakePubs], **more: Any) -> Workload:
    return Workload(name=name, table=OTHER, primitive=primitive, make=make, **more)  # type: ignore[arg-type]


def _only(*names: str) -> frozenset[str]:
    return frozenset(names)


def _random_terms(num_qubits: int) -> SparsePauliOp:
    return inputs.random_paulis(num_qubits, 3000)


def _molecule(num_qubits: int) -> SparsePauliOp:
    return inputs.molecular(num_qubits, 1000)


WORKLOADS: tuple[Workload, ...] = (
    _exact("exact n=4, 1 set", estimates(4, 1), calls=20, quick=True),
    _exact("exact n=4, 1000 sets", estimates(4, 1000), goal=15, stretch=40, quick=True),
    _exact("exact n=10, 1 set", estimates(10, 1), calls=20, quick=True),
    _exact("exact n=10, 100 sets", estimates(10, 100), quick=True),
    _exact("exact n=10, 1000 sets", estimates(10, 1000), goal=6, stretch=15, memory=True),
    _exact("exact n=16, 20 sets", estimates(16, 20), goal=4, stretch=10, quick=True, memory=True),
    _exact("exact n=20, 1 set", estimates(20, 1), goal=3.5, stretch=3.5, quick=True, memory=True),
    _exact(
        "exact n=10, 3000 random terms, 10 sets", estimates(10, 10, _random_terms),
        goal=9, stretch=35, memory=True,
    ),
    _exact("exact n=12, 1000 molecular terms, 20 sets", estimates(12, 20, _molecule), goal=9, stretch=30),
    _exact(
        "exact n=12, 1000 molecular terms, 200 sets", estimates(12, 200, _molecule),
        leave_out=_only("aer"), memory=True,
    ),
    _shot_estimate("precision 1/64 n=10, 1 set", estimates(10, 1), precision=1 / 64, calls=10,
                   quick=True),
    _shot_estimate("precision 1/512 n=10, 1 set", estimates(10, 1), precision=1 / 512, calls=5),
    _shot_estimate("precision 1/64 n=10, 100 sets", estimates(10, 100), precision=1 / 64, goal=10, stretch=12,
                   quick=True),
    _sampling("sampler n=4, 1 set x 1024", samples(4, 1, 1024), calls=20, quick=True),
    _sampling("sampler n=4, 1000 sets x 1024", samples(4, 1000, 1024), goal=25, stretch=30, quick=True),
    _sampling("sampler n=10, 1000 sets x 1024", samples(10, 1000, 1024), goal=15, stretch=20, memory=True),
    _sampling("sampler n=10, 2^20 shots", samples(10, 1, 1 << 20), goal=100, stretch=100, quick=True,
              memory=True),
    _sampling("sampler n=20, 10^6 shots", samples(20, 1, 10**6), leave_out=_only("statevector"),
              memory=True),
    _sampling("sampler 500 distinct 5-qubit circuits x 1024",
              lambda: lambda seed: [(c, None, 1024) for c in inputs.distinct(500, 5, seed)],
              goal=8, stretch=10, quick=True),
    _sampling("sampler Bell x 1024, per call", _fixed(inputs.bell), goal=10, stretch=20, calls=200,
              quick=True),
    _noisy("noisy 5 of 127 qubits x 1024", 5, "FakeBrisbane", goal=40, stretch=80, quick=True, memory=True),
    _noisy("noisy 5 of 133 qubits x 1024", 5, "FakeTorino", goal=40, stretch=80),
    _noisy("noisy 12 of 127 qubits x 1024", 12, "FakeBrisbane", goal=3, stretch=5, trajectories=True),
    _noisy("noisy 12 of 133 qubits x 1024", 12, "FakeTorino", goal=3, stretch=5, trajectories=True),
    _other("exact n=10, new circuit each call", "estimator",
           lambda: lambda seed: estimates(10, 1)()(seed), calls=5),
    _other("exact QAOA n=14, 10 sets", "estimator", _qaoa(14, 10)),
    _other("sampler QFT n=16, new circuit each call", "sampler",
           _fresh(lambda seed: inputs.fourier(16, seed))),
    _other("sampler QFT n=20, new circuit each call", "sampler",
           _fresh(lambda seed: inputs.fourier(20, seed)), leave_out=_only("statevector")),
    _other("sampler quantum volume n=12, new circuit each call", "sampler",
           _fresh(lambda seed: inputs.volume(12, seed))),
    _other("sampler GHZ n=60", "sampler", _fixed(lambda: inputs.ghz(60)), calls=5,
           leave_out=_only("statevector", "hand")),
    _other("sampler feedback n=6, new circuit each call", "sampler",
           _fresh(lambda seed: inputs.feedback(6, seed)),
           leave_out=_only("statevector", "hand")),
)  # fmt: skip

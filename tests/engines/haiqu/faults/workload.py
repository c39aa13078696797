"""Jobs whose right answers are known: circuits that end in one bitstring, whatever the shots."""

from dataclasses import dataclass

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparsePauliOp

from qiskit_haiqu_provider import EstimatorV2, SamplerV2


@dataclass(frozen=True)
class Work:
    """A run with its right answer.

    Attributes:
        kind: ``sampler``, ``sweep``, ``two jobs`` or ``estimator``.
        patterns: The bitstrings.
    """

    kind: str
    patterns: tuple

    @property
    def jobs(self):
        """Jobs of the service that it takes."""
        return len(self.patterns) if self.kind == "two jobs" else 1

    def submit(self, backend, name):
        """Run it; returns the job."""
        options = {"name": name}
        if self.kind == "estimator":
            pub = (_turned(self.patterns[0]), _observables(self.patterns[0]), [[np.pi]])
            return EstimatorV2(backend, options=options).run([pub])
        sampler = SamplerV2(backend, options=options)
        if self.kind == "sweep":
            circuit = _turned(self.patterns[0])
            circuit.measure_all()
            return sampler.run([(circuit, [[0.0], [np.pi], [0.0]], 40)])
        return sampler.run([(_flipped(pattern), None, 50 + number) for number, pattern in enumerate(self.patterns)])

    def right(self, result):
        """Whether the result is the right one."""
        if self.kind == "estimator":
            signs = [1.0 - 2.0 * (bit == "1") for bit in reversed(self.patterns[0])]
            return np.allclose(result[0].data.evs.reshape(-1), signs)
        if self.kind == "sweep":
            zeros = "0" * len(self.patterns[0])
            found = [result[0].data.meas.get_counts(index) for index in range(3)]
            return found == [{bits: 40} for bits in (zeros, self.patterns[0], zeros)]
        found = [each.data.meas.get_counts() for each in result]
        return found == [{pattern: 50 + number} for number, pattern in enumerate(self.patterns)]


def random_work(chance):
    """Any of them."""
    kind = chance.choice(("sampler", "sampler", "sweep", "two jobs", "estimator"))
    count = 2 if kind == "two jobs" else 1
    return Work(kind, tuple(f"{chance.randrange(1, 64):06b}" for _ in range(count)))


def _flipped(pattern):
    circuit = QuantumCircuit(len(pattern))
    circuit.x([qubit for qubit, bit in enumerate(reversed(pattern)) if bit == "1"])
    circuit.measure_all()
    return circuit


def _turned(pattern):
    circuit, angle = QuantumCircuit(len(pattern)), Parameter("angle")
    circuit.rx(0 * angle, 0)
    for qubit, bit in enumerate(reversed(pattern)):
        if bit == "1":
            circuit.rx(angle, qubit)
    return circuit


def _observables(pattern):
    size = len(pattern)
    return [SparsePauliOp.from_sparse_list([("Z", [qubit], 1.0)], size) for qubit in range(size)]

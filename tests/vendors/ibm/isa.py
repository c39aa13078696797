"""Primitives that transpile to the gates of IBM's devices first, so that the tests of the primitives run there."""

from qiskit import transpile
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.sampler_pub import SamplerPub

from qiskit_haiqu_provider import EstimatorV2, SamplerV2

GATES = ["rz", "sx", "x", "cx", "if_else", "for_loop", "while_loop", "switch_case"]


def _isa(circuit):
    return transpile(circuit, basis_gates=GATES, optimization_level=0)


class IsaSampler(SamplerV2):
    def run(self, pubs, *, shots=None):
        found = [SamplerPub.coerce(pub, shots) for pub in pubs]
        return super().run([(_isa(pub.circuit), pub.parameter_values, pub.shots) for pub in found])


class IsaEstimator(EstimatorV2):
    def run(self, pubs, *, precision=None):
        found = [EstimatorPub.coerce(pub, precision) for pub in pubs]
        return super().run([(_isa(pub.circuit), pub.observables, pub.parameter_values, pub.precision) for pub in found])

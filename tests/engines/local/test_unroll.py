"""What cannot be simulated is refused with the PUB and the instruction."""

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Gate

from qiskit_haiqu_provider import EstimatorV2, HaiquCircuitError, SamplerV2


def opaque():
    circuit = QuantumCircuit(1, 1)
    circuit.append(Gate("mine", 1, []), [0])
    return circuit


def boxed():
    circuit = QuantumCircuit(1, 1)
    with circuit.box():
        circuit.h(0)
    return circuit


def inside():
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    with circuit.if_test((0, True)):
        circuit.append(Gate("mine", 1, []), [0])
    return circuit


@pytest.mark.parametrize(("make", "name"), [(opaque, "mine"), (boxed, "box"), (inside, "mine")])
def test_instructions_without_a_definition(provider, make, name):
    fine = QuantumCircuit(1, 1)
    fine.measure(0, 0)
    measured = make()
    measured.measure(0, 0)
    for call in (
        lambda: SamplerV2().run([fine, measured]),
        lambda: provider.get_backend().run([fine, measured]),
        lambda: EstimatorV2().run([(QuantumCircuit(1), "Z"), (make(), "Z")]),
    ):
        with pytest.raises(HaiquCircuitError) as caught:
            call()
        message = str(caught.value)
        assert message.startswith(f"PUB 1: '{name}' cannot be simulated: ")
        assert ".." not in message
        assert message.endswith(". Decompose them into standard gates first.")

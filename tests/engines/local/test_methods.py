"""What the methods of Aer's take: gates are unrolled for them, and what still does not fit is refused at once."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.library import Initialize, PauliGate, UnitaryGate
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit_aer import AerSimulator

from qiskit_haiqu_provider import EstimatorV2, HaiquCircuitError, HaiquInputError, SamplerV2

OBSERVABLE = SparsePauliOp(["XYZ", "ZZI", "IIX"], [1, 0.5, 0.2])


def controlled():
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.cry(0.7, 0, 1)
    circuit.crz(0.3, 1, 2)
    circuit.cu(0.1, 0.2, 0.3, 0.4, 0, 2)
    circuit.crx(0.4, 2, 1)
    circuit.ccz(0, 1, 2)
    circuit.csx(0, 1)
    circuit.cswap(0, 1, 2)
    return circuit


@pytest.mark.parametrize("method", ["automatic", "statevector", "density_matrix", "matrix_product_state"])
def test_controlled_gates(provider, method):
    backend = provider.get_backend("aer_simulator", method=method)
    found = EstimatorV2(backend).run([(controlled(), OBSERVABLE)], precision=0).result()[0].data.evs
    assert np.isclose(found, Statevector(controlled()).expectation_value(OBSERVABLE).real, atol=1e-9)


def test_the_extended_stabilizer_takes_any_angle(provider):
    circuit = QuantumCircuit(1)
    circuit.h(0)
    circuit.ry(0.4, 0)
    circuit.rz(1.0, 0)
    circuit.h(0)
    circuit.measure_all()
    backend = provider.get_backend("aer_simulator", method="extended_stabilizer", seed_simulator=3)
    counts = SamplerV2(backend).run([circuit], shots=5).result()[0].data.meas.get_counts()  # a second of Aer's time
    assert sum(counts.values()) == 5


def test_a_circuit_is_made_ready_anew_for_another_method(provider):
    circuit = controlled()
    for method in ["automatic", "automatic", "automatic", "matrix_product_state", "matrix_product_state"] * 2:
        backend = provider.get_backend("aer_simulator", method=method)
        evs = EstimatorV2(backend).run([(circuit, OBSERVABLE)], precision=0).result()[0].data.evs
        assert np.isclose(evs, Statevector(circuit).expectation_value(OBSERVABLE).real, atol=1e-9)


def with_gate(gate, *angles):
    circuit = QuantumCircuit(2)
    circuit.h([0, 1])
    if isinstance(gate, str):
        operands = [0, 1] if gate in {"cx", "cz", "rzz", "swap"} else [0]
        getattr(circuit, gate)(*angles, *operands)
    else:
        circuit.append(gate, range(gate.num_qubits))
    circuit.measure_all()
    return circuit


def feedback():
    circuit = QuantumCircuit(1, 1)
    circuit.h(0)
    circuit.measure(0, 0)
    with circuit.if_test((0, True)):
        circuit.x(0)
    circuit.measure(0, 0)
    return circuit


QUARTER = np.pi / 2
CIRCUITS = {
    **{name: with_gate(name) for name in ("h", "s", "sx", "t", "cx", "cz", "swap")},
    **{f"{name} {angle:g}": with_gate(name, angle) for name in ("rz", "rx", "p") for angle in (0.0, QUARTER, 0.3)},
    **{f"rz near {turns}": with_gate("rz", turns * QUARTER * (1 + 1e-12)) for turns in (1, -3)},
    **{f"rz {turns} quarters": with_gate("rz", turns * QUARTER) for turns in (-1, 3, 101)},
    "pauli": with_gate(PauliGate("XY")),
    "unitary": with_gate(UnitaryGate([[0, 1], [1, 0]])),
    "initialize": with_gate(Initialize([0, 1])),
    "feedback": feedback(),
}


@pytest.mark.parametrize("name", CIRCUITS)
def test_the_stabilizer_is_refused_what_aer_refuses(provider, name):
    sampler = SamplerV2(provider.get_backend("aer_simulator", method="stabilizer"))
    if AerSimulator(method="stabilizer").run(CIRCUITS[name], shots=1).result().success:
        assert sampler.run([CIRCUITS[name]], shots=5).result()[0].join_data().num_shots == 5
        return
    with pytest.raises(HaiquCircuitError, match=r"PUB 1: method='stabilizer' cannot simulate .* Clifford gates alone"):
        sampler.run([CIRCUITS["h"], CIRCUITS[name]])
    with pytest.raises(HaiquCircuitError, match="PUB 0: method='stabilizer' cannot simulate"):
        sampler.estimate_cost([CIRCUITS[name]])


@pytest.mark.parametrize("name", ["unitary", "initialize", "feedback"])
@pytest.mark.parametrize("method", ["extended_stabilizer", "matrix_product_state", "density_matrix", "statevector"])
def test_other_methods_are_refused_what_aer_refuses(provider, method, name):
    sampler = SamplerV2(provider.get_backend("aer_simulator", method=method))
    if AerSimulator(method=method).run(CIRCUITS[name], shots=1).result().success:
        assert sampler.run([CIRCUITS[name]], shots=5).result()[0].join_data().num_shots == 5
        return
    with pytest.raises(HaiquCircuitError, match=f"PUB 0: method='{method}' cannot simulate '.*Set method='automatic'"):
        sampler.run([CIRCUITS[name]])


def test_angles_that_come_with_the_values_are_looked_at_too(provider):
    turn = Parameter("turn")
    circuit = QuantumCircuit(1)
    circuit.h(0)
    circuit.rz(2 * turn + QUARTER, 0)
    estimator = EstimatorV2(provider.get_backend("aer_simulator", method="stabilizer"))
    found = estimator.run([(circuit, "Y", [0.0, QUARTER, np.pi])], precision=0.5).result()[0].data.evs
    assert found.tolist() == [1.0, -1.0, 1.0]
    with pytest.raises(HaiquCircuitError, match=r"PUB 0: method='stabilizer' cannot simulate 'rz' by 1.6708"):
        estimator.run([(circuit, "Y", [0.0, 0.05])], precision=0.5)
    with pytest.raises(HaiquInputError, match="PUB 0: method='stabilizer' cannot simulate 'rz'"):
        estimator.run([(circuit, "Y", [0.05])], precision=0)

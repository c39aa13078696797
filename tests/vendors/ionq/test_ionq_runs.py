"""Circuits at IonQ give the results that they should: asymmetrical ones, so that every exchange of bits shows."""

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, transpile
from qiskit.circuit import Parameter
from qiskit.circuit.random import random_circuit
from qiskit.primitives import StatevectorEstimator
from qiskit.quantum_info import SparsePauliOp, hellinger_fidelity

from qiskit_haiqu_provider import EstimatorV2, SamplerV2
from qiskit_haiqu_provider.exceptions import HaiquCircuitError, HaiquInputError
from qiskit_haiqu_provider.run.request import RunRequest, Task

DEVICES = [
    ("ionq_simulator", {}),
    ("ionq_simulator", {"gateset": "native", "noise_model": "aria-1"}),
    ("ionq_forte_1", {}),
    ("ionq_forte_1", {"gateset": "native"}),
]


@pytest.fixture(params=DEVICES, ids=lambda param: "-".join([param[0], *param[1].values()]))
def any_backend(request, device):
    name, options = request.param
    return device(name, **options)


def _spread():
    """Three registers, one of them empty, bits in disorder, one bit that nothing is measured into; ends in 1?01 0."""
    qubits = QuantumRegister(5, "q")
    first, none, last = ClassicalRegister(1, "first"), ClassicalRegister(0, "none"), ClassicalRegister(4, "last")
    circuit = QuantumCircuit(qubits, first, none, last)
    circuit.x([1, 4])
    circuit.h(2)
    circuit.measure(4, last[0])
    circuit.measure(0, first[0])
    circuit.measure(2, last[3])
    circuit.measure(3, last[1])
    return circuit


def test_every_bit_is_where_it_belongs(any_backend):
    circuit = transpile(_spread(), any_backend, optimization_level=1, initial_layout=[3, 0, 4, 2, 1])
    data = SamplerV2(any_backend).run([circuit], shots=400).result()[0].data
    last = data.last.get_counts()
    assert hellinger_fidelity(last, {"0001": 0.5, "1001": 0.5}) > 0.97
    assert data.first.get_counts().get("0", 0) > 380
    assert data.none.num_bits == 0
    joined = any_backend.run(circuit, shots=400, memory=True).result()
    assert hellinger_fidelity(joined.get_counts(), {"0001  0": 0.5, "1001  0": 0.5}) > 0.97
    assert len(joined.get_memory()) == 400


@pytest.mark.parametrize("gateset", ["qis", "native"])
@pytest.mark.parametrize("two", ["ms", "zz"])
def test_random_circuits_are_translated_exactly(ionq, device, gateset, two):
    ionq.backends["simulator"]["supported_native_gates"] = ["gpi", "gpi2", two]
    backend = device(gateset=gateset)
    circuits = [random_circuit(4, 4, max_operands=3, seed=seed) for seed in range(3)]
    observables = [SparsePauliOp(["XYZI", "IZXY"], [1.0, -0.5]), SparsePauliOp("ZIYX")]
    isa = transpile(circuits, backend, optimization_level=1, seed_transpiler=5)
    pubs = [(circuit, [each.apply_layout(circuit.layout) for each in observables]) for circuit in isa]
    found = EstimatorV2(backend).run(pubs, precision=0.1).result()
    wanted = StatevectorEstimator().run([(circuit, observables) for circuit in circuits]).result()
    for ours, exact in zip(found, wanted, strict=True):
        assert ours.data.evs == pytest.approx(exact.data.evs, abs=1e-6)  # the simulator yields exact probabilities


def test_a_sweep_is_one_job(ionq, device):
    backend = device()
    circuit = QuantumCircuit(2, 1)
    circuit.ry(Parameter("t"), 1)
    circuit.measure(1, 0)
    angles = np.linspace(0, np.pi, 7)
    job = SamplerV2(backend).run([(circuit, angles[:, None]), (circuit, [0.3])], shots=1000)
    data = job.result()[0].data.c
    assert len(ionq.bodies) == 1
    assert len(ionq.bodies[0]["input"]["circuits"]) == 8
    assert data.array.sum(axis=(1, 2)) / 1000 == pytest.approx(np.sin(angles / 2) ** 2, abs=1e-3)
    assert job.result()[1].data.c.get_counts()["1"] == round(1000 * np.sin(0.15) ** 2)


def test_shots_part_jobs(ionq, device):
    circuit = QuantumCircuit(1, 1)
    circuit.x(0)
    circuit.measure(0, 0)
    job = SamplerV2(device()).run([(circuit, None, 10), (circuit, None, 20), (circuit, None, 10)])
    assert [pub.data.c.get_counts() for pub in job.result()] == [{"1": 10}, {"1": 20}, {"1": 10}]
    assert [body["shots"] for body in ionq.bodies] == [10, 20]


def test_what_measures_nothing_is_not_sent(ionq, device):
    circuit = QuantumCircuit(2, 3)
    circuit.x(0)
    assert device().run(circuit, shots=5).result().get_counts() == {"000": 5}
    assert not ionq.bodies


def test_expectation_values_and_their_errors(device):
    backend = device("ionq_forte_1")
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.x(2)
    observables = ["IXX", "ZII", "IZZ", "IYY", "III"]
    data = EstimatorV2(backend).run([(circuit, observables)], precision=0.05).result()[0].data
    assert data.evs == pytest.approx([1, -1, 1, -1, 1], abs=1e-9)
    assert data.stds == pytest.approx(np.zeros(5), abs=1e-9)
    tilted = EstimatorV2(backend).run([(circuit, "IIX")], precision=0.05).result()[0].data
    assert abs(tilted.evs) < 0.25
    assert tilted.stds == pytest.approx(0.05, abs=0.01)


def _mid():
    circuit = QuantumCircuit(1, 2)
    circuit.measure(0, 0)
    circuit.x(0)
    circuit.measure(0, 1)
    return circuit


def _reset():
    circuit = QuantumCircuit(1, 1)
    circuit.reset(0)
    circuit.measure(0, 0)
    return circuit


def _conditional():
    circuit = QuantumCircuit(2, 1)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(1)
    return circuit


@pytest.mark.parametrize(
    ("circuit", "words"),
    [(_mid(), "'x' after a measurement of qubit 0"), (_reset(), "'reset'"), (_conditional(), "'if_else'")],
)
def test_dynamic_circuits_are_refused(ionq, device, circuit, words):
    with pytest.raises(HaiquCircuitError, match=words):
        SamplerV2(device()).run([circuit])
    assert not ionq.bodies


def test_circuits_that_nobody_has_checked_are_refused(ionq, engine):
    wrong = QuantumCircuit(1, 1)
    wrong.u(1, 2, 3, 0)
    wrong.measure(0, 0)
    for circuit, words in ((wrong, "'u' is none of the 'qis' gates"), (_reset(), "reset"), (_conditional(), "if_else")):
        task = Task(circuit=circuit, parameter_values=np.empty((1, 0)))
        with pytest.raises(HaiquCircuitError, match=words):
            engine.submit(RunRequest(device="ionq_simulator", tasks=(task,)))
    assert not ionq.bodies


def test_what_is_not_possible_is_refused(ionq, device):
    circuit = QuantumCircuit(1, 1)
    circuit.h(0)
    circuit.measure(0, 0)
    with pytest.raises(HaiquCircuitError, match="cannot run 'h'"):
        SamplerV2(device(gateset="native")).run([circuit])
    with pytest.raises(HaiquInputError, match="statevector"):
        device().statevector(circuit)
    with pytest.raises(HaiquInputError, match="exact value"):
        EstimatorV2(device()).run([(circuit.remove_final_measurements(inplace=False), "Z")], precision=0)
    with pytest.raises(HaiquInputError, match="at most 10000"):
        device("ionq_forte_1").run(circuit, shots=10_001)
    assert not ionq.bodies

"""Bad input gets one clear error that names the argument, what was wrong and what to do; nothing is submitted."""

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.classical import expr
from qiskit.primitives import StatevectorSampler
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.quantum_info import SparsePauliOp

from qiskit_haiqu_provider import (
    EstimatorV2,
    HaiquCapacityError,
    HaiquCircuitError,
    HaiquInputError,
    HaiquOptionError,
    SamplerV2,
)


def rotated(*, measured=True):
    circuit = QuantumCircuit(2)
    circuit.ry(Parameter("a"), 0)
    circuit.ry(Parameter("b"), 1)
    if measured:
        circuit.measure_all()
    return circuit


def plain(*, measured=True):
    return rotated(measured=measured).assign_parameters([0.1, 0.2])


def assert_refused(provider, call, error, *words):
    """The call raises that error with those words, and leaves no job behind."""
    with pytest.raises(error) as caught:
        call()
    message = str(caught.value)
    assert all(word in message for word in words), message
    assert "\n" not in message
    assert provider.jobs() == []


SAMPLER_CASES = {
    "unbound parameters": (lambda: [rotated()], ["PUB 0", "a, b", "no value", "circuit.parameters"]),
    "too few values": (lambda: [(rotated(), [0.1])], ["2 parameters", "shape (1,)", "(..., 2)"]),
    "surplus values": (lambda: [(rotated(), [0.1, 0.2, 0.3])], ["2 parameters", "shape (3,)"]),
    "values for none": (lambda: [(plain(), [0.1])], ["0 parameters"]),
    "missing name": (lambda: [(rotated(), {"a": 0.1})], ["b", "no value"]),
    "unknown name": (lambda: [(rotated(), {"a": 0.1, "b": 0.1, "c": 0.1})], ["does not have", "c", "a, b"]),
    "values of text": (lambda: [(rotated(), ["x", "y"])], ["PUB 0", "parameter values"]),
    "values that are not finite": (lambda: [(rotated(), [np.nan, 0.1])], ["not all finite"]),
    "shots 0": (lambda: [(plain(), None, 0)], ["PUB 0: shots", "at least 1", "0"]),
    "shots negative": (lambda: [plain(), (plain(), None, -5)], ["PUB 1: shots", "-5"]),
    "shots not whole": (lambda: [(plain(), None, 10.5)], ["PUB 0: shots", "whole number", "10.5"]),
    "shots of text": (lambda: [(plain(), None, "many")], ["whole number", "'many'"]),
    "shots of truth": (lambda: [(plain(), None, True)], ["whole number", "True"]),
    "no circuit": (lambda: ["circuit"], ["PUB 0", "str", "(circuit, values, shots)"]),
    "a PUB that was not wrapped": (lambda: (plain(), None), ["tuple that begins with a circuit", "run([pub])"]),
    "too many parts": (lambda: [(plain(), None, 5, 5)], ["PUB 0 has 4 parts"]),
    "no circuit in front": (lambda: [([0.1], plain())], ["begins with a list", "run([pub])"]),
    "a circuit as the list": (lambda: rotated(), ["pubs is a circuit", "run([pub])"]),
    "no iterable": (lambda: 5, ["pubs is a int", "run([pub])"]),
    "no registers": (lambda: [plain(measured=False)], ["no measurements", "measure_all()"]),
}


@pytest.mark.parametrize("case", SAMPLER_CASES.values(), ids=SAMPLER_CASES)
def test_sampler_pubs(provider, case):
    pubs, words = case
    assert_refused(provider, lambda: SamplerV2().run(pubs()), HaiquInputError, *words)


@pytest.mark.parametrize("name", ["shape", "values", "items", "keys", "size", "ndim", "self", "_data"])
def test_reserved_register_names(provider, name):
    circuit = QuantumCircuit(1)
    circuit.add_register(ClassicalRegister(1, name))
    circuit.measure(0, 0)
    assert_refused(provider, lambda: SamplerV2().run([circuit]), HaiquCircuitError, f"'{name}'", "reserved", "Rename")


ESTIMATOR_CASES = {
    "negative precision": (lambda: [(plain(measured=False), "ZZ", None, -0.1)], ["PUB 0: precision", "-0.1"]),
    "infinite precision": (lambda: [(plain(measured=False), "ZZ", None, np.inf)], ["finite"]),
    "precision of text": (lambda: [(plain(measured=False), "ZZ", None, "high")], ["real number", "'high'"]),
    "not Hermitian": (
        lambda: [(plain(measured=False), SparsePauliOp("ZZ", 1j))],
        ["PUB 0", "observables", "Hermitian"],
    ),
    "wrong width": (
        lambda: [(plain(measured=False), "ZZZ")],
        ["3 qubits", "circuit has 2", "apply_layout(circuit.layout)"],
    ),
    "unknown letters": (lambda: [(plain(measured=False), "ZQ")], ["observables"]),
    "infinite coefficient": (lambda: [(plain(measured=False), {"ZZ": np.inf})], ["PUB 0", "coefficients", "finite"]),
    "coefficient that is no number": (lambda: [(plain(measured=False), {"ZZ": np.nan})], ["PUB 0", "coefficients"]),
    "no observable": (lambda: [(plain(measured=False),)], ["no observables"]),
    "shapes that do not fit": (
        lambda: [(rotated(measured=False), ["ZZ", "XX", "YY"], np.zeros((2, 2)))],
        ["(3,)", "(2,)", "broadcast"],
    ),
    "unbound parameters": (lambda: [(rotated(measured=False), "ZZ")], ["a, b", "no value"]),
    "final measurements": (lambda: [(plain(), "ZZ")], ["[0, 1]", "remove_final_measurements"]),
    "no tuple": (lambda: [5], ["PUB 0 is a int"]),
}


@pytest.mark.parametrize("case", ESTIMATOR_CASES.values(), ids=ESTIMATOR_CASES)
def test_estimator_pubs(provider, case):
    pubs, words = case
    assert_refused(provider, lambda: EstimatorV2().run(pubs()), HaiquInputError, *words)


@pytest.mark.parametrize("shots", [0, -1, 1.5, "x"])
def test_shots_of_a_call(provider, shots):
    assert_refused(provider, lambda: SamplerV2().run([plain()], shots=shots), HaiquInputError, "shots must be")


@pytest.mark.parametrize("precision", [-1, "x", float("nan")])
def test_precision_of_a_call(provider, precision):
    pub = (plain(measured=False), "ZZ")
    assert_refused(
        provider, lambda: EstimatorV2().run([pub], precision=precision), HaiquInputError, "precision must be"
    )


def test_circuits_that_are_not_isa(provider):
    backend = provider.get_backend("fake_manila")
    circuit = QuantumCircuit(5)
    circuit.h(3)
    circuit.measure_all()
    words = ["PUB 0", "fake_manila", "'h'", "(3,)", "generate_preset_pass_manager(backend=backend"]
    assert_refused(provider, lambda: SamplerV2(backend).run([circuit]), HaiquCircuitError, *words)
    assert_refused(provider, lambda: backend.run([circuit]), HaiquCircuitError, "circuit 0", *words[1:])
    uncoupled = QuantumCircuit(5)
    uncoupled.cx(0, 4)
    pub = (uncoupled, "ZZZZZ")
    assert_refused(provider, lambda: EstimatorV2(backend).run([pub]), HaiquCircuitError, "'cx'", "(0, 4)")


def test_misfits_inside_control_flow_are_found(provider):
    backend = provider.get_backend("fake_torino")
    circuit = QuantumCircuit(3, 1)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(1)
        circuit.h(2)
    circuit.measure(2, 0)
    assert_refused(provider, lambda: SamplerV2(backend).run([circuit]), HaiquCircuitError, "'h'", "(2,)")


def test_circuits_wider_than_the_device(provider):
    backend = provider.get_backend("fake_manila")
    circuit = QuantumCircuit(6)
    circuit.measure_all()
    assert_refused(
        provider, lambda: SamplerV2(backend).run([circuit]), HaiquCircuitError, "6 qubits", "has 5", "wider device"
    )


def wide(qubits):
    circuit = QuantumCircuit(qubits)
    circuit.rx(0.1, range(qubits))
    circuit.measure_all()
    return circuit


def entangled(qubits):
    """Every qubit with every other, twice, so that no part of the state is narrow."""
    circuit = QuantumCircuit(qubits)
    for _ in range(2):
        circuit.rx(0.1, range(qubits))
        for one in range(qubits):
            for other in range(one):
                circuit.rzz(0.2, one, other)
    circuit.measure_all()
    return circuit


@pytest.mark.local
def test_circuits_wider_than_memory(provider):
    words = ["PUB 0", "45 qubits", "GiB", "matrix_product_state"]
    assert_refused(provider, lambda: SamplerV2().run([wide(45)]), HaiquCapacityError, *words)
    dense = SamplerV2("aer_simulator", options={"backend_options": {"method": "density_matrix"}})
    assert_refused(provider, lambda: dense.run([entangled(22)]), HaiquCapacityError, "density_matrix", "GiB")
    limited = SamplerV2("aer_simulator", options={"backend_options": {"method": "extended_stabilizer"}})
    assert_refused(provider, lambda: limited.run([wide(70)]), HaiquCapacityError, "at most 63")


@pytest.mark.local
def test_more_shots_than_memory(provider):
    values = np.zeros((100_000, 2))
    call = lambda: SamplerV2().run([(rotated(), values, 50_000_000)])  # noqa: E731
    assert_refused(provider, call, HaiquCapacityError, "GiB are available", "fewer shots")


@pytest.mark.local
def test_exact_values_that_do_not_exist(provider):
    circuit = QuantumCircuit(2, 1)
    circuit.h(0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(1)
    pub = (circuit, "ZI")
    assert_refused(provider, lambda: EstimatorV2().run([pub], precision=0), HaiquCircuitError, "precision=0", "above 0")
    backend = provider.get_backend("aer_simulator", method="extended_stabilizer")
    pub = (plain(measured=False), "ZZ")
    assert_refused(
        provider, lambda: EstimatorV2(backend).run([pub], precision=0), HaiquInputError, "extended_stabilizer"
    )


@pytest.mark.local
def test_real_time_variables(provider):
    circuit = QuantumCircuit(1, 1)
    circuit.add_var("flag", expr.lift(False))
    circuit.measure(0, 0)
    assert_refused(provider, lambda: SamplerV2().run([circuit]), HaiquCircuitError, "real-time variables")


@pytest.mark.local
def test_mitigation_that_is_not_possible_is_refused_not_ignored(provider):
    elsewhere = {"use_mitigation": True, "mitigation": {"where": "engine"}}
    sampler = SamplerV2(options=elsewhere)
    assert_refused(provider, lambda: sampler.run([plain()]), HaiquInputError, "where", "via 'local'", "'client'")
    estimator = EstimatorV2(options={"use_mitigation": True})
    pub = (plain().remove_final_measurements(inplace=False), "ZZ")
    assert_refused(provider, lambda: estimator.run([pub], precision=0), HaiquInputError, "PUB 0", "use_mitigation")


def test_backends_of_others(provider):
    assert_refused(
        provider, lambda: SamplerV2(GenericBackendV2(2)), HaiquInputError, "GenericBackendV2", "HaiquProvider"
    )
    assert_refused(provider, lambda: SamplerV2(StatevectorSampler()), HaiquInputError, "device name")


def test_backend_and_mode_together(provider):
    assert_refused(provider, lambda: SamplerV2("aer_simulator", mode="aer_simulator"), HaiquInputError, "Give one")


def test_options_of_the_wrong_kind(provider):
    assert_refused(provider, lambda: SamplerV2(options=5), HaiquInputError, "SamplerOptions")
    assert_refused(provider, lambda: SamplerV2(options=EstimatorV2().options), HaiquInputError, "SamplerOptions")
    unknown = {"backend_options": {"metod": "statevector"}}
    assert_refused(provider, lambda: SamplerV2(options=unknown), HaiquOptionError, "metod", "'method'")
    wrong = {"backend_options": {"method": "magic"}}
    assert_refused(provider, lambda: SamplerV2(options=wrong), HaiquInputError, "method must be one of", "'magic'")


@pytest.mark.local
def test_instructions_for_aer_itself(provider):
    circuit = plain()
    circuit.save_statevector()
    assert_refused(provider, lambda: SamplerV2().run([circuit]), HaiquCircuitError, "save_statevector", "to_aer()")

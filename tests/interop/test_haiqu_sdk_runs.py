"""The official client: every documented shape of a run, against exact values."""

import numpy as np
import pytest
from exact import assert_distribution, assert_value, bell, finished, in_basis, probabilities, state, turned
from haiqu.sdk.hybrid import HybridProgram, layers
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter, ParameterVector
from qiskit.quantum_info import SparsePauliOp

SHOTS = 4000
AER = "aer_simulator"
ZZ, XI, IZ = SparsePauliOp("ZZ"), SparsePauliOp("XI"), SparsePauliOp("IZ")
ENERGY = SparsePauliOp(["II", "ZZ", "XX", "IY"], [0.5, 1.5, -0.5, 2.0])
T = Parameter("t")
OTHER = Parameter("φ")


def two_angles(*, measured):
    """A circuit whose parameters are used in another order than they are bound in."""
    first, second = Parameter("a"), Parameter("b")
    circuit = QuantumCircuit(2, name="two angles")
    circuit.ry(second, 0)
    circuit.rx(first + 0.2, 1)
    circuit.cx(0, 1)
    if measured:
        circuit.measure_all()
    return circuit


@pytest.fixture(params=["run", "legacy.run"])
def run(request, haiqu):
    """``haiqu.run`` and ``haiqu.legacy.run`` take the same arguments."""
    call = haiqu.run if request.param == "run" else haiqu.legacy.run

    def finish(*arguments, **options):
        return finished(call(*arguments, **{"shots": SHOTS, "device_id": AER, **options}))

    return finish


def test_one_circuit(run):
    (found,) = run(bell())
    assert_distribution(found, {"00": 0.5, "11": 0.5}, SHOTS)


def test_many_circuits(run):
    circuits = [turned(angle, name=f"angle {angle}") for angle in (0.2, 1.1, 2.9)]
    circuits.append(QuantumCircuit(3))
    circuits[-1].x(0)
    circuits[-1].measure_all()
    found = run(circuits)
    assert len(found) == 4
    for circuit, distribution in zip(circuits, found, strict=True):
        assert_distribution(distribution, probabilities(circuit), SHOTS)


def test_the_same_circuit_many_times(run):
    circuit = bell()
    found = run([circuit, circuit, bell()])
    assert len(found) == 3
    for distribution in found:
        assert_distribution(distribution, {"00": 0.5, "11": 0.5}, SHOTS)


def test_sets_of_parameters(run):
    circuit, values = two_angles(measured=True), [[0.3, 1.2], [1.0, -2.0], [0.0, 0]]
    (found,) = run(circuit, parameters=values)
    for distribution, row in zip(found, values, strict=True):
        assert_distribution(distribution, probabilities(circuit, row), SHOTS)


def test_sets_of_parameters_of_many_circuits(run):
    circuits = [two_angles(measured=True), turned(OTHER)]
    values = [[[0.3, 1.2], [1.0, -2.0]], [[0.5], [2.5], [-1.0]]]
    found = run(circuits, parameters=values)
    for circuit, rows, distributions in zip(circuits, values, found, strict=True):
        for row, distribution in zip(rows, distributions, strict=True):
            assert_distribution(distribution, probabilities(circuit, row), SHOTS)


def test_vectors_of_parameters_bind_in_their_own_order(run):
    vector = ParameterVector("v", 11)
    circuit = QuantumCircuit(11)
    for qubit, angle in enumerate(reversed(vector)):
        circuit.rx(angle, qubit)
    circuit.measure_all()
    values = [np.pi if index == 2 else 0.0 for index in range(11)]
    assert run(circuit, parameters=[values]) == [[{"00100000000": 1.0}]]


def test_vectors_and_single_parameters_with_the_same_names(run):
    found = []
    for angles in (list(ParameterVector("w", 11)), [Parameter(f"w[{index}]") for index in range(11)]):
        circuit = QuantumCircuit(11, name="by name")
        for qubit, angle in enumerate(angles):
            circuit.rx(angle, qubit)
        circuit.measure_all()
        values = [np.pi if index == 2 else 0.0 for index in range(11)]
        found.append((run(circuit, parameters=[values]), probabilities(circuit, values)))
    for ((distribution,),), exact in found:
        assert_distribution(distribution, exact, SHOTS)
    assert found[0][1].keys() != found[1][1].keys()


@pytest.mark.parametrize("observables", [ENERGY, [ENERGY], [[ENERGY]]], ids=["single", "list", "nested"])
def test_one_observable(run, observables):
    circuit = turned(0.7, measured=False)
    ((value,),) = run(circuit, observables=observables)
    assert_value(value, circuit, ENERGY, SHOTS)


@pytest.mark.parametrize("measured", [False, True])
def test_observables(run, measured):
    circuit = turned(0.7, measured=measured)
    (values,) = run(circuit, observables=[ZZ, XI, IZ, ENERGY])
    for value, observable in zip(values, (ZZ, XI, IZ, ENERGY), strict=True):
        assert_value(value, circuit, observable, SHOTS)


def test_observables_of_many_circuits(run):
    circuits = [turned(0.7, measured=False), turned(1.9, measured=False), turned(2.2, measured=False)]
    observables = [[ZZ, XI], ENERGY, [IZ]]
    found = run(circuits, observables=observables)
    assert [len(values) for values in found] == [2, 1, 1]
    for circuit, group, values in zip(circuits, ([ZZ, XI], [ENERGY], [IZ]), found, strict=True):
        for observable, value in zip(group, values, strict=True):
            assert_value(value, circuit, observable, SHOTS)


def test_observables_and_parameters(run):
    circuit, rows = two_angles(measured=False), [[0.3, 1.2], [1.0, -2.0], [0.1, 0.1]]
    (found,) = run(circuit, parameters=rows, observables=[ZZ, ENERGY])
    for observable, values in zip((ZZ, ENERGY), found, strict=True):
        for value, row in zip(values, rows, strict=True):
            assert_value(value, circuit, observable, SHOTS, row)


def test_observables_and_parameters_of_many_circuits(run):
    circuits = [two_angles(measured=False), turned(OTHER, measured=False)]
    rows = [[[0.3, 1.2], [1.0, -2.0]], [[0.5]]]
    found = run(circuits, parameters=rows, observables=[[ZZ, XI], ENERGY])
    for circuit, group, sets, values in zip(circuits, ([ZZ, XI], [ENERGY]), rows, found, strict=True):
        for observable, by_set in zip(group, values, strict=True):
            for row, value in zip(sets, by_set, strict=True):
                assert_value(value, circuit, observable, SHOTS, row)


def test_readout_bases(run):
    circuit, bases = turned(0.7), ["ZZ", "XY", "YX"]
    (found,) = run(circuit, readout_bases=bases)
    for basis, distribution in zip(bases, found, strict=True):
        assert_distribution(distribution, in_basis(circuit, basis), SHOTS)


def test_readout_bases_and_parameters(run):
    circuits, bases = [two_angles(measured=True), turned(OTHER)], ["XZ", "ZY"]
    rows = [[[0.3, 1.2], [1.0, -2.0]], [[0.5], [1.5]]]
    found = run(circuits, readout_bases=bases, parameters=rows)
    for circuit, sets, by_basis in zip(circuits, rows, found, strict=True):
        for basis, by_set in zip(bases, by_basis, strict=True):
            for row, distribution in zip(sets, by_set, strict=True):
                assert_distribution(distribution, in_basis(circuit, basis, row), SHOTS)


def test_registers_and_partial_measurements(run):
    a, b = ClassicalRegister(2, "a"), ClassicalRegister(1, "b")
    circuit = QuantumCircuit(QuantumRegister(4), a, b)
    circuit.x(3)
    circuit.ry(1.0, 0)
    circuit.measure(3, a[1])
    circuit.measure(0, b[0])
    (found,) = run(circuit)
    one = np.sin(0.5) ** 2
    assert_distribution({word.replace(" ", ""): p for word, p in found.items()}, {"010": 1 - one, "110": one}, SHOTS)


def test_shots(run):
    (found,) = run(bell(), shots=1)
    assert list(found.values()) == [1.0]


def test_circuits_that_react_to_measurements(run):
    circuit = QuantumCircuit(2, 2)
    circuit.ry(1.0, 0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(1)
    circuit.measure(1, 1)
    (found,) = run(circuit)
    assert_distribution(found, {"00": np.cos(0.5) ** 2, "11": np.sin(0.5) ** 2}, SHOTS)


def test_logged_circuits(run, haiqu):
    records = [haiqu.log(turned(0.4)), haiqu.get_circuit(haiqu.log(turned(2.0)).id)]
    for angle, distribution in zip((0.4, 2.0), run(records), strict=True):
        assert_distribution(distribution, probabilities(turned(angle)), SHOTS)
    (found,) = run(haiqu.log(turned(T)), parameters=[[1.3]])
    assert_distribution(found[0], probabilities(turned(1.3)), SHOTS)


def test_statevectors(haiqu):
    circuits = [bell(), turned(0.7), turned(1.9)]
    circuits[2].global_phase = 0.8
    for call in (haiqu.statevector_run, haiqu.legacy.statevector_run):
        found = finished(call(circuits))
        assert len(found) == 3
        for circuit, vector in zip(circuits, found, strict=True):
            np.testing.assert_allclose(vector, state(circuit).data, atol=1e-10)
        (vector,) = finished(call(circuits[1]))
        np.testing.assert_allclose(vector, state(circuits[1]).data, atol=1e-10)


def test_statevectors_of_parameters(haiqu):
    program = HybridProgram(layers=[layers.InputLayer(), layers.StatevectorLayer()])
    circuit = turned(T)
    (found,) = finished(haiqu.flow(program, circuit, parameters=[[0.2], [1.4]]))
    for vector, value in zip(found, (0.2, 1.4), strict=True):
        np.testing.assert_allclose(vector, state(circuit, [value]).data, atol=1e-10)


def same_hash():
    """Circuits that the client cannot tell apart, in pairs: each with its values and its exact distribution."""

    def rotation(angle):
        circuit = QuantumCircuit(1)
        circuit.ry(angle, 0)
        circuit.measure_all()
        return circuit

    def branch(value):
        circuit = QuantumCircuit(2, 2)
        circuit.ry(1.0, 0)
        circuit.measure(0, 0)
        with circuit.if_test((circuit.clbits[0], value)):
            circuit.x(1)
        circuit.measure(1, 1)
        return circuit

    zero, one = np.cos(0.5) ** 2, np.sin(0.5) ** 2
    yield "factor", [(rotation(T), [[1.0]]), (rotation(2 * T), [[1.0]])], None
    yield "constant", [(rotation(0.5), None), (rotation(T + 0.5), [[1.0]])], None
    yield "branch", [(branch(1), None), (branch(0), None)], [{"00": zero, "11": one}, {"10": zero, "01": one}]


CASES = {name: (pair, exact) for name, pair, exact in same_hash()}


@pytest.mark.parametrize("case", CASES)
def test_circuits_with_the_same_hash_in_two_calls(run, case):
    pair, exact = CASES[case]
    for position, (circuit, values) in enumerate(pair):
        (found,) = run(circuit) if values is None else run(circuit, parameters=values)[0]
        wanted = exact[position] if exact else probabilities(circuit, values[0] if values else ())
        assert_distribution(found, wanted, SHOTS)


def test_circuits_with_the_same_hash_in_one_call(run):
    one, two = CASES["factor"][0]
    found = run([one[0], two[0], one[0]], parameters=[[[1.0]], [[1.0]], [[1.0]]])
    for (circuit, values), (distribution,) in zip((one, two, one), found, strict=True):
        assert_distribution(distribution, probabilities(circuit, values[0]), SHOTS)


def test_values_of_circuits_with_the_same_hash(haiqu):
    one, two = (circuit.remove_final_measurements(inplace=False) for circuit, _ in CASES["factor"][0])
    program = HybridProgram(layers=[layers.InputLayer(), layers.DeviceLayer(device_id=AER)])
    assert haiqu.log(one).id != haiqu.log(two).id
    observables = [SparsePauliOp("Z"), SparsePauliOp("Z")]
    found = finished(haiqu.flow(program, [one, two], SHOTS, [[[1.0]], [[1.0]]], observables))
    for circuit, ((value,),) in zip((one, two), found, strict=True):
        assert_value(value, circuit, SparsePauliOp("Z"), SHOTS, [1.0])


def test_phases_survive(haiqu):
    plain, phased = bell(), bell()
    phased.global_phase = np.pi / 3
    one, two = finished(haiqu.statevector_run([plain, phased]))
    np.testing.assert_allclose(two, one * np.exp(1j * np.pi / 3), atol=1e-10)

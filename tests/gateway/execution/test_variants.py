"""Circuits read out in other bases, packed and transpiled do what they did before."""

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, transpile
from qiskit.circuit import Parameter
from qiskit.quantum_info import Operator, SparsePauliOp, Statevector

from qiskit_haiqu_provider.engines.local.engine import LocalEngine
from qiskit_haiqu_provider.exceptions import HaiquInputError
from qiskit_haiqu_provider.gateway.execution import variants
from tests.interop.exact import in_basis, probabilities, turned

CHAIN = [[0, 1], [1, 2], [2, 3], [3, 4]]


def moved(circuit):
    """The circuit on a longer chain, with its qubits elsewhere."""
    return transpile(circuit, coupling_map=CHAIN, initial_layout=[4, 1], optimization_level=1, seed_transpiler=4)


def seen(circuit):
    """The exact distribution of the classical bits, all of which are measured at the end."""
    (register,) = circuit.cregs
    places = {}
    for instruction in circuit.data:
        if instruction.name == "measure":
            places[register.index(instruction.clbits[0])] = circuit.find_bit(instruction.qubits[0]).index
    state = Statevector(variants.without_final_measurements(circuit))
    return state.probabilities_dict([places[bit] for bit in range(len(places))], decimals=12)


def assert_same(found, exact):
    for word in found.keys() | exact.keys():
        assert found.get(word, 0) == pytest.approx(exact.get(word, 0), abs=1e-9)


@pytest.mark.parametrize("gates", [None, {"rz", "sx", "x", "cz"}, {"u", "cx"}], ids=["any", "rz sx x cz", "u cx"])
@pytest.mark.parametrize("basis", ["ZZ", "XY", "YX", "XX", "ZY"])
def test_a_circuit_is_read_out_in_a_basis(basis, gates):
    circuit = turned(0.7)
    rotated = variants.read_out_in(circuit, basis, None if gates is None else frozenset(gates), where="it")
    assert_same(seen(rotated), in_basis(circuit, basis))
    assert circuit == turned(0.7), "the circuit given stays as it was"


@pytest.mark.parametrize("basis", ["ZZ", "XY", "YX"])
def test_a_transpiled_circuit_is_read_out_in_the_basis_of_its_own_qubits(basis):
    circuit = moved(turned(0.7))
    full = variants.full_basis(circuit, basis, where="it")
    assert len(full) == 5
    assert_same(seen(variants.read_out_in(circuit, full, None, where="it")), in_basis(turned(0.7), basis))


def test_measurements_on_the_way_are_left_alone():
    circuit = QuantumCircuit(1, 2)
    circuit.h(0)
    circuit.measure(0, 0)
    circuit.x(0)
    circuit.measure(0, 1)
    rotated = variants.read_out_in(circuit, "X", None, where="it")
    assert [instruction.name for instruction in rotated.data] == ["h", "measure", "x", "h", "measure"]


@pytest.mark.parametrize("basis", ["Z", "ZZZ"])
def test_a_basis_of_another_width_is_refused(basis):
    for circuit, width in ((turned(0.7), 2), (moved(turned(0.7)), 5)):
        with pytest.raises(HaiquInputError, match=f"'{basis}' has {len(basis)} letters, but it has {width} qubits"):
            variants.full_basis(circuit, basis, where="it")


def test_without_measurements_nothing_can_be_read_out():
    with pytest.raises(HaiquInputError, match="circuit 3 has no measurement"):
        variants.read_out_in(turned(0.7, measured=False), "XX", None, where="circuit 3")


def test_final_measurements_can_be_taken_off_and_others_not():
    circuit = QuantumCircuit(2, 3)
    circuit.measure(0, 0)
    circuit.h(0)
    circuit.measure([0, 1], [1, 2])
    assert [one.name for one in variants.without_final_measurements(circuit).data] == ["measure", "h"]
    plain = turned(0.7, measured=False)
    assert variants.without_final_measurements(plain) is plain


def test_observables_follow_the_qubits_of_a_transpiled_circuit():
    observable = SparsePauliOp(["ZX", "YI"], [1.0, 0.5])
    circuit = moved(turned(0.7, measured=False))
    full = variants.full_observable(observable, circuit, where="it")
    exact = Statevector(turned(0.7, measured=False)).expectation_value(observable)
    assert Statevector(circuit).expectation_value(full) == pytest.approx(exact)
    assert variants.full_observable(full, circuit, where="it") == full
    with pytest.raises(HaiquInputError, match="its observable has 3"):
        variants.full_observable(SparsePauliOp("ZZZ"), circuit, where="it")


def test_copies_side_by_side_are_independent():
    low, high = ClassicalRegister(1, "low"), ClassicalRegister(1, "high")
    circuit = QuantumCircuit(QuantumRegister(2, "q"), low, high)
    circuit.ry(0.7, 0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    together = variants.packed(circuit, 3)
    assert (together.num_qubits, together.num_clbits) == (6, 6)
    single = probabilities(turned_pair())
    for word, share in seen(together).items():
        assert share == pytest.approx(np.prod([single[word[place : place + 2]] for place in (0, 2, 4)]))


def turned_pair():
    circuit = QuantumCircuit(2)
    circuit.ry(0.7, 0)
    circuit.cx(0, 1)
    return circuit


def test_observables_of_copies():
    observable = SparsePauliOp(["XZ"], [2.0])
    assert variants.copies_of(observable, 2) == [SparsePauliOp(["IIXZ"], [2.0]), SparsePauliOp(["XZII"], [2.0])]


def test_control_flow_cannot_be_packed():
    circuit = QuantumCircuit(1, 1, name="flow")
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(0)
    with pytest.raises(HaiquInputError, match="'flow' has control flow"):
        variants.packed(circuit, 2)


@pytest.mark.parametrize(
    ("width", "asked", "simulated", "size"),
    [
        (2, None, False, 9),
        (2, None, True, 6),
        (20, None, True, 1),
        (30, None, False, 1),
        (2, 13, True, 13),
        (27, 1, True, 1),
    ],
)
def test_how_many_copies_there_are(width, asked, simulated, size):
    assert variants.pack_size(width, 27, asked, simulated=simulated) == size


def test_too_many_copies_are_refused_with_the_most():
    with pytest.raises(HaiquInputError, match="Give at most 13"):
        variants.pack_size(2, 27, 14, simulated=False)


@pytest.mark.parametrize("options", [{}, {"optimization_level": 0}, {"layout_method": "trivial", "seed_transpiler": 1}])
def test_transpiling_for_a_device_uses_what_the_device_has(options):
    target = LocalEngine().target("fake_montreal", {})
    done = variants.transpiled(turned(Parameter("t")), target, options)
    for one in done.data:
        if one.name != "barrier":
            assert target.instruction_supported(one.name, tuple(done.find_bit(qubit).index for qubit in one.qubits))


def test_transpiling_for_no_device_keeps_what_the_circuit_does():
    circuit = turned(Parameter("t"), measured=False)
    done = variants.transpiled(circuit, None, {"basis_gates": ["rx", "rz", "cz"]})
    assert set(done.count_ops()) <= {"rx", "rz", "cz"}
    assert Operator(done.assign_parameters([0.3])).equiv(Operator(circuit.assign_parameters([0.3])))


def test_the_user_can_narrow_a_device():
    target = LocalEngine().target("fake_montreal", {})
    done = variants.transpiled(turned(0.7), target, {"basis_gates": ["u", "cx"], "coupling_map": [[0, 1], [1, 0]]})
    assert set(done.count_ops()) <= {"u", "cx", "measure", "barrier"}


def test_the_seed_with_the_fewest_two_qubit_gates_wins():
    circuit = QuantumCircuit(6)
    for one in range(6):
        for other in range(one + 1, 6):
            circuit.cx(one, other)
    options = {"coupling_map": [[place, place + 1] for place in range(5)], "optimization_level": 0}
    counts = [variants.transpiled(circuit, None, options, [seed]).num_nonlocal_gates() for seed in range(4)]
    assert variants.transpiled(circuit, None, options, range(4)).num_nonlocal_gates() == min(counts)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"magic": 1}, "magic"),
        ({"basis_gates": ["nonsense"]}, "nonsense"),
        ({"initial_layout": [0, 1, 2]}, "layout"),
        ({"basis_gates": ["cx"]}, "transpile"),
        ({"scheduling_method": "alap"}, "transpile"),
    ],
)
def test_what_the_transpiler_cannot_do_is_said(options, reason):
    with pytest.raises(HaiquInputError, match=reason):
        variants.transpiled(turned(0.7), None, options)


def test_a_qubit_that_is_measured_before_the_end_is_read_out_in_z_only():
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(1)
    circuit.measure(1, 1)
    variants.read_out_in(circuit, "XZ", None, where="circuit 0")
    with pytest.raises(HaiquInputError, match=r"qubit 0 .* cannot be read out in X"):
        variants.read_out_in(circuit, "ZX", None, where="circuit 0")

"""The order of gates: right, and with few qubits at a time."""

from hypothesis import given
from hypothesis import strategies as st
from qiskit import QuantumCircuit

from qiskit_haiqu_provider.engines.local.channels.order import order
from qiskit_haiqu_provider.engines.local.channels.readings import readings
from qiskit_haiqu_provider.engines.local.prepare import prepare

PAIRS = st.lists(st.integers(0, 5), min_size=2, max_size=3, unique=True).map(tuple)


@given(st.lists(PAIRS, max_size=20), st.sets(st.integers(0, 5)))
def test_gates_come_after_those_that_they_depend_on(gates, read):
    found = order(gates, read)
    assert len(set(found)) == len(found)
    for qubit in range(6):
        mine = [index for index in found if qubit in gates[index]]
        assert mine == sorted(mine)
    for place, index in enumerate(found):
        before = [other for other in range(index) if set(gates[other]) & set(gates[index])]
        assert set(before) <= set(found[:place])


@given(st.lists(PAIRS, max_size=20), st.sets(st.integers(0, 5)))
def test_all_gates_that_what_is_read_depends_on_are_there_and_no_others(gates, read):
    seen, needed = set(read), []
    for index in reversed(range(len(gates))):
        if seen & set(gates[index]):
            seen |= set(gates[index])
            needed.append(index)
    assert sorted(order(gates, read)) == sorted(needed)


def test_a_long_shallow_chain_stays_narrow():
    circuit = QuantumCircuit(16)
    for _ in range(3):
        for qubit in range(16):
            circuit.ry(0.3, qubit)
        for qubit in range(15):
            circuit.cx(qubit, qubit + 1)
    circuit.measure_all()
    (reading,) = readings(prepare(circuit), None)
    assert reading.program.size <= 2**16 * 4**3  # 2 numbers for a qubit, 4 for few of them
    assert reading.program.result_shape == (2,) * 16


def test_a_single_measured_qubit_takes_its_light_cone_alone():
    circuit = QuantumCircuit(16, 1)
    for qubit in range(15):
        circuit.cx(qubit, qubit + 1)
    circuit.measure(2, 0)
    (reading,) = readings(prepare(circuit), None)
    assert len(reading.program.steps) == 3

"""One workload on many devices."""

import sys

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparsePauliOp

from qiskit_haiqu_provider import (
    CostComparison,
    HaiquBackendNotFoundError,
    HaiquDependencyError,
    HaiquInputError,
    HaiquProvider,
)
from qiskit_haiqu_provider.devices.fidelity import circuit_seconds, expected_fidelity

DEVICES = ["fake_sherbrooke", "aer_simulator", "fake_manila"]


@pytest.fixture
def provider(tmp_path):
    return HaiquProvider(home=tmp_path)


def ghz(width=3):
    circuit = QuantumCircuit(width)
    circuit.h(0)
    for qubit in range(width - 1):
        circuit.cx(qubit, qubit + 1)
    return circuit


def test_each_device_has_a_row_and_the_best_of_equal_price_comes_first(provider):
    found = provider.compare_cost([ghz().measure_all(inplace=False)], devices=DEVICES, shots=100)
    assert isinstance(found, CostComparison)
    assert sorted(row.device for row in found) == sorted(DEVICES)
    assert all(row.usd == 0 for row in found)
    by_name = {row.device: row for row in found}
    assert by_name["aer_simulator"].fidelity is None
    assert found[-1].device == "aer_simulator"
    assert 0.5 < by_name["fake_manila"].fidelity < 1
    assert found[0].fidelity == max(row.fidelity or 0 for row in found)
    assert by_name["fake_manila"].estimate.shots == 100
    assert 1e-6 < by_name["fake_manila"].seconds < 1


def test_one_device_may_be_named_alone(provider):
    (row,) = provider.compare_cost([ghz().measure_all(inplace=False)], devices="fake_manila")
    assert row.device == "fake_manila"
    with pytest.raises(HaiquBackendNotFoundError, match="There is no device 'fake_manilla'"):
        provider.compare_cost([ghz().measure_all(inplace=False)], devices="fake_manilla")


def test_estimators_are_priced_by_their_groups(provider):
    theta = Parameter("theta")
    circuit = ghz()
    circuit.rz(theta, 1)
    observable = SparsePauliOp(["ZZI", "XXX"])
    pub = (circuit, observable, np.linspace(0, 1, 5)[:, None])
    (row,) = provider.compare_cost([pub], devices=["fake_manila"], precision=0.1)
    assert (row.estimate.circuits, row.estimate.shots) == (10, 1000)


def test_a_device_that_cannot_run_it_says_why_and_comes_last(provider):
    found = provider.compare_cost([ghz(6).measure_all(inplace=False)], devices=["fake_manila", "fake_sherbrooke"])
    assert [row.device for row in found] == ["fake_sherbrooke", "fake_manila"]
    assert found[1].usd is None
    assert found[1].note == "It has 5 qubits, and 6 are needed."


def test_it_prints_as_a_table(provider):
    lines = str(provider.compare_cost([ghz().measure_all(inplace=False)], devices=DEVICES)).splitlines()
    assert lines[0].split() == ["device", "via", "USD", "range", "seconds", "pending", "fidelity", "note"]
    assert len(lines) == 4


def test_it_is_a_dataframe_where_pandas_is(provider, monkeypatch):
    found = provider.compare_cost([ghz().measure_all(inplace=False)], devices=DEVICES)
    frame = found.to_dataframe()
    assert list(frame["device"]) == [row.device for row in found]
    assert frame["usd"].sum() == 0
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(HaiquDependencyError, match="pip install pandas"):
        found.to_dataframe()


def test_bad_input_is_told_before_any_device_is_asked(provider):
    with pytest.raises(HaiquInputError, match="pubs is empty"):
        provider.compare_cost([], devices=DEVICES)
    with pytest.raises(HaiquInputError, match="PUB 0: the circuit has no measurements"):
        provider.compare_cost([ghz()], devices=DEVICES)
    with pytest.raises(HaiquInputError, match="PUB 0: the circuit ends in measurements"):
        provider.compare_cost([(ghz().measure_all(inplace=False), "ZZZ")], devices=DEVICES)
    with pytest.raises(HaiquBackendNotFoundError, match="No device is reached that has a price"):
        provider.compare_cost([ghz().measure_all(inplace=False)])


def test_fidelity_and_duration_come_from_the_target(provider):
    target = provider.get_backend("fake_manila").target
    circuit = QuantumCircuit(5, 1)
    circuit.x(0)
    circuit.cx(0, 1)
    circuit.measure(1, 0)
    expected = 1.0
    for name, qubits in [("x", (0,)), ("cx", (0, 1)), ("measure", (1,))]:
        expected *= 1 - target[name][qubits].error
    assert expected_fidelity(circuit, target) == pytest.approx(expected)
    duration = sum(target[name][qubits].duration for name, qubits in [("x", (0,)), ("cx", (0, 1)), ("measure", (1,))])
    assert circuit_seconds(circuit, target) == pytest.approx(duration)
    ideal = provider.get_backend("aer_simulator").target
    assert expected_fidelity(circuit, ideal) is None
    assert circuit_seconds(circuit, ideal) is None

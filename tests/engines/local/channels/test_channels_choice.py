"""When density matrices are evolved here, and when Aer simulates shots."""

import pytest
from qiskit import QuantumCircuit

from qiskit_haiqu_provider.engines.local import memory
from qiskit_haiqu_provider.engines.local.channels.choice import is_worth_it, working_bytes
from qiskit_haiqu_provider.engines.local.channels.readings import readings
from qiskit_haiqu_provider.engines.local.prepare import prepare


def _dense(num_qubits, layers):
    circuit = QuantumCircuit(num_qubits)
    for layer in range(layers):
        for qubit in range(num_qubits - 1):
            circuit.ry(0.3, qubit)
            circuit.cx(qubit, qubit + 1 + (layer % (num_qubits - qubit - 1)))
    circuit.measure_all()
    return prepare(circuit)


def _worth(prepared, shots):
    gates = len(prepared.circuit.data)
    return is_worth_it(readings(prepared, None), shots=shots, gates=gates, width=prepared.width)


def test_narrow_circuits_are_always_evolved():
    assert _worth(_dense(4, 30), 1)


def test_few_shots_of_wide_entangled_circuits_are_left_to_aer():
    prepared = _dense(11, 30)
    assert not _worth(prepared, 1)
    assert _worth(prepared, 100_000)
    assert _worth(prepared, None)


def test_what_does_not_fit_into_memory_is_left_to_aer(monkeypatch):
    prepared = _dense(11, 30)
    size = readings(prepared, None)[0].program.size
    monkeypatch.setattr(memory, "available_bytes", lambda: 8 * size)
    assert not _worth(prepared, None)


def test_memory_grows_with_the_sets_that_are_evolved_together():
    prepared = _dense(5, 2)
    found = readings(prepared, None)
    assert working_bytes(found, 1) >= 8 * found[0].program.size
    assert working_bytes((), 7) == 0
    assert working_bytes(found, 50) == pytest.approx(working_bytes(found, 1), rel=10)

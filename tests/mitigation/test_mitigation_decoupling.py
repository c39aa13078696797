"""Echoes in gaps, where a device tells how long its gates take."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Delay, Parameter
from qiskit.circuit.library import CZGate, RZGate, SXGate, XGate
from qiskit.quantum_info import SparsePauliOp
from qiskit.transpiler import InstructionProperties, Target

from qiskit_haiqu_provider.mitigation.decoupling import decoupled, has_durations
from qiskit_haiqu_provider.mitigation.recipe import mitigate
from qiskit_haiqu_provider.mitigation.settings import MitigationSettings
from tests.mitigation.circuits_for_mitigation import request_of, task_of


@pytest.fixture
def target():
    found = Target(num_qubits=3, dt=1e-9)
    single = {(qubit,): InstructionProperties(duration=30e-9) for qubit in range(3)}
    found.add_instruction(SXGate(), single)
    found.add_instruction(XGate(), single)
    found.add_instruction(RZGate(Parameter("a")), {key: InstructionProperties(duration=0.0) for key in single})
    found.add_instruction(CZGate(), {(a, a + 1): InstructionProperties(duration=400e-9) for a in range(2)})
    found.add_instruction(Delay(Parameter("t")), dict.fromkeys(single))
    from qiskit.circuit.library import Measure

    found.add_instruction(Measure(), {key: InstructionProperties(duration=1e-6) for key in single})
    return found


def waiting():
    circuit = QuantumCircuit(3)
    circuit.sx([0, 1, 2])
    circuit.cz(0, 1)
    circuit.cz(0, 1)
    circuit.cz(0, 1)
    circuit.cz(1, 2)
    circuit.sx(0)
    circuit.cz(0, 1)
    return circuit


def test_gaps_are_filled(target):
    padded = decoupled(waiting(), target, [0, 1, 2])
    assert padded.count_ops()["x"] in (2, 4)
    assert padded.count_ops()["cz"] == 5


def test_one_schedule_serves_all_copies(target):
    task = task_of(waiting(), (SparsePauliOp("ZZZ"),))
    planned = mitigate(request_of(task), target=target, settings=MitigationSettings(num_randomizations=4))
    first = planned.request.tasks[0]
    assert first.circuit.count_ops()["x"] in (2, 4)
    assert first.parameter_values.shape == (4, first.circuit.num_parameters)
    assert planned.finisher.parts[0].facts["dynamical_decoupling"] is True
    assert np.isfinite(first.parameter_values).all()


def test_without_durations_there_are_no_echoes():
    plain = Target(num_qubits=1)
    plain.add_instruction(XGate(), {(0,): None})
    assert not has_durations(None)
    assert not has_durations(plain)


def test_what_cannot_be_scheduled_stays_and_is_told(target):
    circuit = QuantumCircuit(3)
    circuit.h(0)
    circuit.cz(0, 1)
    assert decoupled(circuit, target, [0, 1]) is None
    dynamic = QuantumCircuit(1, 1)
    dynamic.measure(0, 0)
    with dynamic.if_test((dynamic.clbits[0], 1)):
        dynamic.x(0)
    dynamic.measure(0, 0)
    assert decoupled(dynamic, target, [0]) is None
    planned = mitigate(request_of(task_of(dynamic)), target=target, settings=MitigationSettings())
    assert any("could not be scheduled" in each for each in planned.finisher.parts[0].facts["warnings"])

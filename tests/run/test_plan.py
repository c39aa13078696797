"""Shots from precision, and plans that survive JSON."""

import json
import math

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.sampler_pub import SamplerPub

from qiskit_haiqu_provider.run.plan import (
    Plan,
    plan_estimator,
    plan_run,
    plan_sampler,
    shots_from_precision,
)


def test_whole_numbers_of_shots_come_back_from_their_precision():
    wrong = [n for n in range(1, 10_001) if shots_from_precision(1 / math.sqrt(n)) != n]
    assert wrong == []


@pytest.mark.parametrize(
    ("precision", "shots"), [(0.015625, 4096), (0.1, 100), (0.3, 12), (1.0, 1), (2.0, 1), (1e-4, 100_000_000)]
)
def test_shots_are_enough_for_the_precision(precision, shots):
    assert shots_from_precision(precision) == shots


def circuit_with_registers():
    theta, phi = Parameter("theta"), Parameter("a")
    circuit = QuantumCircuit(QuantumRegister(2), ClassicalRegister(1, "left"), ClassicalRegister(2, "right"))
    circuit.metadata = {"run": 3}
    circuit.ry(theta, 0)
    circuit.rz(phi, 1)
    circuit.measure([0, 1], [0, 2])
    return circuit


def test_sampler_plan_survives_json():
    circuit = circuit_with_registers()
    plan, tasks = plan_sampler([SamplerPub.coerce((circuit, np.zeros((4, 3, 2)), 50))])
    assert Plan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan
    assert tasks[0].parameter_values.shape == (12, 2)


def test_estimator_plan_survives_json():
    circuit = circuit_with_registers().remove_final_measurements(inplace=False)
    pub = EstimatorPub.coerce((circuit, [["ZZ"], ["XX"], ["ZZ"]], np.zeros((4, 2)), 0.1))
    plan, tasks = plan_estimator([pub])
    assert Plan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan
    assert plan.outlines[0].shape == (3, 4)
    assert [len(task.observables) for task in tasks] == [2]


def test_run_plan_survives_json():
    circuit = circuit_with_registers()
    plan, _ = plan_run([circuit], [np.zeros((1, 2))], shots=7, memory=True)
    assert Plan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan


def test_values_follow_the_order_of_the_circuits_parameters():
    circuit = circuit_with_registers()
    _, tasks = plan_sampler([SamplerPub.coerce((circuit, {"theta": [1.0, 2.0], "a": [3.0, 4.0]}, 10))])
    assert [parameter.name for parameter in circuit.parameters] == ["a", "theta"]
    assert tasks[0].parameter_values.tolist() == [[3.0, 1.0], [4.0, 2.0]]

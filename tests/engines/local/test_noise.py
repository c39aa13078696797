"""Noise of part of a device, and readout errors on exact probabilities."""

import numpy as np
import pytest
from qiskit_aer.noise import NoiseModel, ReadoutError, depolarizing_error

from qiskit_haiqu_provider import HaiquInputError
from qiskit_haiqu_provider.devices.fakes import load_fake
from qiskit_haiqu_provider.engines.local.noise import confusions, device_noise, part_of, with_readout_errors


@pytest.fixture(scope="module")
def target():
    return load_fake("fake_manila").target


def test_part_of_a_target_is_renumbered(target):
    part = part_of(target, [3, 2])
    assert part.num_qubits == 2
    assert part["sx"][(0,)].error == target["sx"][(3,)].error
    assert part["cx"][(1, 0)].error == target["cx"][(2, 3)].error
    assert part.qubit_properties[0].t1 == target.qubit_properties[3].t1
    assert part.dt == target.dt


def test_noise_of_a_part_is_that_of_the_whole(target):
    part = device_noise(target, (3, 2)).to_dict()["errors"]
    whole = device_noise(target, range(5)).to_dict()["errors"]

    def readout(errors, qubit):
        return next(e["probabilities"] for e in errors if e["type"] == "roerror" and e["gate_qubits"] == [(qubit,)])

    assert readout(part, 0) == readout(whole, 3)
    assert readout(part, 1) == readout(whole, 2)


def test_readout_errors_mix_each_bit_of_its_own():
    matrices = [np.array([[0.9, 0.1], [0.3, 0.7]]), np.array([[0.8, 0.2], [0.4, 0.6]])]
    seen = with_readout_errors(np.array([0.0, 1.0, 0.0, 0.0]), matrices)
    assert np.allclose(seen, [0.3 * 0.8, 0.7 * 0.8, 0.3 * 0.2, 0.7 * 0.2])


def test_confusions_everywhere_and_of_single_qubits():
    noise = NoiseModel()
    noise.add_all_qubit_readout_error(ReadoutError([[0.9, 0.1], [0.2, 0.8]]))
    noise.add_readout_error(ReadoutError([[0.7, 0.3], [0.4, 0.6]]), [1])
    found = confusions(noise, [0, 1])
    assert np.allclose(found, [[[0.9, 0.1], [0.2, 0.8]], [[0.7, 0.3], [0.4, 0.6]]])


def test_what_exact_values_cannot_hold_is_refused():
    correlated = NoiseModel()
    correlated.add_readout_error(ReadoutError(np.eye(4)[::-1]), [0, 1])
    with pytest.raises(HaiquInputError, match=r"several qubits.*precision above 0"):
        confusions(correlated, [0, 1])
    on_measurement = NoiseModel()
    on_measurement.add_all_qubit_quantum_error(depolarizing_error(0.1, 1), ["measure"])
    with pytest.raises(HaiquInputError, match="errors of measurements"):
        confusions(on_measurement, [0])

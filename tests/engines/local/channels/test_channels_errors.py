"""The errors of noise models: what is read of them, and when anew."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Delay
from qiskit.circuit.library import RXGate, SwapGate
from qiskit.quantum_info import PTM, Operator
from qiskit_aer.noise import (
    LocalNoisePass,
    NoiseModel,
    PauliLindbladError,
    QuantumError,
    ReadoutError,
    RelaxationNoisePass,
    depolarizing_error,
    pauli_error,
)

from qiskit_haiqu_provider.engines.local.channels.errors import UnknownNoiseError, errors_of
from qiskit_haiqu_provider.engines.local.channels.transfer import RESET


def test_errors_are_kept_until_the_model_changes():
    model = NoiseModel()
    model.add_all_qubit_quantum_error(depolarizing_error(0.1, 1), "x")
    first = errors_of(model)
    assert errors_of(model) is first
    model.add_all_qubit_quantum_error(depolarizing_error(0.1, 1), "x", warnings=False)
    second = errors_of(model)
    assert second is not first
    assert np.allclose(first.after("x", (0,)), np.diag([1, 0.9, 0.9, 0.9]))
    assert np.allclose(second.after("x", (0,)), np.diag([1, 0.81, 0.81, 0.81]))


def test_many_models_are_told_apart():
    for probability in np.linspace(0, 0.5, 50)[1:]:
        model = NoiseModel()
        model.add_quantum_error(pauli_error([("X", probability), ("I", 1 - probability)]), "x", [1])
        assert errors_of(model).after("x", (1,))[3, 3] == pytest.approx(1 - 2 * probability)
        assert errors_of(model).after("x", (0,)) is None


def test_errors_may_consist_of_any_standard_gates():
    steps = QuantumCircuit(2)
    steps.append(RXGate(0.3), [1])
    steps.append(SwapGate(), [0, 1])
    model = NoiseModel()
    model.add_all_qubit_quantum_error(QuantumError([(steps, 1.0)]), "cx")
    assert np.allclose(errors_of(model).after("cx", (4, 2)), PTM(Operator(steps)).data.real)


def test_pauli_lindblad_errors():
    error = PauliLindbladError(["XI", "ZZ", "YX"], [0.1, 0.05, 0.02])
    model = NoiseModel()
    model.add_quantum_error(error, "cz", [2, 1])
    expected = PTM(error.to_quantum_error().to_quantumchannel()).data.real
    assert np.allclose(errors_of(model).after("cz", (2, 1)), expected)
    assert errors_of(model).after("cz", (1, 2)) is None


def test_readout_of_one_qubit_goes_before_that_of_all():
    model = NoiseModel()
    model.add_all_qubit_readout_error(ReadoutError([[0.9, 0.1], [0.2, 0.8]]))
    model.add_readout_error(ReadoutError([[0.7, 0.3], [0.4, 0.6]]), [1])
    assert np.allclose(errors_of(model).readout(0), [[0.9, 0.2], [0.1, 0.8]])
    assert np.allclose(errors_of(model).readout(1), [[0.7, 0.4], [0.3, 0.6]])
    assert np.allclose(errors_of(None).readout(1), np.eye(2))


@pytest.mark.parametrize(("duration", "unit"), [(30, "us"), (2, "ns"), (5000, "dt"), (0.5, "s"), (0, "ns")])
def test_delays_relax_towards_equilibrium(duration, unit):
    t1, t2, dt, excited = 50e-6, 70e-6, 2e-9, 0.1
    model = NoiseModel()
    model._custom_noise_passes.append(RelaxationNoisePass([1, t1], [1, t2], dt, Delay, [0, excited]))
    seconds = duration * {"us": 1e-6, "ns": 1e-9, "dt": dt, "s": 1.0}[unit]
    decay, dephasing = np.exp(-seconds / t1), np.exp(-seconds / t2)
    expected = np.diag([1, dephasing, dephasing, decay])
    expected[3, 0] = (1 - 2 * excited) * (1 - decay)
    assert np.allclose(errors_of(model).while_waiting(Delay(duration, unit), 1), expected, rtol=0, atol=1e-12)


def test_delays_without_noise():
    assert errors_of(NoiseModel()).while_waiting(Delay(5, "ns"), 0) is None


def _of_measurements():
    model = NoiseModel()
    model.add_all_qubit_quantum_error(depolarizing_error(0.1, 1), "measure")
    return model


def _correlated():
    model = NoiseModel()
    model.add_readout_error(ReadoutError(np.eye(4)[::-1]), [0, 1])
    return model


@pytest.mark.parametrize("make", [_of_measurements, _correlated])
def test_what_only_aer_knows_is_unknown(make):
    with pytest.raises(UnknownNoiseError):
        errors_of(make()).after("x", (0,))


def test_passes_of_other_kinds_are_unknown_where_something_waits():
    model = NoiseModel()
    model._custom_noise_passes.append(LocalNoisePass(lambda op, qubits: None, Delay))
    assert errors_of(model).after("x", (0,)) is None
    with pytest.raises(UnknownNoiseError):
        errors_of(model).while_waiting(Delay(5, "ns"), 0)


def test_delays_in_units_of_a_device_that_has_none_are_unknown():
    model = NoiseModel()
    model._custom_noise_passes.append(RelaxationNoisePass([1e-4], [1e-4], op_types=Delay))
    assert errors_of(model).while_waiting(Delay(5, "ns"), 0) is not None
    with pytest.raises(UnknownNoiseError, match="dt"):
        errors_of(model).while_waiting(Delay(5, "dt"), 0)


def test_an_error_of_another_width_is_unknown():
    model = NoiseModel()
    model.add_all_qubit_quantum_error(depolarizing_error(0.1, 1), "unitary")
    with pytest.raises(UnknownNoiseError, match="number of qubits"):
        errors_of(model).after("unitary", (0, 1))


def test_resets_in_errors():
    model = NoiseModel()
    steps = QuantumCircuit(1)
    steps.reset(0)
    model.add_all_qubit_quantum_error(QuantumError([(steps, 1.0)]), "h")
    assert np.allclose(errors_of(model).after("h", (3,)), RESET)

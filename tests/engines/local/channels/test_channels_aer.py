"""Outcome probabilities with noise, compared with Aer's density matrices."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter
from qiskit.circuit.library import SXGate, UnitaryGate
from qiskit.quantum_info import Kraus, random_unitary
from qiskit_aer import AerSimulator
from qiskit_aer.noise import (
    NoiseModel,
    PauliLindbladError,
    ReadoutError,
    amplitude_damping_error,
    coherent_unitary_error,
    depolarizing_error,
    kraus_error,
    pauli_error,
    phase_amplitude_damping_error,
    reset_error,
    thermal_relaxation_error,
)

from qiskit_haiqu_provider.devices.fakes import load_fake
from qiskit_haiqu_provider.engines.local.channels.readings import readings
from qiskit_haiqu_provider.engines.local.channels.run import distributions
from qiskit_haiqu_provider.engines.local.noise import device_noise
from qiskit_haiqu_provider.engines.local.prepare import prepare

WIDTH = 4

ROUNDING = 2e-8
"""Aer leaves out parts of relaxation that are less likely than 1e-8."""

DEVICES = {"fake_torino": (30, 31, 32, 36), "fake_kyiv": (12, 13, 14, 15), "fake_fez": (3, 4, 5, 6)}


def _coherent():
    model = NoiseModel()
    model.add_all_qubit_quantum_error(coherent_unitary_error(random_unitary(4, seed=1)), ["cx", "cz"])
    model.add_quantum_error(coherent_unitary_error(random_unitary(2, seed=2)), ["sx", "h"], [1])
    model.add_all_qubit_quantum_error(coherent_unitary_error(UnitaryGate(random_unitary(2, seed=3))), ["rz"])
    return model


def _damping():
    model = NoiseModel()
    model.add_all_qubit_quantum_error(amplitude_damping_error(0.2, 0.1), ["x", "sx", "id"])
    model.add_quantum_error(phase_amplitude_damping_error(0.1, 0.2, 0.3), "x", [0])
    model.add_quantum_error(kraus_error(Kraus(amplitude_damping_error(0.3)).data), ["h"], [2])
    model.add_all_qubit_quantum_error(
        thermal_relaxation_error(50, 70, 30).tensor(thermal_relaxation_error(40, 20, 30, 0.2)), ["cz", "rzz"]
    )
    return model


def _paulis():
    model = NoiseModel()
    model.add_all_qubit_quantum_error(depolarizing_error(0.05, 2), ["cx", "cz", "ecr"])
    model.add_quantum_error(pauli_error([("XY", 0.2), ("ZI", 0.1), ("II", 0.7)]), "cx", [1, 0])
    model.add_quantum_error(PauliLindbladError(["XI", "ZZ", "YX"], [0.1, 0.05, 0.02]), "cz", [2, 1])
    model.add_all_qubit_quantum_error(reset_error(0.1, 0.05), ["h", "delay", "reset"])
    model.add_all_qubit_quantum_error(depolarizing_error(0.1, 3), ["ccx"])
    model.add_all_qubit_readout_error(ReadoutError([[0.9, 0.1], [0.3, 0.7]]))
    model.add_readout_error(ReadoutError([[0.8, 0.2], [0.25, 0.75]]), [2])
    return model


def _composed():
    model = NoiseModel()
    error = (
        depolarizing_error(0.1, 1).compose(amplitude_damping_error(0.2)).compose(pauli_error([("Y", 0.1), ("I", 0.9)]))
    )
    model.add_all_qubit_quantum_error(error, ["sx", "rx", "special"])
    model.add_all_qubit_quantum_error(error.tensor(reset_error(0.2)), ["rzz", "unitary"])
    model.add_readout_error(ReadoutError([[0.95, 0.05], [0.1, 0.9]]), [0])
    return model


MODELS = {"coherent": _coherent, "damping": _damping, "paulis": _paulis, "composed": _composed}


@pytest.fixture(scope="module", params=[*MODELS, *DEVICES])
def noise(request):
    """A noise model on four qubits, and the gates that it is used with."""
    if request.param in MODELS:
        return MODELS[request.param]()
    return device_noise(load_fake(request.param).target, DEVICES[request.param])


ONE = ["x", "sx", "h", "id", "s", "t", "y"]
TURNS = ["rz", "rx", "ry", "p"]
TWO = ["cx", "cz", "ecr", "swap"]


@st.composite
def circuits(draw):
    """A circuit of gates, delays, labels and parameters that measures some of its qubits."""
    circuit = QuantumCircuit(QuantumRegister(WIDTH))
    angle = st.floats(-4, 4, allow_nan=False).map(lambda value: round(value, 3))
    qubit = st.integers(0, WIDTH - 1)
    theta = Parameter("theta")
    if draw(st.booleans()):
        circuit.reset(draw(qubit))
    for _ in range(draw(st.integers(0, 14))):
        kind = draw(st.sampled_from(["one", "one", "turn", "turn", "two", "two", "two", "delay", "many", "other"]))
        places = draw(st.permutations(range(WIDTH)))
        if kind == "one":
            getattr(circuit, draw(st.sampled_from(ONE)))(places[0])
        elif kind == "turn":
            value = draw(st.one_of(angle, st.sampled_from([theta, 2 * theta + 0.3])))
            getattr(circuit, draw(st.sampled_from(TURNS)))(value, places[0])
        elif kind == "two":
            getattr(circuit, draw(st.sampled_from(TWO)))(*places[:2])
        elif kind == "delay":
            circuit.delay(draw(st.sampled_from([100, 512, 4000])), places[0], draw(st.sampled_from(["ns", "us", "dt"])))
        elif kind == "many":
            draw(st.sampled_from([circuit.rzz, circuit.cp, circuit.rxx]))(
                draw(st.one_of(angle, st.just(theta))), *places[:2]
            )
        else:
            _other(draw, circuit, places)
    measured = draw(st.lists(qubit, unique=True, min_size=1))
    for qubits in (measured[: len(measured) // 2], measured[len(measured) // 2 :]):
        if qubits:
            register = ClassicalRegister(len(qubits))
            circuit.add_register(register)
            circuit.measure(qubits, register)
    return circuit


def _other(draw, circuit, places):
    what = draw(st.sampled_from(["ccx", "u", "unitary", "labelled", "barrier"]))
    if what == "ccx":
        circuit.ccx(*places[:3])
    elif what == "u":
        circuit.u(0.3, 1.1, -0.4, places[0])
    elif what == "unitary":
        circuit.unitary(random_unitary(4, seed=draw(st.integers(0, 9))), places[:2])
    elif what == "labelled":
        circuit.append(SXGate(label=draw(st.sampled_from(["special", "unheard"]))), [places[0]])
    else:
        circuit.barrier()


def expected(circuit, model, measured):
    """Aer's probabilities of some qubits, with the readout errors of the model."""
    bare = circuit.copy_empty_like()
    for instruction in circuit.data:
        if instruction.name != "measure":
            bare.append(instruction)
    bare.save_probabilities(measured)
    simulator = AerSimulator(method="density_matrix", noise_model=model, zero_threshold=1e-16)
    found = simulator.run(bare).result()
    assert found.success, found.status
    tensor = np.asarray(found.data()["probabilities"]).reshape((2,) * len(measured))
    for place, qubit in enumerate(reversed(measured)):
        matrix = readout(model, qubit)
        tensor = np.moveaxis(np.tensordot(tensor, matrix, axes=(place, 0)), -1, place)
    return tensor.reshape(-1)


def readout(model, qubit):
    matrix = np.eye(2)
    for error in model.to_dict()["errors"]:
        if error["type"] == "roerror" and error.get("gate_qubits", [(qubit,)]) == [(qubit,)]:
            matrix = np.array(error["probabilities"])
    return matrix


@settings(max_examples=20)
@given(circuit=circuits(), values=st.lists(st.floats(-3, 3), min_size=1, max_size=2))
def test_probabilities_are_those_of_aer(noise, circuit, values):
    prepared = prepare(circuit, shrink=False)
    found = readings(prepared, noise)
    sets = np.array(values)[:, None] if circuit.num_parameters else np.empty((len(values), 0))
    (found,) = distributions(found, sets)
    measured = sorted({qubit for qubit, _ in prepared.measured})
    for index, row in enumerate(sets):
        wanted = expected(circuit.assign_parameters(row), noise, measured)
        assert np.allclose(found[index if len(found) > 1 else 0], wanted, rtol=0, atol=ROUNDING)

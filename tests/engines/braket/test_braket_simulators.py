"""braket_sv and braket_dm: bits, gates, noise, seeds, options, and what is refused."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter
from qiskit.circuit.library import UnitaryGate
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import Kraus, Statevector, SuperOp, random_unitary

from qiskit_haiqu_provider import (
    EstimatorV2,
    HaiquCapacityError,
    HaiquCircuitError,
    HaiquInputError,
    HaiquOptionError,
    SamplerV2,
)
from qiskit_haiqu_provider.devices.native import GPI2Gate, GPIGate, MSGate, ZZGate
from qiskit_haiqu_provider.engines.braket.openqasm import write
from qiskit_haiqu_provider.engines.braket.simulation import _results
from qiskit_haiqu_provider.engines.braket.simulators import BraketSimulators


@pytest.fixture(params=["braket_sv", "braket_dm"])
def backend(request, simulator):
    return simulator(request.param, seed_simulator=5)


def test_both_are_there(backend):
    assert (backend.via, backend.simulator, backend.record.constrained) == ("local", True, False)
    assert backend.num_qubits == {"braket_sv": 26, "braket_dm": 13}[backend.name]
    assert backend.target.instruction_supported("cx", (7, 2))
    assert "if_else" not in backend.target.operation_names
    assert backend.status().operational


def test_every_bit_comes_home(backend):
    low, none, high = ClassicalRegister(3, "low"), ClassicalRegister(0, "none"), ClassicalRegister(3, "high")
    circuit = QuantumCircuit(QuantumRegister(4), low, none, high)
    circuit.x([3, 0])
    circuit.cx(3, 1)
    circuit.measure([3, 2, 1, 0], [low[0], low[2], high[0], high[2]])
    data = SamplerV2(backend).run([circuit], shots=8).result()[0].data
    assert (data.low.get_counts(), data.high.get_counts()) == ({"001": 8}, {"101": 8})
    assert (data.none.num_bits, data.none.num_shots) == (0, 8)
    result = backend.run(circuit, shots=8, memory=True).result()
    assert result.get_counts() == {"101  001": 8}
    assert result.results[0].data.memory == ["0x29"] * 8


def test_circuits_that_measure_nothing(backend):
    assert backend.run(QuantumCircuit(2, 2), shots=3).result().get_counts() == {"00": 3}
    assert backend.run(QuantumCircuit(0, 1), shots=3).result().get_counts() == {"0": 3}


@pytest.mark.parametrize("seed", range(4))
def test_states_of_random_circuits_are_those_of_qiskit(simulator, seed):
    circuit = random_circuit(4, 6, max_operands=4, seed=seed)
    circuit.append(UnitaryGate(random_unitary(8, seed=seed)), [3, 0, 2])
    circuit.global_phase = 0.7
    assert simulator().statevector(circuit).equiv(Statevector(circuit))
    assert np.allclose(simulator().statevector(circuit).data, Statevector(circuit).data)


def test_parts_with_measurements_of_their_own(backend):
    part = QuantumCircuit(2, 1, name="part")
    part.x(1)
    part.measure(1, 0)
    circuit = QuantumCircuit(3, 2)
    circuit.append(part.to_instruction(), [0, 2], [1])
    assert backend.run(circuit, shots=4).result().get_counts() == {"10": 4}


def test_native_gates_of_ions(simulator):
    circuit = QuantumCircuit(2)
    for gate, qubits in (
        (GPIGate(0.1), [0]),
        (GPI2Gate(0.2), [1]),
        (MSGate(0.1, 0.3, 0.2), [1, 0]),
        (ZZGate(0.15), [0, 1]),
    ):
        circuit.append(gate, qubits)
    program = write(circuit, np.empty((1, 0)))
    assert [line.split("(")[0] for line in program.source.splitlines()[2:]] == ["gpi", "gpi2", "ms", "zz"]
    state = _results(circuit, np.empty((1, 0)), "braket_sv", "state_vector")[0]
    assert Statevector(state).equiv(Statevector(circuit))


@given(st.floats(-1e6, 1e6), st.floats(-1e-6, 1e-6))
def test_angles_lose_no_digit(large, small):
    circuit = QuantumCircuit(1)
    a = Parameter("a")
    circuit.rx(a * large + small, 0)
    circuit.rz(small, 0)
    program = write(circuit, np.array([[0.5], [-2.0]]))
    assert program.inputs["p0"].tolist() == pytest.approx([0.5 * large + small, -2 * large + small], abs=1e-9)
    state = _results(circuit, np.array([[0.5]]), "braket_sv", "state_vector")[0]
    assert np.allclose(state, Statevector(circuit.assign_parameters([0.5])).data)


def test_initial_states_and_resets_that_do_nothing(backend):
    circuit = QuantumCircuit(3, 2)
    circuit.reset(1)
    circuit.initialize([0, 0, 1, 0], [0, 2])
    circuit.measure([0, 2], [0, 1])
    assert backend.run(circuit, shots=4).result().get_counts() == {"10": 4}


@pytest.mark.parametrize("channel", [Kraus, SuperOp])
def test_noise_runs_on_density_matrices_only(simulator, channel):
    flip = Kraus([np.sqrt(0.9) * np.eye(4), np.sqrt(0.1) * np.kron([[0, 1], [1, 0]], np.eye(2))])  # of the second
    circuit = QuantumCircuit(3, 1)
    circuit.append(channel(flip).to_instruction(), [0, 2])
    pubs = [(circuit, ["ZII", "IIZ", "XII"])]
    values = EstimatorV2(simulator("braket_dm")).run(pubs, precision=0).result()[0].data.evs
    assert np.allclose(values, [0.8, 1.0, 0.0])
    circuit.measure(2, 0)
    counts = simulator("braket_dm", seed_simulator=1).run(circuit, shots=4000).result().get_counts()
    assert counts["1"] == pytest.approx(400, abs=100)
    with pytest.raises(HaiquCircuitError, match="Channels run on braket_dm"):
        simulator("braket_sv").run(circuit)


def test_both_give_the_same_values(simulator):
    circuit = QuantumCircuit(2)
    circuit.ry(Parameter("a"), 0)
    circuit.cx(0, 1)
    pub = (circuit, ["XY", "ZZ", "YX", "XX"], [[[0.1]], [[0.9]]])
    values = [
        EstimatorV2(simulator(name)).run([pub], precision=0).result()[0].data.evs for name in ("braket_sv", "braket_dm")
    ]
    exact = EstimatorV2().run([pub], precision=0).result()[0].data.evs
    assert np.allclose(values[0], exact)
    assert np.allclose(values[1], exact)


def test_seeds_repeat(simulator):
    circuit = QuantumCircuit(2)
    circuit.h([0, 1])
    circuit.measure_all()
    first, again, other = (
        simulator(seed_simulator=seed).run(circuit, memory=True).result().get_memory() for seed in (1, 1, 2)
    )
    assert first == again != other


def test_options(simulator):
    with pytest.raises(HaiquOptionError, match="Did you mean 'shots'"):
        simulator(shot=5)
    for name, value in (("shots", 0), ("memory", 1), ("seed_simulator", -1)):
        with pytest.raises(HaiquInputError, match=name):
            simulator(**{name: value})


def test_what_is_refused(simulator):
    circuit = QuantumCircuit(14)
    circuit.h(range(14))
    circuit.measure_all()
    with pytest.raises(HaiquCapacityError, match="uses 14 qubits, but braket_dm takes at most 13"):
        simulator("braket_dm").run(circuit)
    with pytest.raises(HaiquInputError, match="no statevectors"):
        simulator("braket_dm").statevector(QuantumCircuit(1))
    with pytest.raises(HaiquCapacityError, match="25 qubits"):
        simulator().statevector(QuantumCircuit(25))


def test_mitigation_leaves_what_has_no_errors_as_it_is(simulator):
    bell = QuantumCircuit(2)
    bell.h(0)
    bell.cx(0, 1)
    sampler = SamplerV2(simulator(), options={"use_mitigation": True, "seed_simulator": 7})
    counts = sampler.run([bell.measure_all(inplace=False)], shots=1000).result()[0].data.meas.get_counts()
    assert sum(counts.values()) == 1000
    assert counts["00"] + counts["11"] > 990
    estimator = EstimatorV2(simulator(), options={"use_mitigation": True, "seed_simulator": 7})
    data = estimator.run([(bell, ["ZZ", "XX", "ZI"])], precision=0.02).result()[0].data
    assert abs(data.evs - [1, 1, 0]).max() < 0.1


def test_the_engine_can_be_pickled():
    assert [record.id for record in pickle.loads(pickle.dumps(BraketSimulators())).devices()] == [
        "braket_sv",
        "braket_dm",
    ]


def test_an_aer_simulator_of_the_same_kind(simulator):
    assert simulator().to_aer().options.method == "statevector"
    assert simulator("braket_dm", seed_simulator=3).to_aer().options.method == "density_matrix"


def test_progress_and_cost(simulator):
    told = []
    circuit = QuantumCircuit(1, 1)
    circuit.rx(Parameter("a"), 0)
    circuit.measure(0, 0)
    options = {"progress": lambda done, total: told.append((done, total))}
    job = SamplerV2(simulator(), options=options).run([(circuit, np.zeros((130, 1)))])
    job.result()
    assert told == [(64, 130), (128, 130), (130, 130)]
    assert job.usage()["usd"] == 0.0
    cost = SamplerV2(simulator()).estimate_cost([(circuit, np.zeros((130, 1)))])
    assert (cost.usd, cost.kind, cost.circuits) == (0.0, "free", 130)

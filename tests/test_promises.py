"""Promises that are easy to break: what the caller does meanwhile, odd circuits, and noise away from qubit 0."""

import pickle

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, transpile
from qiskit.circuit import Clbit, Gate, Parameter
from qiskit.quantum_info import SparseObservable, SparsePauliOp, Statevector
from qiskit_aer.noise import NoiseModel

from qiskit_haiqu_provider import EstimatorV2, HaiquCircuitError, HaiquInputError, HaiquProvider, SamplerV2
from qiskit_haiqu_provider.engines.local import units


def test_circuits_values_and_metadata_may_change_after_run():
    circuit = QuantumCircuit(15, metadata={"step": 0})
    circuit.id(range(15))
    jobs = []
    for step in range(4):
        circuit.metadata["step"] = step
        jobs.append(EstimatorV2().run([(circuit, "I" * 14 + "Z")] * 30, precision=0))
        circuit.x(0)
    results = [job.result()[29] for job in jobs]
    assert [float(result.data.evs) for result in results] == [1, -1, 1, -1]
    assert [result.metadata["circuit_metadata"]["step"] for result in results] == [0, 1, 2, 3]


def test_dynamic_circuits_and_arrays_may_change_after_run():
    angle = Parameter("a")
    circuit = QuantumCircuit(1, 2)
    circuit.rx(angle, 0)
    circuit.measure(0, 0)
    circuit.x(0)
    values = np.zeros((2000, 1))
    job = SamplerV2().run([(circuit, values)], shots=50)
    values[:] = np.pi
    circuit.measure(0, 1)
    assert (job.result()[0].data.c.array == 0).all()


@pytest.mark.parametrize("method", ["automatic", "matrix_product_state", "density_matrix"])
def test_circuits_without_gates(provider, method):
    backend = provider.get_backend("aer_simulator", method=method)
    for precision in (0, 0.1):
        evs = EstimatorV2(backend).run([(QuantumCircuit(2), ["II", "ZI"])], precision=precision).result()[0].data.evs
        assert evs.tolist() == [1, 1]


def test_circuits_without_qubits_or_gates(provider):
    backend = provider.get_backend()
    assert backend.statevector(QuantumCircuit(0, global_phase=np.pi)).data == pytest.approx([-1])
    assert backend.run(QuantumCircuit(1, 2), shots=3).result().get_counts() == {"00": 3}
    fake = provider.get_backend("fake_manila")
    assert EstimatorV2(fake).run([(QuantumCircuit(5), "IIIII")], precision=0.1).result()[0].data.evs == 1


def test_parameters_that_vanish_keep_the_others_in_place(provider):
    wait, angle = Parameter("a_wait"), Parameter("z_angle")
    circuit = QuantumCircuit(2, 1)
    circuit.delay(wait, 1)
    circuit.rx(angle, 0)
    circuit.measure(0, 0)
    data = SamplerV2().run([(circuit, {"a_wait": [100, 100], "z_angle": [0, np.pi]})], shots=5).result()[0].data.c
    assert [data.get_counts(0), data.get_counts(1)] == [{"0": 5}, {"1": 5}]


@pytest.mark.parametrize("build", [lambda qc: qc.append(Gate("magic", 1, []), [0])], ids=["opaque"])
def test_what_cannot_be_simulated_is_refused_and_leaves_nothing(provider, build):
    circuit = QuantumCircuit(1, 1)
    build(circuit)
    circuit.measure(0, 0)
    with pytest.raises(HaiquCircuitError, match="magic"):
        SamplerV2().run([circuit])
    assert provider.jobs() == []


def test_the_shot_maximum_holds_at_every_door(provider):
    circuit = QuantumCircuit(1)
    circuit.measure_all()
    with pytest.raises(HaiquInputError, match=r"PUB 0: shots is 10000000000, but at most 100000000"):
        SamplerV2().run([circuit], shots=10**10)
    for precision in (1e-7, 1e-12, 1e-200):
        with pytest.raises(HaiquInputError, match=r"PUB 0: shots is|precision is"):
            EstimatorV2().run([(QuantumCircuit(1), "Z")], precision=precision)
    assert provider.jobs() == []


def test_statevectors_keep_a_phase_with_parameters(provider):
    angle = Parameter("t")
    circuit = QuantumCircuit(1, global_phase=angle)
    circuit.rz(angle, 0)
    result = provider.get_backend().run([circuit], run_type="StatevectorRun", parameter_binds=[{angle: [1.0, 2.0]}])
    for index, value in enumerate([1.0, 2.0]):
        expected = Statevector(circuit.assign_parameters([value]))
        assert np.allclose(result.result().get_statevector(index).data, expected.data)


def test_a_noise_model_of_a_device_runs_transpiled_circuits(provider):
    device = provider.get_backend("fake_torino")
    bell = QuantumCircuit(2)
    bell.h(0)
    bell.cx(0, 1)
    isa = transpile(bell.measure_all(inplace=False), device, seed_transpiler=1, optimization_level=1)
    noise = NoiseModel.from_backend(provider.get_backend("fake_torino"))
    for backend in (
        provider.get_backend("aer_simulator", noise_model=noise),
        provider.get_backend("fake_torino", noise_model=noise),
    ):
        counts = SamplerV2(backend).run([isa], shots=500).result()[0].data.meas.get_counts()
        assert counts["00"] + counts["11"] > 350
    state = transpile(bell, device, seed_transpiler=1, optimization_level=1)
    observable = SparsePauliOp("ZZ").apply_layout(state.layout)
    evs = EstimatorV2(backend).run([(state, observable)], precision=0).result()[0].data.evs
    assert 0.5 < evs < 1


def test_noisy_circuits_do_not_share_qubits_with_their_neighbours(provider):
    backend = provider.get_backend("fake_torino")
    circuits = []
    for qubit in range(40):
        circuit = QuantumCircuit(133, 1)
        circuit.x(qubit)
        circuit.measure(qubit, 0)
        circuits.append(circuit)
    result = SamplerV2(backend).run(circuits, shots=200).result()
    assert all(pub.data.c.get_counts().get("1", 0) > 100 for pub in result)
    together = SamplerV2(backend, options={"seed_simulator": 3}).estimate_cost(circuits)
    alone = SamplerV2(backend, options={"seed_simulator": 3}).estimate_cost(circuits[:1])
    assert together.memory_bytes < 100 * alone.memory_bytes


def test_long_samples_are_cut_into_parts_that_cancel_stops(monkeypatch):
    monkeypatch.setattr(units, "_TRAJECTORY", 2**12)
    circuit = QuantumCircuit(1, 1)
    circuit.h(0)
    circuit.measure(0, 0)
    circuit.h(0)
    circuit.measure(0, 0)
    seen = []
    sampler = SamplerV2(options={"seed_simulator": 4, "progress": lambda done, total: seen.append((done, total))})
    data = sampler.run([circuit], shots=5000).result()[0].data.c
    assert data.num_shots == 5000
    assert abs(data.get_counts()["1"] - 2500) < 250
    assert len(seen) > 5
    assert seen[-1] == (1, 1)
    again = sampler.run([circuit], shots=5000).result()[0].data.c
    assert np.array_equal(data.array, again.array)
    job = sampler.run([circuit], shots=90_000)
    assert job.cancel()
    job.wait_for_final_state(60)
    assert job.cancelled()


def test_estimates_from_parts_of_the_shots_have_the_same_errors(monkeypatch, provider):
    backend = provider.get_backend("fake_manila", seed_simulator=2)
    circuit = QuantumCircuit(5)
    circuit.sx([0, 1])
    pub = (circuit, SparsePauliOp(["IIIIZ", "IIIZZ", "IIIXI"]))
    whole = EstimatorV2(backend).run([pub], precision=0.01).result()[0].data
    monkeypatch.setattr(units, "_TRAJECTORY", 2**12)
    parts = EstimatorV2(backend).run([pub], precision=0.01).result()[0].data
    assert parts.stds == pytest.approx(whole.stds, rel=0.05)
    assert abs(parts.evs - whole.evs) < 6 * whole.stds


def test_overlapping_registers_are_one_word_of_memory(provider):
    bits = [Clbit() for _ in range(3)]
    circuit = QuantumCircuit(1)
    circuit.add_bits(bits)
    circuit.add_register(ClassicalRegister(bits=bits[:2], name="a"), ClassicalRegister(bits=bits[::-1], name="c"))
    circuit.x(0)
    circuit.measure(0, bits[0])
    assert provider.get_backend().run(circuit, shots=4).result().get_counts() == {"001": 4}


def test_projectors_on_many_qubits():
    circuit = QuantumCircuit(10)
    circuit.h(range(10))
    data = EstimatorV2().run([(circuit, SparseObservable.from_label("0" * 10))], precision=0.01).result()[0].data
    assert abs(data.evs - 2**-10) < 6 * data.stds + 1e-9
    with pytest.raises(HaiquInputError, match="expand into"):
        EstimatorV2().run([(QuantumCircuit(40), SparseObservable.from_label("+" * 40))])


def test_unpickled_primitives_keep_their_backends_settings(provider):
    sampler = SamplerV2(provider.get_backend(shots=77))
    assert pickle.loads(pickle.dumps(sampler)).default_shots == 77


def test_backend_options_go_before_the_providers():
    provider = HaiquProvider(options={"backend_options": {"method": "stabilizer", "max_parallel_threads": 1}})
    backend = provider.get_backend(method="density_matrix")
    bell = QuantumCircuit(2)
    bell.h(0)
    bell.measure_all()
    for job in (SamplerV2(backend).run([bell]), backend.run(bell)):
        metadata = job.result().metadata if hasattr(job.result(), "metadata") else job.result().to_dict()
        assert metadata["haiqu"]["method"] == "density_matrix"
    job = SamplerV2(backend, options={"backend_options": {"method": "statevector"}}).run([bell])
    assert job.result().metadata["haiqu"]["method"] == "statevector"


def test_mappings_that_are_changed_in_place_count():
    sampler = SamplerV2(options={"seed_simulator": 1})
    sampler.options.backend_options["method"] = "stabilizer"
    circuit = QuantumCircuit(1)
    circuit.measure_all()
    assert sampler.run([circuit]).result().metadata["haiqu"]["method"] == "stabilizer"
    sampler.options.backend_options["bogus"] = 1
    with pytest.raises(HaiquInputError, match="no option 'bogus'"):
        sampler.run([circuit])


def test_a_measurement_before_a_delay_is_final():
    circuit = QuantumCircuit(1, 1)
    circuit.h(0)
    circuit.measure(0, 0)
    circuit.delay(10, 0)
    with pytest.raises(HaiquCircuitError, match="ends in measurements"):
        EstimatorV2().run([(circuit, "X")])


def test_memory_of_many_shots_is_predicted():
    circuit = QuantumCircuit(2)
    circuit.measure_all()
    predicted = SamplerV2().estimate_cost([(circuit, None, 20_000_000)]).memory_bytes
    assert 40e6 <= predicted < 120e6  # a byte a shot in the result, and one while they are drawn


def test_what_is_no_circuit_is_refused(provider):
    with pytest.raises(HaiquInputError, match="run_input is a NoneType"):
        provider.get_backend().run(None)
    with pytest.raises(HaiquInputError, match="name must be the name of a device"):
        provider.get_backend(3)

"""The official client: devices and their options, the life of a job, transpiled circuits."""

import numpy as np
import pytest
from exact import assert_distribution, assert_value, bell, finished, in_basis, probabilities, state, turned, unpacked
from haiqu.sdk.hybrid import HybridProgram, layers
from haiqu.sdk.schemas import JobType
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, ReadoutError, depolarizing_error
from qiskit_ibm_runtime.fake_provider import FakeTorino

SHOTS = 4000
AER = "aer_simulator"
FAKE = "fake_torino"
ENERGY = SparsePauliOp(["ZZ", "XX"], [1.0, 0.5])


def assert_isa(circuit, device):
    """The circuit uses the device's operations on connected qubits only."""
    pairs = {frozenset(pair) for pair in device.coupling_map}
    for instruction in circuit.data:
        assert instruction.operation.name in {*device.operation_names, "barrier"}
        if instruction.operation.name != "barrier" and len(instruction.qubits) == 2:
            assert frozenset(circuit.find_bit(qubit).index for qubit in instruction.qubits) in pairs


def long_circuit():
    """Far more work than any of these tests waits for."""
    circuit = QuantumCircuit(24, name="long")
    angle = Parameter("x")
    for _ in range(60):
        circuit.ry(angle, range(24))
        for qubit in range(23):
            circuit.cx(qubit, qubit + 1)
    circuit.measure_all()
    return circuit


@pytest.fixture(params=["run", "legacy.run"])
def submit(request, haiqu):
    """``haiqu.run`` and ``haiqu.legacy.run``, up to the job."""
    call = haiqu.run if request.param == "run" else haiqu.legacy.run
    return lambda *arguments, **options: call(*arguments, **{"shots": SHOTS, "device_id": AER, **options})


def test_dry_runs(submit, haiqu):
    for job in (submit(bell(), device_id=FAKE, dry_run=True), haiqu.dry_run(bell(), device_id=FAKE)):
        assert not finished(job)
        assert job.dry_run
        cost = job.estimated_qpu_cost
        assert cost["converted"]["unit"] == "USD"
        assert cost["native"]["amount"] >= 0
        assert not job.time


@pytest.mark.parametrize("size", [{}, {"pack_size": 2}, {"pack_size": 3}])
@pytest.mark.parametrize("device_id", [AER, FAKE])
def test_packing(submit, size, device_id):
    (found,) = finished(submit(turned(0.7), use_packing=True, device_id=device_id, **size))
    if device_id == AER:
        assert_distribution(found, probabilities(turned(0.7)), SHOTS)
    assert sum(found.values()) == pytest.approx(1)
    assert all(len(word) == 2 for word in found)


def test_packing_with_parameters_observables_and_bases(submit):
    circuit = turned(Parameter("t"))
    ((found,),) = finished(submit(circuit, parameters=[[0.7]], use_packing=True, pack_size=2))
    assert_distribution(found, probabilities(circuit, [0.7]), SHOTS)
    ((value,),) = finished(submit(turned(0.7, measured=False), observables=ENERGY, use_packing=True, pack_size=2))
    assert_value(value, turned(0.7), ENERGY, SHOTS)
    ((found,),) = finished(submit(turned(0.7), readout_bases=["XY"], use_packing=True, pack_size=2))
    assert_distribution(found, in_basis(turned(0.7), "XY"), SHOTS)


@pytest.mark.parametrize("form", ["model", "dict"])
def test_noise_models(submit, form):
    noise = NoiseModel()
    noise.add_all_qubit_readout_error(ReadoutError([[0.95, 0.05], [0.2, 0.8]]))
    given = noise if form == "model" else noise.to_dict(serializable=True)
    circuit = QuantumCircuit(2)
    circuit.x(1)
    circuit.measure_all()
    (found,) = finished(submit(circuit, options={"noise_model": given}))
    exact = {"10": 0.8 * 0.95, "11": 0.8 * 0.05, "00": 0.2 * 0.95, "01": 0.2 * 0.05}
    assert_distribution(found, exact, SHOTS)
    ((value,),) = finished(submit(QuantumCircuit(1), observables=SparsePauliOp("Z"), options={"noise_model": given}))
    assert value == pytest.approx(0.9, abs=5 * np.sqrt((1 - 0.9**2) / SHOTS))


def test_noise_of_gates_without_transpilation(submit):
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(depolarizing_error(0.2, 1), ["x"])
    circuit = QuantumCircuit(1)
    for _ in range(3):
        circuit.x(0)
    circuit.measure_all()
    (found,) = finished(submit(circuit, options={"noise_model": noise, "skip_transpilation": True}))
    one = (1 + 0.8**3) / 2
    assert_distribution(found, {"1": one, "0": 1 - one}, SHOTS)


def test_fake_devices_are_noisy(submit):
    (found,) = finished(submit(bell(), device_id=FAKE))
    assert 0.7 < found["00"] + found["11"] < 1
    ((value,),) = finished(submit(bell(), device_id=FAKE, observables=SparsePauliOp("ZZ")))
    assert 0.4 < value < 1


def test_noise_of_a_fake_device_is_the_device_s_own(submit):
    device = FakeTorino()
    circuit = QuantumCircuit(device.num_qubits, 2)
    circuit.sx(0)
    circuit.cz(0, 1)
    circuit.measure([0, 1], [0, 1])
    simulator = AerSimulator.from_backend(device, method="density_matrix")
    shots = 100 * SHOTS
    counts = simulator.run(transpile(circuit, device, optimization_level=0), shots=shots).result().get_counts()
    exact = {word: count / shots for word, count in counts.items()}
    (found,) = finished(submit(circuit, device_id=FAKE, options={"skip_transpilation": True}))
    assert_distribution(found, exact, SHOTS / 1.2)


def test_matrix_product_states(submit):
    circuit = QuantumCircuit(40)
    circuit.h(0)
    for qubit in range(39):
        circuit.cx(qubit, qubit + 1)
    ((value,),) = finished(
        submit(circuit, observables=SparsePauliOp("Z" * 40), options={"method": "matrix_product_state"})
    )
    assert value == pytest.approx(1)
    circuit.measure_all()
    (found,) = finished(submit(circuit, options={"method": "matrix_product_state"}))
    assert_distribution(found, {"0" * 40: 0.5, "1" * 40: 0.5}, SHOTS)


def test_transpilation_options(submit):
    options = {"transpilation_options": {"optimization_level": 1, "initial_layout": [20, 21], "seed_transpiler": 7}}
    (found,) = finished(submit(turned(0.7), device_id=FAKE, options=options))
    for word, exact in probabilities(turned(0.7)).items():
        assert found.get(word, 0) == pytest.approx(exact, abs=0.25)
    (found,) = finished(submit(turned(0.7), options={"transpilation_options": {"optimization_level": 0}}))
    assert_distribution(found, probabilities(turned(0.7)), SHOTS)


@pytest.mark.parametrize("how", [{"auto_quality": True}, {"options": {"auto_quality": True}}])
def test_quality(haiqu, how):
    job = haiqu.run([bell(), turned(0.7)], shots=SHOTS, device_id=AER, **how)
    finished(job)
    assert 0.9 < job.quality <= 1
    scores = job.info["quality_assessment"]["per_circuit"]
    assert scores.keys() == set(job.input_circuit_ids)
    assert haiqu.get_job(job.id).quality == job.quality


def test_information_about_a_job(submit, haiqu):
    job = submit(bell(), observables=ENERGY, job_name="named", job_description="described")
    ((value,),) = finished(job)
    again = haiqu.get_job(job.id)
    assert type(again) is type(job)
    assert (again.name, again.description, again.shots) == ("named", "described", SHOTS)
    assert again.status.value == "Done"
    assert again.result() == [[value]]
    assert again.creation_date <= again.run_date <= again.finish_date
    assert again.time >= 0
    assert again.qpu_cost is None or again.qpu_cost["converted"]["amount"] == 0
    ((uncertainty,),) = again.info["uncertainty"]
    assert 0 <= uncertainty <= 1.5 / np.sqrt(SHOTS)


def test_results_by_observable_and_by_basis(haiqu):
    job = haiqu.legacy.run(bell(), observables=[ENERGY], shots=SHOTS, device_id=AER)
    finished(job)
    (((observable, value, uncertainty),),) = job.result_by_observable()
    assert observable.simplify() == ENERGY.simplify()
    assert value == job.result()[0][0]
    assert uncertainty == job.uncertainty[0][0]
    job = haiqu.legacy.run(bell(), readout_bases=["ZZ", "XX"], shots=SHOTS, device_id=AER)
    finished(job)
    (found,) = job.result_by_basis()
    assert found.keys() == {"ZZ", "XX"}


def test_names_of_jobs(haiqu):
    circuits = [turned(angle, name=f"c{angle}") for angle in (0.1, 0.2, 0.3)]
    assert haiqu.run(circuits[0], device_id=AER).name == "c0.1"
    assert haiqu.run(circuits, device_id=AER).name == "c0.1 + 2 others"


def test_lists_of_jobs(haiqu):
    first = haiqu.run(bell(), device_id=AER)
    second = haiqu.legacy.run(turned(0.2), device_id=AER)
    third = haiqu.statevector_run(bell())
    assert [job.id for job in haiqu.list_jobs(widget=False)] == [third.id, second.id, first.id]
    assert [type(job) for job in haiqu.list_jobs(widget=False)] == [type(third), type(second), type(first)]
    assert [job.id for job in haiqu.list_jobs(job_type=JobType.RUN, widget=False)] == [second.id]
    assert [job.id for job in haiqu.list_jobs(job_type=JobType.HYBRID, limit=1, widget=False)] == [third.id]
    circuit = haiqu.get_circuit(first.input_circuit_ids[0])
    assert {job.id for job in haiqu.list_jobs(circuit=circuit, widget=False)} == {first.id, third.id}
    assert set(circuit.job_ids) == {first.id, third.id}
    assert len(haiqu.list_jobs(pandas=True)) == 3
    assert haiqu.list_circuits(job_type=JobType.RUN, widget=False)[0].id == second.circuit_ids[0]


def test_cancelled_and_started_again(submit, haiqu):
    job = submit(long_circuit(), parameters=[[0.01 * index] for index in range(2000)])
    assert job.status.value not in ("Done", "Error")
    assert job.cancel()
    assert haiqu.get_job(job.id).status.value == "Cancelled"
    with pytest.raises(Exception, match="cancelled"):
        job.result()
    assert job.restart()
    assert haiqu.get_job(job.id).status.value in ("Submitted", "Initializing", "Queued", "Validating", "Running")
    assert job.cancel()
    assert haiqu.get_job(job.id).status.value == "Cancelled"
    (found,) = finished(submit(bell()))
    assert_distribution(found, {"00": 0.5, "11": 0.5}, SHOTS)


def test_a_finished_job_runs_again(submit):
    job = submit(turned(0.7))
    finished(job)
    assert not job.cancel()
    assert job.status.value == "Done"
    assert job.restart()
    (found,) = finished(job)
    assert_distribution(found, probabilities(turned(0.7)), SHOTS)


def test_failed_jobs_say_why(submit):
    with pytest.raises(Exception, match=r"measure|400 Client Error|422 Client Error"):
        finished(submit(QuantumCircuit(2)))  # nothing is measured


def test_pipelines_by_hand(haiqu):
    program = HybridProgram(
        layers=[
            layers.InputLayer(),
            layers.TranspilationLayer(optimization_level=1, seed_transpiler=3),
            layers.ReadoutBasisLayer(),
            layers.DeviceLayer(device_id=AER),
        ]
    )
    (found,) = finished(haiqu.flow(program, turned(0.7), SHOTS, readout_bases=["XY", "ZZ"]))
    for basis, distribution in zip(("XY", "ZZ"), found, strict=True):
        assert_distribution(distribution, in_basis(turned(0.7), basis), SHOTS)
    program = HybridProgram(
        layers=[
            layers.InputLayer(),
            layers.PackingLayer(pack_size=2),
            layers.TranspilationLayer(),
            layers.EstimatorLayer(),
            layers.DeviceLayer(device_id=AER),
        ]
    )
    ((value,),) = finished(haiqu.flow(program, turned(0.7), SHOTS, observables=ENERGY))
    assert_value(value, turned(0.7), ENERGY, SHOTS)


def test_transpile(haiqu):
    circuit, device = turned(0.7), haiqu.get_device(FAKE)
    record = haiqu.log(circuit)
    found = haiqu.transpile(circuit, device, optimization_level=1, seed_transpiler=5)
    assert (found.transpilation_target, found.generated) == (FAKE, True)
    assert found.analytics.depth_2q >= 1
    assert_isa(unpacked(found.qpy), device)
    best = haiqu.transpile(record, device, seed_transpiler=[0, 1, 2])
    assert_isa(unpacked(best.qpy), device)
    listed = haiqu.list_transpiled_circuits(record, widget=False)
    assert {item.id for item in listed} == {found.id, best.id}
    assert haiqu.list_jobs(job_type=JobType.TRANSPILATION, widget=False)[0].transpiled_circuit_ids == [best.id]
    (distribution,) = finished(haiqu.run(found, shots=SHOTS, device_id=FAKE))
    for word, exact in probabilities(circuit).items():
        assert distribution.get(word, 0) == pytest.approx(exact, abs=0.25)


def test_what_a_transpiled_circuit_is_measured_in(haiqu):
    """Observables have a letter per qubit of the device, bases one per qubit in use."""
    found = haiqu.transpile(turned(0.7), haiqu.get_device(FAKE), seed_transpiler=5)
    pairs = SparsePauliOp("ZZ")
    exact = state(turned(0.7)).expectation_value(pairs).real
    wide = pairs.apply_layout(unpacked(found.qpy).layout)
    ((value,),) = finished(haiqu.run(found, shots=SHOTS, device_id=FAKE, observables=wide))
    assert value == pytest.approx(exact, abs=0.4)
    ((distribution,),) = finished(haiqu.run(found, shots=SHOTS, device_id=FAKE, readout_bases=["ZZ"]))
    assert {len(word) for word in distribution} == {2}
    for word, probability in probabilities(turned(0.7)).items():
        assert distribution.get(word, 0) == pytest.approx(probability, abs=0.25)


def test_transpile_many_circuits(haiqu):
    device, angle = haiqu.get_device("fake_fez"), Parameter("t")
    circuits = [turned(angle), turned(2 * angle), bell()]
    found = haiqu.transpile(circuits, device, "named", seed_transpiler=1)
    assert len({record.id for record in found}) == 3
    assert [record.analytics.num_parameters for record in found] == [1, 1, 0]
    for record in found:
        assert_isa(unpacked(record.qpy), device)
    values = [[[1.0]], [[1.0]]]
    for circuit, (distribution,) in zip(
        circuits[:2], finished(haiqu.run(found[:2], values, SHOTS, device_id="fake_fez")), strict=True
    ):
        for word, exact in probabilities(circuit, [1.0]).items():
            assert distribution.get(word, 0) == pytest.approx(exact, abs=0.2)


@pytest.mark.parametrize("option", [{"optimization_level": 9}, {"routing": "x"}])
def test_unknown_transpilation_options_are_refused_by_the_client(haiqu, option):
    with pytest.raises(ValueError, match=next(iter(option))):
        haiqu.transpile(bell(), haiqu.get_device(FAKE), **option)


def test_impossible_transpilation_options_are_refused(haiqu):
    with pytest.raises(Exception, match=r"40\d|422|failed"):
        haiqu.transpile(bell(), haiqu.get_device(FAKE), initial_layout=[5000, 1])

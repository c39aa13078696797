"""HaiquBackend as a BackendV2, and ``backend.run`` as code written for other backends uses it."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.primitives import BackendEstimatorV2, BackendSamplerV2, StatevectorSampler
from qiskit.providers import BackendV2, JobV1
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit.result import Result
from qiskit.transpiler import Target, generate_preset_pass_manager
from qiskit_aer import AerSimulator

from qiskit_haiqu_provider import (
    EstimatorV2,
    HaiquCapacityError,
    HaiquCircuitError,
    HaiquCostLimitError,
    HaiquInputError,
    HaiquOptionError,
    HaiquProvider,
)
from qiskit_haiqu_provider.engines.local.engine import LocalEngine


@pytest.fixture
def backend(provider):
    return provider.get_backend("aer_simulator", seed_simulator=5)


@pytest.fixture
def fake(provider):
    return provider.get_backend("fake_manila", seed_simulator=5)


def bell(name="bell"):
    circuit = QuantumCircuit(2, name=name, metadata={"kind": name})
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


@pytest.mark.parametrize("name", ["aer_simulator", "fake_manila", "fake_torino"])
def test_contract_of_a_backend(provider, name):
    backend = provider.get_backend(name)
    assert isinstance(backend, BackendV2)
    assert isinstance(backend.target, Target)
    assert (backend.name, backend.version, backend.via) == (name, 2, "local")
    assert backend.num_qubits == backend.target.num_qubits
    assert backend.coupling_map.size() == backend.num_qubits
    assert backend.max_circuits is None
    assert backend.provider is provider
    assert backend.status().operational
    assert backend.qubit_properties(0) is not None
    assert len(backend.qubit_properties([0, 1])) == 2
    configuration = backend.configuration()
    assert configuration.num_qubits == configuration.n_qubits == backend.num_qubits
    assert configuration.simulator
    assert configuration.max_shots >= 1_000_000
    assert {"measure"} <= set(configuration.basis_gates)
    with pytest.raises(AttributeError):
        configuration.num_qubits = 3


def test_explicit_qubits_for_every_gate(provider):
    for name in ("aer_simulator", "fake_torino"):
        target = provider.get_backend(name).target
        assert all(None not in target[gate] for gate in ("measure", "x"))
        assert target.build_coupling_map() is not None


def test_a_fake_device_has_errors_durations_and_coherence(fake):
    properties = fake.target["cx"][(0, 1)]
    assert 0 < properties.error < 0.1
    assert 0 < properties.duration < 1e-5
    assert fake.dt > 0
    assert fake.qubit_properties(2).t1 > 0


def test_width_follows_the_method(provider):
    widths = {
        method: provider.get_backend("aer_simulator", method=method).num_qubits
        for method in ("automatic", "density_matrix", "stabilizer", "matrix_product_state")
    }
    assert widths["density_matrix"] == widths["automatic"] // 2
    assert widths["stabilizer"] == widths["matrix_product_state"] == 63


def test_repr_says_what_and_how(backend, fake):
    assert repr(fake) == "<HaiquBackend('fake_manila', via='local', num_qubits=5)>"
    assert "<td>local</td>" in fake._repr_html_()
    assert "aer_simulator" in backend._repr_html_()


def test_a_backend_says_where_its_errors_are_from(backend, fake):
    assert fake.calibration == "from the snapshot fake_manila, not from today"
    assert fake.calibration in fake._repr_html_()
    assert backend.calibration is None
    assert "errors" not in backend._repr_html_()


class ClosedEngine(LocalEngine):
    """The local engine on a day when nothing works."""

    def devices(self):
        return [replace(record, status="Offline for maintenance") for record in super().devices()]


def test_the_status_is_in_the_words_of_who_executes(provider, backend, monkeypatch):
    assert (backend.status().operational, backend.status().status_msg) == (True, "online")
    monkeypatch.setattr(provider._reach, "_here", (ClosedEngine(),))
    status = provider.get_backend("fake_manila").status()
    assert (status.operational, status.status_msg, status.pending_jobs) == (False, "Offline for maintenance", 0)
    assert "Offline for maintenance" in provider.get_backend("fake_manila")._repr_html_()


def test_the_configuration_of_a_device_with_one_qubit(provider):
    assert provider.get_backend("fake_armonk").configuration().coupling_map == ()


def test_pickles(fake):
    twin = pickle.loads(pickle.dumps(fake))
    assert twin.name == fake.name
    assert dict(twin.options.items()) == dict(fake.options.items())
    isa = generate_preset_pass_manager(0, backend=twin).run(bell())
    assert twin.run(isa).result().get_counts() == fake.run(isa).result().get_counts()


def test_options_are_validated_wherever_they_are_set(provider, backend):
    with pytest.raises(HaiquOptionError, match="Did you mean 'method'"):
        provider.get_backend("aer_simulator", metod="statevector")
    with pytest.raises(HaiquInputError, match="shots must be at least 1"):
        backend.set_options(shots=0)
    with pytest.raises(HaiquInputError, match="seed_simulator"):
        backend.set_options(seed_simulator=-1)
    with pytest.raises(HaiquInputError, match="memory must be True or False"):
        backend.set_options(memory="yes")
    with pytest.raises(HaiquInputError, match="noise_model must be"):
        backend.set_options(noise_model=3)
    with pytest.raises(HaiquInputError, match="bond_dimension"):
        backend.set_options(matrix_product_state_max_bond_dimension=0)
    with pytest.raises(HaiquInputError, match="threshold"):
        backend.set_options(matrix_product_state_truncation_threshold=2)
    with pytest.raises(HaiquOptionError, match="needs a device with noise"):
        backend.set_options(noise_model="device")
    backend.options.shots = -4
    with pytest.raises(HaiquInputError, match=r"shots \(backend options\) must be at least 1, not -4"):
        backend.run(bell())
    assert provider.jobs() == []


def test_result_of_a_run(backend):
    job = backend.run([bell("one"), bell("two")], shots=30, memory=True)
    result = job.result()
    assert isinstance(job, JobV1)
    assert isinstance(result, Result)
    assert result.success
    assert (result.backend_name, result.job_id) == ("aer_simulator", job.job_id())
    assert [experiment.header["name"] for experiment in result.results] == ["one", "two"]
    assert result.results[0].header["metadata"] == {"kind": "one"}
    assert result.results[0].header["creg_sizes"] == [["meas", 2]]
    assert result.results[0].header["memory_slots"] == 2
    assert sum(result.get_counts(0).values()) == 30
    assert set(result.get_memory(1)) <= {"00", "11"}
    assert all(key.startswith("0x") for key in result.data(0)["counts"])
    assert all(shot.startswith("0x") for shot in result.data(0)["memory"])
    assert Result.from_dict(result.to_dict()).get_counts(0) == result.get_counts(0)
    assert pickle.loads(pickle.dumps(result)).get_counts(1) == result.get_counts(1)


def test_memory_only_where_asked(backend):
    assert "memory" not in backend.run(bell()).result().data(0)
    backend.set_options(memory=True, shots=3)
    assert len(backend.run(bell()).result().data(0)["memory"]) == 3


def test_registers_are_apart_in_counts(backend):
    circuit = QuantumCircuit(3)
    circuit.add_register(ClassicalRegister(2, "a"), ClassicalRegister(1, "b"))
    circuit.x(0)
    circuit.measure([0, 1, 2], [0, 1, 2])
    assert backend.run(circuit, shots=4).result().get_counts() == {"0 01": 4}


def test_parameter_binds_as_in_aer(backend):
    theta = Parameter("t")
    circuit = QuantumCircuit(1)
    circuit.rx(theta, 0)
    circuit.measure_all()
    result = backend.run([circuit], parameter_binds=[{theta: [0.0, np.pi]}], shots=6).result()
    assert [result.get_counts(index) for index in range(2)] == [{"0": 6}, {"1": 6}]


def test_parameters_that_do_not_fit(backend, provider):
    theta = Parameter("t")
    circuit = QuantumCircuit(1)
    circuit.rx(theta, 0)
    circuit.measure_all()
    for binds, words in [
        (None, "without a value: t"),
        ([{}], "without a value: t"),
        ([{theta: 0.1}, {theta: 0.1}], "2 mappings for 1 circuits"),
        ([{theta: 0.1, Parameter("u"): 0.1}], "does not have the parameters u"),
        ([{theta: [[0.1]]}], "same length"),
    ]:
        with pytest.raises(HaiquInputError, match=words):
            backend.run([circuit], parameter_binds=binds)
    assert provider.jobs() == []


def test_unknown_options_warn_once_with_the_valid_names(backend):
    with pytest.warns(UserWarning, match=r"ignores the options \['rep_delay'\].*seed_simulator") as caught:
        backend.run(bell(), rep_delay=1)
    assert len(caught) == 1
    backend.run(bell(), rep_delay=2).result()  # a second warning would be an error here


def test_options_without_effect_on_a_simulator_are_no_surprise(backend):
    job = backend.run(bell(), rep_delay=None, meas_level=2, job_tags=["calibration"], seed_simulator=None)
    assert job.tags == ["calibration"]
    assert job.result().get_counts() == backend.run(bell()).result().get_counts()
    with pytest.raises(HaiquInputError, match="meas_level must be 2"):
        backend.run(bell(), meas_level=1)


def test_no_circuit_is_no_run(backend):
    with pytest.raises(HaiquInputError, match="circuit 1 is a str"):
        backend.run([bell(), "bell"])
    assert backend.run([]).result().results == []


def test_a_seed_repeats(backend):
    runs = [backend.run(bell(), seed_simulator=seed).result().get_counts() for seed in (1, 1, 2)]
    assert runs[0] == runs[1]
    memory = [backend.run(bell(), seed_simulator=seed, memory=True).result().get_memory() for seed in (1, 2)]
    assert memory[0] != memory[1]


def test_qiskits_backend_primitives_work_on_top(provider):
    for name in ("aer_simulator", "fake_manila"):
        backend = provider.get_backend(name, seed_simulator=5)
        manager = generate_preset_pass_manager(1, backend=backend, seed_transpiler=1)
        circuit = QuantumCircuit(3)
        circuit.add_register(ClassicalRegister(1, "a"), ClassicalRegister(2, "b"))
        circuit.x(0)
        circuit.cx(0, 2)
        circuit.measure([0, 1, 2], [0, 1, 2])
        data = BackendSamplerV2(backend=backend).run([manager.run(circuit)], shots=500).result()[0].data
        expected = StatevectorSampler().run([circuit]).result()[0].data
        for register in ("a", "b"):
            best = max(data[register].get_counts().items(), key=lambda item: item[1])[0]
            assert {best} == set(expected[register].get_counts())
        state = QuantumCircuit(2)
        state.h(0)
        state.cx(0, 1)
        isa = manager.run(state)
        observable = SparsePauliOp(["ZZ", "XX"]).apply_layout(isa.layout)
        evs = BackendEstimatorV2(backend=backend).run([(isa, observable)]).result()[0].data.evs
        assert evs == pytest.approx(2, abs=0.25)


def test_statevectors_are_exact_and_in_qiskit_order(backend, fake):
    circuit = QuantumCircuit(3, global_phase=0.4)
    circuit.h(0)
    circuit.cx(0, 2)
    circuit.rz(0.3, 1)
    expected = Statevector(circuit)
    measured = circuit.measure_all(inplace=False)
    assert np.allclose(backend.statevector(circuit).data, expected.data)
    states = fake.statevector([measured, circuit])
    assert all(np.allclose(state.data, expected.data) for state in states)
    result = backend.run(circuit, run_type="StatevectorRun").result()
    assert np.allclose(result.get_statevector(0).data, expected.data)


def test_statevectors_that_do_not_exist(backend):
    with pytest.raises(HaiquCapacityError, match="at most 24"):
        backend.statevector(QuantumCircuit(25))
    dynamic = QuantumCircuit(1, 1)
    dynamic.h(0)
    dynamic.measure(0, 0)
    dynamic.x(0)
    with pytest.raises(HaiquCircuitError, match="no single statevector"):
        backend.statevector(dynamic)
    free = QuantumCircuit(1)
    free.rx(Parameter("t"), 0)
    with pytest.raises(HaiquInputError, match="without a value: t"):
        backend.statevector(free)
    with pytest.raises(HaiquInputError, match="run_type must be one of"):
        backend.run(bell(), run_type="Walk")


def test_aer_twins(backend, fake):
    assert isinstance(backend.to_aer(), AerSimulator)
    twin = fake.to_aer()
    assert twin.options.noise_model is not None
    isa = generate_preset_pass_manager(0, backend=fake).run(bell())
    found = twin.run(isa, shots=2000).result().get_counts()
    ours = fake.run(isa, shots=2000).result().get_counts()
    assert found["01"] + found["10"] > 0
    assert abs(found["00"] - ours["00"]) < 250
    assert AerSimulator.from_backend(fake).options.noise_model is not None


def test_cost_of_a_run(backend):
    cost = backend.estimate_cost([bell(), bell()], shots=100)
    assert (cost.usd, cost.circuits, cost.shots, cost.device) == (0.0, 2, 200, "aer_simulator")
    assert cost.as_of is not None
    assert cost.source


@pytest.mark.parametrize("name", ["aer_simulator", "fake_manila"])
@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_every_level_of_transpilation(provider, name, level):
    backend = provider.get_backend(name, seed_simulator=1, noise_model=None)
    circuit = QuantumCircuit(4, global_phase=0.3)
    circuit.h(0)
    circuit.ccx(0, 1, 2)
    circuit.cx(0, 3)
    isa = generate_preset_pass_manager(level, backend=backend, seed_transpiler=1).run(circuit)
    observable = SparsePauliOp(["ZIIZ", "XIIX"]).apply_layout(isa.layout)
    evs = EstimatorV2(backend).run([(isa, observable)], precision=0.02).result()[0].data.evs
    assert evs == pytest.approx(2, abs=0.1)


def test_settings_of_provider_and_environment_hold_for_runs_too(monkeypatch):
    backend = HaiquProvider(options={"default_shots": 40}).get_backend()
    assert sum(backend.run(bell()).result().get_counts().values()) == 40
    assert sum(backend.run(bell(), shots=30).result().get_counts().values()) == 30
    backend.set_options(shots=1024)
    assert sum(backend.run(bell()).result().get_counts().values()) == 1024
    monkeypatch.setenv("HAIQU_DEFAULT_SHOTS", "50")
    assert sum(HaiquProvider().get_backend().run(bell()).result().get_counts().values()) == 50


class PricedEngine(LocalEngine):
    """The local engine, at a cent a shot."""

    submitted = 0

    def estimate(self, request):
        estimate = super().estimate(request)
        return replace(estimate, usd=0.01 * estimate.shots)

    def submit(self, request, *, progress=None, journal=None):
        self.submitted += 1
        return super().submit(request, progress=progress, journal=journal)


def test_a_cap_in_the_environment_stops_runs_before_they_are_submitted(provider, monkeypatch):
    engine = PricedEngine()
    monkeypatch.setattr(provider._reach, "_here", (engine,))
    backend = provider.get_backend()
    monkeypatch.setenv("HAIQU_MAX_COST_USD", "5")
    with pytest.raises(HaiquCostLimitError, match=r"max_cost_usd is 5\.00.*10\.24 USD.*Nothing was submitted"):
        backend.run(bell())
    assert engine.submitted == 0
    assert provider.jobs() == []
    assert backend.run(bell(), shots=500).result().success
    assert backend.run(bell(), max_cost_usd=11).result().success
    with pytest.raises(HaiquInputError, match="max_cost_usd must be None or an amount"):
        backend.run(bell(), max_cost_usd="5")


def test_a_dry_run_of_a_backend(backend, provider):
    assert backend.run(bell(), dry_run=True).result().shots == 1024
    assert provider.jobs() == []


# Sessions.


def test_a_session_of_this_machine_is_the_backend_itself(provider):
    backend = provider.get_backend("aer_simulator")
    with backend.session(max_time=600) as kept, backend.batch() as batched:
        assert kept is batched is backend


def test_the_same_device_with_other_options(provider):
    backend = provider.get_backend("aer_simulator", shots=12)
    other = backend.with_options(seed_simulator=3)
    assert (other.options.shots, other.options.seed_simulator, backend.options.seed_simulator) == (12, 3, None)
    assert other.provider is provider

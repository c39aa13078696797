"""What downstream libraries expect of a backend, for devices of every vendor that the service may list."""

import pickle
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.primitives import BackendEstimatorV2, BackendSamplerV2
from qiskit.providers import BackendV2
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit.transpiler import Target, generate_preset_pass_manager
from qiskit_aer import AerSimulator

from qiskit_haiqu_provider import EstimatorV2, HaiquBackendNotFoundError, HaiquCircuitError, SamplerV2
from qiskit_haiqu_provider.api.client import HaiquClient
from qiskit_haiqu_provider.backend import HaiquBackend
from qiskit_haiqu_provider.devices.fakes import snapshot
from qiskit_haiqu_provider.engines.haiqu.engine import HaiquEngine
from qiskit_haiqu_provider.engines.local.engine import AER, LocalEngine
from qiskit_haiqu_provider.exceptions import HaiquInputError
from qiskit_haiqu_provider.store import JobStore
from tests.api.odd_server import Answer, OddServer


class PlayedEngine(HaiquEngine):
    """The devices of the service; their circuits are run on this machine, without noise."""

    def estimate(self, request):
        return LocalEngine().estimate(self._here(request))

    def submit(self, request, *, progress=None, journal=None):
        return LocalEngine().submit(self._here(request), progress=progress)

    def _here(self, request):
        options = {**LocalEngine().default_options(AER), "seed_simulator": request.seed}
        return replace(request, device=AER, options=options)


def snapshot_body(name):
    facts = snapshot(name.replace("ibm_", "fake_"))
    return {
        "qubits": facts.num_qubits,
        "operation_names": facts.operation_names,
        "coupling_map": facts.coupling_map,
        "simulator": name.startswith("fake_"),
    }


def line(*qubits):
    return [list(pair) for pair in pairwise(qubits)]


QIS = ["x", "y", "z", "h", "s", "t", "rx", "ry", "rz", "cnot", "rxx", "rzz", "swap", "mct"]
DEVICES = {
    "ibm_torino": snapshot_body("ibm_torino"),  # some of its couplers were broken that day
    "ibm_lagos": snapshot_body("ibm_lagos"),
    "ionq_forte": {"qubits": 36, "operation_names": ["gpi", "gpi2", "zz"], "coupling_map": None},
    "ionq_aria": {"qubits": 25, "operation_names": ["gpi", "gpi2", "ms", "measure"], "coupling_map": None},
    "iqm_star": {"qubits": 6, "operation_names": ["r", "cz"], "coupling_map": [[0, leaf] for leaf in range(1, 6)]},
    "aws_iqm_garnet": {"qubits": 6, "operation_names": ["prx", "cz"], "coupling_map": line(1, 2, 3, 4, 5, 6)},
    "aws_rigetti_ankaa": {"qubits": 5, "operation_names": ["rx", "rz", "iswap"], "coupling_map": line(0, 1, 3, 7, 8)},
    "aer_simulator": {"qubits": 24, "operation_names": ["h", "cx"], "coupling_map": None, "simulator": True},
    "fake_manila": snapshot_body("fake_manila"),
    "ionq_simulator": {"qubits": 29, "operation_names": QIS, "coupling_map": None, "simulator": True},
}
SNAPSHOTS = ["ibm_torino", "ibm_lagos", "fake_manila"]
WITHOUT_ERRORS = ["ionq_forte", "ionq_aria", "iqm_star", "aws_iqm_garnet", "aws_rigetti_ankaa"]


def body(device, **more):
    facts = {"id": device, "vendor": device.split("_")[0], "name": device, "status": "online", "simulator": False}
    return {**facts, "pending_jobs": 4, **DEVICES[device], **more}


@pytest.fixture
def server():
    with OddServer() as server:
        server.on("GET /devices", Answer(json=[body(name) for name in DEVICES]))
        for name in DEVICES:  # asked again when some seconds have passed
            server.on(f"GET /devices/{name}", Answer(json=body(name)))
        yield server


@pytest.fixture
def engine(server, tmp_path):
    with HaiquClient("a-key-of-the-tests", url=server.url, retry_seconds=0) as client:
        yield PlayedEngine(client, home=lambda: tmp_path, credentials=lambda _device: {})


@pytest.fixture
def backend_of(engine, provider, tmp_path):
    """Makes the backend of a device, whose Target has said what it has to say."""

    def make(name, **options):
        record = next(record for record in engine.devices() if record.id == name)
        backend = HaiquBackend(engine, record, store=JobStore(tmp_path), provider=provider, options=options)
        if name in WITHOUT_ERRORS:
            with pytest.warns(UserWarning, match=f"{name} has no error data"):
                assert backend.target is not None
        return backend

    return make


def circuit():
    """Three qubits whose order shows, in a state that needs entangling gates."""
    made = QuantumCircuit(3)
    made.ry(0.7, 0)
    made.h(1)
    made.cx(0, 2)
    made.rzz(0.4, 1, 2)
    made.rx(0.9, 1)
    made.cx(2, 1)
    return made


@pytest.mark.parametrize("name", DEVICES)
def test_contract_of_a_remote_backend(backend_of, provider, name):
    backend = backend_of(name)
    assert isinstance(backend, BackendV2)
    assert isinstance(backend.target, Target)
    assert (backend.name, backend.version, backend.via) == (name, 2, "haiqu")
    assert backend.num_qubits == backend.target.num_qubits == DEVICES[name]["qubits"]
    assert backend.coupling_map.size() == backend.num_qubits
    assert backend.max_circuits is None
    assert backend.provider is provider
    assert backend.qubit_properties(0) is not None
    assert (backend.dt is not None) == (name in SNAPSHOTS)
    configuration = backend.configuration()
    assert configuration.num_qubits == configuration.n_qubits == backend.num_qubits
    assert (configuration.local, configuration.simulator) == (False, backend.simulator)
    assert configuration.max_shots >= 1_000_000
    assert "measure" in configuration.basis_gates
    assert configuration.coupling_map
    status = backend.status()
    assert (status.operational, status.status_msg) == (True, "online")
    assert status.pending_jobs == (0 if backend.simulator else 4)
    assert {"shots", "memory"} <= set(dict(backend.options.items()))
    assert repr(backend) == f"<HaiquBackend('{name}', via='haiqu', num_qubits={backend.num_qubits})>"


@pytest.mark.parametrize("level", [0, 1, 2, 3])
@pytest.mark.parametrize("name", DEVICES)
def test_every_level_of_transpilation_fits_and_is_right(backend_of, name, level):
    backend = backend_of(name)
    isa = generate_preset_pass_manager(level, backend=backend, seed_transpiler=3).run(circuit())
    backend.check_circuit(isa, where="PUB 0")
    observables = [SparsePauliOp(label) for label in ("ZII", "IZI", "XYZ")]
    mapped = [observable.apply_layout(isa.layout) for observable in observables]
    evs = EstimatorV2(backend).run([(isa, mapped)], precision=0.01).result()[0].data.evs
    expected = [Statevector(circuit()).expectation_value(observable).real for observable in observables]
    assert np.allclose(evs, expected, atol=0.05)


@pytest.mark.parametrize("name", ["ibm_lagos", "ionq_forte", "aws_rigetti_ankaa", "aer_simulator"])
def test_qiskits_primitives_and_ours_agree_on_top(backend_of, name):
    backend = backend_of(name)
    manager = generate_preset_pass_manager(1, backend=backend, seed_transpiler=3)
    isa, state = manager.run([circuit().measure_all(inplace=False), circuit()])
    expected = Statevector(circuit()).probabilities_dict()
    for sampler in (SamplerV2(backend), BackendSamplerV2(backend=backend)):
        counts = sampler.run([isa], shots=4000).result()[0].data.meas.get_counts()
        assert all(abs(counts.get(key, 0) / 4000 - chance) < 0.05 for key, chance in expected.items())
    observable = SparsePauliOp("ZII").apply_layout(state.layout)
    evs = BackendEstimatorV2(backend=backend).run([(state, observable)]).result()[0].data.evs
    assert evs == pytest.approx(Statevector(circuit()).expectation_value(SparsePauliOp("ZII")).real, abs=0.1)


def test_results_of_run_are_those_that_older_code_reads(backend_of):
    backend = backend_of("ionq_forte", shots=30)
    isa = generate_preset_pass_manager(1, backend=backend, seed_transpiler=3).run(circuit().measure_all(inplace=False))
    isa.name, isa.metadata = "three", {"kind": "test"}
    with pytest.warns(UserWarning, match=r"ignores the options \['rep_delay'\]"):
        result = backend.run([isa], memory=True, rep_delay=1).result()
    assert result.success
    assert (result.results[0].header["name"], result.results[0].header["metadata"]) == ("three", {"kind": "test"})
    assert sum(result.get_counts(0).values()) == len(result.get_memory(0)) == 30
    assert all(shot.startswith("0x") for shot in result.data(0)["memory"])
    assert pickle.loads(pickle.dumps(result)).get_counts(0) == result.get_counts(0)


@pytest.mark.parametrize("name", DEVICES)
def test_circuits_that_do_not_fit_are_refused_except_by_the_simulator(backend_of, name):
    backend = backend_of(name)
    toffoli = QuantumCircuit(3)
    toffoli.ccx(0, 1, 2)
    if name == "aer_simulator":
        backend.check_circuit(toffoli, where="PUB 0")
        return
    with pytest.raises(HaiquCircuitError, match=f"PUB 0: {name} cannot run 'ccx'.*Transpile it first"):
        backend.check_circuit(toffoli, where="PUB 0")


def test_all_pairs_have_explicit_qubits(backend_of):
    target = backend_of("ionq_forte").target
    assert len(target["zz"]) == 36 * 35
    assert all(None not in target[name] for name in target.operation_names)


# Status, calibration, simulators.


def test_the_status_is_the_one_of_now(server, engine, backend_of):
    backend = backend_of("iqm_star")
    server.on("GET /devices", Answer(json=[body("iqm_star", status="Under maintenance", pending_jobs=7)]))
    engine._devices.refresh()
    status = backend.status()
    assert (status.operational, status.pending_jobs, status.status_msg) == (False, 7, "Under maintenance")
    assert backend.record.status == "online"  # a backend is as it was when it was made


@pytest.mark.parametrize("name", DEVICES)
def test_a_backend_says_where_its_errors_are_from(backend_of, name):
    backend = backend_of(name)
    shown = backend._repr_html_()
    if name in SNAPSHOTS:
        assert backend.calibration == f"from the snapshot {name.replace('ibm_', 'fake_')}, not from today"
        assert backend.calibration in shown
    else:
        assert backend.calibration is None
        assert ("<td>unknown</td>" in shown) == (name in WITHOUT_ERRORS)


def test_names_from_the_service_are_no_markup(engine, server, backend_of):
    server.on("GET /devices", Answer(json=[body("iqm_star", name="<b>Star</b>", vendor="<i>IQM</i>", status="<u>on")]))
    shown = backend_of("iqm_star")._repr_html_()
    assert "<b>" not in shown
    assert "<i>" not in shown
    assert "<u>" not in shown


def test_simulators_of_devices(backend_of):
    assert backend_of("ibm_lagos").to_aer().options.noise_model is not None
    assert backend_of("fake_manila").to_aer().options.noise_model is not None
    assert backend_of("aer_simulator").to_aer().options.noise_model is None
    with pytest.raises(HaiquBackendNotFoundError, match="no snapshot of ionq_forte"):
        backend_of("ionq_forte").to_aer()


def test_aers_own_way_from_a_backend(backend_of):
    noisy = AerSimulator.from_backend(backend_of("ibm_lagos"))
    assert noisy.options.noise_model.noise_instructions
    with pytest.warns(UserWarning, match="no QubitProperties"):
        ideal = AerSimulator.from_backend(backend_of("iqm_star"))  # as the warning of the Target said
    assert not getattr(ideal.options.noise_model, "noise_instructions", None)


# Secrets.


@pytest.mark.parametrize("name", ["ibm_token", "ibm_quantum_token", "api_key"])
def test_backends_have_no_options_for_credentials_and_repeat_none(backend_of, name):
    secret = "very-secret-text"
    backend = backend_of("ibm_lagos")
    with pytest.raises(HaiquInputError, match=f"no option '{name}'") as caught:
        backend.set_options(**{name: secret})
    assert secret not in str(caught.value)
    isa = generate_preset_pass_manager(0, backend=backend).run(circuit().measure_all(inplace=False))
    with pytest.warns(UserWarning, match="ignores the options") as warned:
        backend.run(isa, **{name: secret})
    assert secret not in str(warned[0].message)


def test_neither_repr_nor_options_show_the_key(backend_of):
    backend = backend_of("ibm_lagos")
    for text in (repr(backend), backend._repr_html_(), repr(backend.options), repr(backend.record)):
        assert "a-key-of-the-tests" not in text

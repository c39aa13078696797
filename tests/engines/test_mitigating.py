"""Who mitigates a run, what is refused, and that its results are the same in every process that asks for them."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.primitives import StatevectorEstimator
from qiskit.providers import JobStatus
from qiskit.quantum_info import SparsePauliOp
from qiskit.transpiler import generate_preset_pass_manager

from qiskit_haiqu_provider import EstimatorV2, HaiquProvider, SamplerV2
from qiskit_haiqu_provider.api.client import HaiquClient
from qiskit_haiqu_provider.backend import HaiquBackend
from qiskit_haiqu_provider.engines.direct.engine import DirectEngine
from qiskit_haiqu_provider.engines.haiqu.engine import HaiquEngine
from qiskit_haiqu_provider.exceptions import HaiquInputError, HaiquJobError, HaiquOptionError
from qiskit_haiqu_provider.store import JobStore
from qiskit_haiqu_provider.submit import stored_job
from tests.engines.direct.house import HouseVendor

ANGLES = [[0.4], [1.1]]
OBSERVABLES = [["ZZ"], ["XX"]]
FEW = {"num_randomizations": 4}


def turned(*, measured=False):
    angle = Parameter("angle")
    circuit = QuantumCircuit(2)
    circuit.ry(angle, 0)
    circuit.cx(0, 1)
    circuit.rz(0.3, 1)
    circuit.cx(1, 0)
    if measured:
        circuit.measure_all()
    return circuit


def options(**more):
    return {"use_mitigation": True, "seed_simulator": 5, **more, "mitigation": {**FEW, **more.get("mitigation", {})}}


def noisy(provider, name="fake_montreal"):
    return provider.get_backend(name)


def compiled(backend, circuit):
    return generate_preset_pass_manager(backend=backend, optimization_level=1, seed_transpiler=3).run(circuit)


def values_of(backend, **more):
    """The values of two observables at two angles, where they belong, and the PUB."""
    circuit = compiled(backend, turned())
    laid_out = [[SparsePauliOp(text).apply_layout(circuit.layout)] for (text,) in OBSERVABLES]
    job = EstimatorV2(backend, options=options(**more)).run([(circuit, laid_out, ANGLES)], precision=0.02)
    return job.result()[0]


def exact():
    return StatevectorEstimator().run([(turned(), OBSERVABLES, ANGLES)]).result()[0].data.evs


@pytest.fixture
def vendor():
    return HouseVendor(circuits_in_a_job=8)


@pytest.fixture
def store(tmp_path):
    return JobStore(tmp_path / "store")


@pytest.fixture
def house(vendor, store):
    engine = DirectEngine(vendor)
    return HaiquBackend(engine, engine.devices()[0], store=store)


@pytest.fixture
def service(gateway):
    """Makes a backend of our gateway."""
    with HaiquClient(gateway.key, url=gateway.url) as client:
        engine = HaiquEngine(
            client, experiment="mitigating", home=lambda: JobStore().home, credentials=lambda _device: {}
        )

        def make(device="fake_montreal", **given):
            (record,) = [record for record in engine.devices() if record.id == device]
            return HaiquBackend(engine, record, store=JobStore(), options=given)

        yield make


def again(vendor, store, job_id):
    """The job as another process sees it, which has nothing but a copy of the record, and the vendor."""
    home = store.home.with_name("elsewhere")
    shutil.copytree(store.home, home)
    other = HouseVendor(vendor.ledger)
    other.failing = vendor.failing
    return stored_job(JobStore(home), job_id, lambda _: None, lambda record: DirectEngine(other).resume(record.state))


@pytest.mark.parametrize("where", [None, "client"])
def test_this_package_mitigates_where_simulators_are_noisy(provider, where):
    found = values_of(noisy(provider), mitigation={"where": where})
    facts = found.metadata["haiqu"]["mitigation"]
    wrong = np.abs(facts["raw"] - exact())
    assert np.abs(found.data.evs - exact()).mean() < wrong.mean()
    assert np.all(np.abs(found.data.evs - exact()) < 5 * found.data.stds)
    assert facts["raw"].shape == facts["shrinkage"].shape == found.data.evs.shape
    assert facts["shots"] <= 2 * 2 * 2 * 2500


def test_echoes_are_left_out_where_they_only_add_noise(provider):
    found = values_of(noisy(provider), mitigation={"dynamical_decoupling": True})
    assert found.metadata["haiqu"]["mitigation"]["dynamical_decoupling"] is False


def test_a_service_mitigates_by_itself(service):
    found = values_of(service())
    assert np.all(np.abs(found.data.evs - exact()) < 5 * found.data.stds)


@pytest.mark.parametrize("api", ["run", "flow"])
def test_a_service_that_is_not_to_mitigate_runs_the_circuits_of_this_package(service, api):
    found = values_of(service(api=api), mitigation={"where": "client"})
    assert np.all(np.abs(found.data.evs - exact()) < 5 * found.data.stds)
    assert found.metadata["haiqu"]["mitigation"]["randomizations"] == 4


def test_samples_of_a_service_are_mitigated(service):
    backend = service()
    circuit = compiled(backend, turned(measured=True))
    found = SamplerV2(backend, options=options()).run([(circuit, ANGLES)], shots=1000).result()[0]
    assert found.data.meas.shape == (2,)
    assert found.data.meas.num_shots == 1000


def test_a_vendor_that_does_not_mitigate_runs_the_circuits_of_this_package(house, vendor):
    many = options(mitigation={"num_randomizations": 16})
    found = EstimatorV2(house, options=many).run([(turned(), OBSERVABLES, ANGLES)], precision=0.05).result()[0]
    assert np.all(np.abs(found.data.evs - exact()) < 5 * found.data.stds)
    facts = found.metadata["haiqu"]["mitigation"]
    assert sum(len(counts) for counts in vendor.ledger.jobs.values()) == facts["circuits"]


def test_of_a_vendor_that_mitigates_it_is_told_that_it_did(house, vendor, store):
    vendor.mitigates = lambda request: True
    job = EstimatorV2(house, options=options()).run([(turned(), OBSERVABLES, ANGLES)], precision=0.05)
    for handle in (job, again(vendor, store, job.job_id())):
        assert handle.result()[0].metadata["haiqu"]["mitigation"] == {"where": "engine"}


def test_the_price_is_that_of_all_circuits(house, vendor):
    estimate = EstimatorV2(house, options=options()).estimate_cost([(turned(), OBSERVABLES, ANGLES)], precision=0.05)
    plain = EstimatorV2(house).estimate_cost([(turned(), OBSERVABLES, ANGLES)], precision=0.05)
    assert plain.usd < estimate.usd <= 2 * plain.usd
    assert vendor.ledger.arrived == []


def test_what_cannot_be_mitigated_is_refused_with_the_reason(provider, house, vendor, service):
    pub = (turned(), OBSERVABLES, ANGLES)
    on_engine = options(mitigation={"where": "engine"})
    for backend in (provider.get_backend(), house):
        with pytest.raises(HaiquOptionError, match=r"does not mitigate the errors of such a run.*where='client'"):
            EstimatorV2(backend, options=on_engine).run([pub], precision=0.1)
    with pytest.raises(HaiquInputError, match="PUB 0: precision=0 asks for the exact value"):
        EstimatorV2(provider.get_backend(), options=options()).run([pub], precision=0)
    for where in (None, "engine", "client"):
        served = EstimatorV2(service("aer_simulator"), options=options(mitigation={"where": where}))
        with pytest.raises(HaiquInputError, match="PUB 0: precision=0 asks for the exact value"):
            served.run([pub], precision=0)
    vendor.mitigates = lambda request: True
    with pytest.raises(HaiquInputError, match="PUB 0: precision=0 asks for the exact value"):
        EstimatorV2(house, options=options()).run([pub], precision=0)
    vendor.mitigates = lambda request: False
    with pytest.raises(HaiquInputError, match="a statevector has no errors"):
        service("aer_simulator").run(QuantumCircuit(1), run_type="StatevectorRun", use_mitigation=True)
    vendor.compiles = "The house compiles them. Ask it not to."
    with pytest.raises(HaiquOptionError, match=r"would not run as they are.*Ask it not to"):
        EstimatorV2(house, options=options()).run([pub], precision=0.1)
    assert vendor.ledger.arrived == []
    compiling = service("aer_simulator", skip_transpilation=False)
    with pytest.raises(HaiquOptionError, match="Set skip_transpilation=True"):
        EstimatorV2(compiling, options=options(mitigation={"where": "client"})).run([pub], precision=0.1)


def test_a_vendor_that_compiles_may_have_its_readout_mitigated(house, vendor):
    vendor.compiles = "The house compiles them."
    chosen = options(mitigation={"advanced_mitigation": False})
    found = SamplerV2(house, options=chosen).run([(turned(measured=True), ANGLES)], shots=200).result()[0]
    assert found.metadata["haiqu"]["mitigation"]["companions"] == {"calibration": 6}


def test_dynamic_circuits_have_their_readout_mitigated(provider):
    circuit = QuantumCircuit(2, 2)
    circuit.sx(0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(1)
    circuit.measure(1, 1)
    found = SamplerV2(noisy(provider, "fake_torino"), options=options()).run([circuit], shots=500).result()[0]
    facts = found.metadata["haiqu"]["mitigation"]
    assert facts["companions"] == {"calibration": 4}
    assert any("advanced_mitigation was left out" in warning for warning in facts["warnings"])
    assert found.data.c.num_shots == 500


def test_another_process_puts_a_run_at_a_vendor_together(house, vendor, store):
    job = EstimatorV2(house, options=options()).run([(turned(), OBSERVABLES, ANGLES)], precision=0.05)
    assert len(vendor.ledger.arrived) > 1
    other = again(vendor, store, job.job_id())
    assert other is not job
    found, mine = other.result()[0], job.result()[0]
    assert np.array_equal(found.data.evs, mine.data.evs)
    assert np.array_equal(found.data.stds, mine.data.stds)
    told, known = found.metadata["haiqu"]["mitigation"], mine.metadata["haiqu"]["mitigation"]
    assert np.array_equal(told["raw"], known["raw"])
    assert told["companions"] == known["companions"]


def test_a_run_of_which_a_part_failed_has_no_part_to_show(house, vendor, store):
    """Every value is made of all circuits together."""
    job = EstimatorV2(house, options=options()).run([(turned(), OBSERVABLES, ANGLES)], precision=0.05)
    vendor.failing["job-0"] = JobStatus.ERROR, "Bad luck."
    for handle in (job, again(vendor, store, job.job_id())):
        with pytest.raises(HaiquJobError, match="Bad luck"):
            handle.result()
        partial = handle.partial_result()
        assert (len(partial), partial.metadata["haiqu"]["pubs"]) == (0, [])


_PRINT = """
import json, sys
from qiskit_haiqu_provider import HaiquProvider
(values, samples) = [HaiquProvider().job(name).result()[0] for name in sys.argv[1:]]
print(json.dumps([values.data.evs.tolist(), values.metadata, samples.data.meas.get_counts(), samples.metadata],
    default=lambda each: each.tolist()))
"""


def test_stored_results_keep_what_is_told_of_them(provider):
    backend = noisy(provider)
    circuit, sampled = compiled(backend, turned()), compiled(backend, turned(measured=True))
    observable = SparsePauliOp("ZZ").apply_layout(circuit.layout)
    values = EstimatorV2(backend, options=options()).run([(circuit, observable, ANGLES)], precision=0.1)
    samples = SamplerV2(backend, options=options()).run([(sampled, ANGLES[0])], shots=200)
    mine = [values.result()[0], samples.result()[0]]
    command = [sys.executable, "-W", "error", "-c", _PRINT, values.job_id(), samples.job_id()]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    evs, metadata, counts, told = json.loads(done.stdout)
    assert np.array_equal(evs, mine[0].data.evs)
    assert metadata["haiqu"]["mitigation"]["raw"] == mine[0].metadata["haiqu"]["mitigation"]["raw"].tolist()
    assert metadata["haiqu"]["mitigation"]["companions"] == mine[0].metadata["haiqu"]["mitigation"]["companions"]
    assert counts == mine[1].data.meas.get_counts()
    assert told["haiqu"]["mitigation"] == mine[1].metadata["haiqu"]["mitigation"]
    assert HaiquProvider().job(values.job_id()).done()

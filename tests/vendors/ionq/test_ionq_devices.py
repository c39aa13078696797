"""IonQ's machines as backends: names, gates, errors, options, mitigation, limits."""

import pickle

import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Parameter

from qiskit_haiqu_provider import HaiquProvider, SamplerV2
from qiskit_haiqu_provider.engines.ionq import payload
from qiskit_haiqu_provider.engines.ionq.devices import TTL_SECONDS, Catalogue
from qiskit_haiqu_provider.exceptions import (
    HaiquBackendNotFoundError,
    HaiquCapacityError,
    HaiquInputError,
    HaiquOptionError,
    HaiquResponseError,
)
from tests.vendors.web import Response


@pytest.fixture
def circuit():
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def test_devices(ionq, engine, web):
    assert not web.requests
    records = {record.id: record for record in engine.devices()}
    assert list(records) == ["ionq_simulator", "ionq_aria_1", "ionq_forte_1"]
    assert [record.num_qubits for record in records.values()] == [29, 25, 36]
    assert [record.operational for record in records.values()] == [True, False, True]
    assert [record.simulator for record in records.values()] == [True, False, False]
    engine.devices()
    assert len(web.requests) == 1  # it is kept for a while
    ionq.backends["qpu.forte-1"]["status"] = "unavailable"
    assert engine.pending_jobs("ionq_forte_1") == 0
    assert not {record.id: record for record in engine.devices()}["ionq_forte_1"].operational
    with pytest.raises(HaiquBackendNotFoundError, match="Did you mean ionq_forte_1"):
        engine.target("ionq_forte_2", {})


def test_devices_that_cannot_be_read(ionq, engine):
    ionq.backends["qpu.new-1"] = {"backend": "qpu.new-1", "qubits": "many"}
    ionq.backends["qpu"] = {**ionq.backends["simulator"], "backend": "qpu"}
    with pytest.warns(UserWarning, match=r"1 device.*qpu.new-1"):
        assert len(engine.devices()) == 3
    ionq.fault("GET", "/backends", Response({"backends": []}))
    with pytest.raises(HaiquResponseError, match="no list"):
        engine.pending_jobs("ionq_simulator")


def test_targets_have_the_medians_of_the_characterisation(device, web):
    backend = device("ionq_forte_1")
    target = backend.target
    assert {"h", "rx", "cx", "rzz", "swap", "measure"} <= set(target.operation_names)
    assert not {"p", "cp", "reset", "gpi"} & set(target.operation_names)
    assert target["cx"][35, 0].error == pytest.approx(0.008)
    assert target["cx"][35, 0].duration == 0.00095
    assert target["measure"][3,].error == pytest.approx(0.005)
    assert target.qubit_properties[0].t1 == 100
    native = device("ionq_forte_1", gateset="native").target
    assert set(native.operation_names) == {"gpi", "gpi2", "zz", "measure"}
    assert set(device("ionq_aria_1", gateset="native").target.operation_names) == {"gpi", "gpi2", "ms", "measure"}
    assert device("ionq_aria_1").target["h"][0,] is None
    simulator = device(gateset="native", noise_model="forte-1")
    assert set(simulator.target.operation_names) == {"gpi", "gpi2", "zz", "measure"}
    assert sum(request.path.endswith("characterizations") for request in web.requests) == 1


def test_pairs_that_are_not_connected(ionq, device):
    ionq.connectivity = [[0, 1], [1, 2]]
    assert set(device("ionq_forte_1").target["cx"]) == {(0, 1), (1, 0), (1, 2), (2, 1)}


def test_what_is_known_of_the_noise_is_simulated_here(device, circuit):
    counts = device("ionq_forte_1").to_aer().run(circuit, shots=20_000, seed_simulator=3).result().get_counts()
    assert counts["01"] + counts["10"] == pytest.approx(20_000 * 0.0155, rel=0.25)  # 2 x 0.005, and of 0.008 the most
    assert set(device().to_aer().run(circuit).result().get_counts()) == {"00", "11"}
    with pytest.raises(HaiquInputError, match="known to IonQ only"):
        device(noise_model="aria-1").to_aer()


@pytest.mark.parametrize(
    ("name", "option", "error", "words"),
    [
        ("ionq_simulator", {"gateset": "qasm"}, HaiquInputError, "gateset must be one of"),
        ("ionq_simulator", {"noise_model": "harmony"}, HaiquInputError, "noise_model must be one of"),
        ("ionq_simulator", {"noise_model": 3}, HaiquInputError, "name of a noise model"),
        ("ionq_simulator", {"debiasing": True}, HaiquOptionError, "no option 'debiasing'"),
        ("ionq_forte_1", {"noise_model": "ideal"}, HaiquOptionError, "no option 'noise_model'"),
        ("ionq_forte_1", {"debiasing": 1}, HaiquInputError, "debiasing must be True or False"),
        ("ionq_forte_1", {"sharpened": True}, HaiquOptionError, "Did you mean 'sharpen'"),
    ],
)
def test_wrong_options(device, name, option, error, words):
    with pytest.raises(error, match=words):
        device(name, **option)


def test_every_job_says_what_becomes_of_errors(ionq, device, circuit):
    backend = device("ionq_forte_1")
    for run in (
        lambda: device().run(circuit, use_mitigation=True),
        lambda: backend.run(circuit, shots=1000),
        lambda: backend.run(circuit, shots=1000, use_mitigation=True),
    ):
        run()
    with pytest.raises(HaiquOptionError, match=r"would not run as they are.*gateset='native'"):
        backend.run(circuit, shots=1000, use_mitigation=True, debiasing=False)
    told = [body["settings"]["error_mitigation"] for body in ionq.bodies]
    assert [each["debiasing"] for each in told] == [False, False, False, True]
    assert all(each["symmetry_verification"] is False for each in told)


@pytest.mark.parametrize("shape", ["old", "new"])
@pytest.mark.parametrize("several", [False, True])
def test_sharpened_results(ionq, device, circuit, shape, several):
    ionq.shape = shape
    backend = device("ionq_forte_1")
    circuits = [circuit, circuit] if several else [circuit]
    for sharpen, outcomes in ((False, 2), (True, 1)):
        result = backend.run(circuits, shots=500, use_mitigation=True, sharpen=sharpen).result()
        assert {len(result.get_counts(index)) for index in range(len(circuits))} == {outcomes}


def test_mitigation_that_is_not_possible(ionq, device, circuit):
    backend = device("ionq_forte_1")
    with pytest.raises(HaiquInputError, match="at least 500 shots, but there are 499"):
        backend.run(circuit, shots=499, use_mitigation=True)
    with pytest.raises(HaiquOptionError, match="sharpen"):
        backend.run(circuit, shots=500, sharpen=True)
    chosen = {"advanced_mitigation": False, "readout_mitigation_options": {"method": "m3"}}
    with pytest.raises(HaiquOptionError, match=r"debiasing has none of them.*'where': 'client'"):
        backend.run(circuit, shots=500, use_mitigation=True, mitigation=chosen)
    assert not ionq.bodies


def test_noise_and_its_seed(ionq, device, circuit):
    backend = device(noise_model="aria-1", seed_simulator=2**31 + 5)
    counts = [backend.run(circuit, shots=2000).result().get_counts() for _ in range(2)]
    assert counts[0] == counts[1]
    assert len(counts[0]) == 4
    device().run(circuit)
    assert [body["noise"] for body in ionq.bodies] == [{"model": "aria-1", "seed": 5}] * 2 + [{"model": "ideal"}]


def test_long_lists_are_cut_where_ionq_wants_it(ionq, device, monkeypatch):
    circuit = QuantumCircuit(1, 1)
    circuit.rx(Parameter("t"), 0)
    circuit.measure(0, 0)
    values = [[0.0], [3.141592653589793]] * 3
    for name, most in (("MOST_CIRCUITS", 4), ("MOST_GATES", 4), ("MOST_BYTES", 250)):
        with monkeypatch.context() as patch:
            patch.setattr(payload, name, most)
            ionq.bodies.clear()
            job = SamplerV2(device()).run([(circuit, values)], shots=8)
            assert job.result()[0].data.c.array.sum(axis=(1, 2)).tolist() == [0, 8] * 3
            assert [len(body["input"]["circuits"]) for body in ionq.bodies] == [4, 2]
            assert len(job.plan.jobs) == 2
    monkeypatch.setattr(payload, "MOST_GATES", 0)
    with pytest.raises(HaiquCapacityError, match="has 1 gates"):
        device().run(circuit, parameter_binds=[{circuit.parameters[0]: [1.0]}])


def test_backends_of_a_provider(ionq, circuit):
    backend = pickle.loads(pickle.dumps(HaiquProvider().get_backend("ionq_forte_1")))
    assert backend.via == "ionq"
    isa = transpile(circuit, backend, optimization_level=1)
    assert isa.num_qubits == 36
    assert set(SamplerV2(backend).run([isa], shots=50).result()[0].data.meas.get_counts()) == {"00", "11"}


def test_a_list_that_is_too_old_is_asked_for_again(ionq, engine, web, monkeypatch):
    engine.devices()
    catalogue = engine.vendor._catalogue
    assert isinstance(catalogue, Catalogue)
    catalogue._fetched_at -= TTL_SECONDS
    engine.devices()
    assert len(web.requests) == 2

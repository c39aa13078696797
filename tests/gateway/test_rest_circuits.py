"""Circuits: stored, looked up, listed, counted, transpiled."""

import pytest
from qiskit import QuantumCircuit, qpy
from qiskit.circuit import Parameter
from qiskit.quantum_info import Operator

from qiskit_haiqu_provider.api import models
from tests.gateway.rest import Api, fields, ok, packed, refused, unpacked
from tests.interop.exact import assert_distribution, bell, in_basis, turned

CIRCUIT, CIRCUITS = models.Circuit, list[models.Circuit]


@pytest.fixture
def api(gateway):
    return Api(gateway.client)


def test_a_stored_circuit_comes_back_as_it_was(gateway, api):
    circuit = turned(Parameter("t"))
    stored = api.upload(circuit, hash="123", description="why", tags="a", metrics={"x": 1})
    assert stored["id"].startswith("circ-")
    assert (stored["hash"], stored["name"], stored["description"], stored["tags"]) == ("123", "turned", "why", "a")
    assert (stored["generated"], stored["status"]) == (False, "Core metrics computation is done")
    assert stored["analytics"]["qubits"] == 2
    assert stored["analytics"]["num_parameters"] == 1
    assert unpacked(stored["qpy"]) == circuit
    assert ok(gateway.client.get(f"/circuits/{stored['id']}"), CIRCUIT) == stored


@pytest.mark.parametrize("version", range(13, min(17, qpy.QPY_VERSION) + 1))
def test_every_safe_qpy_version_is_taken(api, version):
    assert unpacked(api.upload(bell(), qpy_dump=packed(bell(), version))["qpy"]) == bell()


def test_a_circuit_is_found_by_its_hash(gateway, api):
    stored = api.upload(bell(), hash="456")
    path = f"/experiments/{api.experiment}/circuits"
    assert ok(gateway.client.get(f"{path}/456"), CIRCUIT) == stored
    refused(gateway.client.get(f"{path}/457"), 404)
    elsewhere = Api(gateway.client)
    refused(gateway.client.get(f"/experiments/{elsewhere.experiment}/circuits/456"), 404)


def test_the_official_client_always_uploads_and_the_contents_are_compared(gateway, api):
    """Its hash does not tell circuits apart, so a look-up must not find any."""
    api.upload(bell(), hash="789")
    path = f"/experiments/{api.experiment}/circuits/789"
    refused(gateway.client.get(path, headers={"haiqu-sdk-version": "1.7.0"}), 404)


def test_lists_are_newest_first_and_filtered(gateway, api):
    made = [api.upload(turned(0.1 * number, name=f"c{number}"))["id"] for number in range(12)]
    path = f"/experiments/{api.experiment}/circuits"

    def listed(**query):
        found = ok(gateway.client.get(path, params=query), CIRCUITS)
        assert not any(one.get("qpy") for one in found), "lists do not carry circuits"
        return [one["id"] for one in found]

    assert listed() == made[:1:-1]
    assert listed(limit=3) == made[:-4:-1]
    assert listed(circuit_ids=[made[0], made[5], "circ-unknown"]) == [made[5], made[0]]
    assert listed(job_type="Run") == []
    api.run([made[3]])
    assert listed(job_type="Run") == [made[3]]


def test_a_circuit_knows_its_jobs(gateway, api):
    circuit = api.upload(bell(), hash="jobs")
    first, second = (api.run([circuit["id"]])["id"] for _ in range(2))
    for found in (
        ok(gateway.client.get(f"/circuits/{circuit['id']}"), CIRCUIT),
        api.upload(bell(), hash="jobs"),
        ok(gateway.client.get(f"/experiments/{api.experiment}/circuits"), CIRCUITS)[0],
    ):
        assert found["job_ids"] == [second, first]


def test_metrics_of_a_circuit(gateway, api):
    circuit = api.upload(bell(), hash="m", metrics={"a": 1, "b": 2})
    path = f"/experiments/{api.experiment}/circuits/m/metrics"
    noted = ok(gateway.client.post(path, json={"metrics": {"b": 3, "depth": 9}}), CIRCUIT)
    assert noted["metrics"] == {"a": 1, "b": 3, "depth": 9}
    found = ok(gateway.client.get(f"/circuits/{circuit['id']}/metrics"))
    assert (found["qubits"], found["a"], found["b"]) == (2, 1, 3)
    refused(gateway.client.post(path.replace("/m/", "/n/"), json={"metrics": {}}), 404)


def test_core_analytics_are_there_and_others_are_not_offered(gateway, api):
    circuit = api.upload(bell())
    path = f"/circuits/{circuit['id']}/compute_analytics"
    done = gateway.client.post(f"{path}/core", content="null", headers={"content-type": "application/json"})
    assert ok(done, CIRCUIT)["analytics"]["gates_2q"] == 1
    for kind in ("advanced", "qml", "evolution"):
        assert kind in refused(gateway.client.post(f"{path}/{kind}"), 501)
    assert refused(gateway.client.post(f"{path}/other"), 422)


def test_circuits_of_others_do_not_exist(gateway, api):
    circuit = api.upload(bell())["id"]
    theirs = Api(gateway.other)
    calls = [
        gateway.other.get(f"/circuits/{circuit}"),
        gateway.other.get(f"/circuits/{circuit}/metrics"),
        gateway.other.post(f"/circuits/{circuit}/compute_analytics/core"),
        theirs.post_run([circuit]),
        theirs.post_flow([circuit], {"type": "device", "device_id": "aer_simulator"}),
        gateway.other.get(f"/experiments/{theirs.experiment}/jobs", params={"circuit_id": circuit}),
        transpile(theirs, [circuit]),
    ]
    for answer in calls:
        assert f"no circuit '{circuit}'" in refused(answer, 404)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"hash": None}, "hash"),
        ({"qpy_dump": None}, "qpy_dump"),
        ({"name": "x" * 201}, "name"),
        ({"description": "x" * 1025}, "description"),
        ({"experiment_id": 3}, "experiment_id"),
    ],
)
def test_wrong_fields_are_named(gateway, api, change, field):
    body = {"experiment_id": api.experiment, "qpy_dump": packed(bell()), "hash": "h"}
    assert fields(gateway.client.post("/circuits", json={**body, **change})) == [field]


def transpile(api, ids, **fields):
    body = {"experiment_id": api.experiment, "circuit_ids": ids, "device_id": "fake_torino"}
    return api.client.post("/circuits/transpile", json={**body, **fields})


def tangled(width=8):
    circuit = QuantumCircuit(width, name="tangled")
    for one in range(width):
        for other in range(one + 1, width):
            circuit.cx(one, other)
    circuit.measure_all()
    return circuit


def transpiled(gateway, api, circuits, **fields):
    """The circuits that a transpilation has made."""
    job = api.done(transpile(api, api.ids(circuits), **fields), models.TranspileJob)
    return [ok(gateway.client.get(f"/circuits/{made}"), CIRCUIT) for made in job["transpiled_circuit_ids"]]


def test_transpiled_circuits_are_stored_with_their_origin(gateway, api):
    one, two = (api.upload(circuit)["id"] for circuit in (bell(), turned(Parameter("t"))))
    options = {"optimization_level": 1, "seed_transpiler": 5}
    made = transpiled(gateway, api, [one, two], transpilation_options=options)
    assert [circuit["name"] for circuit in made] == ["bell", "turned"]
    for parent, child in zip((one, two), made, strict=True):
        assert child["generated"] is True
        assert child["transpilation_target"] == "fake_torino"
        assert options.items() <= child["transpilation_options"].items()
        assert child["analytics"]["qubits"] == 133
        found = ok(gateway.client.get(f"/circuits/{parent}"), CIRCUIT)
        assert found["transpiled_circuit_ids"] == [child["id"]]
        assert unpacked(child["qpy"]).layout is not None
        assert set(unpacked(child["qpy"]).count_ops()) <= {"rz", "sx", "x", "cz", "measure", "barrier"}


def test_the_best_of_several_seeds_is_kept(gateway, api):
    seeds = [1, 2, 3]
    circuit = api.upload(tangled())["id"]
    single = [transpiled(gateway, api, [circuit], seed_transpiler=seed)[0] for seed in seeds]
    (best,) = transpiled(gateway, api, [circuit], seed_transpiler=seeds)
    counts = [one["analytics"]["gates_2q"] for one in single]
    assert len(set(counts)) > 1, "the seeds make no difference"
    assert best["analytics"]["gates_2q"] == min(counts)


def test_transpiling_for_given_gates_keeps_what_the_circuit_does(gateway, api):
    options = {"basis_gates": ["rx", "rz", "cz"], "coupling_map": [[0, 1], [1, 2], [2, 3]], "initial_layout": [2, 1]}
    circuit = turned(0.7, measured=False)
    (made,) = transpiled(gateway, api, [circuit], device_id="aer_simulator", transpilation_options=options)
    found = unpacked(made["qpy"])
    assert set(found.count_ops()) <= {"rx", "rz", "cz"}
    widened = QuantumCircuit(4).compose(circuit, [0, 1])
    assert Operator.from_circuit(found).equiv(Operator(widened))
    assert found.layout.initial_index_layout()[:2] == [2, 1]


def test_a_transpiled_circuit_runs_with_logical_observables_and_bases(gateway, api):
    circuit = turned(0.7)
    (made,) = transpiled(gateway, api, [circuit], transpilation_options={"initial_layout": [4, 3]})
    options = {"skip_transpilation": True, "noise_model": None}
    bases = ["ZZ", "XY", "YX"]
    found = api.run([made["id"]], device_id="fake_torino", options=options, readout_bases=bases)["quantum_results"][0]
    for basis, distribution in zip(bases, found, strict=True):
        assert_distribution(distribution, in_basis(circuit, basis), 4096)
    observables = [[[["ZI"], [1]], [["IZ"], [1]], [["XY"], [2]]]]
    job = api.run([made["id"]], device_id="fake_torino", options=options, observables=observables)
    plain = api.run([circuit], observables=observables, shots=100_000)
    for value, error, exact in zip(
        job["quantum_results"][0], job["info"]["uncertainty"][0], plain["quantum_results"][0], strict=True
    ):
        assert abs(value - exact) <= 5 * error + 0.02


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"circuit_ids": []}, "circuit_ids"),
        ({"use_fractional_gates": True}, "use_fractional_gates"),
        ({"transpilation_options": {"unknown": 1}}, "transpilation_options.unknown"),
        ({"transpilation_options": {"optimization_level": 4}}, "transpilation_options.optimization_level"),
        ({"transpilation_options": {"routing_method": "magic"}}, "transpilation_options.routing_method"),
        ({"seed_transpiler": []}, "seed_transpiler.list[constrained-int]"),
    ],
)
def test_wrong_transpilations_are_refused_by_name(api, change, field):
    assert field in fields(transpile(api, [api.upload(bell())["id"]], **change))


def test_transpiling_for_an_unknown_device_is_404(api):
    assert "no device 'nothing'" in refused(transpile(api, [api.upload(bell())["id"]], device_id="nothing"), 404)


def test_what_the_transpiler_cannot_do_fails_with_its_reason(gateway, api):
    answer = transpile(api, [api.upload(bell())["id"]], transpilation_options={"initial_layout": [0, 1, 2]})
    job = api.finished(ok(answer, models.TranspileJob))
    assert job["status"] == "Error"
    assert "layout" in job["logs"]
    assert job["transpiled_circuit_ids"] is None

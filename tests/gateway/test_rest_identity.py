"""Different circuits are never taken for one another, whatever hash the client sends."""

import math

import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter

from tests.gateway.rest import Api, ok, packed

A, B, T = Parameter("a"), Parameter("b"), Parameter("t")
SDK = {"haiqu-sdk-version": "1.7.0"}


@pytest.fixture
def api(gateway):
    return Api(gateway.client)


def turn(angle):
    circuit = QuantumCircuit(1, name="same")
    circuit.ry(angle, 0)
    return circuit


def pair(first, second):
    circuit = QuantumCircuit(2, name="same")
    circuit.ry(first, 0)
    circuit.ry(second, 1)
    return circuit


def branch(value):
    circuit = QuantumCircuit(2, 2, name="same")
    circuit.x(0)
    circuit.measure(0, 0)
    with circuit.if_test((circuit.clbits[0], value)):
        circuit.x(1)
    circuit.measure(1, 1)
    return circuit


def phase(angle):
    circuit = QuantumCircuit(1, name="same", global_phase=angle)
    circuit.x(0)
    return circuit


TWINS = [
    (turn(T), turn(2 * T)),
    (turn(T), turn(-T)),
    (turn(T), turn(T.sin())),
    (turn(T), turn(0)),
    (pair(A, B), pair(B, A)),
    (pair(A, B), pair(A, A)),
    (branch(1), branch(0)),
    (phase(0), phase(math.pi / 3)),
]


def uploaded(api, circuit, hash_, headers=None):
    body = {"experiment_id": api.experiment, "name": circuit.name, "hash": hash_, "qpy_dump": packed(circuit)}
    return ok(api.client.post("/circuits", json=body, headers=headers))


@pytest.mark.parametrize(("one", "two"), TWINS)
@pytest.mark.parametrize("headers", [None, SDK], ids=["any client", "haiqu-sdk"])
def test_twins_with_one_hash_and_one_name_stay_two(api, one, two, headers):
    first, second = (uploaded(api, circuit, "1", headers)["id"] for circuit in (one, two))
    assert first != second
    assert uploaded(api, one, "1", headers)["id"] == first
    assert uploaded(api, two, "1", headers)["id"] == second


def test_the_same_content_is_one_row(gateway, api):
    ids = {uploaded(api, turn(2 * T), "7")["id"] for _ in range(5)}
    assert len(ids) == 1
    listed = ok(gateway.client.get(f"/experiments/{api.experiment}/circuits"))
    assert [circuit["id"] for circuit in listed] == list(ids)
    elsewhere = Api(gateway.client)
    assert uploaded(elsewhere, turn(2 * T), "7")["id"] not in ids
    assert uploaded(Api(gateway.other), turn(2 * T), "7")["id"] not in ids


def test_an_ambiguous_hash_finds_no_wrong_circuit(gateway, api):
    """A look-up gives the circuit with the hash only while there is one content that it can mean."""
    one, two = uploaded(api, turn(T), "9"), uploaded(api, turn(2 * T), "9")
    path = f"/experiments/{api.experiment}/circuits"
    answer = gateway.client.get(f"{path}/9")
    assert answer.status_code == 404
    for circuit in (one, two):
        if circuit["hash"] != "9":
            assert ok(gateway.client.get(f"{path}/{circuit['hash']}"))["id"] == circuit["id"]


def test_ry_t_and_ry_2t_give_their_own_values_across_calls_and_in_one(api):
    z = [[["Z"], [1.0]]]
    one, two = (uploaded(api, circuit, "11", SDK)["id"] for circuit in (turn(T), turn(2 * T)))
    for circuit_id, exact in ((one, math.cos(1)), (two, math.cos(2)), (one, math.cos(1))):
        job = api.run([circuit_id], parameters=[[1.0]], observables=[z])
        assert job["quantum_results"][0][0][0] == pytest.approx(exact, abs=0.08)
    job = api.run([one, two, one], parameters=[[[1.0]], [[1.0]], [[1.0]]], observables=[z, z, z])
    for result, exact in zip(job["quantum_results"], (math.cos(1), math.cos(2), math.cos(1)), strict=True):
        assert result[0][0] == pytest.approx(exact, abs=0.08)
    assert job["circuit_ids"] == [one, two, one]


def test_swapped_parameters_bind_to_their_own_gates(api):
    values = [0.3, 2.0]
    circuits = [pair(A, B), pair(B, A)]
    ids = [uploaded(api, circuit, "12", SDK)["id"] for circuit in circuits]
    both = [[["ZI"], [1.0]], [["IZ"], [1.0]]]
    job = api.run(ids, parameters=[[values], [values]], observables=[both, both])
    found = [[observable[0] for observable in circuit] for circuit in job["quantum_results"]]
    assert found[0] == pytest.approx([math.cos(2.0), math.cos(0.3)], abs=0.08)
    assert found[1] == pytest.approx([math.cos(0.3), math.cos(2.0)], abs=0.08)


def test_inverted_branches_run_as_they_are(api):
    ids = [uploaded(api, branch(value), "13", SDK)["id"] for value in (1, 0)]
    assert api.run(ids)["quantum_results"] == [{"11": 1.0}, {"01": 1.0}]


def test_the_phase_of_a_state_is_that_of_its_circuit(api):
    ids = [uploaded(api, phase(angle), "14", SDK)["id"] for angle in (0, math.pi / 3)]
    (real, imaginary), (turned_real, turned_imaginary) = api.run(ids, run_type="StatevectorRun", device_id="")[
        "quantum_results"
    ]
    assert (real, imaginary) == ([0.0, 1.0], [0.0, 0.0])
    assert (turned_real[1], turned_imaginary[1]) == pytest.approx((math.cos(math.pi / 3), math.sin(math.pi / 3)))

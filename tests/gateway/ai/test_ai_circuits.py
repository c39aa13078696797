"""Circuits as agents submit and list them."""

import pytest

from tests.gateway.ai.programs_for_tests import BELL_2, BELL_3, ONE_ZERO, TWO_ANGLES


def test_a_submitted_circuit_is_analysed_at_once(tools, experiment):
    circuit = tools.post(
        "/submit_circuit_for_analytics",
        experiment_id=experiment,
        circuit_qasm=BELL_2,
        name="bell",
        context="how deep is it",
        description="a pair",
    )
    assert circuit["id"].startswith("circ-")
    assert (circuit["name"], circuit["context"], circuit["description"]) == ("bell", "how deep is it", "a pair")
    analytics = circuit["analytics"]
    assert (analytics["qubits"], analytics["gates_1q"], analytics["gates_2q"], analytics["depth_2q"]) == (2, 1, 1, 1)
    assert analytics["operations_counts"] == {"h": 1, "cx": 1, "measure": 2}
    assert "qpy" not in circuit


def test_both_versions_of_openqasm_are_read(tools, experiment):
    for text in (BELL_2, BELL_3):
        circuit = tools.post("/submit_circuit_for_analytics", experiment_id=experiment, circuit_qasm=text)
        assert circuit["analytics"]["gates_2q"] == 1
    angles = tools.post("/submit_circuit_for_analytics", experiment_id=experiment, circuit_qasm=TWO_ANGLES)
    assert angles["analytics"]["num_parameters"] == 2


def test_a_circuit_is_stored_once(tools, experiment):
    first = tools.post("/submit_circuit_for_analytics", experiment_id=experiment, circuit_qasm=BELL_3, name="bell")
    spaced = BELL_3.replace("; ", ";\n\n  // the same\n")
    again = tools.post("/submit_circuit_for_analytics", experiment_id=experiment, circuit_qasm=spaced, name="other")
    assert again == first
    other = tools.post("/submit_circuit_for_analytics", experiment_id=experiment, circuit_qasm=ONE_ZERO)
    assert other["id"] != first["id"]
    listed = tools.get(f"/list_circuits_in_experiment/{experiment}")
    assert [circuit["id"] for circuit in listed] == [other["id"], first["id"]]


def test_circuits_that_differ_in_a_factor_are_not_merged(tools, experiment):
    text = 'OPENQASM 3.0; include "stdgates.inc"; input float v; qubit q; ry({}) q;'
    ids = [
        tools.post("/submit_circuit_for_analytics", experiment_id=experiment, circuit_qasm=text.format(angle))["id"]
        for angle in ("v", "2*v", "-v")
    ]
    assert len(set(ids)) == 3


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[1];\nfoo q[0];', "4,"),
        ('OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit q;\nfoo q;', "line 4, column 1"),
        ("OPENQASM 3.0;\nqubit[2 q;", "line 2, column 9"),
        ('OPENQASM 3.0; include "stdgates.inc"; qubit[1] q;\nh q[3];', "line 2, column 1"),
        ("", "empty"),
        ("a circuit with two qubits", "line 1"),
        ('OPENQASM 3.0; include "/etc/passwd"; qubit q;', "/etc/passwd"),
        ("OPENQASM 3.0;", "no qubits"),
    ],
)
def test_a_program_that_cannot_be_read_is_400_and_says_where(tools, experiment, text, where):
    status, detail = tools.refused("POST", "/submit_circuit_for_analytics", experiment_id=experiment, circuit_qasm=text)
    assert status == 400
    assert detail.startswith("circuit_qasm: ")
    assert where in detail
    assert tools.get(f"/list_circuits_in_experiment/{experiment}") == []


def test_the_limits_of_uploads_hold_for_programs(tools, experiment):
    text = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[3000]; h q;'
    status, detail = tools.refused("POST", "/submit_circuit_for_analytics", experiment_id=experiment, circuit_qasm=text)
    assert status == 413
    assert "3000 qubits" in detail


def test_circuits_are_listed_by_id_job_and_number(tools, experiment):
    ids = [
        tools.post("/submit_circuit_for_analytics", experiment_id=experiment, circuit_qasm=text)["id"]
        for text in (BELL_3, ONE_ZERO, TWO_ANGLES)
    ]
    path = f"/list_circuits_in_experiment/{experiment}"
    assert [circuit["id"] for circuit in tools.get(path)] == ids[::-1]
    assert [circuit["id"] for circuit in tools.get(path, limit=1)] == ids[-1:]
    assert [circuit["id"] for circuit in tools.get(path, circuit_ids=ids[:2])] == ids[1::-1]
    assert tools.get(path, job_type="Run") == []
    job = tools.run(experiment_id=experiment, circuit_ids=ids[:1], device_id="aer_simulator")
    (ran,) = tools.get(path, job_type="Run")
    assert (ran["id"], ran["job_ids"]) == (ids[0], [job["id"]])
    assert tools.refused("GET", f"{path}?job_type=Nonsense")[0] == 422
    assert tools.refused("GET", f"{path}?limit=0")[0] == 422


def test_circuits_of_others_do_not_exist(tools, others, experiment):
    circuit = tools.post("/submit_circuit_for_analytics", experiment_id=experiment, circuit_qasm=BELL_3)
    assert others.refused("GET", f"/list_children_circuits/{circuit['id']}")[0] == 404
    assert others.refused("GET", f"/list_jobs_for_circuit/{circuit['id']}")[0] == 404
    assert others.refused("GET", f"/list_circuits_in_experiment/{experiment}")[0] == 404
    status, _ = others.refused("POST", "/submit_circuit_for_analytics", experiment_id=experiment, circuit_qasm=BELL_3)
    assert status == 404

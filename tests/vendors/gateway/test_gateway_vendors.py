"""From a client over REST to the vendors and back: what comes home is right, and the price is known before."""

import contextlib
import math
import sqlite3
import time

import pytest
from qiskit import QuantumCircuit

from qiskit_haiqu_provider.api import models
from tests.gateway.rest import ok, refused
from tests.vendors.coda.server import LOST, TOKEN

SHOTS = 2000
DEVICES = ["coda_iqm", "ionq_simulator", "ibm_manila", "aws_iqm_garnet"]
OPTIONS = {"coda_iqm": {"bit_order": "last_first"}}


def lopsided():
    """A circuit that tells every mix-up of bits or qubits: it yields 100 with 0.7, and 110 with 0.3."""
    circuit = QuantumCircuit(3, 3)
    circuit.x(0)
    circuit.ry(2 * math.asin(math.sqrt(0.3)), 2)
    circuit.measure([0, 1, 2], [2, 0, 1])
    return circuit


def submitted(world):
    """How many jobs each vendor has accepted."""
    return {
        "coda_iqm": len(world.coda.jobs),
        "ionq_simulator": len(world.ionq.jobs),
        "ibm_manila": len(world.ibm.jobs),
        "aws_iqm_garnet": len(world.aws.tasks),
    }


def until(done):
    for _ in range(3000):
        if done():
            return
        time.sleep(0.1)
    raise AssertionError("it did not happen")


def test_nothing_of_a_vendor_is_asked_for_until_somebody_wants_it(world):
    assert not world.contacted


@pytest.mark.parametrize("device", DEVICES)
def test_results_are_right_and_the_job_is_sent_once(world, api, device):
    before = submitted(world)
    job = api.run(lopsided(), device_id=device, shots=SHOTS, seed=None, options=OPTIONS.get(device, {}))
    (found,) = job["quantum_results"]
    expected = {"100": 0.7, "110": 0.3}
    assert sum(found.values()) == pytest.approx(1)
    distance = sum(abs(found.get(key, 0) - expected.get(key, 0)) for key in found.keys() | expected.keys()) / 2
    assert distance < 0.1
    assert submitted(world) == {**before, device: before[device] + 1}


@pytest.mark.parametrize("device", DEVICES)
def test_expectation_values_are_right(api, device):
    circuit = lopsided()
    circuit.remove_final_measurements()
    observables = [[[["ZII", "IIZ"], [1.0, 0.5]], [["IZI"], [1.0]]]]
    job = api.run(
        circuit, device_id=device, shots=SHOTS, seed=None, observables=observables, options=OPTIONS.get(device, {})
    )
    (values,) = job["quantum_results"]
    assert values == pytest.approx([0.4 - 0.5, 1.0], abs=0.15)


@pytest.mark.parametrize("device", ["coda_iqm", "ionq_forte_1", "ibm_manila", "aws_iqm_garnet"])
def test_a_dry_run_tells_the_price_and_sends_nothing(world, api, device):
    before = submitted(world)
    job = api.run(lopsided(), device_id=device, shots=SHOTS, seed=None, dry_run=True, options=OPTIONS.get(device, {}))
    assert job["quantum_results"] is None
    cost = job["estimated_qpu_cost"]
    models.Cost.model_validate(cost)
    assert cost["converted"]["unit"] == "USD"
    assert cost["converted"]["amount"] > 0
    if device == "coda_iqm":
        assert cost["native"] == {"amount": 30 + SHOTS, "unit": "cents"}
        assert cost["converted"]["amount"] == pytest.approx((30 + SHOTS) / 100)
    assert submitted(world) == before


def test_devices_of_all_vendors_are_listed_with_their_gates(world):
    listed = {device["id"] for device in ok(world.gateway.client.get("/devices"), list[models.Device])}
    assert {"aer_simulator", *DEVICES} <= listed
    gates = ok(world.gateway.client.get("/devices/ibm_manila/gate_map"), models.GateMap)
    assert [0, 1] in gates["operations"]["cx"]


def test_credentials_of_the_job_go_before_those_of_the_server_and_are_kept_nowhere(world, api):
    wrong = "coda_wrong-token-of-grace-99"
    before = submitted(world)
    said = api.failed(api.post_run(lopsided(), device_id="coda_iqm", shots=100, options={"coda_token": wrong}))
    assert submitted(world) == before
    assert wrong not in said + world.gateway.log
    right = {"coda_token": TOKEN, **OPTIONS["coda_iqm"]}
    assert api.run(lopsided(), device_id="coda_iqm", shots=100, seed=None, options=right)["status"] == "Done"
    (file,) = world.gateway.home.glob("gateway.db")
    with contextlib.closing(sqlite3.connect(file)) as database:
        rows = "".join(database.iterdump())
    assert wrong not in rows
    assert TOKEN not in rows


@pytest.mark.parametrize(
    ("options", "word"),
    [({"coda_api_key": "coda_1234567"}, "coda_token"), ({"ionq_api_key": "some-key-of-ada"}, "coda_token")],
)
def test_credentials_that_are_not_for_the_device_are_refused_not_replaced(api, options, word):
    said = refused(api.post_run(lopsided(), device_id="coda_iqm", options=options), 400)
    assert word in said


def test_a_device_that_a_vendor_does_not_have_is_refused(api):
    assert "coda_none" in refused(api.post_run(lopsided(), device_id="coda_none"), 404)


def test_a_lost_answer_is_told_and_the_job_is_not_sent_again(world, api):
    before = len(world.coda.jobs)
    world.coda.upset("POST /qpus", LOST)
    options = OPTIONS["coda_iqm"]
    said = api.failed(api.post_run(lopsided(), device_id="coda_iqm", shots=100, options=options))
    assert "may have reached the vendor" in said
    assert len(world.coda.jobs) == before + 1


def test_a_lost_answer_is_found_again_where_the_vendor_can_tell(world, api):
    before = len(world.ionq.jobs)
    world.ionq.fault("POST", "/jobs", "lost")
    assert api.run(lopsided(), device_id="ionq_simulator", shots=SHOTS, seed=None)["quantum_results"]
    world.ionq.no_more_faults()
    assert len(world.ionq.jobs) == before + 1


def test_the_reason_of_a_failure_comes_home_without_credentials(world, api):
    world.coda.failure = f"the machine is warm, {TOKEN}"
    options = OPTIONS["coda_iqm"]
    said = api.failed(api.post_run(lopsided(), device_id="coda_iqm", shots=100, options=options))
    world.coda.failure = None
    assert "the machine is warm" in said
    assert TOKEN not in said


def test_a_job_that_its_vendor_cannot_stop_is_cancelled_here_and_the_log_says_that_it_goes_on(world, api):
    before, world.coda.waits = len(world.coda.jobs), 1_000_000
    options = OPTIONS["coda_iqm"]
    job = ok(api.post_run(lopsided(), device_id="coda_iqm", shots=100, options=options))
    until(lambda: len(world.coda.jobs) > before and list(world.coda.jobs.values())[-1].looks)
    assert world.gateway.client.post(f"/jobs/{job['id']}/cancel").json()["status"] == "Cancelled"
    until(lambda: "goes on at its vendor" in world.gateway.log)
    world.coda.waits = 0

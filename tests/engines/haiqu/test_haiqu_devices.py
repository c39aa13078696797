"""The device list of the service: fetched once, kept for a while, refreshed one by one, safe for threads."""

import logging
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from qiskit_aer.noise import NoiseModel, ReadoutError

from qiskit_haiqu_provider import HaiquBackendNotFoundError, HaiquInputError
from qiskit_haiqu_provider.api.client import HaiquClient
from qiskit_haiqu_provider.api.models import Device
from qiskit_haiqu_provider.engines.haiqu.devices import IONQ_GATES, TTL_SECONDS, DeviceList, record_of, twin_simulator
from qiskit_haiqu_provider.exceptions import HaiquAuthenticationError, HaiquNotFoundError, HaiquServerError
from tests.api.odd_server import Answer, OddServer

LINE = [[qubit, qubit + 1] for qubit in range(4)]


def device(device_id="iqm_garnet", **more):
    facts = {
        "id": device_id,
        "vendor": "Vendor",
        "name": device_id,
        "qubits": 5,
        "status": "online",
        "simulator": False,
    }
    return {**facts, "operation_names": ["prx", "cz"], "coupling_map": LINE, "pending_jobs": 3, **more}


class Clock:
    """Time that passes when the test says so."""

    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def server():
    with OddServer() as server:
        server.on("GET /devices", Answer(json=[device()]))
        yield server


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def devices(server, clock):
    with HaiquClient("a-key-of-the-tests", url=server.url, retry_seconds=0) as client:
        yield DeviceList(client, clock=clock)


def listed(server, devices, *found):
    """The records of a service that lists these."""
    server.on("GET /devices", Answer(json=list(found)))
    return list(devices.records())


# The list.


def test_nothing_is_asked_until_the_list_is_needed_and_then_once(server, devices, clock):
    assert server.asked == []
    assert [record.id for record in devices.records()] == ["iqm_garnet"]
    clock.now += TTL_SECONDS - 1
    assert devices.record("iqm_garnet").num_qubits == 5
    devices.records()
    assert server.asked == ["GET /devices"]


def test_an_old_list_is_fetched_again(server, devices, clock):
    devices.records()
    clock.now += TTL_SECONDS
    assert [record.id for record in listed(server, devices, device("ionq_forte"))] == ["ionq_forte"]
    assert server.count("GET /devices") == 2


def test_a_refresh_fetches_a_young_list(server, devices):
    devices.records()
    server.on("GET /devices", Answer(json=[device(status="offline")]))
    devices.refresh()
    assert devices.record("iqm_garnet").status == "offline"


def test_what_is_known_costs_no_request_however_old(server, devices, clock):
    devices.records()
    clock.now += 10 * TTL_SECONDS
    assert devices.record("iqm_garnet").num_qubits == 5
    with pytest.warns(UserWarning, match="no error data"):
        devices.target("iqm_garnet")
    assert server.asked == ["GET /devices"]


def test_threads_share_one_request(server, devices):
    start = threading.Event()
    server.on("GET /devices", Answer(json=[device()], hold=start))
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(devices.records) for _ in range(8)]
        start.set()
        assert {future.result()[0].id for future in waiting} == {"iqm_garnet"}
    assert server.asked == ["GET /devices"]


def test_in_an_outage_the_last_list_serves_on(server, devices, clock, caplog):
    devices.records()
    clock.now += TTL_SECONDS
    server.on("GET /devices", Answer(status=503, json={"detail": "closed"}))
    with caplog.at_level(logging.WARNING):
        assert [record.id for record in devices.records()] == ["iqm_garnet"]
    assert "the last one serves on" in caplog.text
    asked = server.count("GET /devices")
    devices.records()  # it is not asked at every call
    assert server.count("GET /devices") == asked
    clock.now += 10
    assert [record.id for record in listed(server, devices, device("back"))] == ["back"]


def test_without_a_list_an_outage_is_an_error(server, devices):
    server.on("GET /devices", Answer(status=503, json={"detail": "closed"}))
    with pytest.raises(HaiquServerError):
        devices.records()
    with pytest.raises(HaiquServerError):
        devices.refresh()


def test_a_key_that_is_no_longer_good_is_an_error_always(server, devices, clock):
    devices.records()
    clock.now += TTL_SECONDS
    server.on("GET /devices", Answer(status=401, json={"detail": "who are you"}))
    with pytest.raises(HaiquAuthenticationError):
        devices.records()


def test_one_unreadable_device_spoils_nothing(server, devices):
    with pytest.warns(UserWarning, match="device"):
        found = listed(server, devices, device(), {"id": "broken"})
    assert [record.id for record in found] == ["iqm_garnet"]


def test_an_unknown_device_names_the_nearest(devices):
    with pytest.raises(HaiquBackendNotFoundError, match=r"no device 'iqm_garne'\. Did you mean iqm_garnet\?"):
        devices.record("iqm_garne")
    with pytest.raises(HaiquBackendNotFoundError, match=r"See provider\.backends"):
        devices.record("zzz")


def test_a_list_travels_to_other_processes_without_its_key(server, devices, clock):
    devices.records()
    text = pickle.dumps(devices)
    assert b"a-key-of-the-tests" not in text
    twin = pickle.loads(text)
    with pytest.warns(UserWarning, match="no error data"):
        assert twin.target("iqm_garnet").num_qubits == 5
    assert server.asked == ["GET /devices"]


# Status and queue.


def test_status_and_queue_are_asked_for_one_device(server, devices, clock):
    devices.records()
    clock.now += 60
    server.on("GET /devices/iqm_garnet", Answer(json=device(status="maintenance", pending_jobs=9)))
    now = devices.refreshed("iqm_garnet")
    assert (now.pending_jobs, now.status, now.operational) == (9, "maintenance", False)
    assert devices.record("iqm_garnet") == now
    assert server.asked == ["GET /devices", "GET /devices/iqm_garnet"]


def test_looking_at_all_devices_costs_one_request(server, devices):
    found = listed(server, devices, device("a"), device("b", pending_jobs=1), device("sim", simulator=True))
    assert [devices.refreshed(record.id).pending_jobs for record in found] == [3, 1, None]
    assert server.asked == ["GET /devices"]


def test_simulators_have_no_queue(server, devices, clock):
    listed(server, devices, device("aer_simulator", simulator=True, pending_jobs=7))
    clock.now += 60
    assert devices.refreshed("aer_simulator").pending_jobs is None
    assert server.asked == ["GET /devices"]


def test_a_device_that_is_gone(server, devices, clock):
    devices.records()
    clock.now += 60
    server.on("GET /devices/iqm_garnet", Answer(status=404, json={"detail": "no such device"}))
    with pytest.raises(HaiquNotFoundError):
        devices.refreshed("iqm_garnet")


# Records.


def test_a_record_says_what_the_service_said(server, devices):
    [record] = listed(server, devices, device(name="IQM Garnet"))
    assert (record.via, record.vendor, record.num_qubits) == ("haiqu", "Vendor", 5)
    assert record.description == "IQM Garnet"
    assert record.operation_names == ("prx", "cz")
    assert record.coupling_map == tuple(map(tuple, LINE))
    assert record.constrained
    assert (record.simulator, record.ideal, record.labels, record.calibration) == (False, False, (), None)


def test_devices_that_count_from_one_or_have_holes_are_numbered_in_order(server, devices):
    """As Amazon Braket numbers some devices; a circuit of 5 qubits has the qubits 0 to 4."""
    pairs = [[1, 2], [2, 4], [4, 5], [5, 9]]
    [record] = listed(server, devices, device(coupling_map=pairs))
    assert record.labels == (1, 2, 4, 5, 9)
    assert record.coupling_map == ((0, 1), (1, 2), (2, 3), (3, 4))
    assert record.num_qubits == 5
    assert "qubits 1 to 9 are numbered from 0" in record.description
    with pytest.warns(UserWarning, match="no error data"):
        target = devices.target("iqm_garnet")
    assert sorted(target["cz"]) == [(0, 1), (1, 2), (2, 3), (3, 4)]


def test_a_map_with_more_qubits_than_the_device_has_makes_it_wider(server, devices):
    [record] = listed(server, devices, device(coupling_map=[[qubit, 6] for qubit in range(6)]))
    assert (record.num_qubits, record.labels) == (7, ())


def test_a_map_is_cleaned(server, devices):
    [record] = listed(server, devices, device(coupling_map=[[0, 0], [0, 1], [0, 1], [1, 0]]))
    assert record.coupling_map == ((0, 1), (1, 0))
    assert made("ionq_forte", coupling_map=[]).coupling_map is None


def test_a_device_of_ibm_has_the_calibration_of_its_snapshot(server, devices):
    pairs = [[0, 1], [1, 0], [1, 2], [2, 1], [1, 3], [3, 1], [3, 5], [5, 3], [4, 5], [5, 4], [5, 6], [6, 5]]
    [record] = listed(
        server,
        devices,
        device("ibm_lagos", vendor="IBM", qubits=7, coupling_map=pairs, operation_names=["cx", "rz", "sx", "x"]),
    )
    assert record.calibration == "from the snapshot fake_lagos, not from today"
    target = devices.target("ibm_lagos")  # a warning would be an error here
    assert 0 < target["cx"][(0, 1)].error < 0.1
    assert devices.target("ibm_lagos") is target


# Targets.


def test_missing_error_data_is_said_once_for_each_device(server, devices):
    listed(server, devices, device("a"), device("b"))
    with pytest.warns(UserWarning, match="a has no error data: the transpiler cannot prefer good qubits") as caught:
        devices.target("a")
    assert len(caught) == 1
    devices.target("a")
    with pytest.warns(UserWarning, match="b has no error data"):
        devices.target("b")
    server.on("GET /devices", Answer(json=[device("a", coupling_map=LINE[:3])]))
    devices.refresh()
    assert sorted(devices.target("a")["cz"]) == [(0, 1), (1, 2), (2, 3)]


def test_a_target_outlives_a_new_status(server, devices, clock):
    devices.records()
    with pytest.warns(UserWarning, match="no error data"):
        target = devices.target("iqm_garnet")
    server.on("GET /devices", Answer(json=[device(status="busy", pending_jobs=99)]))
    devices.refresh()
    assert devices.target("iqm_garnet") is target


def test_fractional_gates_are_there_where_they_are_asked_for(server, devices):
    listed(server, devices, device("ibm_manila", vendor="IBM", operation_names=["rz", "sx", "x", "cz", "rx", "rzz"]))
    assert set(devices.target("ibm_manila").operation_names) == {"rz", "sx", "x", "cz", "measure"}
    fractional = devices.target("ibm_manila", {"use_fractional_gates": True})
    assert {"rx", "rzz"} <= set(fractional.operation_names)
    assert fractional.gate_has_angle_bounds("rzz")
    assert devices.target("ibm_manila", {"use_fractional_gates": False}) is devices.target("ibm_manila")


def test_simulators_of_the_service(server, devices):
    aer, ionq, other = listed(
        server,
        devices,
        device("aer_simulator", simulator=True, qubits=24, coupling_map=None, operation_names=["h", "cx", "unitary"]),
        device("ionq_simulator", simulator=True, qubits=29, coupling_map=None, operation_names=None),
        device("some_simulator", simulator=True, qubits=0, coupling_map=None, operation_names=None),
    )
    assert (aer.constrained, ionq.constrained, other.constrained) == (False, True, False)
    assert ionq.operation_names == IONQ_GATES
    assert aer.ideal
    assert devices.target("aer_simulator").num_qubits == 24
    assert devices.target("aer_simulator", {"method": "matrix_product_state"}).num_qubits == 63
    target = devices.target("ionq_simulator")  # a warning would be an error here
    assert set(IONQ_GATES) == set(target.operation_names)
    assert len(target["rxx"]) == 29 * 28
    assert devices.target("some_simulator").num_qubits == 1


# Simulators on this machine.


def made(name, **more):
    return record_of(Device.model_validate(device(name, **more)))


def test_the_simulator_of_a_device_has_the_noise_of_its_snapshot(server, devices):
    listed(server, devices, device("ibm_manila", vendor="IBM"))
    options = {"shots": 10, "memory": False, "skip_transpilation": True, "seed_simulator": 4}
    simulator = devices.simulator("ibm_manila", options)
    assert simulator.options.noise_model is not None
    assert simulator.options.seed_simulator == 4
    assert simulator.configuration().n_qubits >= 5


def test_the_simulator_of_an_ideal_simulator_is_ideal():
    record = made("ionq_simulator", simulator=True, coupling_map=None)
    assert twin_simulator(record, {"noise_model": None}).options.noise_model is None


def test_a_noise_model_of_yours_is_taken_over():
    noise = NoiseModel()
    noise.add_all_qubit_readout_error(ReadoutError([[0.9, 0.1], [0.1, 0.9]]))
    record = made("aer_simulator", simulator=True, coupling_map=None)
    assert twin_simulator(record, {"noise_model": noise}).options.noise_model == noise


def test_noise_that_only_the_service_knows_is_refused():
    record = made("ionq_simulator", simulator=True, coupling_map=None)
    with pytest.raises(HaiquInputError, match="noise_model: 'aria-1' is known to the service only"):
        twin_simulator(record, {"noise_model": "aria-1"})
    with pytest.raises(HaiquInputError, match=r"Give the qiskit_aer\.noise\.NoiseModel itself"):
        twin_simulator(made("aer_simulator", simulator=True, coupling_map=None), {"noise_model": {"errors": []}})


def test_without_a_snapshot_there_is_advice():
    with pytest.raises(HaiquBackendNotFoundError, match=r"no snapshot of iqm_garnet.*from_backend"):
        twin_simulator(made("iqm_garnet"), {})
    with pytest.raises(HaiquBackendNotFoundError, match=r"no snapshot of ibm_atlantis.*pip install -U"):
        twin_simulator(made("ibm_atlantis"), {})

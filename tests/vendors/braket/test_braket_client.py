"""The unmodified client of Amazon, against the AWS of these tests: what holds here holds for our adapter too."""

import pytest
from braket.aws import AwsDevice, AwsQuantumTask, AwsSession
from braket.circuits import Circuit, FreeParameter
from braket.program_sets import CircuitBinding, ProgramSet

from tests.vendors.braket.capabilities import AQUILA, FORTE, GARNET, SV1


def test_it_finds_devices_in_all_regions(aws):
    del aws.devices[AQUILA]  # told in part only, which is enough to be left out by us
    devices = {device.arn: device for device in AwsDevice.get_devices(types=["QPU", "SIMULATOR"])}
    assert set(devices) == set(aws.devices)
    garnet = devices[GARNET]
    assert garnet.properties.paradigm.nativeGateSet[:2] == ["cz", "prx"]
    assert sorted(garnet.topology_graph.nodes) == [1, 2, 5, 6, 8, 9]
    assert devices[FORTE].properties.provider.errorMitigation is not None
    assert devices[FORTE].queue_depth().quantum_tasks


def test_it_runs_a_circuit_with_inputs(aws):
    circuit = Circuit().rx(0, FreeParameter("a")).cnot(0, 1).i(2).measure(2).measure(0)
    task = AwsDevice(SV1).run(circuit, shots=50, inputs={"a": 3.14159265})
    assert task.result().measurement_counts == {"01": 50}
    assert task.state() == "COMPLETED"
    assert AwsQuantumTask(task.id).result().measurement_counts == {"01": 50}


def test_it_runs_a_verbatim_box_and_refuses_what_is_not_wired(aws):
    device = AwsDevice(GARNET)
    box = Circuit().prx(6, 3.14159265, 0).cz(6, 9)
    task = device.run(Circuit().add_verbatim_box(box).measure([9, 6]), shots=10)
    assert task.result().measurement_counts == {"01": 10}
    with pytest.raises(Exception, match="not connected"):
        device.run(Circuit().add_verbatim_box(Circuit().cz(1, 9)), shots=10)


@pytest.mark.parametrize("spread", [False, True])
def test_it_runs_a_program_set(aws, spread, monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")  # of its client for files of their own
    aws.spread = spread
    circuit = Circuit().rx(0, FreeParameter("a")).measure(0)
    programs = ProgramSet([CircuitBinding(circuit, input_sets={"a": [0.0, 3.14159265]})], shots_per_executable=10)
    result = AwsDevice(GARNET).run(programs).result()
    assert [entry.counts for entry in result[0]] == [{"0": 10}, {"1": 10}]


def test_it_cancels_and_a_token_makes_one_task(aws):
    aws.hold = True
    task = AwsDevice(SV1).run(Circuit().h(0), shots=5)
    task.cancel()
    assert task.state() == "CANCELLED"
    session = AwsSession()
    order = dict(next(iter(aws.tasks.values())).request, clientToken="t" * 8)
    first, again = session.create_quantum_task(**order), session.create_quantum_task(**order)
    assert first == again
    assert aws.arrivals["t" * 8] == 2

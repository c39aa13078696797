"""AWS devices as backends: qubits with holes in their numbers, gates, errors, queues, options."""

import json
import subprocess
import sys

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.transpiler import generate_preset_pass_manager

from qiskit_haiqu_provider import (
    HaiquAccountError,
    HaiquAuthenticationError,
    HaiquBackendNotFoundError,
    HaiquCircuitError,
    HaiquDependencyError,
    HaiquInputError,
    HaiquOptionError,
    HaiquProvider,
    SamplerV2,
)
from qiskit_haiqu_provider.engines.braket.vendor import BraketVendor
from tests.vendors.braket.capabilities import AQUILA, FORTE, GARNET


def test_devices_of_all_regions_are_backends(aws):
    provider = HaiquProvider()
    found = {backend.name: backend for backend in provider.backends(via="braket")}
    assert set(found) == {"aws_iqm_garnet", "aws_ionq_forte_1", "aws_amazon_sv1", "aws_amazon_dm1"}
    assert {backend.via for backend in found.values()} == {"braket"}
    assert [backend.name for backend in found.values() if backend.simulator] == ["aws_amazon_sv1", "aws_amazon_dm1"]
    assert provider.get_backend("aws_iqm_garnet").via == "braket"  # without a key of Haiqu


def test_holes_in_the_numbers_of_qubits(device):
    garnet = device()
    assert garnet.num_qubits == 6
    assert garnet.record.labels == (1, 2, 5, 6, 8, 9)
    assert set(garnet.target.operation_names) == {"cz", "r", "measure"}
    edges = {tuple(sorted(edge)) for edge in garnet.coupling_map.get_edges()}
    assert edges == {(0, 1), (1, 2), (2, 3), (3, 5), (2, 4)}


def test_errors_and_times_are_those_of_the_qubit(device):
    garnet = device()
    assert garnet.target["r"][(3,)].error == pytest.approx(0.001 + 6 / 10000)
    assert garnet.target["measure"][(5,)].error == pytest.approx(0.02 + 9 / 1000)
    assert garnet.target["cz"][(2, 1)].error == pytest.approx(0.01 + 2 / 1000)
    assert garnet.qubit_properties(4).t1 == pytest.approx(38e-6)
    assert garnet.qubit_properties(4).t2 == pytest.approx(18e-6)
    assert "capabilities" in garnet.calibration


def test_a_simulator_behaves_as_the_device(device):
    circuit = QuantumCircuit(6, 1)
    circuit.r(np.pi, 0, 5)
    circuit.measure(5, 0)
    counts = device().to_aer().run(circuit, shots=20_000, seed_simulator=1).result().get_counts()
    assert counts["0"] / 20_000 == pytest.approx(0.029, abs=0.006)
    with pytest.raises(HaiquBackendNotFoundError, match="tells no errors"):
        device("aws_ionq_forte_1").to_aer()
    assert device("aws_amazon_sv1", seed_simulator=4).to_aer().options.noise_model is None


def test_ions_see_all_others(device):
    forte = device("aws_ionq_forte_1")
    assert set(forte.target.operation_names) == {"gpi", "gpi2", "zz", "measure"}
    assert forte.target.instruction_supported("zz", (7, 0))
    assert forte.record.labels == ()


def test_status_and_queue_are_asked_anew(device, aws):
    garnet = device(skip_transpilation=False)
    assert (garnet.status().operational, garnet.status().pending_jobs) == (True, 0)
    aws.hold = True
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    garnet.run(circuit)
    assert garnet.status().pending_jobs == 1


def test_what_cannot_be_read_is_left_out_with_a_warning(aws):
    del aws.devices[GARNET]["paradigm"]["qubitCount"], aws.devices[GARNET]["paradigm"]["connectivity"]
    aws.devices[FORTE]["service"] = None
    with pytest.warns(UserWarning, match="left out") as caught:
        names = [backend.name for backend in HaiquProvider().backends(via="braket")]
    assert names == ["aws_amazon_sv1", "aws_amazon_dm1"]
    assert len(caught) == 2
    assert AQUILA in aws.devices  # runs no circuits, which is no reason to warn


def test_options(device):
    garnet, forte = device(), device("aws_ionq_forte_1")
    with pytest.raises(HaiquOptionError, match="Did you mean 'program_sets'"):
        garnet.set_options(program_set=False)
    with pytest.raises(HaiquOptionError, match="error_mitigation"):
        garnet.set_options(error_mitigation="debias")
    with pytest.raises(HaiquInputError, match=r"error_mitigation must be one of \[None, 'debias'\]"):
        forte.set_options(error_mitigation="zne")
    with pytest.raises(HaiquInputError, match="S3 bucket"):
        forte.set_options(s3_bucket="No Bucket")
    with pytest.raises(HaiquInputError, match="a folder in the bucket"):
        forte.set_options(s3_prefix="/")
    with pytest.raises(HaiquInputError, match="at most 5000"):
        forte.set_options(shots=5001)


def test_circuits_that_do_not_fit(device):
    circuit = QuantumCircuit(6)
    circuit.cz(0, 5)
    circuit.measure_all()
    with pytest.raises(HaiquCircuitError, match=r"cannot run 'cz' on qubits \(0, 5\)"):
        device().run(circuit)
    wide = QuantumCircuit(9)
    wide.h(range(9))
    wide.measure_all()
    with pytest.raises(HaiquCircuitError, match="uses 9 qubits, but aws_iqm_garnet has 6"):
        device(skip_transpilation=False).run(wide)


def test_a_region_that_does_not_answer_is_warned_of(aws, web):
    web.serve("braket.eu-north-1.amazonaws.com", lambda request: aws._braket(request, "nowhere"))
    aws.devices = {arn: aws.devices[arn] for arn in aws.devices if arn != GARNET}
    assert "aws_iqm_garnet" not in {backend.name for backend in HaiquProvider().backends(via="braket")}

    def refused(request):
        aws.denied = True
        try:
            return aws._braket(request, "eu-north-1")
        finally:
            aws.denied = False

    web.serve("braket.eu-north-1.amazonaws.com", refused)
    with pytest.warns(UserWarning, match="devices of eu-north-1 are not shown"):
        assert HaiquProvider().backends(via="braket")


def test_what_was_known_serves_on_while_aws_is_away(aws, monkeypatch, caplog):
    found = BraketVendor(dict)
    before = found.devices()
    monkeypatch.setattr("qiskit_haiqu_provider.engines.braket.devices._KEEP_SECONDS", -1.0)
    aws.fail = 1000
    assert found.devices() == before
    assert "serves on" in caplog.text


def test_refused_and_missing_credentials(aws, monkeypatch):
    aws.denied = True
    with pytest.raises(HaiquAuthenticationError, match="Check the AWS credentials"):
        HaiquProvider().backends(via="braket")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(HaiquAccountError, match="AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"):
        HaiquProvider().backends(via="braket")


def test_the_client_is_an_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "braket.aws", None)
    with pytest.raises(HaiquDependencyError, match=r"pip install 'qiskit-haiqu-provider\[braket\]'"):
        BraketVendor(dict).devices()


def test_the_client_is_loaded_when_it_is_used():
    code = """
import json, sys
from qiskit_haiqu_provider.engines.braket.simulators import BraketSimulators
from qiskit_haiqu_provider.engines.braket.vendor import BraketVendor
BraketVendor(dict), BraketSimulators().devices()
print(json.dumps([name for name in sys.modules if name.startswith(("boto", "braket."))]))
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(json.loads(found.stdout)) <= {"braket.default_simulator"}


def test_mitigation_needs_circuits_that_run_as_they_are(device):
    circuit = QuantumCircuit(1)
    circuit.measure_all()
    for name, option, value in (
        ("aws_iqm_garnet", "skip_transpilation", False),
        ("aws_ionq_forte_1", "error_mitigation", "debias"),
    ):
        sampler = SamplerV2(device(name, **{option: value}), options={"use_mitigation": True})
        with pytest.raises(HaiquInputError, match=f"would not run as they are.*Set {option}="):
            sampler.run([circuit], shots=2500)


def test_mitigated_runs_are_verbatim(device):
    backend = device("aws_iqm_garnet")
    bell = QuantumCircuit(2)
    bell.h(0)
    bell.cx(0, 1)
    bell.measure_all()
    isa = generate_preset_pass_manager(1, backend=backend, seed_transpiler=1).run(bell)
    options = {"use_mitigation": True, "mitigation": {"num_randomizations": 2}}
    result = SamplerV2(backend, options=options).run([isa], shots=200).result()
    counts = result[0].data.meas.get_counts()
    assert sum(counts.values()) == 200
    assert set(counts) == {"00", "11"}
    assert result[0].metadata["haiqu"]["mitigation"]["randomizations"] == 2

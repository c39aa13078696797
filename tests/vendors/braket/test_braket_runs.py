"""Circuits on AWS devices: what leaves, and that every bit comes home to its place."""

import json

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter
from qiskit.circuit.library import UnitaryGate
from qiskit.quantum_info import Kraus, SparsePauliOp
from qiskit.transpiler import generate_preset_pass_manager

from qiskit_haiqu_provider import EstimatorV2, HaiquCircuitError, HaiquInputError, SamplerV2
from tests.vendors.braket.capabilities import FORTE

ROUTES = {
    "as they are on qubits with holes": ("aws_iqm_garnet", {}),
    "as tasks of their own": ("aws_iqm_garnet", {"program_sets": False}),
    "compiled by the service": ("aws_iqm_garnet", {"skip_transpilation": False}),
    "ions, from probabilities": ("aws_ionq_forte_1", {}),
    "a simulator": ("aws_amazon_sv1", {}),
}


@pytest.fixture(params=ROUTES.values(), ids=ROUTES)
def backend(request, device):
    name, options = request.param
    return device(name, **options)


def isa(circuit, backend):
    if not backend.record.constrained or not backend.options.get("skip_transpilation", True):
        return circuit
    return generate_preset_pass_manager(1, backend=backend, seed_transpiler=3).run(circuit)


def actions(aws):
    return [json.loads(task.request["action"]) for task in aws.tasks.values()]


def asymmetrical():
    """Bits 1011 from qubits in a mixed order, over registers that are cut elsewhere, one of them empty."""
    low, none, high = ClassicalRegister(3, "low"), ClassicalRegister(0, "none"), ClassicalRegister(3, "high")
    circuit = QuantumCircuit(QuantumRegister(4), low, none, high)
    circuit.x([3, 0])
    circuit.cx(3, 1)
    circuit.measure([3, 2, 1, 0], [low[0], low[2], high[0], high[2]])  # low[1] and high[1] are never written
    return circuit


@pytest.mark.parametrize("backwards", [False, True])
def test_every_bit_comes_home(backend, aws, backwards):
    aws.backwards = backwards
    circuit = isa(asymmetrical(), backend)
    data = SamplerV2(backend).run([circuit], shots=8).result()[0].data
    assert data.low.get_counts() == {"001": 8}
    assert data.high.get_counts() == {"101": 8}
    assert (data.none.num_bits, data.none.num_shots) == (0, 8)
    result = backend.run(circuit, shots=8, memory=True).result()
    assert result.get_counts() == {"101  001": 8}
    assert result.results[0].data.memory == ["0x29"] * 8


def test_a_sweep_over_asymmetrical_angles(backend, aws):
    a, b = Parameter("a[0]"), Parameter("θ")
    circuit = QuantumCircuit(3, 2)
    circuit.rx(a + b, 2)
    circuit.rx(2 * a - b, 0)
    circuit.measure([2, 0], [0, 1])
    values = np.array([[0, 0], [np.pi / 3, 2 * np.pi / 3], [2 * np.pi / 3, np.pi / 3]])
    found = SamplerV2(backend).run([(isa(circuit, backend), {("a[0]", "θ"): values})], shots=6).result()[0].data.c
    assert [found.get_counts(index) for index in range(3)] == [{"00": 6}, {"01": 6}, {"11": 6}]


def test_parameters_that_no_gate_has(device):
    circuit = QuantumCircuit(1, 1, global_phase=Parameter("a"))
    circuit.rx(Parameter("b"), 0)
    circuit.measure(0, 0)
    data = SamplerV2(device("aws_amazon_sv1")).run([(circuit, [[0.1, np.pi], [0.2, 0]])], shots=3).result()[0].data.c
    assert [data.get_counts(index) for index in range(2)] == [{"1": 3}, {"0": 3}]


def test_expectation_values_agree_with_exact_ones(backend):
    circuit = QuantumCircuit(3)
    circuit.ry(Parameter("a"), 0)
    circuit.cx(0, 2)
    circuit.rx(0.7, 1)
    observables = [SparsePauliOp(["XIX", "YIY", "IZI", "IYI", "IIZ", "III"], [1, 2, -1, 0.5, 0.25, 3]), "ZII"]
    prepared = isa(circuit, backend)
    placed = [SparsePauliOp(observable).apply_layout(prepared.layout) for observable in observables]
    rest = [[0.4], [1.3]]
    pub = (prepared, [[one] for one in placed], rest)
    found = EstimatorV2(backend).run([pub], precision=0.02).result()[0].data
    exact = EstimatorV2().run([(circuit, [[one] for one in observables], rest)], precision=0).result()[0].data
    assert found.evs.shape == (2, 2)
    assert np.all(np.abs(found.evs - exact.evs) < 6 * found.stds)
    assert np.all(found.stds > 0)


def test_native_circuits_leave_in_a_box_on_physical_qubits(device, aws):
    circuit = QuantumCircuit(6, 1)
    circuit.r(np.pi, 0.5, 5)
    circuit.cz(5, 3)
    circuit.measure(5, 0)
    device().run(circuit, shots=3).result()
    (action,) = actions(aws)
    assert action["source"].splitlines() == [
        "OPENQASM 3.0;",
        "bit[1] b;",
        "#pragma braket verbatim",
        "box{",
        f"prx({np.pi!r}, 0.5) $9;",
        "cz $9, $6;",
        "}",
        "b[0] = measure $9;",
    ]


def test_groups_and_sets_are_one_task(device, aws):
    circuit = QuantumCircuit(6)
    circuit.r(Parameter("a"), 0, 0)
    observable = SparsePauliOp(["IIIIIZ", "IIIIIX", "IIIIZI"])
    estimator = EstimatorV2(device())
    pubs = [(circuit, observable, np.zeros((5, 1)), 0.1)]
    cost = estimator.estimate_cost(pubs)
    job = estimator.run(pubs)
    job.result()
    assert len(aws.tasks) == 1
    assert job.job_id() in aws.tasks
    assert [len(program["inputs"]["p0"]) for program in actions(aws)[0]["programs"]] == [5, 5]
    assert (cost.circuits, cost.shots) == (10, 1000)
    assert cost.usd == pytest.approx(0.30 + 1000 * 0.00145)
    assert job.usage()["usd"] == pytest.approx(cost.usd)


def test_sets_are_as_large_as_the_device_takes(device, aws):
    circuit = QuantumCircuit(6, 1)
    circuit.r(Parameter("a"), 0, 2)
    circuit.measure(2, 0)
    values = np.where(np.arange(250) % 3, 0.0, np.pi)[:, None]
    plain = circuit.assign_parameters([np.pi])
    job = SamplerV2(device()).run([(circuit, values, 10), (plain, np.empty((2, 0)), 10), (plain, None, 7)])
    result = job.result()
    assert [int(bit) for bit in result[0].data.c.array[:, 0, 0]] == [int(index % 3 == 0) for index in range(250)]
    assert result[1].data.c.array.shape == (2, 10, 1)
    assert [pub.data.c.array.all() for pub in result][1:] == [True, True]
    assert [task.request["shots"] for task in aws.tasks.values()] == [7, 1000, 1000, 520]
    assert job.job_id().startswith("braket-")
    assert [one["id"] for one in job.plan.jobs] == list(aws.tasks)


@pytest.mark.parametrize("spread", [False, True])
def test_results_in_files_of_their_own(device, aws, spread):
    aws.spread = spread
    circuit = QuantumCircuit(6, 2)
    circuit.r(Parameter("a"), 0, 4)
    circuit.measure([4, 5], [1, 0])
    data = SamplerV2(device()).run([(circuit, [[np.pi], [0]])], shots=4).result()[0].data.c
    assert [data.get_counts(index) for index in range(2)] == [{"10": 4}, {"00": 4}]
    assert (len(aws.objects) > 1) == spread


def test_debiasing_is_asked_for_and_has_tasks_of_its_own(device, aws):
    circuit = QuantumCircuit(2)
    circuit.append(UnitaryGate([[0, 1], [1, 0]]), [1])
    circuit.measure_all()
    forte = device("aws_ionq_forte_1", error_mitigation="debias")
    circuit = isa(circuit, forte)
    with pytest.raises(HaiquInputError, match="takes at least 2500 with error_mitigation='debias'"):
        forte.run(circuit, shots=2499)
    assert forte.run([circuit, circuit], shots=2500).result().get_counts() == [{"10": 2500}] * 2
    settings = [json.loads(task.request["deviceParameters"]) for task in aws.tasks.values()]
    debias = {"type": "braket.device_schema.error_mitigation.debias.Debias"}
    assert [one["errorMitigation"] for one in settings] == [[debias], [debias]]
    plain = device("aws_ionq_forte_1")
    plain.run(circuit, shots=5).result()
    assert "deviceParameters" not in list(aws.tasks.values())[-1].request


def test_simulators_of_aws_take_any_gate_and_noise(device, aws):
    circuit = QuantumCircuit(30, 2)
    circuit.append(UnitaryGate(np.eye(4)[[0, 3, 2, 1]]), [7, 29])  # a CX from the first
    circuit.x(7)
    circuit.append(UnitaryGate(np.eye(4)[[0, 3, 2, 1]]), [7, 29])
    circuit.initialize([0, 1], 3)
    circuit.measure([29, 7], [1, 0])
    assert device("aws_amazon_sv1").run(circuit, shots=5).result().get_counts() == {"11": 5}
    assert "qubit[3] q;" in actions(aws)[0]["source"]
    noisy = QuantumCircuit(2, 1)
    flip = Kraus([np.sqrt(0.9) * np.eye(4), np.sqrt(0.1) * np.kron([[0, 1], [1, 0]], np.eye(2))])
    noisy.append(flip.to_instruction(), [0, 1])
    noisy.measure(1, 0)
    counts = device("aws_amazon_dm1").run(noisy, shots=2000).result().get_counts()
    assert counts["1"] == pytest.approx(200, abs=70)
    with pytest.raises(HaiquCircuitError):
        device("aws_amazon_sv1").run(noisy)


def test_what_braket_cannot_do_is_refused(device, aws):
    circuit = QuantumCircuit(2, 2)
    circuit.x(0)
    circuit.measure(0, 0)
    circuit.x(0)
    circuit.measure(0, 1)
    with pytest.raises(HaiquCircuitError, match="final measurements only"):
        device("aws_amazon_sv1").run(circuit)
    with pytest.raises(HaiquInputError, match="precision=0"):
        EstimatorV2(device("aws_amazon_sv1")).run([(QuantumCircuit(1), "Z")], precision=0)
    with pytest.raises(HaiquInputError, match="no statevector"):
        device("aws_amazon_sv1").statevector(QuantumCircuit(1))
    assert not aws.tasks


def test_nothing_is_sent_for_what_is_known(device, aws):
    circuit = QuantumCircuit(6, 3)
    assert device().run(circuit, shots=4).result().get_counts() == {"000": 4}
    data = EstimatorV2(device()).run([(circuit, "IIIIII")]).result()[0].data
    assert (data.evs, data.stds) == (1.0, 0.0)
    assert not aws.tasks


def test_buckets_and_regions(device, aws):
    circuit = QuantumCircuit(8, 1)
    circuit.measure(0, 0)
    aws.buckets.add("amazon-braket-mine")
    device("aws_ionq_forte_1", s3_bucket="amazon-braket-mine", s3_prefix="a/b").run(circuit, shots=2).result()
    device("aws_ionq_forte_1").run(circuit, shots=2).result()
    mine, default = [task.request for task in aws.tasks.values()]
    assert (mine["outputS3Bucket"], mine["outputS3KeyPrefix"]) == ("amazon-braket-mine", "a/b")
    assert default["outputS3Bucket"] == "amazon-braket-us-east-1-123456789012"
    assert default["deviceArn"] == FORTE

"""What a service tells of its mitigation is in the metadata of the PUBs, and what does not fit is left out."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparsePauliOp

from qiskit_haiqu_provider import EstimatorV2, SamplerV2
from qiskit_haiqu_provider.engines.haiqu.layout import JobLayout, Kind, Slot
from qiskit_haiqu_provider.engines.haiqu.told import mitigation_told

ON = {"use_mitigation": True, "seed_simulator": 5}
BARE = {"where": "engine"}


def slot(task=0, *, sets=1, observables=0, bases=0):
    zeros = (0.0,) * observables
    return Slot(task=task, num_sets=sets, num_clbits=2, num_qubits=2, constants=zeros, scales=zeros, bases=bases)


def told(kind, *slots, given, swept=False):
    layout = JobLayout(kind=kind, shots=100, swept=swept, slots=slots)
    return mitigation_told(layout, {"mitigation": given}, scrub=str)


def noisy(backend_of, **options):
    from qiskit_aer.noise import NoiseModel, ReadoutError, depolarizing_error

    model = NoiseModel(basis_gates=["rz", "sx", "x", "cx"])
    model.add_all_qubit_quantum_error(depolarizing_error(0.05, 2), ["cx"])
    model.add_all_qubit_readout_error(ReadoutError([[0.97, 0.03], [0.07, 0.93]]))
    return backend_of("aer_simulator", noise_model=model, **options)


def turned(*, measured=False):
    circuit = QuantumCircuit(2)
    circuit.rz(Parameter("a"), 0)
    circuit.sx(0)
    circuit.cx(0, 1)
    if measured:
        circuit.measure_all()
    return circuit


@pytest.mark.parametrize("api", ["run", "flow"])
def test_values_of_a_gateway_have_its_facts(backend_of, api):
    backend = noisy(backend_of, api=api)
    pub = (turned(), [[SparsePauliOp("ZZ")], [SparsePauliOp("XX")]], [[0.3], [1.2], [2.0]])
    found = EstimatorV2(backend, options=ON).run([pub], precision=0.05).result()[0]
    facts = found.metadata["haiqu"]["mitigation"]
    assert facts["where"] == "engine"
    assert facts["raw"].shape == facts["unshrunk"].shape == facts["shrinkage"].shape == (2, 3)
    assert np.all(np.abs(facts["raw"][0]) < 0.95)
    assert np.all(facts["raw"][0] < found.data.evs[0])
    assert facts["companions"]
    assert (facts["randomizations"], len(facts["median_damping"])) == (16, 2)


def test_samples_of_a_gateway_have_its_facts(backend_of):
    backend = noisy(backend_of)
    found = SamplerV2(backend, options=ON).run([(turned(measured=True), [[0.3], [1.2]])], shots=500).result()[0]
    facts = found.metadata["haiqu"]["mitigation"]
    assert facts["where"] == "engine"
    assert len(facts["shrinkage"]) == len(facts["flips"]) == 2
    assert all(flip > 0.01 for flip in facts["flips"])


def test_without_mitigation_nothing_is_told_of_it(backend_of):
    found = SamplerV2(noisy(backend_of)).run([(turned(measured=True), [0.3])], shots=50).result()[0]
    assert "mitigation" not in found.metadata["haiqu"]


def test_who_mitigates_is_told_when_this_package_does(backend_of):
    options = {**ON, "mitigation": {"where": "client", "num_randomizations": 4}}
    found = SamplerV2(noisy(backend_of), options=options).run([(turned(measured=True), [0.3])], shots=200).result()[0]
    assert found.metadata["haiqu"]["mitigation"]["where"] == "client"


@pytest.mark.parametrize(
    "given", [None, "on", 3, {}, [], [{}, {}], [[{"raw": "high"}]], [[{"raw": [[1.0, 2.0]]}]], [[{"raw": [[None]]}]]]
)
def test_facts_of_another_shape_are_left_out(given):
    assert told(Kind.VALUES, slot(observables=1), given=given) == [BARE]


def test_what_else_a_service_tells_is_kept():
    assert told(Kind.VALUES, slot(observables=1), given=[{"method": "other"}]) == [{**BARE, "method": "other"}]
    layout = JobLayout(kind=Kind.SAMPLES, shots=1, swept=False, slots=(slot(),))
    assert mitigation_told(layout, None, scrub=str) == [BARE]


def test_circuits_of_a_task_are_put_together():
    circuits = [[{"raw": [[0.1], [0.2]], "shots": 5}], [{"raw": [[0.3], [0.4]], "shots": 5}], [{"shots": 7}]]
    first, second = told(Kind.VALUES, slot(sets=2, observables=2), slot(1, observables=2), given=circuits)
    assert first == {**BARE, "raw": [[0.1, 0.3], [0.2, 0.4]], "shots": 5}
    assert second == {**BARE, "shots": 7}


def test_split_observables_are_rows_and_bases_are_blocks():
    split = [[{"raw": [[0.1, 0.2]], "shots": 5}, {"raw": [[0.3, 0.4]], "shots": 6}]]
    found = told(Kind.VALUES, slot(sets=2, observables=2), given=split, swept=True)
    assert found == [{**BARE, "raw": [[0.1, 0.2], [0.3, 0.4]], "blocks": [{"shots": 5}, {"shots": 6}]}]
    bases = [[{"shrinkage": [0.5]}, {"shrinkage": [0.7]}]]
    found = told(Kind.SAMPLES, slot(sets=2, bases=2), given=bases)
    assert found == [{**BARE, "blocks": [{"shrinkage": [0.5]}, {"shrinkage": [0.7]}]}]


def test_secrets_that_a_service_repeats_are_masked():
    layout = JobLayout(kind=Kind.SAMPLES, shots=1, swept=False, slots=(slot(),))
    given = {"mitigation": [[{"note": "sent with open sesame", "open sesame": 1}]]}
    (facts,) = mitigation_told(layout, given, scrub=lambda text: text.replace("open sesame", "***"))
    assert facts == {**BARE, "note": "sent with ***", "***": 1}

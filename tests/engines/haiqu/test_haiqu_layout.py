"""Tasks become the fewest jobs; what was laid out survives JSON, and nothing is paid for that was not asked for."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.quantum_info import PauliList, SparsePauliOp

from qiskit_haiqu_provider.engines.haiqu import layout
from qiskit_haiqu_provider.engines.haiqu.layout import (
    JobLayout,
    Kind,
    Slot,
    lay_out,
    observable_facts,
    pauli_sum,
    state_circuit,
)
from qiskit_haiqu_provider.exceptions import HaiquCapacityError, HaiquCircuitError, HaiquInputError
from qiskit_haiqu_provider.run.plan import plan_estimator
from qiskit_haiqu_provider.run.request import RunRequest, RunType, Task

T = Parameter("t")


def turned(width=2, *, free=True, measured=False):
    circuit = QuantumCircuit(width)
    circuit.ry(T if free else 0.5, 0)
    if measured:
        circuit.measure_all()
    return circuit


def task(circuit=None, *, sets=1, pub=0, **fields):
    circuit = turned() if circuit is None else circuit
    return Task(circuit=circuit, parameter_values=np.zeros((sets, circuit.num_parameters)), pub=pub, **fields)


def request(*tasks, **fields):
    return RunRequest(device="aer_simulator", tasks=tasks, **fields)


def through_json(job):
    return JobLayout.from_json(json.loads(json.dumps(job.to_json())))


ZZ = (SparsePauliOp("ZZ"),)


def test_tasks_are_grouped_by_kind_shots_and_parameters():
    measured = turned(measured=True)
    fixed = turned(free=False, measured=True)
    found = lay_out(
        request(
            task(measured, shots=10),
            task(fixed, shots=10),
            task(turned(), observables=ZZ, shots=10),
            task(measured, shots=20),
            task(turned(), observables=ZZ, shots=None),
            task(measured, shots=10),
        )
    )
    assert [(job.kind, job.shots, job.swept, [slot.task for slot in job.slots]) for job in found.jobs] == [
        (Kind.SAMPLES, 10, True, [0, 5]),
        (Kind.SAMPLES, 10, False, [1]),
        (Kind.VALUES, 10, True, [2]),
        (Kind.SAMPLES, 20, True, [3]),
        (Kind.STATES, 1, False, [4]),
    ]
    assert [job.number for job in found.jobs] == [0, 1, 2, 3, 4]


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from([5, 7]), st.booleans(), st.booleans()), max_size=8))
def test_every_task_has_one_place_and_its_evaluations_are_paid_once(shapes):
    tasks = [
        task(
            turned(free=free, measured=not estimated),
            sets=sets,
            shots=shots,
            pub=index,
            observables=ZZ * 3 if estimated else None,
        )
        for index, (sets, shots, free, estimated) in enumerate(shapes)
    ]
    found = lay_out(request(*tasks))
    places = [slot.task for job in found.jobs for slot in job.slots]
    assert sorted(places) == list(range(len(tasks)))
    assert found.paid == found.evaluations == sum(sets * (3 if wide else 1) for sets, _, _, wide in shapes)
    assert sum(job.evaluated_sets for job in found.jobs) == sum(sets for sets, *_ in shapes)
    for job in found.jobs:
        assert through_json(job) == job
        expected = [min(1, slot.num_sets) if job.swept else slot.num_sets for slot in job.slots]
        assert [job.circuits_in(slot) for slot in job.slots] == expected
        assert job.num_circuits == sum(expected)


def test_an_elementwise_broadcast_pays_for_its_cells_only():
    pub = EstimatorPub.coerce((turned(), [["ZZ", "XI"], ["IY", "ZI"], ["XX", "YY"]], np.zeros((3, 2, 1)), 0.1))
    _, tasks = plan_estimator([pub])
    found = lay_out(request(*tasks))
    assert len(found.jobs) == 1
    assert found.paid == found.evaluations == 6


def test_the_plan_is_told_in_a_few_numbers():
    (found,) = lay_out(request(task(turned(measured=True), sets=3, shots=10))).jobs
    job = {"kind": "samples", "shots": 10, "circuits": 1, "parameter_sets": 3, "evaluations": 3}
    assert json.loads(json.dumps(found.summary())) == job


def test_a_job_without_sets_has_no_circuits():
    found = lay_out(request(task(sets=0, observables=ZZ), task(sets=0, observables=ZZ, shots=None)))
    assert [job.num_circuits for job in found.jobs] == [0, 0]
    assert lay_out(request()).jobs == ()


def test_long_jobs_are_cut(monkeypatch):
    monkeypatch.setattr(layout, "MAX_CIRCUITS", 3)
    fixed = turned(free=False, measured=True)
    found = lay_out(request(*[task(fixed, sets=sets, shots=5) for sets in (2, 1, 0, 2, 3)]))
    assert [[slot.task for slot in job.slots] for job in found.jobs] == [[0, 1, 2], [3], [4]]
    assert [job.number for job in found.jobs] == [0, 1, 2]
    with pytest.raises(HaiquCapacityError, match=r"PUB 7: 4 circuits are needed.*at most 3"):
        lay_out(request(task(fixed, sets=4, pub=7)))
    assert lay_out(request(task(sets=4, observables=ZZ))).jobs[0].num_circuits == 1


# Observables.


def test_constants_and_scales_are_those_of_the_terms_as_sent():
    observable = SparsePauliOp(["ZI", "II", "ZI", "XY", "II"], [0.5, 2.0, -0.25, -1.0, 1.0])
    [job] = lay_out(request(task(observables=(observable, SparsePauliOp("II"))))).jobs
    assert job.slots[0].constants == (3.0, 1.0)
    assert job.slots[0].scales == (1.75, 0.0)
    assert observable_facts([[["II", "ZZ"], [1, -2]]]) == ((1.0,), (2.0,))


def test_complex_coefficients_are_refused_with_the_pub():
    observable = SparsePauliOp(["XX", "ZZ"], [1.0, 0.5j])
    for shots in (10, None):
        with pytest.raises(HaiquInputError, match=r"PUB 3: .*complex coefficients"):
            lay_out(request(task(observables=(observable,), shots=shots, pub=3)))
    assert pauli_sum(SparsePauliOp("XX", 1 + 1e-16j), where="") == (("XX",), (1.0,))


@given(st.integers(0, 6), st.integers(0, 2**32 - 1))
def test_paulis_are_written_as_qiskit_does(width, seed):
    z, x = np.random.default_rng(seed).integers(0, 2, (2, 4, width)).astype(bool)
    observable = SparsePauliOp(PauliList.from_symplectic(z, x))
    assert list(pauli_sum(observable, where="")[0]) == observable.paulis.to_labels()


def test_a_sum_without_terms_is_zero():
    nothing = SparsePauliOp(PauliList.from_symplectic(np.zeros((0, 2), bool), np.zeros((0, 2), bool)), np.empty(0))
    assert pauli_sum(nothing, where="") == (("II",), (0.0,))


# Exact states.


def test_states_are_computed_on_the_qubits_that_matter():
    circuit = QuantumCircuit(40, 1)
    circuit.h(3)
    circuit.barrier()
    circuit.cx(3, 30)
    observable = SparsePauliOp.from_sparse_list([("ZX", [3, 7], 0.5), ("", [], 2.0)], 40)
    [job] = lay_out(request(task(circuit, observables=(observable,), shots=None))).jobs
    [slot] = job.slots
    assert slot.num_qubits == 3
    assert slot.observables == ((("IXZ", "III"), (0.5, 2.0)),)
    assert through_json(job) == job


def test_a_statevector_has_all_qubits():
    [job] = lay_out(request(task(turned(5, free=False), shots=None), run_type=RunType.STATEVECTOR)).jobs
    assert (job.kind, job.slots[0].num_qubits, job.slots[0].observables) == (Kind.STATES, 5, ())


def test_circuits_without_a_single_state_are_refused():
    circuit = turned(2, free=False)
    circuit.measure_all()
    circuit.x(0)
    with pytest.raises(HaiquCircuitError, match=r"PUB 2: .*no single state"):
        state_circuit(task(circuit, observables=ZZ, shots=None, pub=2))


def test_sampling_needs_shots():
    with pytest.raises(HaiquInputError, match="PUB 1: sampling needs shots"):
        lay_out(request(task(turned(measured=True), shots=None, pub=1)))


def test_slots_leave_out_what_is_not_there():
    slot = Slot(task=1, num_sets=2, num_clbits=3, num_qubits=4)
    assert slot.to_json() == {"task": 1, "num_sets": 2, "num_clbits": 3, "num_qubits": 4}
    assert Slot.from_json(slot.to_json()) == slot

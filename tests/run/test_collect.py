"""Results come home as Qiskit's own backends give them."""

import gc

import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.exceptions import QiskitError
from qiskit.primitives import BackendSamplerV2
from qiskit_aer import AerSimulator

from qiskit_haiqu_provider import HaiquProvider, SamplerV2
from qiskit_haiqu_provider.store import JobStore


@pytest.mark.parametrize("memory", [True, False])
def test_circuits_without_classical_bits_have_no_counts_as_in_aer(provider, memory):
    circuit, measured = QuantumCircuit(2), QuantumCircuit(1, 2)
    circuit.h(0)
    measured.x(0)
    measured.measure(0, 0)
    for backend in (provider.get_backend(), AerSimulator()):
        job = backend.run([circuit, measured], shots=10, memory=memory)
        result = job.result()
        assert result.success
        with pytest.raises(QiskitError, match="No counts"):
            result.get_counts(0)
        with pytest.raises(QiskitError, match="No memory"):
            result.get_memory(0)
        assert result.get_counts(1) == {"01": 10}
    again = provider.job(provider.jobs(limit=1)[0].job_id()).result()
    assert again.get_counts(1) == {"01": 10}


@pytest.mark.filterwarnings("ignore:The 0-th pub's circuit has no output:UserWarning")
def test_primitives_of_qiskit_take_circuits_without_classical_bits(provider):
    circuit = QuantumCircuit(2)
    assert list(BackendSamplerV2(backend=provider.get_backend()).run([circuit]).result()[0].data) == []


def test_classical_bits_that_nothing_is_measured_into_are_zero(provider):
    counts = provider.get_backend().run(QuantumCircuit(1, 3), shots=10).result().get_counts()
    assert counts == {"000": 10}


def test_registers_with_underscores_are_read_again_from_disk():
    circuit = QuantumCircuit(QuantumRegister(1), ClassicalRegister(1, "_x"))
    circuit.x(0)
    circuit.measure(0, 0)
    job_id = SamplerV2().run([circuit], shots=5).job_id()
    JobStore().flush()
    gc.collect()  # nobody has the job itself any more
    assert HaiquProvider().job(job_id).result()[0].data._x.get_counts() == {"1": 5}

"""What fits into memory is known before anything is allocated, and the prediction is true."""

import subprocess
import sys

import pytest
from qiskit.circuit.library import efficient_su2
from qiskit.quantum_info import SparsePauliOp

from qiskit_haiqu_provider import EstimatorV2
from qiskit_haiqu_provider.engines.local import memory
from qiskit_haiqu_provider.exceptions import HaiquCapacityError

GIB = 2**30

RUN = """
import pathlib, resource, sys
import numpy as np
import psutil
from qiskit.circuit.library import efficient_su2
from qiskit.quantum_info import SparsePauliOp
from qiskit_haiqu_provider import EstimatorV2

def peak():
    status = pathlib.Path("/proc/self/status")
    if status.exists():  # ru_maxrss would count the parent, too
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

def run(num_qubits):
    circuit = efficient_su2(num_qubits, reps=1)
    terms = [("XYZ", [q, q + 1, q + 2], 1.0) for q in range(num_qubits - 2)]
    terms += [("ZZ", [q, q + 1], 1.0) for q in range(num_qubits - 1)] + [("X", [q], 1.0) for q in range(num_qubits)]
    observable = SparsePauliOp.from_sparse_list(terms, num_qubits=num_qubits)
    pub = circuit, observable, np.linspace(0, 1, circuit.num_parameters)
    estimator, precision = EstimatorV2(), float(sys.argv[1])
    predicted = estimator.estimate_cost([pub], precision=precision).memory_bytes
    estimator.run([pub], precision=precision).result()
    return predicted

run(6)  # loads what has to be loaded
before = psutil.Process().memory_info().rss
print(run(22), peak() - before)
"""


@pytest.mark.parametrize("precision", [0.0, 0.1])
def test_the_peak_is_as_predicted(precision):
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(precision)], capture_output=True, text=True, check=True, timeout=300
    )
    predicted, measured = map(int, done.stdout.split())
    assert 0.6 * predicted < measured < 1.15 * predicted


def test_how_wide_states_may_be():
    assert 26 <= memory.max_qubits("statevector", 24 * GIB) < 34
    assert memory.max_qubits("density_matrix", 24 * GIB) == 14
    assert memory.max_qubits("stabilizer", GIB) == 10_000


def test_what_does_not_fit_is_refused():
    circuit = efficient_su2(45, reps=1)
    pub = circuit, SparsePauliOp("Z" * 45), [0.1] * circuit.num_parameters
    with pytest.raises(HaiquCapacityError, match=r"45 qubits.*GiB"):
        EstimatorV2().run([pub], precision=0)


def test_narrow_circuits_need_no_look(monkeypatch):
    def look():
        raise AssertionError

    monkeypatch.setattr(memory, "available_bytes", look)
    memory.check_width(18, method="statevector", where="PUB 0")
    memory.check_width(9, method="density_matrix", where="PUB 0")
    with pytest.raises(AssertionError):
        memory.check_width(19, method="statevector", where="PUB 0")

"""Exact values from qiskit.quantum_info, and what counts as agreement with them."""

import io
import time
from base64 import b64decode
from math import sqrt

from qiskit import QuantumCircuit, qpy
from qiskit.quantum_info import Statevector

SIGMAS = 5
FINAL = ("Done", "Error", "Cancelled")
JOB_SECONDS = 300


def finished(job):
    """The job's result. The client itself sleeps five seconds between two looks."""
    deadline, pause = time.monotonic() + JOB_SECONDS, 0.02
    while job.status.value not in FINAL:
        assert time.monotonic() < deadline, f"{job.id} is still {job.status.value}"
        time.sleep(pause)
        pause = min(2 * pause, 0.5)
        job.retrieve_status()
    return job.result()


def unpacked(qpy_text):
    """The circuit in a record."""
    return qpy.load(io.BytesIO(b64decode(qpy_text)))[0]


def state(circuit, values=()):
    """The exact state of a circuit before its final measurements."""
    bound = circuit.assign_parameters(values) if len(values) else circuit
    return Statevector(bound.remove_final_measurements(inplace=False) or bound)


def probabilities(circuit, values=()):
    """The exact distribution of a circuit that ends in ``measure_all``."""
    return state(circuit, values).probabilities_dict()


def in_basis(circuit, basis, values=()):
    """The exact distribution of a circuit that is read out in Pauli bases; the last letter is qubit 0."""
    rotated = circuit.remove_final_measurements(inplace=False) or circuit
    rotated = rotated.assign_parameters(values) if len(values) else rotated.copy()
    for qubit, letter in enumerate(reversed(basis)):
        if letter == "Y":
            rotated.sdg(qubit)
        if letter in "XY":
            rotated.h(qubit)
    return Statevector(rotated).probabilities_dict()


def assert_distribution(found, exact, shots):
    """Every probability lies within the statistical error of its exact value."""
    assert sum(found.values()) == 1 or abs(sum(found.values()) - 1) < 1e-9
    widths = {len(word) for word in exact}
    assert {len(word) for word in found} == widths, f"{found} against {exact}"
    for word in found.keys() | exact.keys():
        wanted = max(0.0, min(1.0, exact.get(word, 0.0)))
        error = SIGMAS * sqrt(wanted * (1 - wanted) / shots) + 1e-9
        assert abs(found.get(word, 0.0) - wanted) <= error, f"{word}: {found} against {exact}"


def assert_value(found, circuit, observable, shots, values=()):
    """An expectation value lies within the statistical error of its terms, each measured with all shots."""
    exact, spread = 0.0, 0.0
    for pauli, coefficient in observable.to_list():
        value = state(circuit, values).expectation_value(type(observable)(pauli)).real
        exact += coefficient.real * value
        spread += abs(coefficient) * sqrt(max(0.0, 1 - value**2) / shots)
    assert isinstance(found, float)
    assert abs(found - exact) <= SIGMAS * spread + 1e-9, f"{found} against {exact}"


def bell():
    circuit = QuantumCircuit(2, name="bell")
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return circuit


def turned(angle, *, measured=True, name="turned"):
    """Two qubits with one angle, not symmetric in the order of bits."""
    circuit = QuantumCircuit(2, name=name)
    circuit.ry(angle, 0)
    circuit.rx(0.4, 1)
    circuit.cx(0, 1)
    circuit.ry(0.3, 0)
    if measured:
        circuit.measure_all()
    return circuit

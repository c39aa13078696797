"""Uploads are read within limits of time and memory, in processes that can be lost."""

import contextlib
import multiprocessing

import pytest
from qiskit import QuantumCircuit

from qiskit_haiqu_provider.exceptions import HaiquCapacityError, HaiquError, HaiquInputError
from qiskit_haiqu_provider.gateway.execution.processes import Intake
from qiskit_haiqu_provider.gateway.settings import Limits
from qiskit_haiqu_provider.run.formats import write_qpy

BELL = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; h q[0]; cx q[0], q[1];'
GATES = "gate g0 a { h a; } " + "".join(f"gate g{n} a {{ {f'g{n - 1} a; ' * 10}}} " for n in range(1, 13))
"""A definition for each level, and ten to the twelfth instructions in the last."""


@pytest.fixture(scope="module")
def intake():
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(["qiskit_haiqu_provider.gateway.execution.worker"])
    opened = Intake(Limits(parse_seconds=4.0, parse_memory_bytes=3 << 30), made)
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _reads_on(intake):
    yield
    assert intake.read_qasm(BELL).num_qubits == 2


def test_what_is_read_holds_all_that_is_kept(intake):
    circuit = QuantumCircuit(2, 1, name="c")
    circuit.h(0)
    circuit.measure(0, 0)
    data = write_qpy(circuit)
    reading = intake.read_qpy(data)
    assert (reading.name, reading.num_qubits, reading.num_clbits, reading.measures) == ("c", 2, 1, True)
    assert reading.qpy == data
    assert reading.analytics["gates_total"] == 1
    assert intake.read_qasm(BELL, name="bell").name == "bell"


@pytest.mark.parametrize(
    "program",
    [
        f'OPENQASM 2.0; include "qelib1.inc"; {GATES} qreg q[1]; g12 q[0];',
        f'OPENQASM 3.0; include "stdgates.inc"; {GATES} qubit q; g12 q;',
        "OPENQASM 3.0; const int n = 900000000; qubit[n] q;",
    ],
    ids=["definitions 2", "definitions 3", "hidden size"],
)
def test_a_small_program_that_grows_is_stopped(intake, program):
    with pytest.raises((HaiquCapacityError, HaiquInputError)):
        intake.read_qasm(program)


def test_a_file_that_asks_for_too_much_memory_is_refused(intake):
    data = write_qpy(QuantumCircuit(2, name="c"))
    for place in range(19, 140):
        damaged = data[:place] + b"\xff" * 8 + data[place + 8 :]
        with contextlib.suppress(HaiquError):
            assert intake.read_qpy(damaged).num_qubits < 10, "what is still read is a small circuit"

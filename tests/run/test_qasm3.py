"""Errors of OpenQASM 3 programs say where."""

import pytest

from qiskit_haiqu_provider.run.qasm3 import parse


def test_a_program_is_read():
    circuit = parse('OPENQASM 3.0; include "stdgates.inc"; input float v; qubit[2] q; ry(2*v) q[0]; cx q[0], q[1];')
    assert (circuit.num_qubits, circuit.num_parameters, dict(circuit.count_ops())) == (2, 1, {"ry": 1, "cx": 1})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it is empty"),
        ("// nothing\n/* at\nall */\n", "it is empty"),
        ("OPENQASM 3.0;\nqubit[2 q;", "line 2, column 9: 'q' is not expected here"),
        ("OPENQASM 3.0;\nqubit", "line 2, column 6: the end is not expected here"),
        ("OPENQASM 3.0;\n ?? q;", "line 2, column 2: token recognition error"),
        ("OPENQASM 3.0;\n  qubit q; h q;", "line 2, column 12: gate 'h' is not defined"),
        ("OPENQASM 3.0; qubit[1] q;\nU(0, 0, 0) q[3];", "line 2, column 1: "),
        ("OPENQASM 3.0; qubit q;\ncal { x }", "line 2, column 1: "),
    ],
)
def test_a_program_that_cannot_be_read_says_where(text, said, capfd):
    with pytest.raises(ValueError, match=said.replace("[", r"\[")):
        parse(text)
    assert capfd.readouterr().err == "", "the parser's own complaints are not shown"

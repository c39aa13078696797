"""OpenQASM programs, and what comes out of them."""

BELL_2 = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; creg c[2]; h q[0]; cx q[0], q[1]; measure q -> c;'
BELL_3 = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1]; c = measure q;'
ONE_ZERO = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c; x q[1]; c = measure q;'
"""Always 10: qubit 1 is the left bit."""

TURN = 'OPENQASM 3.0; include "stdgates.inc"; input float theta; qubit[2] q; ry(theta) q[0];'
"""<Z0> is cos(theta); it measures nothing."""

NOT_MEASURED = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; h q[0]; cx q[0], q[1];'
TWO_ANGLES = 'OPENQASM 3.0; include "stdgates.inc"; input float b; input float a; qubit[2] q; ry(a) q[0]; ry(b) q[1];'
"""Declared against the alphabet, in which values are given."""

"""QPY and OpenQASM from strangers: read if they are sound, refused with a reason if not."""

import contextlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit import QuantumCircuit, qpy
from qiskit.circuit import Gate, Parameter
from qiskit.circuit.library import HGate
from qiskit.quantum_info import Operator

from qiskit_haiqu_provider.exceptions import HaiquCapacityError, HaiquInputError
from qiskit_haiqu_provider.run.formats import CircuitLimits, check_limits, read_qasm, read_qpy, write_qpy

QASM2 = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; creg c[2]; h q[0]; cx q[0], q[1]; measure q -> c;'
QASM3 = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1]; c = measure q;'


def bell():
    circuit = QuantumCircuit(2, 2, name="bell")
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    return circuit


def dumped(*circuits, version=16):
    file = io.BytesIO()
    qpy.dump(circuits, file, version=version)
    return file.getvalue()


def header(version):
    return b"QISKIT" + bytes([version]) + dumped(bell())[7:]


@pytest.mark.parametrize("version", range(13, min(17, qpy.QPY_VERSION) + 1))
def test_every_safe_qpy_version_is_read(version):
    assert read_qpy(dumped(bell(), version=version)) == bell()


def test_what_is_written_has_version_16_and_comes_back():
    circuit = QuantumCircuit(1, name="ry", global_phase=0.25, metadata={"origin": "test"})
    circuit.ry(2 * Parameter("t"), 0)
    data = write_qpy(circuit)
    assert data[:7] == b"QISKIT\x10"
    assert read_qpy(data) == circuit
    assert read_qpy(data).metadata == circuit.metadata


@pytest.mark.parametrize("version", [0, 1, 9, 10, 12])
def test_old_qpy_is_refused_without_being_read(version, monkeypatch):
    monkeypatch.setattr(qpy, "load", lambda *_: pytest.fail("it was read"))
    with pytest.raises(HaiquInputError, match=f"QPY version {version}.*refused unread.*Qiskit 1.3"):
        read_qpy(header(version))


def test_qpy_of_the_future_is_refused():
    with pytest.raises(HaiquInputError, match=r"QPY version 200.*version=16"):
        read_qpy(header(200))


@pytest.mark.parametrize("data", [b"", b"QISKIT", b"QISKIT\x10", b"PK\x03\x04" + bytes(100), bytes(100)])
def test_what_is_no_qpy_is_refused(data):
    with pytest.raises(HaiquInputError, match="no QPY file"):
        read_qpy(data)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
def test_truncated_qpy_is_refused(share):
    data = dumped(bell())
    with pytest.raises(HaiquInputError, match="cannot be read"):
        read_qpy(data[: int(len(data) * share)])


@given(st.binary(min_size=20, max_size=200))
def test_garbage_behind_a_good_header_is_refused(garbage):
    with pytest.raises(HaiquInputError):
        read_qpy(dumped(bell())[:7] + garbage)


@pytest.mark.parametrize("count", [0, 2, 3])
def test_a_file_must_hold_one_circuit(count):
    with pytest.raises(HaiquInputError, match=f"holds {count} programs"):
        read_qpy(dumped(*[bell()] * count))


def test_a_circuit_that_qpy_cannot_express_is_named():
    class Odd(Gate):
        def __init__(self):
            super().__init__("odd", 1, [object()])

        def validate_parameter(self, parameter):
            return parameter

    circuit = QuantumCircuit(1, name="strange")
    circuit.append(Odd(), [0])
    with pytest.raises(HaiquInputError, match="circuit 'strange' cannot be written"):
        write_qpy(circuit)


@pytest.mark.parametrize("text", [QASM2, QASM3, QASM3.replace("OPENQASM 3.0; ", "")], ids=["2", "3", "no version"])
def test_both_qasm_versions_are_read(text):
    circuit = read_qasm(text)
    assert circuit.count_ops() == {"h": 1, "cx": 1, "measure": 2}
    unitary = circuit.remove_final_measurements(inplace=False)
    assert Operator(unitary).equiv(bell().remove_final_measurements(inplace=False))


@pytest.mark.parametrize(
    "text",
    [
        QASM2.replace("qelib1.inc", "/etc/passwd"),
        QASM2.replace("qelib1.inc", "../../etc/passwd"),
        QASM2.replace('"qelib1.inc"', "'/etc/passwd'"),
        QASM3.replace("stdgates.inc", "/etc/passwd"),
        QASM3 + '\ninclude "/etc/passwd";',
        QASM3.replace('include "', 'include/* */"/etc/passwd"; include "'),
        QASM2.replace("stdgates.inc", "qelib1.inc") + 'include\n"/etc/passwd";',
        QASM2.replace("qelib1.inc", "stdgates.inc"),
        QASM3.replace("stdgates.inc", "qelib1.inc"),
    ],
)
def test_other_files_cannot_be_included(text):
    with pytest.raises(HaiquInputError, match=r"include .* is refused") as caught:
        read_qasm(text)
    assert "root:" not in str(caught.value)


def test_an_include_in_a_comment_is_no_include():
    assert read_qasm(QASM2 + '\n// include "/etc/passwd";\n').num_qubits == 2


@pytest.mark.parametrize("text", ["nonsense", "OPENQASM 2.0; qreg q[", 'OPENQASM 3.0; include "stdgates.inc"; h q;'])
def test_qasm_that_does_not_parse_is_refused_with_one_line(text, capfd):
    with pytest.raises(HaiquInputError, match=r"^qasm: the program cannot be read") as caught:
        read_qasm(text)
    assert len(str(caught.value).splitlines()) == 1
    assert capfd.readouterr() == ("", ""), "a parser writes to the terminal of the server"


@pytest.mark.parametrize(
    "declaration",
    [
        "qreg q[1000000000];",
        "creg c[999999999999];",
        "qubit[1000000000] q;",
        "bit[1_000_000_000] c;",
        "qubit [ 10000000 ] q;",
    ],
)
def test_a_giant_register_is_refused_before_it_is_made(declaration):
    head = "OPENQASM 2.0;" if "reg" in declaration else "OPENQASM 3.0;"
    with pytest.raises(HaiquCapacityError, match=r"register of \d[\d_]* bits is too large"):
        read_qasm(f"{head} {declaration}")


def test_a_panic_of_the_reader_is_an_error_of_the_file(monkeypatch):
    class PanicError(BaseException):
        pass

    def panic(*_):
        raise PanicError("called `Option::unwrap()` on a `None` value")

    monkeypatch.setattr(qpy, "load", panic)
    with pytest.raises(HaiquInputError, match=r"cannot be read .*unwrap"):
        read_qpy(dumped(bell()))


def test_deeply_nested_qasm_does_no_harm():
    angle = "(" * 2000 + "1" + ")" * 2000
    two = f'OPENQASM 2.0; include "qelib1.inc"; qreg q[1]; rx({angle}) q[0];'
    with contextlib.suppress(HaiquInputError):  # some versions of Qiskit refuse it
        assert read_qasm(two).data[0].operation.params == [1.0]
    with pytest.raises(HaiquInputError, match=r"nested too deeply|cannot be read"):
        read_qasm(f'OPENQASM 3.0; include "stdgates.inc"; qubit q; rx({angle}) q;')


def test_a_sound_circuit_is_within_the_limits():
    check_limits(bell(), CircuitLimits())


def parameters(count):
    circuit = QuantumCircuit(1)
    for index in range(count):
        circuit.ry(Parameter(f"t{index}"), 0)
    return circuit


def nested(depth):
    """Blocks within blocks."""
    circuit = QuantumCircuit(1, 1)
    circuit.x(0)
    for _ in range(depth):
        outer = QuantumCircuit(1, 1)
        outer.if_test((outer.clbits[0], 1), circuit, [0], [0])
        circuit = outer
    return circuit


def boxed(depth, width):
    """Definitions within definitions, each used several times: small to send, large to run."""
    circuit = QuantumCircuit(1)
    circuit.append(HGate(), [0])
    for level in range(depth):
        outer, gate = QuantumCircuit(1), Gate(f"box{level}", 1, [])
        gate.definition = circuit  # shared by all its uses, not copied
        for _ in range(width):
            outer.append(gate, [0])
        circuit = outer
    return circuit


@pytest.mark.parametrize(
    ("circuit", "reason"),
    [
        (QuantumCircuit(11), "11 qubits, at most 10"),
        (QuantumCircuit(1, 21), "21 classical bits, at most 20"),
        (parameters(6), "6 parameters, at most 5"),
        (nested(4), "nested deeper than 3"),
        (boxed(4, 1), "nested deeper than 3"),
        (boxed(3, 5), "280 instructions .* at most 100"),
    ],
)
def test_a_circuit_over_a_limit_is_refused_with_numbers(circuit, reason):
    limits = CircuitLimits(qubits=10, clbits=20, instructions=100, nesting=3, parameters=5)
    with pytest.raises(HaiquCapacityError, match=reason):
        check_limits(circuit, limits)


def test_definitions_are_counted_without_being_unrolled():
    with pytest.raises(HaiquCapacityError, match="instructions with its definitions"):
        check_limits(boxed(20, 10), CircuitLimits())

"""Circuits in and out of the two formats that travel: QPY and OpenQASM.

Both readers are made for circuits from strangers. Old QPY is refused unread, because reading it can run code, and
OpenQASM programs cannot open files. They still spend memory and time with the circuit, so a server calls them in a
process that it can afford to lose.
"""

import contextlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from qiskit import QuantumCircuit, qasm2, qpy
from qiskit.circuit import CONTROL_FLOW_OP_NAMES

from qiskit_haiqu_provider.exceptions import (
    HaiquCapacityError,
    HaiquDependencyError,
    HaiquError,
    HaiquInputError,
)

OLDEST_QPY = 13
"""Older QPY holds parameter expressions as SymPy source, which is evaluated on reading."""

SENT_QPY = 16
"""Version that is written: Qiskit 2.1 and later read it, and 17 turns whole numbers into floats."""

_MAGIC = b"QISKIT"


@dataclass(frozen=True, kw_only=True)
class CircuitLimits:
    """How large a circuit may be."""

    qubits: int = 2_000
    clbits: int = 20_000
    instructions: int = 1_000_000
    """Instructions, those inside control flow and inside definitions included."""

    nesting: int = 24
    """Depth of control flow and of definitions."""

    parameters: int = 100_000


def read_qpy(data: bytes) -> QuantumCircuit:
    """The one circuit of a QPY file.

    Args:
        data: The file.

    Raises:
        HaiquInputError: If it is no QPY, too old or too new, damaged, or does not hold exactly one circuit.
    """
    version = _qpy_version(data)
    if version < OLDEST_QPY:
        raise HaiquInputError(
            f"qpy: the circuit is in QPY version {version}, and versions below {OLDEST_QPY} are refused unread, "
            "because reading them can run code. Write it with Qiskit 1.3 or newer, or qpy.dump(..., version=13)."
        )
    if version > qpy.common.QPY_VERSION:
        raise HaiquInputError(
            f"qpy: the circuit is in QPY version {version}, and the Qiskit here reads versions up to "
            f"{qpy.common.QPY_VERSION}. Write it with qpy.dump(..., version={min(version, SENT_QPY)})."
        )
    with explained("qpy: the circuit", "Write it with qpy.dump."):
        circuits = qpy.load(io.BytesIO(data))
    if len(circuits) != 1 or not isinstance(circuits[0], QuantumCircuit):
        raise HaiquInputError(f"qpy: the file holds {len(circuits)} programs. Send one circuit in each file.")
    return circuits[0]


def write_qpy(circuit: QuantumCircuit) -> bytes:
    """The circuit in a QPY version that other Qiskit versions can read.

    Raises:
        HaiquInputError: If the circuit holds something that QPY cannot express.
    """
    file = io.BytesIO()
    try:
        qpy.dump(circuit, file, version=min(SENT_QPY, qpy.common.QPY_VERSION))
    except Exception as error:  # custom instructions can raise anything
        raise HaiquInputError(f"circuit '{circuit.name}' cannot be written as QPY ({_reason(error)}).") from None
    return file.getvalue()


def read_qasm(text: str) -> QuantumCircuit:
    """The circuit of an OpenQASM 2 or 3 program; only the standard libraries may be included.

    Args:
        text: The program. Without a version line it is read as OpenQASM 3.

    Raises:
        HaiquInputError: If it cannot be parsed, or includes another file; the message says where.
        HaiquCapacityError: If a register is far too large.
        HaiquDependencyError: If it is OpenQASM 3 and the reader is not installed.
    """
    if len(text) > _LONGEST_PROGRAM:
        raise HaiquCapacityError(f"qasm: the program is longer than {_LONGEST_PROGRAM:,} characters. Send it as QPY.")
    source = _COMMENTS.sub("", text)
    version = _VERSION.match(source)
    two = version is not None and version[1] == "2"
    library = "qelib1.inc" if two else "stdgates.inc"
    for name in _INCLUDE.findall(source):
        if name != library:
            raise HaiquInputError(f'qasm: include "{name}" is refused. Only "{library}" can be included.')
    for size in _SIZE.findall(source):
        if len(size) > _DIGITS:
            raise HaiquCapacityError(f"qasm: a register of {size[:20]} bits is too large. Declare a smaller one.")
    with explained("qasm: the program", "Correct it."):
        if two:
            return qasm2.loads(text, include_path=(), custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)
        return _read_qasm3(text)


def check_limits(circuit: QuantumCircuit, limits: CircuitLimits) -> None:
    """Refuse a circuit that is too large.

    Raises:
        HaiquCapacityError: If a limit is passed; says which, and what the circuit has.
    """
    counted = {
        "qubits": (circuit.num_qubits, limits.qubits),
        "classical bits": (circuit.num_clbits, limits.clbits),
        "parameters": (circuit.num_parameters, limits.parameters),
    }
    for what, (number, limit) in counted.items():
        if number > limit:
            raise HaiquCapacityError(f"circuit '{circuit.name}' has {number} {what}, at most {limit} are allowed.")
    size = _size(circuit, limits, depth=0, known={})
    if size > limits.instructions:
        raise HaiquCapacityError(
            f"circuit '{circuit.name}' has {size:,} instructions with its definitions, at most "
            f"{limits.instructions:,} are allowed. Split it."
        )


def _size(circuit: QuantumCircuit, limits: CircuitLimits, *, depth: int, known: dict[int, int]) -> int:
    """Instructions, with those that definitions stand for; ``known`` holds the sizes of definitions seen before."""
    if depth > limits.nesting:
        raise HaiquCapacityError(f"the circuit is nested deeper than {limits.nesting} levels. Flatten it.")
    size = 0
    for instruction in circuit.data:
        size += 1
        operation = instruction.operation
        for inner in _inside(operation):
            if id(inner) not in known:
                known[id(inner)] = _size(inner, limits, depth=depth + 1, known=known)
            size += known[id(inner)]
    return size


def _inside(operation: Any) -> tuple[QuantumCircuit, ...]:
    if operation.name in CONTROL_FLOW_OP_NAMES:
        return tuple(operation.blocks)
    if getattr(operation, "_standard_gate", None) is not None:
        return ()
    definition = getattr(operation, "_definition", None)  # as read; not synthesised
    return (definition,) if isinstance(definition, QuantumCircuit) else ()


@contextlib.contextmanager
def explained(what: str, advice: str) -> Iterator[None]:
    """Turn whatever a reader raises into one line. Damaged input can raise anything, and make Qiskit's Rust panic."""
    try:
        yield
    except (HaiquError, KeyboardInterrupt, SystemExit):
        raise
    except RecursionError:
        raise HaiquInputError(f"{what} is nested too deeply. Flatten it.") from None
    except BaseException as error:  # a panic is no Exception
        raise HaiquInputError(f"{what} cannot be read ({_reason(error)}). {advice}") from None


def _read_qasm3(text: str) -> QuantumCircuit:
    try:
        from qiskit_haiqu_provider.run.qasm3 import parse  # needs an extra; slow to import
    except ImportError:
        raise HaiquDependencyError(
            "OpenQASM 3 needs qiskit-qasm3-import. Run: pip install 'qiskit-haiqu-provider[gateway]'"
        ) from None
    return parse(text)


def _qpy_version(data: bytes) -> int:
    """The version in the header, which is all that is read of the file."""
    if len(data) < 19 or not data.startswith(_MAGIC):
        raise HaiquInputError("qpy: the data is no QPY file. Write the circuit with qiskit.qpy.dump.")
    return data[len(_MAGIC)]


def _reason(error: BaseException) -> str:
    """One short line; parsers quote whole programs and decorate backtraces."""
    for line in str(error).strip().strip('"').replace("\\n", "\n").splitlines():
        text = "".join(char for char in line if char.isprintable()).strip()
        if text:
            return text[:200]
    return type(error).__name__


_COMMENTS = re.compile(r"//[^\n]*|/\*(?:[^*]|\*(?!/))*(?:\*/|\Z)")
_VERSION = re.compile(r"\s*OPENQASM\s+(\d)")
_INCLUDE = re.compile(r"""\binclude\s*["']([^"']*)["']""")
_SIZE = re.compile(r"""\b(?:qreg|creg|qubit|bit)\b[^;\[]{0,80}\[\s*([\d_]+)""")
_LONGEST_PROGRAM = 2_000_000
_DIGITS = 6
"""Digits of the size of a register at most: far more than any limit, and still quick to read."""

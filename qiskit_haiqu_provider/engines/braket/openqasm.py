"""Circuits as OpenQASM 3 in Amazon Braket's dialect.

Angles that depend on parameters become inputs of the program, one for each angle that is not the same as another in
all sets, with values that are worked out here: so names of parameters and expressions need no translation, and one
program serves a whole sweep.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import CONTROL_FLOW_OP_NAMES, Parameter, ParameterExpression
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.exceptions import QiskitError
from qiskit.quantum_info import Kraus
from qiskit.transpiler import Target, generate_preset_pass_manager

from qiskit_haiqu_provider.exceptions import HaiquCircuitError
from qiskit_haiqu_provider.run.angles import angle_values

_SAME = ("x", "y", "z", "h", "s", "t", "rx", "ry", "rz", "cy", "cz", "swap", "iswap", "ecr", "cswap")
_OTHERS = (
    *(("id", "i"), ("sdg", "si"), ("tdg", "ti"), ("sx", "v"), ("sxdg", "vi"), ("p", "phaseshift")),
    *(("u1", "phaseshift"), ("r", "prx"), ("u", "U"), ("u3", "U"), ("cx", "cnot"), ("cp", "cphaseshift")),
    *(("cu1", "cphaseshift"), ("rxx", "xx"), ("ryy", "yy"), ("rzz", "zz"), ("ccx", "ccnot")),
    *(("gpi", "gpi"), ("gpi2", "gpi2"), ("ms", "ms"), ("zz", "zz")),
)

GATES: Mapping[str, str] = {name: name for name in _SAME} | dict(_OTHERS)
"""Braket's names of Qiskit's gates."""

STANDARD = tuple(name for name in GATES if name in get_standard_gate_name_mapping())
"""Those of them that every user of Qiskit has."""

_TURNS = frozenset({"gpi", "gpi2", "ms", "zz"})
"""Gates whose angles are turns in our circuits and radians at Braket."""

CHANNELS = ("kraus", "superop", "quantum_channel")
"""Instructions that only density matrices can follow."""

_MATRICES = frozenset({"unitary", *CHANNELS})
_NOTHING = frozenset({"barrier", "delay"})
_NO_GATES = frozenset({"measure", "reset", "store", *CONTROL_FLOW_OP_NAMES})


@dataclass(frozen=True)
class Program:
    """A circuit in OpenQASM 3, with the values of its inputs for each parameter set."""

    source: str
    inputs: Mapping[str, NDArray[np.float64]]
    """For each input of the program its values, shape ``(sets,)``."""

    def of_set(self, index: int) -> dict[str, float]:
        """The inputs of one parameter set."""
        return {name: float(values[index]) for name, values in self.inputs.items()}


def write(
    circuit: QuantumCircuit,
    values: NDArray[np.float64],
    *,
    parameters: Iterable[Parameter] | None = None,
    measured: Sequence[int] = (),
    labels: Sequence[int] | None = None,
    ending: str = "",
) -> Program:
    """Write a circuit.

    Args:
        circuit: A circuit of gates in :data:`GATES`, matrices and channels, without measurements.
        values: Parameter values, shape ``(sets, parameters)``.
        parameters: Whose values these are, where they are not just those of the circuit.
        measured: Qubits to measure at the end, in this order; none twice.
        labels: For each qubit its number on the device: the program then names physical qubits, and asks for the
            gates to be run as they are. Without labels the service chooses qubits.
        ending: Lines to end with.
    """
    columns = dict(zip(circuit.parameters if parameters is None else parameters, values.T, strict=True))
    writer = _Writer(circuit, columns, len(values), labels)
    body = writer.body()
    lines = ["OPENQASM 3.0;"]
    if measured:
        lines.append(f"bit[{len(measured)}] b;")
    lines += [f"input float {name};" for name in writer.inputs]
    if labels is None:
        lines.append(f"qubit[{circuit.num_qubits}] q;")
        lines += body
    elif body:
        lines += ["#pragma braket verbatim", "box{", *body, "}"]
    lines += [f"b[{place}] = measure {writer.qubit(qubit)};" for place, qubit in enumerate(measured)]
    return Program("\n".join([*lines, ending]).strip() + "\n", writer.inputs)


def expanded(circuit: QuantumCircuit, gates: Sequence[str]) -> QuantumCircuit:
    """The circuit with all that is not among the gates replaced by its definition, as far as there are definitions."""
    kept = {*gates, *_NOTHING, *_NO_GATES}
    while foreign := sorted(set(circuit.count_ops()) - kept):
        finer = circuit.decompose(foreign)
        if finer.count_ops() == circuit.count_ops():
            break
        circuit = finer
    return circuit


def unrolled(circuit: QuantumCircuit, gates: Sequence[str]) -> QuantumCircuit:
    """The circuit with all gates written in those of the list.

    Args:
        circuit: A circuit without measurements and control flow, whose resets come before all else.
        gates: Names of Qiskit's gates.

    Raises:
        HaiquCircuitError: If that is not possible.
    """
    plain = _without_resets(expanded(circuit, gates))
    foreign = sorted(set(plain.count_ops()) - {*gates, *_NOTHING, "measure"})
    if not foreign:
        return plain
    standard = get_standard_gate_name_mapping()
    target = Target(num_qubits=plain.num_qubits)
    for name in ("measure", *gates):
        if name in standard:
            target.add_instruction(standard[name])
    try:
        found: QuantumCircuit = generate_preset_pass_manager(optimization_level=0, target=target).run(plain)
    except QiskitError as error:
        raise HaiquCircuitError(
            f"The circuit '{circuit.name}' has instructions that Amazon Braket does not have ({', '.join(foreign)}): "
            f"{getattr(error, 'message', error)}. Decompose them into standard gates first."
        ) from error
    return found


def _without_resets(circuit: QuantumCircuit) -> QuantumCircuit:
    """The circuit without resets, which do nothing before all else."""
    if "reset" not in circuit.count_ops():
        return circuit
    kept = circuit.copy_empty_like()
    kept.data = [instruction for instruction in circuit.data if instruction.name != "reset"]
    return kept


class _Writer:
    """Writes the gates of a circuit, and collects the inputs that they need."""

    def __init__(
        self,
        circuit: QuantumCircuit,
        columns: Mapping[Parameter, NDArray[np.float64]],
        sets: int,
        labels: Sequence[int] | None,
    ) -> None:
        self._circuit = circuit
        self._columns = columns
        self._sets = sets
        self._labels = labels
        self._index = {bit: index for index, bit in enumerate(circuit.qubits)}
        self._names: dict[bytes, str] = {}
        self.inputs: dict[str, NDArray[np.float64]] = {}

    def qubit(self, index: int) -> str:
        return f"q[{index}]" if self._labels is None else f"${self._labels[index]}"

    def body(self) -> list[str]:
        return [self._line(instruction) for instruction in self._circuit.data if instruction.name not in _NOTHING]

    def _line(self, instruction: Any) -> str:
        name = instruction.name
        qubits = [self.qubit(self._index[bit]) for bit in instruction.qubits]
        if name in _MATRICES:
            qubits.reverse()  # the first factor of a matrix is the first qubit at Braket, and the last in Qiskit
            return f"{_matrices(instruction)} {', '.join(qubits)}"
        scale = 2 * math.pi if name in _TURNS else 1.0
        angles = ", ".join(self._angle(param, scale) for param in instruction.params)
        return f"{GATES[name]}{f'({angles})' if angles else ''} {', '.join(qubits)};"

    def _angle(self, param: Any, scale: float) -> str:
        if not isinstance(param, ParameterExpression):
            return repr(scale * float(param))
        found = np.broadcast_to(scale * angle_values(param, self._columns), (self._sets,))
        name = self._names.setdefault(found.tobytes(), f"p{len(self._names)}")
        self.inputs[name] = found
        return name


def _matrices(instruction: Any) -> str:
    """The pragma of a matrix or of a channel."""
    if instruction.name == "unitary":
        return f"#pragma braket unitary({_matrix(instruction.operation.to_matrix())})"
    operators = Kraus(instruction.operation).data
    left = operators[0] if isinstance(operators, tuple) else operators
    return f"#pragma braket noise kraus({', '.join(map(_matrix, left))})"


def _matrix(rows: Any) -> str:
    written = (", ".join(map(_complex, row)) for row in np.asarray(rows).tolist())
    return "[" + ", ".join(f"[{row}]" for row in written) + "]"


def _complex(number: complex) -> str:
    sign = "-" if math.copysign(1.0, number.imag) < 0 else "+"
    return f"{number.real!r} {sign} {abs(number.imag)!r}im" if number.imag else repr(number.real)

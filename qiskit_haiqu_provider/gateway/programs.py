"""Circuits that come as OpenQASM: read in a process apart, and stored once for each content."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from qiskit_haiqu_provider.exceptions import HaiquInputError
from qiskit_haiqu_provider.gateway.auth import Caller
from qiskit_haiqu_provider.gateway.errors import ApiError
from qiskit_haiqu_provider.gateway.execution.worker import Reading
from qiskit_haiqu_provider.gateway.services import Services
from qiskit_haiqu_provider.gateway.store import circuits
from qiskit_haiqu_provider.gateway.store.tables import Circuit
from qiskit_haiqu_provider.gateway.uploads import keep


@dataclass(frozen=True)
class Program:
    """A circuit that is read but not stored yet. Messages call it by its place in the request."""

    id: str
    reading: Reading

    @property
    def num_qubits(self) -> int:
        """Its width."""
        return self.reading.num_qubits

    @property
    def num_parameters(self) -> int:
        """Its free parameters."""
        return self.reading.num_parameters

    @property
    def measures(self) -> bool:
        """Whether it measures anything."""
        return self.reading.measures


def read_all(gateway: Services, texts: Sequence[str]) -> list[Program]:
    """Read the programs of a request.

    Raises:
        HaiquInputError: If one cannot be read; says which, and where in it.
    """
    return [read(gateway, text, f"circuits_qasm[{index}]") for index, text in enumerate(texts)]


def read(gateway: Services, text: str, where: str, name: str = "") -> Program:
    """Read a program.

    Raises:
        HaiquInputError: If it cannot be read; says where.
        ApiError: 400 if the circuit has no qubits.
    """
    try:
        reading = gateway.intake.read_qasm(text, name)
    except HaiquInputError as error:
        raise type(error)(f"{where}: {str(error).removeprefix('qasm: ')}") from None
    if not reading.num_qubits:
        raise ApiError(400, f"{where}: the circuit has no qubits. Declare at least one.")
    return Program(where, reading)


def keep_once(
    session: Session, caller: Caller, program: Program, *, experiment_id: str, name: str = "", **more: Any
) -> Circuit:
    """Store a circuit, unless its content is in the experiment already: then that circuit, preferably of this name."""
    known = circuits.by_digest(session, caller.user, experiment_id, program.reading.digest)
    if known:
        return next((circuit for circuit in known if circuit.name == name), known[0])
    return keep(session, caller, program.reading, experiment_id=experiment_id, name=name, **more)

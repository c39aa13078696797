"""Circuits made ready for a device: read out in other bases, packed side by side, transpiled."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import CONTROL_FLOW_OP_NAMES, Barrier
from qiskit.exceptions import QiskitError
from qiskit.quantum_info import SparsePauliOp
from qiskit.transpiler import CouplingMap, PassManager, Target, generate_preset_pass_manager

from qiskit_haiqu_provider.exceptions import HaiquInputError
from qiskit_haiqu_provider.run.circuits import final_measurements, walk
from qiskit_haiqu_provider.run.measure import basis_change

DEFAULT_LEVEL = 3
"""Optimisation level where none is asked for, as documented for the service."""

_PACKED_SHARE = 2 / 3
"""Share of the device's qubits that packing fills where no size is asked for."""

_SIMULATED = 12
"""Qubits of all copies together that are simulated where no size is asked for; noise takes its time."""


def read_out_in(circuit: QuantumCircuit, basis: str, gates: frozenset[str] | None, *, where: str) -> QuantumCircuit:
    """The circuit with its final measurements turned into ``basis``; the measurements stay its own.

    Args:
        circuit: The circuit.
        basis: One of ``X Y Z`` for each of its qubits, the last for qubit 0.
        gates: Names of the gates that the device has; ``None`` for any.
        where: What the circuit is, for the message.

    Raises:
        HaiquInputError: If nothing is measured at the end.
    """
    letters = basis[::-1]
    measured = set(final_measurements(circuit))
    index = {bit: position for position, bit in enumerate(circuit.qubits)}
    early = {index[each.qubits[0]] for each in walk(circuit) if each.name == "measure" and each.qubits[0] in index}
    for qubit in sorted(early - measured):
        if letters[qubit] != "Z":
            raise HaiquInputError(
                f"readout_bases: qubit {qubit} of {where} is not measured at the end only, so that it cannot be read "
                f"out in {letters[qubit]}. Give the letter Z there."
            )
    if not measured:
        raise HaiquInputError(f"readout_bases: {where} has no measurement at its end. Call circuit.measure_all().")
    rotated = circuit.copy_empty_like()
    last = _last_measurements(circuit, measured)
    for position, instruction in enumerate(circuit.data):
        if position in last:
            letter = letters[last[position]]
            if letter != "Z":
                for change in basis_change(letter, gates).data:
                    rotated.append(change.operation, instruction.qubits)
        rotated.append(instruction)
    return rotated


def without_final_measurements(circuit: QuantumCircuit) -> QuantumCircuit:
    """The circuit without the measurements at its end, for observables that are measured instead."""
    last = _last_measurements(circuit, set(final_measurements(circuit)))
    if not last:
        return circuit
    open_ended = circuit.copy_empty_like()
    for position, instruction in enumerate(circuit.data):
        if position not in last:
            open_ended.append(instruction)
    return open_ended


def full_basis(circuit: QuantumCircuit, basis: str, *, where: str) -> str:
    """The basis with a letter for each qubit of a circuit that may have been transpiled.

    Raises:
        HaiquInputError: If the basis is as wide as neither the circuit nor the circuit before transpilation.
    """
    places = _places(circuit, len(basis))
    if places is None:
        raise HaiquInputError(
            f"readout_bases: '{basis}' has {len(basis)} letters, but {where} has {circuit.num_qubits} qubits. "
            "Give one letter per qubit."
        )
    letters = ["Z"] * circuit.num_qubits
    for index, place in enumerate(places):
        letters[place] = basis[-1 - index]
    return "".join(reversed(letters))


def packed(circuit: QuantumCircuit, copies: int) -> QuantumCircuit:
    """Copies of the circuit side by side; copy ``k`` has the qubits and clbits after those of copy ``k - 1``.

    Raises:
        HaiquInputError: If the circuit has control flow, whose conditions copies would share.
    """
    if any(name in CONTROL_FLOW_OP_NAMES for name in circuit.count_ops()):
        raise HaiquInputError(f"use_packing: circuit '{circuit.name}' has control flow. Switch packing off.")
    width, bits = circuit.num_qubits, circuit.num_clbits
    registers: list[Any] = [QuantumRegister(copies * width, "q")]
    if bits:
        registers.append(ClassicalRegister(copies * bits, "c"))
    together = QuantumCircuit(*registers, name=circuit.name)
    for copy in range(copies):
        qubits = range(copy * width, (copy + 1) * width)
        together.compose(circuit, qubits, range(copy * bits, (copy + 1) * bits), inplace=True, copy=False)
    return together


def copies_of(observable: SparsePauliOp, copies: int) -> list[SparsePauliOp]:
    """The observable on each of the copies of :func:`packed`."""
    width = observable.num_qubits
    total = copies * width
    return [
        observable.apply_layout(range(copy * width, (copy + 1) * width), num_qubits=total) for copy in range(copies)
    ]


def pack_size(width: int, num_qubits: int, asked: int | None, *, simulated: bool) -> int:
    """How many copies of a circuit run side by side.

    Args:
        width: Qubits of the circuit.
        num_qubits: Qubits of the device.
        asked: The number asked for; ``None`` for as many as two thirds of the device hold.
        simulated: Whether this machine has to simulate all copies together, which limits their number if none was
            asked for.

    Raises:
        HaiquInputError: If the number asked for does not fit.
    """
    if asked is None:
        room = math.floor(_PACKED_SHARE * num_qubits)
        return max(1, (min(room, _SIMULATED) if simulated else room) // max(1, width))
    if asked * width > num_qubits:
        raise HaiquInputError(
            f"pack_size: {asked} copies of {width} qubits do not fit on the {num_qubits} qubits of the device. "
            f"Give at most {num_qubits // max(1, width)}."
        )
    return asked


def transpiled(
    circuit: QuantumCircuit, target: Target | None, options: Mapping[str, Any], seeds: Sequence[int] = ()
) -> QuantumCircuit:
    """The circuit for the device; the run with the fewest two-qubit gates if there are several seeds.

    Args:
        circuit: Any circuit.
        target: What the device can do; ``None`` for a simulator that takes any circuit.
        options: Options of the transpiler by their documented names; ``None`` values are unset.
        seeds: Seeds to try.

    Raises:
        HaiquInputError: If the transpiler cannot do it.
    """
    given = {name: value for name, value in options.items() if value is not None}
    choices = [{"seed_transpiler": seed} for seed in seeds] or [{}]
    managers = [pass_manager(target, {**given, **choice}) for choice in choices]
    guarded = _guarded(circuit)
    try:
        runs = [_unguarded(manager.run(guarded)) for manager in managers]
    except QiskitError as error:
        raise HaiquInputError(f"The circuit cannot be transpiled as asked ({error.message}).") from None
    return min(runs, key=lambda run: run.num_nonlocal_gates())


def _guarded(circuit: QuantumCircuit) -> QuantumCircuit:
    """The circuit with a barrier in front of each final measurement.

    The transpiler drops gates there that only change phases. Whoever reads the result out in another basis, now or
    later, needs them.
    """
    last = _last_measurements(circuit, set(final_measurements(circuit)))
    if not last:
        return circuit
    guarded = circuit.copy_empty_like()
    for position, instruction in enumerate(circuit.data):
        if position in last:
            guarded.append(Barrier(1, label=_GUARD), instruction.qubits)
        guarded.append(instruction)
    return guarded


def _unguarded(circuit: QuantumCircuit) -> QuantumCircuit:
    """The circuit without the barriers of :func:`_guarded`; layout and all else stay."""
    circuit.data = [each for each in circuit.data if each.name != "barrier" or each.operation.label != _GUARD]
    return circuit


_GUARD = "haiqu-guard"


def pass_manager(target: Target | None, options: Mapping[str, Any]) -> PassManager:
    """Qiskit's preset passes with the options asked for.

    Raises:
        HaiquInputError: If the transpiler does not take an option or its value.
    """
    settings = {"optimization_level": DEFAULT_LEVEL, **options}
    unknown = settings.keys() - TRANSPILER_OPTIONS
    if unknown:
        raise HaiquInputError(
            f"transpilation_options: {sorted(unknown)} are not known. Known are {sorted(TRANSPILER_OPTIONS)}."
        )
    if target is not None and settings.keys().isdisjoint({"basis_gates", "coupling_map"}):
        settings["target"] = target
    elif target is not None:  # constraints of the user's replace those of the device one by one
        settings.setdefault("basis_gates", sorted(target.operation_names))
        settings.setdefault("coupling_map", target.build_coupling_map())
    if isinstance(settings.get("coupling_map"), (list, tuple)):
        settings["coupling_map"] = CouplingMap(settings["coupling_map"])
    if not settings.pop("qubits_initially_zero", True):
        settings["qubits_initially_zero"] = False
    try:
        return generate_preset_pass_manager(**settings)
    except Exception as error:  # Qiskit checks names and values in many places
        raise HaiquInputError(f"transpilation_options: the transpiler refuses them ({error}).") from None


TRANSPILER_OPTIONS = frozenset(
    {
        *("optimization_level", "basis_gates", "coupling_map", "initial_layout", "layout_method", "routing_method"),
        *("translation_method", "scheduling_method", "approximation_degree", "seed_transpiler", "dt"),
        "qubits_initially_zero",
    }
)


def full_observable(observable: SparsePauliOp, circuit: QuantumCircuit, *, where: str) -> SparsePauliOp:
    """The observable with a letter for each qubit of a circuit that may have been transpiled.

    Raises:
        HaiquInputError: If it is as wide as neither the circuit nor the circuit before transpilation.
    """
    places = _places(circuit, observable.num_qubits)
    if places is None:
        raise HaiquInputError(
            f"observables: {where} has {circuit.num_qubits} qubits, but its observable has {observable.num_qubits}. "
            "Give Pauli strings with one letter per qubit."
        )
    return observable.apply_layout(places, num_qubits=circuit.num_qubits)


def _places(circuit: QuantumCircuit, width: int) -> list[int] | None:
    """Where the qubits that the user numbers are in the circuit; ``None`` if their number does not fit."""
    if width == circuit.num_qubits:
        return list(range(width))
    layout = circuit.layout
    if layout is None:
        return None
    places = list(layout.final_index_layout(filter_ancillas=True))
    return places if len(places) == width else None


def _last_measurements(circuit: QuantumCircuit, measured: set[int]) -> dict[int, int]:
    """Positions of the final measurements, each with its qubit."""
    index = {bit: position for position, bit in enumerate(circuit.qubits)}
    last: dict[int, int] = {}
    for position, instruction in enumerate(circuit.data):
        if instruction.name == "measure" and index[instruction.qubits[0]] in measured:
            last[index[instruction.qubits[0]]] = position
    return {position: qubit for qubit, position in last.items()}

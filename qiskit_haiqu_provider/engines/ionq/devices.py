"""IonQ's machines: what its catalogue and its characterisations say of them."""

import threading
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from qiskit.circuit import Measure
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.providers import QubitProperties
from qiskit.transpiler import InstructionProperties, Target

from qiskit_haiqu_provider.devices.record import DeviceRecord
from qiskit_haiqu_provider.engines.ionq.answers import entries, fields, inside, number, unreadable
from qiskit_haiqu_provider.engines.ionq.circuits import NATIVE, QIS
from qiskit_haiqu_provider.engines.ionq.client import PATIENCE, IonQClient
from qiskit_haiqu_provider.engines.ionq.payload import SIMULATOR
from qiskit_haiqu_provider.exceptions import HaiquBackendNotFoundError, HaiquInputError

TTL_SECONDS = 300.0
"""How long the catalogue is kept."""

_MEANINGLESS = frozenset({"qpu"})
"""Names in the catalogue that are no machine."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One entry of the catalogue."""

    name: str
    """IonQ's name, such as ``qpu.forte-1``."""

    record: DeviceRecord
    native: tuple[str, ...]
    """Names of the native gates."""

    noise_models: tuple[str, ...] = ()
    """Names of the noise models of a simulator."""

    characterisation: str | None = None
    """Id of the newest characterisation; ``None`` if there is none."""


class Catalogue:
    """The machines that the key reaches. Making one costs no request; threads may share it.

    Args:
        client: The connection.
    """

    def __init__(self, client: IonQClient) -> None:
        self._client = client
        self._machines: dict[str, Machine] = {}
        self._lock = threading.RLock()
        self._fetched_at = float("-inf")
        self._characterisations: dict[str, Mapping[str, Any]] = {}
        self._targets: dict[Any, Target] = {}

    def machines(self) -> Sequence[Machine]:
        """All machines; asked for if that was not done yet, or too long ago."""
        with self._lock:
            if time.monotonic() - self._fetched_at >= TTL_SECONDS:
                self.refresh()
            return tuple(self._machines.values())

    def refresh(self) -> None:
        """Ask for the machines, whenever that was done last."""
        with self._lock:
            self._machines = {machine.record.id: machine for machine in _read(self._client)}
            self._fetched_at = time.monotonic()

    def machine(self, device: str) -> Machine:
        """The machine with the id that it has here; asks only if it is not known.

        Raises:
            HaiquBackendNotFoundError: If there is none; names the nearest.
        """
        with self._lock:
            if device not in self._machines:
                self.machines()
            if device in self._machines:
                return self._machines[device]
            near = get_close_matches(device, self._machines, n=3, cutoff=0.5)
        hint = f"Did you mean {', '.join(near)}?" if near else "See provider.backends(via='ionq')."
        raise HaiquBackendNotFoundError(f"IonQ has no device '{device}'. {hint}")

    def target(self, device: str, *, gateset: str, noise_model: str | None) -> Target:
        """What a machine can do, with the medians of its newest characterisation as errors and durations."""
        machine = self.machine(device)
        gates = tuple(QIS) if gateset == "qis" else self._native(machine, noise_model)
        key = machine.name, machine.characterisation, machine.record.num_qubits, gates
        with self._lock:
            if key not in self._targets:
                self._targets[key] = _target(machine, gates, self.characterisation(machine))
            return self._targets[key]

    def characterisation(self, machine: Machine) -> Mapping[str, Any]:
        """What IonQ measured of a machine; empty for those of which nothing is told."""
        if machine.characterisation is None:
            return {}
        with self._lock:
            if machine.characterisation not in self._characterisations:
                found = self._client.read(
                    "/backends/{device_id}/characterizations", query={"limit": 1}, device_id=machine.name
                )
                listed = inside(found, "characterizations") or [{}]  # it may be null
                self._characterisations[machine.characterisation] = fields(
                    entries(listed, what="characterisations")[0], what="characterisation"
                )
            return self._characterisations[machine.characterisation]

    def _native(self, machine: Machine, noise_model: str | None) -> tuple[str, ...]:
        """The native gates; a simulator with the noise of a machine has those of that machine."""
        name = f"qpu.{noise_model}"
        return next((other.native for other in self.machines() if other.name == name), machine.native)


def device_id(name: str) -> str:
    """The id of a machine here: ``ionq_forte_1`` for ``qpu.forte-1``."""
    return f"ionq_{name.removeprefix('qpu.').replace('-', '_')}"


def noisy_simulator(machine: Machine, measured: Mapping[str, Any], *, noise_model: str | None) -> Any:
    """An AerSimulator with the medians of a machine's characterisation as noise of every qubit.

    Args:
        machine: The machine.
        measured: Its characterisation.
        noise_model: The option of a simulator.

    Raises:
        HaiquInputError: If only IonQ knows the noise.
    """
    from qiskit_aer import AerSimulator  # loaded when something is simulated
    from qiskit_aer.noise import NoiseModel, ReadoutError, depolarizing_error

    if machine.record.simulator:
        if noise_model not in (None, "ideal"):
            raise HaiquInputError(
                f"noise_model: '{noise_model}' is known to IonQ only, not on this machine. Take the backend without "
                "it, or give aer_simulator a qiskit_aer.noise.NoiseModel."
            )
        return AerSimulator()
    noise = NoiseModel(basis_gates=[*QIS, *NATIVE])
    for gates, size, name in ((_ONE, 1, "1q"), (_TWO, 2, "2q")):
        error = _error(measured, name)
        if error:  # the mean infidelity of a depolarising channel is (1 - 1/d) of its parameter
            noise.add_all_qubit_quantum_error(depolarizing_error(error / (1 - 2.0**-size), size), gates)
    flip = _error(measured, "spam")
    if flip:
        noise.add_all_qubit_readout_error(ReadoutError([[1 - flip, flip], [flip, 1 - flip]]))
    return AerSimulator(noise_model=noise)


_STANDARD = get_standard_gate_name_mapping()
_TWO = ["ms", "zz", *(name for name in QIS if _STANDARD[name].num_qubits == 2)]
_ONE = ["gpi", "gpi2", *(name for name in QIS if name not in _TWO)]


def _read(client: IonQClient) -> list[Machine]:
    """The catalogue; entries that cannot be read are left out with one warning."""
    listed = entries(client.read("/backends", patience=PATIENCE), what="devices")
    found, left_out = [], []
    for entry in listed:
        try:
            found.append(_machine(entry))
        except (KeyError, TypeError, ValueError, AttributeError):
            left_out.append(str(entry)[:100])
    if left_out:
        warnings.warn(
            f"IonQ lists {len(left_out)} device(s) that cannot be read, left out: {left_out[0]}. Upgrade "
            "qiskit-haiqu-provider if IonQ's API is newer.",
            stacklevel=4,
        )
    return [machine for machine in found if machine.name not in _MEANINGLESS]


def _machine(entry: Mapping[str, Any]) -> Machine:
    name = str(entry["backend"])
    simulator = name == SIMULATOR
    characterisation = entry.get("characterization_id")
    status = str(entry.get("status", "available"))
    record = DeviceRecord(
        id=device_id(name),
        via="ionq",
        vendor="IonQ",
        num_qubits=int(entry["qubits"]),
        simulator=simulator,
        description="IonQ's simulator; ideal, or with the noise of a machine" if simulator else f"IonQ {name[4:]}",
        operation_names=(*QIS, "measure"),
        status=f"{status}, degraded" if entry.get("degraded") else status,
        calibration=None if characterisation is None else "medians of IonQ's newest characterisation",
    )
    return Machine(
        name=name,
        record=record,
        native=tuple(gate for gate in NATIVE if gate in (entry.get("supported_native_gates") or _family(name))),
        noise_models=tuple(map(str, entry.get("noise_models") or ())),
        characterisation=characterisation,
    )


def _family(name: str) -> tuple[str, ...]:
    """The native gates of a machine of which IonQ does not list them."""
    return ("gpi", "gpi2", "ms") if "aria" in name else ("gpi", "gpi2", "zz")


def _target(machine: Machine, gates: Sequence[str], measured: Mapping[str, Any]) -> Target:
    from qiskit_haiqu_provider.devices.native import NATIVE_GATES  # teaches the transpiler, only where needed

    qubits = range(machine.record.num_qubits)
    t1, t2 = (number(inside(measured, "timing", name)) for name in ("t1", "t2"))
    properties = [QubitProperties(t1=t1, t2=t2) for _ in qubits] if t1 or t2 else None
    target = Target(description=machine.record.id, num_qubits=len(qubits), qubit_properties=properties)
    singles = [(qubit,) for qubit in qubits]
    pairs = _pairs(measured, len(qubits))
    for name in gates:
        gate = NATIVE_GATES[name] if name in NATIVE_GATES and name not in QIS else _STANDARD[name]
        kind, places = ("1q", singles) if gate.num_qubits == 1 else ("2q", pairs)
        target.add_instruction(gate, _properties(measured, kind, kind, places))
    target.add_instruction(Measure(), _properties(measured, "spam", "readout", singles))
    return target


def _pairs(measured: Mapping[str, Any], width: int) -> list[tuple[int, int]]:
    """The pairs of qubits with a two-qubit gate, in both directions: all, unless the characterisation lists fewer."""
    try:
        listed = {(int(a), int(b)) for a, b in measured.get("connectivity") or () if a != b}
    except (TypeError, ValueError):
        raise unreadable("the connectivity of a machine is no list of pairs") from None
    allowed = {pair for pair in listed | {(b, a) for a, b in listed} if max(pair) < width and min(pair) >= 0}
    return [(a, b) for a in range(width) for b in range(width) if a != b and (not allowed or (a, b) in allowed)]


def _properties(
    measured: Mapping[str, Any], fidelity: str, time_of: str, places: Sequence[tuple[int, ...]]
) -> dict[tuple[int, ...], InstructionProperties | None]:
    error, duration = _error(measured, fidelity), number(inside(measured, "timing", time_of))
    if error is None and duration is None:
        return dict.fromkeys(places)
    return {place: InstructionProperties(error=error, duration=duration) for place in places}


def _error(measured: Mapping[str, Any], kind: str) -> float | None:
    """One minus the median fidelity of ``1q`` or ``2q`` gates, or of ``spam``; ``None`` if it is not told."""
    median = number(inside(measured, "fidelity", kind, "median"))
    return 1.0 - median if median is not None and 0 < median <= 1 else None

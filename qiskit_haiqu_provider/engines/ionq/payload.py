"""From a request to the jobs that IonQ is sent: as few as its limits allow, since each has a least price."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from qiskit import QuantumCircuit

from qiskit_haiqu_provider.engines.direct.circuits import CircuitExecution, executions
from qiskit_haiqu_provider.engines.direct.port import VendorJob
from qiskit_haiqu_provider.engines.direct.slots import Slot
from qiskit_haiqu_provider.engines.ionq.circuits import NATIVE, QIS, Translated, measured_qubits, translated
from qiskit_haiqu_provider.exceptions import HaiquCapacityError, HaiquCircuitError, HaiquInputError, HaiquOptionError
from qiskit_haiqu_provider.run.request import RunRequest

SIMULATOR = "simulator"
"""IonQ's name of its simulator."""

MOST_CIRCUITS, MOST_GATES, MOST_BYTES = 5000, 150_000, 9_500_000
"""What one job may have. IonQ reads 10 MB; the rest is for what is around the circuits."""

DEBIASED_SHOTS = 500
"""Fewer are not debiased."""

TOKEN = "haiqu_token"  # noqa: S105 - a name
"""Under which the client token is kept with a job."""

_SEEDS = 2**31
"""IonQ's seeds of noise are below this number."""


@dataclass(frozen=True, kw_only=True)
class Content:
    """A job as it is sent."""

    backend: str
    """IonQ's name of the device."""

    gateset: str
    shots: int
    debiased: bool
    circuits: tuple[Translated, ...] = field(repr=False)
    noise: Mapping[str, Any] | None = None

    @property
    def width(self) -> int:
        """Qubits of the widest circuit."""
        return max(circuit.width for circuit in self.circuits)

    @property
    def kind(self) -> str:
        """IonQ's type of job."""
        return "ionq.multi-circuit.v1" if len(self.circuits) > 1 else "ionq.circuit.v1"

    def body(self, *, name: str, token: str) -> bytes:
        """What is sent.

        What becomes of errors is said in every job: IonQ debiases large ones otherwise, at a higher price.

        Args:
            name: The job's name.
            token: Client token.
        """
        whole: dict[str, Any] = {
            "type": self.kind,
            "backend": self.backend,
            "name": name,
            "shots": self.shots,
            "metadata": {TOKEN: token, "shots": str(self.shots)},
            "settings": {"error_mitigation": {"debiasing": self.debiased, "symmetry_verification": False}},
            "input": {"gateset": self.gateset, "qubits": self.width, **self._circuits()},
        }
        if self.noise is not None:
            whole["noise"] = dict(self.noise)
        return json.dumps(whole, separators=(",", ":")).encode()

    def _circuits(self) -> dict[str, Any]:
        if len(self.circuits) == 1:
            return {"circuit": self.circuits[0].gates}
        return {"circuits": [{"name": str(n), "circuit": each.gates} for n, each in enumerate(self.circuits)]}


def debiased(request: RunRequest, backend: str) -> bool:
    """Whether a run's results are debiased: on a machine, with mitigation, unless the option says no."""
    return backend != SIMULATOR and request.use_mitigation and bool(request.options.get("debiasing", True))


def jobs_of(request: RunRequest, backend: str) -> Iterator[VendorJob]:
    """The jobs that a request takes.

    Args:
        request: What to run.
        backend: IonQ's name of the device.

    Raises:
        HaiquInputError: If IonQ cannot run it.
    """
    gateset = str(request.options.get("gateset", "qis"))
    _check(request, gateset, debias=debiased(request, backend))
    batches: dict[int, _Batch] = {}
    for execution in executions(request, bind=False):
        batch = batches.setdefault(execution.shots, _Batch())
        for index, (circuit, size) in enumerate(_translated(execution, gateset)):
            if not batch.takes(circuit, size):
                yield _job(request, backend, gateset, execution.shots, batch)
                batch = batches[execution.shots] = _Batch()
            batch.add(execution.slot, execution.slot.first + index, circuit, size)
    for shots, batch in batches.items():
        yield _job(request, backend, gateset, shots, batch)


class _Batch:
    """The circuits of one job, and what their results are for."""

    def __init__(self) -> None:
        self.circuits: list[Translated] = []
        self.slots: list[Slot] = []
        self.measured: list[tuple[int, ...]] = []
        self._gates = self._bytes = 0

    def takes(self, circuit: Translated, size: int) -> bool:
        """Whether one more circuit fits; the first one always does."""
        return not self.circuits or (
            len(self.circuits) < MOST_CIRCUITS
            and self._gates + len(circuit.gates) <= MOST_GATES
            and self._bytes + size <= MOST_BYTES
        )

    def add(self, slot: Slot, index: int, circuit: Translated, size: int) -> None:
        """Add the circuit of the task's parameter set ``index``; the sets of one measurement share a slot."""
        self.circuits.append(circuit)
        self._gates += len(circuit.gates)
        self._bytes += size
        last = self.slots[-1] if self.slots else None
        if last is not None and (last.task, last.group, last.first + last.sets) == (slot.task, slot.group, index):
            self.slots[-1] = Slot(task=last.task, first=last.first, sets=last.sets + 1, group=last.group)
        else:
            self.slots.append(Slot(task=slot.task, first=index, sets=1, group=slot.group))
            self.measured.append(circuit.measured)


def _job(request: RunRequest, backend: str, gateset: str, shots: int, batch: _Batch) -> VendorJob:
    debias = debiased(request, backend)
    content = Content(
        backend=backend,
        gateset=gateset,
        shots=shots,
        debiased=debias,
        circuits=tuple(batch.circuits),
        noise=_noise(request) if backend == SIMULATOR else None,
    )
    return VendorJob(
        slots=tuple(batch.slots),
        content=content,
        circuits=len(batch.circuits),
        shots=len(batch.circuits) * shots,
        facts={
            "measured": [list(each) for each in batch.measured],
            **({"sharpen": True} if request.options.get("sharpen") else {}),
        },
    )


def _translated(execution: CircuitExecution, gateset: str) -> Iterator[tuple[Translated, int]]:
    """The circuit of each parameter set, and the bytes that it takes."""
    measured = measured_qubits(execution.circuit, where=f"PUB {execution.pub}")
    for values in execution.values:
        bound = execution.circuit.assign_parameters(values) if execution.circuit.num_parameters else execution.circuit
        circuit = translated(bound, measured, gateset)
        size = len(json.dumps(circuit.gates))
        if len(circuit.gates) > MOST_GATES or size > MOST_BYTES:
            raise HaiquCapacityError(
                f"PUB {execution.pub}: the circuit has {len(circuit.gates):,} gates, but IonQ takes {MOST_GATES:,} in "
                "a job, and 10 MB. Use a shorter circuit."
            )
        yield circuit, size


def _noise(request: RunRequest) -> dict[str, Any]:
    seed = {} if request.seed is None else {"seed": request.seed % _SEEDS}
    return {"model": request.options.get("noise_model") or "ideal", **seed}


def _check(request: RunRequest, gateset: str, *, debias: bool) -> None:
    """Refuse gates of another set, and mitigation that has no effect or is not possible."""
    if request.options.get("sharpen") and not debias:
        raise HaiquOptionError(
            "sharpen chooses among the variants that debiasing makes, which is off. Set use_mitigation=True and leave "
            "debiasing on, or set sharpen=False."
        )
    if debias and request.mitigation.get("readout_mitigation_options"):
        raise HaiquOptionError(
            "mitigation['readout_mitigation_options']: IonQ's debiasing has none of them. Leave it out, or set "
            "mitigation={'where': 'client'} to have this package mitigate."
        )
    known = {*(QIS if gateset == "qis" else NATIVE), "measure", "barrier", "id"}
    for task in request.tasks:
        where = f"PUB {task.pub}"
        _check_gates(task.circuit, known, gateset=gateset, where=where)
        if debias and task.shots is not None and task.shots < DEBIASED_SHOTS:
            raise HaiquInputError(
                f"{where}: debiasing takes at least {DEBIASED_SHOTS} shots, but there are {task.shots}. Ask for more "
                "shots or a smaller precision, or set debiasing=False."
            )


def _check_gates(circuit: QuantumCircuit, known: Collection[str], *, gateset: str, where: str) -> None:
    measured_qubits(circuit, where=where)
    for name in circuit.count_ops():
        if name not in known:
            raise HaiquCircuitError(
                f"{where}: '{name}' is none of the '{gateset}' gates that are sent to IonQ: "
                f"{', '.join(sorted(known))}. Transpile it first: "
                "generate_preset_pass_manager(backend=backend, optimization_level=1).run(circuit)"
            )

"""The bodies that carry a job to the service, and the circuits that it is about."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from pydantic import ValidationError
from qiskit import QuantumCircuit
from qiskit.circuit import Clbit

from qiskit_haiqu_provider.api import models
from qiskit_haiqu_provider.engines.haiqu.layout import JobLayout, Kind, pauli_sum, state_circuit
from qiskit_haiqu_provider.engines.haiqu.options import device_options, mitigation_flags
from qiskit_haiqu_provider.exceptions import HaiquInputError
from qiskit_haiqu_provider.run.request import RunRequest, Task
from qiskit_haiqu_provider.secret import Secret

_Body = TypeVar("_Body", models.RunCreate, models.FlowCreate)


def circuits_of(job: JobLayout, request: RunRequest, *, measured: bool = False) -> list[QuantumCircuit]:
    """The circuits of a job, in its order; the same object again where a circuit comes more than once.

    Circuits whose state is asked for are bound and without measurements. Those of observables are as an estimator
    takes them, without measurements at the end: the service adds its own.

    Args:
        job: The job.
        request: The request that it is part of.
        measured: Whether circuits whose state is asked for get measurements at the end: hybrid programs ask for them
            and ignore them.
    """
    if job.kind is Kind.STATES:
        tasks = [request.tasks[slot.task] for slot in job.slots]
        return [circuit for task in tasks for circuit in _state_circuits(task, measured=measured)]
    return [request.tasks[slot.task].circuit for slot in job.slots for _ in range(job.circuits_in(slot))]


def run_body(
    job: JobLayout,
    request: RunRequest,
    circuit_ids: Sequence[str],
    *,
    experiment_id: str,
    description: str = "",
    credentials: Mapping[str, Secret] | None = None,
    dry_run: bool = False,
) -> models.RunCreate:
    """The body of ``POST /run``.

    Args:
        job: What to run.
        request: The request that it is part of.
        circuit_ids: Ids of the circuits of :func:`circuits_of`.
        experiment_id: Where the job goes.
        description: Description of the job, with its client token.
        credentials: Credentials of the device's vendor. A dry run does not need them, and does not get them.
        dry_run: Whether to stop before the device.

    Raises:
        HaiquInputError: If an observable has complex coefficients, or an option is not what JSON can hold.
    """
    about: dict[str, Any] = {
        "experiment_id": experiment_id,
        "circuit_ids": list(circuit_ids),
        "name": request.name,
        "description": description,
        "dry_run": dry_run,
        "shots": job.shots,
    }
    with _refusals():
        if job.kind is Kind.STATES:
            return models.RunCreate(**about, run_type=models.RunKind.STATEVECTOR)
        body = models.RunCreate(
            **about,
            observables=_observables(job, request),
            device_id=request.device,
            options={**_run_options(job, request), **_revealed(credentials, dry_run=dry_run)},
            use_mitigation=request.use_mitigation,
        )
    return _with_parameters(body, job, request)


def flow_body(
    job: JobLayout,
    request: RunRequest,
    circuit_ids: Sequence[str],
    *,
    experiment_id: str,
    description: str = "",
    credentials: Mapping[str, Secret] | None = None,
    dry_run: bool = False,
) -> models.FlowCreate:
    """The body of ``POST /flow`` for the same job, as a hybrid program; arguments as of :func:`run_body`.

    Raises:
        HaiquInputError: If an observable has complex coefficients, or an option is not what JSON can hold.
    """
    states = job.kind is Kind.STATES
    with _refusals():
        body = models.FlowCreate(
            experiment_id=experiment_id,
            circuit_ids=list(circuit_ids),
            name=request.name,
            description=description,
            dry_run=dry_run,
            shots=job.shots,
            observables=_observables(job, request),
            program=models.Program(layers=_state_layers() if states else list(_layers(job, request))),
            device_credentials={**({} if states else _revealed(credentials, dry_run=dry_run))},
        )
    return body if states else _with_parameters(body, job, request)


def _with_parameters(body: _Body, job: JobLayout, request: RunRequest) -> _Body:
    """The body with the values of all sets.

    They were checked as arrays, and stay arrays until they are written: checking them again, one by one in lists, takes
    longer than sending them.
    """
    return body.model_copy(update={"parameters": _parameters(job, request)})


@contextmanager
def _refusals() -> Iterator[None]:
    """Tells what a model refuses in our words, without the values, which may be secrets."""
    try:
        yield
    except ValidationError as error:
        first = error.errors(include_input=False, include_context=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise HaiquInputError(f"{place} cannot be sent to the service: {first['msg']}. Correct the value.") from None


def _revealed(credentials: Mapping[str, Secret] | None, *, dry_run: bool) -> dict[str, str]:
    """The credentials in the open; the fields that they go into are never shown."""
    return {} if dry_run else {name: secret.reveal() for name, secret in (credentials or {}).items()}


def _state_circuits(task: Task, *, measured: bool) -> Iterator[QuantumCircuit]:
    """The circuit of a task for each of its parameter sets, bound and without measurements of its own."""
    if not task.num_sets:
        return
    ready = state_circuit(task)
    circuit = _measured(ready.circuit) if measured else ready.circuit
    parameters = circuit.parameters
    for values in task.parameter_values[:, list(ready.columns)].tolist():
        bound = dict(zip(parameters, values, strict=True))
        yield circuit.assign_parameters(bound) if bound else circuit


def _measured(circuit: QuantumCircuit) -> QuantumCircuit:
    """The circuit with a measurement of every qubit at its end, into bits of their own."""
    ended = circuit.copy()
    bits = [Clbit() for _ in circuit.qubits]
    ended.add_bits(bits)
    ended.measure(circuit.qubits, bits)
    return ended


def _parameters(job: JobLayout, request: RunRequest) -> list[Any] | None:
    """Values as ``[circuit][set][value]``: an array for each circuit."""
    if not job.swept:
        return None
    return [request.tasks[slot.task].parameter_values for slot in job.slots if slot.num_sets]


def _observables(job: JobLayout, request: RunRequest) -> list[Any] | None:
    """For each circuit its observables as Pauli strings and real coefficients."""
    if job.kind is not Kind.VALUES:
        return None
    nested: list[Any] = []
    for slot in job.slots:
        task = request.tasks[slot.task]
        sums = [pauli_sum(observable, where=f"PUB {task.pub}") for observable in task.observables or ()]
        nested += [sums] * job.circuits_in(slot)
    return nested


def _run_options(job: JobLayout, request: RunRequest) -> dict[str, Any]:
    """Options of a direct run: of the steps before the device, and of the device itself."""
    given = request.options
    steps: dict[str, Any] = {
        "error_mitigation_options": mitigation_flags(request),
        "skip_transpilation": given.get("skip_transpilation", True),
        "use_packing": given.get("use_packing", False),
    }
    if given.get("transpilation_options"):
        steps["transpilation_options"] = dict(given["transpilation_options"])
    if given.get("pack_size") is not None:
        steps["pack_size"] = int(given["pack_size"])
    if given.get("auto_quality"):
        steps["auto_quality"] = True
    return {**steps, **device_options(request, number=job.number)}


def _layers(job: JobLayout, request: RunRequest) -> Iterator[Any]:
    """The layers of a hybrid program that does what a direct run does."""
    given = request.options
    yield models.InputStep()
    if given.get("use_packing"):
        size = given.get("pack_size")
        yield models.PackingStep(pack_size=None if size is None else int(size))
    if not given.get("skip_transpilation", True):
        yield models.TranspilationStep(**given.get("transpilation_options") or {})
    mitigates = models.EstimatorStep if job.kind is Kind.VALUES else models.DistributionStep
    yield mitigates(mitigation_enabled=request.use_mitigation, **mitigation_flags(request))
    yield models.DeviceStep(
        device_id=request.device,
        options=device_options(request, number=job.number),
        auto_quality=given.get("auto_quality", False),
    )


def _state_layers() -> list[Any]:
    return [models.InputStep(), models.StatevectorStep()]

"""From a request to what IBM's client sends: PUBs, or programs of the client's own primitives where it has them.

Without mitigation everything is sampled, observables by our own measurement groups: their standard errors hold the
covariances inside a group, which those of IBM's estimator do not. With mitigation IBM's estimator works values out.

Since 0.50 the client computes mitigation itself and sends one kind of program, the executor's. Such a program is made
once: its executions are counted for the price, and it is what is sent. Older clients send PUBs to a sampler or an
estimator of IBM's, which prepares circuits out of sight; their executions are counted by our own measurement groups.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

from qiskit import ClassicalRegister, QuantumCircuit

from qiskit_haiqu_provider.engines.direct.circuits import check_samples, executions
from qiskit_haiqu_provider.engines.direct.port import VendorJob
from qiskit_haiqu_provider.engines.direct.slots import Slot
from qiskit_haiqu_provider.engines.ibm.failures import is_of_service, wrong_input
from qiskit_haiqu_provider.engines.ibm.options import mitigation, primitive_options
from qiskit_haiqu_provider.run.circuits import registers
from qiskit_haiqu_provider.run.measure import measurements
from qiskit_haiqu_provider.run.request import RunRequest

Work = Mapping[int, tuple[int, int]]
"""For each PUB its circuit executions, and its shots over all of them."""

_NOISE_FACTORS = 3
"""Circuits that zero-noise extrapolation makes of one."""


@dataclass(frozen=True, kw_only=True)
class Submission:
    """One job as it will be sent."""

    kind: str
    """``sampler`` or ``estimator``."""

    options: Mapping[str, Any]
    """In the words of IBM's primitives."""

    pubs: Sequence[Any] = ()
    """What an older client sends."""

    program: Any = None
    """What the executor sends, and its options."""

    work: Work = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class _Part:
    """A slot, and the PUB that answers it."""

    slot: Slot
    pub: tuple[Any, ...]
    shots: int
    owner: int
    """Index of the PUB that the user gave."""

    circuits: int
    """Circuit executions without mitigation."""


def client_side() -> bool:
    """Whether the client has primitives of its own that it computes itself."""
    try:
        from qiskit_ibm_runtime import Executor  # noqa: F401
        from qiskit_ibm_runtime.executor_estimator import Estimator  # noqa: F401
        from qiskit_ibm_runtime.executor_sampler import Sampler  # noqa: F401
    except ImportError:
        return False
    return True


def prepare(request: RunRequest, backend: Any) -> list[VendorJob]:
    """The jobs of a request: one for all tasks with the same number of shots.

    Args:
        request: What to run.
        backend: The device, of IBM's client.

    Raises:
        HaiquInputError: If IBM cannot do what is asked.
    """
    flags = mitigation(request)
    estimates = any(flags.values()) and all(task.observables is not None for task in request.tasks)
    parts: dict[int, list[_Part]] = {}
    for part in _estimates(request) if estimates else _samples(request, backend):
        parts.setdefault(part.shots, []).append(part)
    kind = "estimator" if estimates else "sampler"
    return [_job(kind, shots, found, request, backend) for shots, found in parts.items()]


def _job(kind: str, shots: int, parts: Sequence[_Part], request: RunRequest, backend: Any) -> VendorJob:
    options = primitive_options(request, shots=shots, estimates=kind == "estimator")
    if client_side():
        program, work = _program(kind, parts, options, backend)
        submission = Submission(kind=kind, options=options, program=program, work=work)
    else:
        pubs = [part.pub for part in parts]
        submission = Submission(kind=kind, options=options, pubs=pubs, work=_counted(parts, shots, options))
    counts = list(submission.work.values())
    return VendorJob(
        slots=tuple(part.slot for part in parts),
        content=submission,
        circuits=sum(circuits for circuits, _ in counts),
        shots=sum(total for _, total in counts),
        facts={"kind": kind, "shots": shots, "registers": [_layout(part.pub[0]) for part in parts]},
    )


def _samples(request: RunRequest, backend: Any) -> Iterator[_Part]:
    """Circuits to sample; basis changes use the gates that the device has."""
    configuration = backend.configuration()
    gates = None if configuration.simulator else configuration.basis_gates
    for execution in executions(request, gates=gates, bind=False):
        circuit = _without_metadata(_with_plain_registers(execution.circuit))
        yield _Part(
            slot=execution.slot,
            pub=(circuit, execution.values) if circuit.num_parameters else (circuit,),
            shots=execution.shots,
            owner=execution.pub,
            circuits=execution.slot.sets,
        )


def _estimates(request: RunRequest) -> Iterator[_Part]:
    """Circuits and observables for IBM's estimator: all observables with all parameter sets."""
    for index, task in enumerate(request.tasks):
        check_samples(task, request)
        circuit = _without_metadata(task.circuit)
        observables = [[observable] for observable in task.observables or ()]
        groups = max(1, len(measurements(task.observables or ()).groups))
        together = bool(circuit.num_parameters)  # without parameters each set is a PUB of its own
        for first in range(0, task.num_sets, task.num_sets if together else 1):
            sets = task.num_sets if together else 1
            yield _Part(
                slot=Slot(task=index, first=first, sets=sets),
                pub=(circuit, observables, task.parameter_values) if together else (circuit, observables),
                shots=int(task.shots or 0),
                owner=task.pub,
                circuits=groups * sets,
            )


def _without_metadata(circuit: QuantumCircuit) -> QuantumCircuit:
    """The circuit without what may not be sent, and is kept here anyway."""
    if not circuit.metadata:
        return circuit
    bare = circuit.copy()
    bare.metadata = {}
    return bare


def _layout(circuit: QuantumCircuit) -> dict[str, Any]:
    """Where the bits of a circuit's registers belong."""
    names = {register.name: list(register.clbits) for register in registers(circuit)}
    return {"num_clbits": circuit.num_clbits, "names": names}


def _with_plain_registers(circuit: QuantumCircuit) -> QuantumCircuit:
    """The circuit with registers that hold every bit once, as only registers come back; empty ones are refused by IBM.

    Registers that decide something stay as they are.
    """
    full = [register for register in circuit.cregs if register.size]
    held = Counter(bit for register in full for bit in register)
    loose = [bit for bit in circuit.clbits if bit not in held]
    shared = any(count > 1 for count in held.values()) and not circuit.has_control_flow_op()
    if not loose and not shared and len(full) == len(circuit.cregs):
        return circuit
    named = [] if shared else full
    whole = QuantumCircuit(
        circuit.qubits,
        circuit.clbits,
        *circuit.qregs,
        *named,
        name=circuit.name,
        global_phase=circuit.global_phase,
        inputs=circuit.iter_input_vars(),
    )
    if loose or shared:
        whole.add_register(ClassicalRegister(name="other_bits", bits=circuit.clbits if shared else loose))
    for variable in circuit.iter_declared_vars():
        whole.add_uninitialized_var(variable)
    for stretch in circuit.iter_declared_stretches():
        whole.add_stretch(stretch)
    for instruction in circuit.data:
        whole.append(instruction)
    return whole


def _program(kind: str, parts: Sequence[_Part], options: Mapping[str, Any], backend: Any) -> tuple[Any, Work]:
    """The executor's program with its options, and its executions."""
    from qiskit_ibm_runtime.executor_estimator.prepare import prepare as prepare_estimator
    from qiskit_ibm_runtime.executor_sampler.prepare import prepare as prepare_sampler
    from qiskit_ibm_runtime.options_models import EstimatorOptions, SamplerOptions

    make, kind_of_options = {
        "sampler": (prepare_sampler, SamplerOptions),
        "estimator": (prepare_estimator, EstimatorOptions),
    }[kind]
    before = sys.exception()
    try:
        program, own_options = make([part.pub for part in parts], kind_of_options(**options), backend=backend)
    except Exception as error:
        if is_of_service(error, before=before):
            raise
        raise wrong_input(error, f"PUBs {sorted({part.owner for part in parts})}") from None
    program._semantic_role = f"{kind}_v2"  # noqa: SLF001 - so that IBM's client reads the results, too
    each = max(1, len(program.items) // len(parts))  # what is left over calibrates the readout for all
    work: dict[int, tuple[int, int]] = {}
    for index, item in enumerate(program.items):
        circuits = prod(item.shape)
        _add(work, parts[min(index // each, len(parts) - 1)].owner, circuits, circuits * program.shots)
    return (program, own_options), work


def _counted(parts: Sequence[_Part], shots: int, options: Mapping[str, Any]) -> Work:
    """The executions of PUBs that IBM prepares: those of our groups, times those that extrapolation adds."""
    factor = _NOISE_FACTORS if options.get("resilience", {}).get("zne_mitigation") else 1
    work: dict[int, tuple[int, int]] = {}
    for part in parts:
        _add(work, part.owner, part.circuits * factor, part.circuits * factor * shots)
    return work


def _add(work: dict[int, tuple[int, int]], owner: int, circuits: int, shots: int) -> None:
    before = work.get(owner, (0, 0))
    work[owner] = before[0] + circuits, before[1] + shots


def submit(submission: Submission, mode: Any, *, tag: str) -> Any:
    """Send a job, and return IBM's handle.

    Args:
        submission: The job.
        mode: The device, or a session or batch on it.
        tag: What the job is marked with.
    """
    if submission.program is not None:
        from qiskit_ibm_runtime import Executor

        program, options = submission.program
        options.environment.job_tags = [tag]
        return Executor(mode=mode, options=options).run(program)
    from qiskit_ibm_runtime import EstimatorV2, SamplerV2

    options = {**submission.options, "environment": {"job_tags": [tag]}}
    kind = SamplerV2 if submission.kind == "sampler" else EstimatorV2
    return kind(mode=mode, options=options).run(submission.pubs)

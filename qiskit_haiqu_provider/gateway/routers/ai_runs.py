"""Tools for agents: devices, runs and transpilations."""

from collections.abc import Sequence

from fastapi import APIRouter, Request, Response

from qiskit_haiqu_provider.api import models
from qiskit_haiqu_provider.gateway import programs, replies
from qiskit_haiqu_provider.gateway.auth import Authorized, Caller, KeyedRoute
from qiskit_haiqu_provider.gateway.catalogue import device_body
from qiskit_haiqu_provider.gateway.errors import ApiError, invalid
from qiskit_haiqu_provider.gateway.orders import order_run
from qiskit_haiqu_provider.gateway.programs import Program
from qiskit_haiqu_provider.gateway.routers.ai_experiments import page_of
from qiskit_haiqu_provider.gateway.routers.answers import answers
from qiskit_haiqu_provider.gateway.routers.circuits import submit_transpilation
from qiskit_haiqu_provider.gateway.routers.runs import submit_run
from qiskit_haiqu_provider.gateway.services import Gateway, Services
from qiskit_haiqu_provider.gateway.store.tables import Circuit
from qiskit_haiqu_provider.gateway.submissions import IdempotencyKey, circuits_of, experiment_of
from qiskit_haiqu_provider.gateway.views import json_response

router = APIRouter(route_class=KeyedRoute)


@router.get(
    "/list_qpus_and_simulators",
    operation_id="list_qpus_and_simulators",
    response_model=list[models.DeviceSummary],
    responses=answers(401),
)
def list_qpus_and_simulators(_: Authorized, gateway: Gateway) -> Response:
    """List the devices that circuits can be run on or transpiled for; the `id` of each is a `device_id` elsewhere.

    `aer_simulator` has no noise and takes any gate. Ids that begin with `fake_` simulate a real device with its noise,
    its gates and its connections; circuits are transpiled for them on the way. All these are free and run on this
    machine. `simulator` is false for real devices, which need credentials of their vendor.
    """
    records = gateway.catalogue.records.values()
    views = [device_body(record, None) for record in records]
    return json_response([{name: view[name] for name in models.DeviceSummary.model_fields} for view in views])


@router.post(
    "/run_circuits_on_qpu_or_simulator",
    operation_id="run_circuits_on_qpu_or_simulator",
    response_model=models.ContextReply,
    responses=answers(400, 401, 404, 409, 413),
)
def run_circuits_on_qpu_or_simulator(
    body: models.AiRunCreate,
    caller: Authorized,
    gateway: Gateway,
    request: Request,
    key: IdempotencyKey = None,
) -> Response:
    """Run circuits on a device or a simulator, or compute their exact states. The answer names the job at once.

    The answer is text with the line `job_id: jb-...`; follow the job with `get_job_results_and_status`. Circuits,
    jobs and results stay in the experiment, where people see them on the dashboard.

    Which circuits: `circuit_ids` of stored circuits, or `circuits_qasm` with OpenQASM 2 or 3 text, which are stored on
    the way. If both are given, those of `circuit_ids` come first. A circuit has to measure, for instance with
    `bit[2] c; c = measure q;`, unless `observables` are given or `run_type` is StatevectorRun.

    What is computed:

    - `shots` (default 1024) per circuit and parameter set: the share of each bitstring.
    - `observables`: expectation values instead. One list per circuit, of observables; each is a pair of Pauli strings
      and real coefficients, so `[[[["ZZ", "XI"], [1.0, 0.5]]]]` is ZZ + 0.5 XI on one circuit. A Pauli string has one
      letter per qubit, and its rightmost letter belongs to qubit 0. The circuits need no measurements.
    - `run_type` StatevectorRun: the exact state, on this machine; `device_id` and `shots` do not matter then, and
      measurements at the end are left out.

    Circuits with free parameters (`input float theta;` in OpenQASM 3) need `parameters`: `[circuit][set][value]`, or
    `[set][value]` for a single circuit. Values come in the alphabetical order of the parameters' names, angles in
    radians. Results are nested in the order circuits, observables, parameter sets.

    Where: `device_id` from `list_qpus_and_simulators`. `dry_run` true runs nothing and estimates the cost.

    `use_mitigation` true takes errors of a noisy device out of the results, for up to twice the shots with
    `observables`, and an eighth more without. It pays where two-qubit gates or readout spoil the results, and not on
    `aer_simulator` without noise. Results keep their shape; `info.mitigation` tells for each circuit what was done,
    with raw values and warnings. `error_mitigation_options` in `options` switches its parts; for real devices give
    `{"noise_tailoring": true}`.

    `options` holds settings by name, all optional: `transpilation_options` (an object, such as
    `{"optimization_level": 2}`), `skip_transpilation`, `use_packing` and `pack_size` (copies side by side on a large
    device), `auto_quality`; on simulators also `seed_simulator` (repeatable results), `method` (such as
    `matrix_product_state` for many qubits with little entanglement) and `noise_model`. Real devices need the
    credentials of their vendor in `options`; they are used for this job only, and never stored or shown:

    - IBM Quantum: `{"ibm_quantum_token": "...", "ibm_quantum_instance": "..."}`, an API key of IBM Cloud and the
      instance to bill.
    - Amazon Braket: `{"aws_access_key_id": "...", "aws_secret_access_key": "...", "aws_default_region": "..."}`, keys
      of an IAM user who may use Braket.
    - IonQ: `{"ionq_api_key": "..."}`, a key made in the IonQ console.
    - Coda: `{"coda_token": "..."}`, a token of Coda.
    """
    _check_count(body.circuit_ids, body.circuits_qasm, gateway)
    stored = _stored(body.experiment_id, body.circuit_ids, caller, gateway)
    read = programs.read_all(gateway, body.circuits_qasm)
    _check_measurements(body, read)
    if read:  # a request that is refused leaves no circuits behind
        order_run(body, [*stored, *read], catalogue=gateway.catalogue, limits=gateway.settings.limits)
    found = [*stored, *_keep(read, body.experiment_id, caller, gateway)]
    job = submit_run(body, found, caller, gateway, key)
    text = replies.run_accepted(job, body, [circuit.id for circuit in found], page_of("jobs", job.id, request))
    return json_response({"context": text})


@router.post(
    "/transpile_circuits",
    operation_id="transpile_circuits",
    response_model=models.ContextReply,
    responses=answers(400, 401, 404, 409, 413),
)
def transpile_circuits(
    body: models.AiTranspileCreate,
    caller: Authorized,
    gateway: Gateway,
    request: Request,
    key: IdempotencyKey = None,
) -> Response:
    """Rewrite circuits into the gates and connections of a device, without running them. The answer names the job.

    The answer is text with the line `job_id: jb-...`; once the job is done, `get_job_results_and_status` names the new
    circuits, which are stored as children of the old ones. Runs transpile by themselves: use this to look at the cost
    in depth and two-qubit gates first, or to compare devices and options.

    Give `circuit_ids` of stored circuits, or `circuits_qasm` with OpenQASM 2 or 3 text, which are stored on the way.
    `transpilation_options` is an object; what it leaves out is chosen for you, `optimization_level` is 3 then.
    """
    _check_count(body.circuit_ids, body.circuits_qasm, gateway)
    if not (body.circuit_ids or body.circuits_qasm):
        raise ApiError(400, "There is no circuit to transpile. Give circuit_ids or circuits_qasm.")
    stored = _stored(body.experiment_id, body.circuit_ids, caller, gateway)
    gateway.catalogue.get(body.device_id)
    read = programs.read_all(gateway, body.circuits_qasm)
    found = [*stored, *_keep(read, body.experiment_id, caller, gateway)]
    ids = [circuit.id for circuit in found]
    fields = body.model_dump(exclude={"circuits_qasm", "circuit_ids"})
    job = submit_transpilation(models.TranspileCreate(**fields, circuit_ids=ids), found, caller, gateway, key)
    text = replies.transpilation_accepted(job, ids, page_of("jobs", job.id, request))
    return json_response({"context": text})


def _check_count(ids: Sequence[str], texts: Sequence[str], gateway: Services) -> None:
    """Refuse more programs than a job can have, before they are read."""
    limit = gateway.settings.limits.circuits
    if len(ids) + len(texts) > limit:
        raise invalid("circuits_qasm", f"{len(ids) + len(texts)} circuits are too many, at most {limit} fit in a job.")


def _check_measurements(body: models.AiRunCreate, read: Sequence[Program]) -> None:
    """Refuse programs without an outcome, in words that help to write a better one."""
    if body.run_type is models.RunKind.STATEVECTOR or body.observables is not None:
        return
    for program in read:
        if not program.measures:
            raise invalid(
                "circuits_qasm",
                f"{program.id} measures nothing. Add measurements to it, for instance 'bit[2] c; c = measure q;' in "
                "OpenQASM 3 or 'creg c[2]; measure q -> c;' in OpenQASM 2, or give observables.",
            )


def _stored(experiment_id: str, circuit_ids: Sequence[str], caller: Caller, gateway: Services) -> list[Circuit]:
    with gateway.database.read() as session:
        experiment_of(session, caller, experiment_id)
    return circuits_of(gateway, caller, circuit_ids)


def _keep(read: Sequence[Program], experiment_id: str, caller: Caller, gateway: Services) -> list[Circuit]:
    if not read:
        return []
    with gateway.database.write() as session:
        return [programs.keep_once(session, caller, program, experiment_id=experiment_id) for program in read]

"""Records as the service answers them, and bodies as they are sent."""

from qiskit_haiqu_provider.api import models

WHEN = "2026-01-02T03:04:05Z"
USER = {"email": "", "username": "ada", "first_name": "Ada", "last_name": "", "api_access_key": "key-of-ada-7f3a9c51"}
EXPERIMENT = {
    "id": "exp-1",
    "name": "chain",
    "description": "",
    "creation_date": WHEN,
    "user_id": 1,
    "user": USER,
}
CIRCUIT = {
    "id": "circ-1",
    "hash": "h",
    "name": "bell",
    "experiment_id": "exp-1",
    "user_id": 1,
    "creation_date": WHEN,
    "status": "Done",
    "generated": False,
}
DEVICE = {"id": "ibm_fez", "vendor": "IBM", "name": "Fez", "qubits": 156, "status": "online", "simulator": False}
JOB = {"id": "jb-1", "user_id": 1, "experiment_id": "exp-1", "status": "Queued", "creation_date": WHEN}
RUN_JOB = {
    **JOB,
    "job_type": "Run",
    "circuit_ids": ["circ-1"],
    "shots": 100,
    "device_id": "ibm_fez",
    "options": {},
    "use_mitigation": False,
    "dry_run": False,
    "run_type": "Run",
}
PROGRAM = {"layers": [{"type": "input"}, {"type": "device", "device_id": "ibm_fez"}]}
FLOW_JOB = {
    **JOB,
    "job_type": "Hybrid",
    "program": PROGRAM,
    "input_circuit_ids": ["circ-1"],
    "shots": 100,
    "dry_run": False,
}
TRANSPILE_JOB = {
    **JOB,
    "job_type": "Transpilation",
    "circuit_ids": ["circ-1"],
    "device_id": "ibm_fez",
    "transpilation_options": {},
}
BACKPROPAGATION = {"optimized_circuit_ids": ["circ-2"], "backpropagated_observables": [[["ZI", 0.5, -0.5]]]}
REFERENCE = {
    "name": "QFT",
    "program_communication": 1.0,
    "critical_depth": 0.9,
    "entanglement_ratio": 0.5,
    "parallelism": 0.25,
    "liveness": 0.75,
}
LOCAL_JOB = {**JOB, "job_type": "User local job", "hash": "h", "backend_name": "mine"}


def run_body(**fields):
    """What ``run`` is given."""
    return models.RunCreate(
        **{"experiment_id": "exp-1", "circuit_ids": ["circ-1"], "device_id": "ibm_fez", "shots": 100, **fields}
    )


def flow_body(**fields):
    """What ``flow`` is given."""
    return models.FlowCreate(
        **{"experiment_id": "exp-1", "circuit_ids": ["circ-1"], "program": PROGRAM, "shots": 100, **fields}
    )


def circuit_body(**fields):
    """What ``upload_circuit`` is given."""
    return models.CircuitCreate(**{"experiment_id": "exp-1", "qpy_dump": "", "hash": "h", **fields})


def transpile_body():
    """What ``transpile`` is given."""
    return models.TranspileCreate(experiment_id="exp-1", circuit_ids=["circ-1"], device_id="ibm_fez")


def backpropagation_body(**fields):
    """What ``backpropagate_observables`` is given."""
    return models.BackpropagationCreate(
        **{"circuit_id": "circ-1", "observables": [[("ZZ", 1.0, 0.0), ("XI", 0.5, -0.5)]], **fields}
    )


def lr_qaoa_body(**fields):
    """What ``lr_qaoa`` is given."""
    problem = {"sense": "min", "n_vars": 2, "constant": 0.0, "linear": {"0": 1.0}}
    return models.LrQaoaCreate(
        **{"experiment_id": "exp-1", "name": "ramp", "p": 2, "polynomial_problem": problem, **fields}
    )


def local_body():
    """What ``submit_local_job`` is given."""
    return models.LocalJobCreate(experiment_id="exp-1", hash="h")


def ai_body():
    """What ``ai_run`` is given."""
    return models.AiRunCreate(experiment_id="exp-1", circuit_ids=["circ-1"], device_id="ibm_fez")


SUBMITS = {
    "POST /run": lambda client: client.run(run_body()),
    "POST /flow": lambda client: client.flow(flow_body()),
    "POST /circuits/transpile": lambda client: client.transpile(transpile_body()),
    "POST /circuits/circ-1/backpropagate_observables": lambda client: client.backpropagate_observables(
        backpropagation_body()
    ),
    "POST /circuits/lr_qaoa": lambda client: client.lr_qaoa(lr_qaoa_body()),
    "POST /jobs": lambda client: client.submit_local_job(local_body()),
    "POST /jobs/jb-1/restart": lambda client: client.restart("jb-1"),
    "POST /ai/run_circuits_on_qpu_or_simulator": lambda client: client.ai_run(ai_body()),
    "POST /experiments": lambda client: client.create_experiment("chain"),
}
"""What must never be sent twice unless it took no effect."""

HARMLESS = {
    "GET /version": lambda client: client.version(),
    "GET /jobs/jb-1": lambda client: client.job("jb-1"),
    "POST /experiments/init": lambda client: client.init_experiment("chain"),
    "PUT /experiments/exp-1": lambda client: client.update_experiment("exp-1", name="ring"),
    "POST /experiments/exp-1/metrics": lambda client: client.log_metrics("exp-1", {"energy": -1.0}),
    "POST /circuits": lambda client: client.upload_circuit(circuit_body()),
    "POST /circuits/circ-1/compute_analytics/core": lambda client: client.compute_analytics("circ-1", "core"),
    "POST /jobs/jb-1/cancel": lambda client: client.cancel("jb-1"),
}
"""What may be sent as often as need be."""

ANSWERS = {
    "POST /run": RUN_JOB,
    "POST /flow": FLOW_JOB,
    "POST /circuits/transpile": TRANSPILE_JOB,
    "POST /circuits/circ-1/backpropagate_observables": BACKPROPAGATION,
    "POST /circuits/lr_qaoa": CIRCUIT,
    "POST /jobs": LOCAL_JOB,
    "POST /jobs/jb-1/restart": RUN_JOB,
    "POST /ai/run_circuits_on_qpu_or_simulator": {"context": "job_id: jb-1"},
    "POST /experiments": EXPERIMENT,
    "GET /version": {"version": "1.0"},
    "GET /jobs/jb-1": RUN_JOB,
    "POST /experiments/init": EXPERIMENT,
    "PUT /experiments/exp-1": EXPERIMENT,
    "POST /experiments/exp-1/metrics": EXPERIMENT,
    "POST /circuits": CIRCUIT,
    "POST /circuits/circ-1/compute_analytics/core": CIRCUIT,
    "POST /jobs/jb-1/cancel": RUN_JOB,
}
"""Successes."""

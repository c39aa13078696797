"""What the service of the submission benchmark answers: records as documented, with what was sent."""

from collections.abc import Mapping
from typing import Any

_NOW = "2026-01-01T00:00:00Z"
USER = {
    "email": "bench@example.com",
    "username": "bench",
    "first_name": "B",
    "last_name": "Ench",
    "api_access_key": "bench",
}
EXPERIMENT = {
    "id": "exp-00000000-0000-4000-8000-000000000001",
    "name": "bench",
    "description": "",
    "creation_date": _NOW,
    "user_id": 1,
    "user": USER,
    "tags": "",
    "circuits_count": 1,
    "jobs_count": 1,
    "last_action_date": _NOW,
    "metrics": {},
}
"""Says that it holds a circuit, so that nobody may conclude that it holds none."""

DEVICE = {
    "id": "aer_simulator",
    "vendor": "IBM",
    "name": "Aer simulator",
    "qubits": 30,
    "status": "online",
    "simulator": True,
    "last_updated": _NOW,
    "pending_jobs": 0,
    "operation_names": None,
    "coupling_map": None,
}
_ANALYTICS = {
    "qubits": 10,
    "depth": 30,
    "depth_2q": 20,
    "gates_1q": 100,
    "gates_2q": 45,
    "gates_total": 145,
    "other_ops": 11,
}


def circuit_record(given: Mapping[str, Any], circuit_id: str) -> dict[str, Any]:
    """The record of an uploaded circuit, which holds it whole."""
    return {
        "id": circuit_id,
        "hash": given["hash"],
        "name": given.get("name", ""),
        "description": given.get("description", ""),
        "tags": given.get("tags", ""),
        "metrics": given.get("metrics", {}),
        "experiment_id": given["experiment_id"],
        "user_id": 1,
        "creation_date": _NOW,
        "status": "Core metrics computation is done",
        "generated": False,
        "analytics": _ANALYTICS,
        "job_ids": [],
        "qpy": given["qpy_dump"],
    }


def run_record(given: Mapping[str, Any], job_id: str) -> dict[str, Any]:
    """The record of an accepted job of /run."""
    return {
        "use_mitigation": False,
        "options": {},
        "dry_run": False,
        "run_type": "Run",
        "parameters": None,
        "observables": None,
        "readout_bases": None,
        "quantum_results": None,
        "estimated_qpu_cost": None,
        **given,
        **_job(job_id, "Run"),
    }


def flow_record(given: Mapping[str, Any], job_id: str) -> dict[str, Any]:
    """The record of an accepted job of /flow."""
    kept = {name: value for name, value in given.items() if name not in ("circuit_ids", "device_credentials")}
    return {
        "parameters": None,
        "observables": None,
        "readout_bases": None,
        "dry_run": False,
        "quantum_results": None,
        "estimated_qpu_cost": None,
        **kept,
        "input_circuit_ids": given["circuit_ids"],
        "device_id": DEVICE["id"],
        **_job(job_id, "Hybrid"),
    }


def finished(job: Mapping[str, Any]) -> dict[str, Any]:
    """The record of the job when it is done, with results of the right shape."""
    circuits = len(job.get("circuit_ids") or job["input_circuit_ids"])
    sets, observables = job["parameters"], job["observables"]
    results = [_result(_sets_of(sets, index), observables and observables[index]) for index in range(circuits)]
    return {**job, "status": "Done", "run_date": _NOW, "finish_date": _NOW, "time": 0.1, "quantum_results": results}


def _sets_of(parameters: Any, index: int) -> int:
    """Parameter sets of a circuit; 0 if it has no parameters. One circuit's may lack the outer list."""
    if not parameters:
        return 0
    nested = isinstance(parameters[0][0], list)
    return len(parameters[index]) if nested else len(parameters)


def _result(sets: int, observables: Any) -> Any:
    if observables is None:
        one = {"0000000000": 0.75, "1111111111": 0.25}
        return [one] * sets if sets else one
    return [[0.5] * sets if sets else 0.5 for _ in observables]


def _job(job_id: str, kind: str) -> dict[str, Any]:
    return {
        "id": job_id,
        "user_id": 1,
        "status": "Submitted",
        "job_type": kind,
        "creation_date": _NOW,
        "run_date": None,
        "finish_date": None,
        "logs": "",
        "quality": None,
        "info": {},
        "time": None,
    }

"""The REST API as the tests use it: what is sent, and what must come back."""

import base64
import io
from uuid import uuid4

from pydantic import TypeAdapter
from qiskit import QuantumCircuit, qpy

from qiskit_haiqu_provider.api import models
from qiskit_haiqu_provider.gateway.routers.jobs import AnyJob

AER = "aer_simulator"
SHOTS = 4096
SEED = 17
FINAL = ("Done", "Error", "Cancelled")
_WAITS = 20


def packed(circuit, version=16):
    """A circuit as it travels."""
    file = io.BytesIO()
    qpy.dump(circuit, file, version=version)
    return base64.b64encode(file.getvalue()).decode()


def unpacked(text):
    """The circuit in an answer."""
    return qpy.load(io.BytesIO(base64.b64decode(text)))[0]


def ok(response, model=None):
    """The body of a success, which has the documented shape."""
    assert response.status_code == 200, (response.status_code, response.text[:2000])
    body = response.json()
    if model is not None:
        TypeAdapter(model).validate_python(body)
    return body


def refused(response, status):
    """The detail of a refusal, which has the documented shape."""
    assert response.status_code == status, (response.status_code, response.text[:2000])
    body = response.json()
    (models.ValidationBody if status == 422 else models.ErrorBody).model_validate(body, strict=True)
    assert "Traceback" not in response.text
    return body["detail"]


def fields(response):
    """The places that a 422 names, with dots."""
    return [".".join(map(str, issue["loc"][1:])) for issue in refused(response, 422)]


class Api:
    """An experiment of a user, and what can be done in it."""

    def __init__(self, client, name=None):
        self.client = client
        body = {"name": name or f"experiment {uuid4()}"}
        self.experiment = ok(client.post("/experiments/init", json=body), models.Experiment)["id"]

    def upload(self, circuit, **fields):
        """A stored circuit."""
        body = {
            "experiment_id": self.experiment,
            "name": circuit.name,
            "hash": uuid4().hex,
            "qpy_dump": packed(circuit),
        }
        return ok(self.client.post("/circuits", json={**body, **fields}), models.Circuit)

    def ids(self, circuits):
        """Circuits by id; those that are none yet are stored."""
        given = circuits if isinstance(circuits, list) else [circuits]
        return [self.upload(one)["id"] if isinstance(one, QuantumCircuit) else one for one in given]

    def post_run(self, circuits, *, headers=None, **fields):
        """The answer to a submission to ``/run``."""
        body = {"experiment_id": self.experiment, "device_id": AER, "shots": SHOTS, "circuit_ids": self.ids(circuits)}
        return self.client.post("/run", json={**body, **fields}, headers=headers)

    def post_flow(self, circuits, *layers, headers=None, **fields):
        """The answer to a submission to ``/flow``."""
        program = {"layers": [{"type": "input"}, *(layer(one) for one in layers)]}
        body = {"experiment_id": self.experiment, "shots": SHOTS, "circuit_ids": self.ids(circuits), "program": program}
        return self.client.post("/flow", json={**body, **fields}, headers=headers)

    def finished(self, job):
        """The job at its end."""
        for _ in range(_WAITS):
            answer = self.client.get(f"/jobs/{job['id']}", headers={"prefer": "wait=30"})
            body = ok(answer, AnyJob)
            if body["status"] in FINAL:
                return body
        raise AssertionError(f"the job does not end: {body}")

    def done(self, response, model=models.RunJob):
        """The job that a submission made, done."""
        job = self.finished(ok(response, model))
        assert job["status"] == "Done", job["logs"]
        return job

    def run(self, circuits, *, seed=SEED, **fields):
        """A direct run, done; with the same results every time unless ``seed`` is None."""
        if seed is not None and fields.get("run_type") != "StatevectorRun":
            fields["options"] = {"seed_simulator": seed, **fields.get("options", {})}
        return self.done(self.post_run(circuits, **fields))

    def flow(self, circuits, *layers, **fields):
        """A program, done; with the same results every time."""
        *steps, last = layers
        if last != "statevector":
            last = {**last, "options": {"seed_simulator": SEED, **last.get("options", {})}}
        return self.done(self.post_flow(circuits, *steps, last, **fields), models.FlowJob)

    def failed(self, response):
        """The log of the job that a submission made, which failed."""
        job = self.finished(ok(response))
        assert job["status"] == "Error", job
        assert job["quantum_results"] is None
        assert job["finish_date"] is not None
        assert "Traceback" not in job["logs"]
        return job["logs"]


def layer(given):
    """A layer by its name, or as it is."""
    return {"type": given} if isinstance(given, str) else given


def device(name=AER, **fields):
    """The last layer of a program."""
    return {"type": "device", "device_id": name, **fields}

"""A service in a function: bodies of ``/run`` and ``/flow`` as JSON, done by the pipeline of the gateway."""

import json
from types import SimpleNamespace

from qiskit_haiqu_provider.api import models
from qiskit_haiqu_provider.engines.local.engine import LocalEngine
from qiskit_haiqu_provider.gateway.catalogue import Catalogue
from qiskit_haiqu_provider.gateway.execution import pipeline
from qiskit_haiqu_provider.gateway.orders import order_flow, order_run
from qiskit_haiqu_provider.gateway.settings import Limits
from qiskit_haiqu_provider.run.circuits import measures
from qiskit_haiqu_provider.run.formats import read_qpy, write_qpy


def serve(body, circuits):
    """What ``GET /jobs/{id}`` shows of the job when it is done: ``quantum_results`` and ``info``."""
    text = json.loads(body.model_dump_json())
    assert json.loads(type(body).model_validate(text).model_dump_json()) == text  # nothing is lost on the way
    packed = tuple(map(write_qpy, circuits))
    read = [read_qpy(each) for each in packed]
    order = order_flow if isinstance(body, models.FlowCreate) else order_run
    recipe = order(
        type(body).model_validate(text), list(map(_facts, read)), catalogue=Catalogue(), limits=Limits()
    ).recipe
    work = pipeline.Work(recipe=recipe, circuit_ids=tuple(body.circuit_ids), circuits=packed)
    outcome = pipeline.run(work, read, engine=LocalEngine(), limit=1 << 28, report=lambda *_: None)
    return json.loads(outcome.results), dict(outcome.info)


def _facts(circuit):
    return SimpleNamespace(
        id=circuit.name,
        num_qubits=circuit.num_qubits,
        num_parameters=circuit.num_parameters,
        measures=measures(circuit),
    )

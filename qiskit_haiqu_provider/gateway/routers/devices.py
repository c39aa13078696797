"""Devices."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from qiskit_haiqu_provider.api import models
from qiskit_haiqu_provider.gateway.auth import Authorized, KeyedRoute
from qiskit_haiqu_provider.gateway.catalogue import device_body
from qiskit_haiqu_provider.gateway.execution.worker import gates_of
from qiskit_haiqu_provider.gateway.routers.answers import answers
from qiskit_haiqu_provider.gateway.services import Gateway
from qiskit_haiqu_provider.gateway.views import json_response

router = APIRouter(prefix="/devices", tags=["Devices"], route_class=KeyedRoute)

DeviceId = Annotated[str, Path(min_length=1, max_length=200, description="Id of the device.")]


@router.get("", response_model=list[models.Device], responses=answers(401))
def list_devices(_: Authorized, gateway: Gateway) -> Response:
    """All devices and simulators."""
    return json_response([device_body(record, None) for record in gateway.catalogue.records.values()])


@router.get("/{device_id}", response_model=models.Device, responses=answers(401, 404))
def get(device_id: DeviceId, _: Authorized, gateway: Gateway) -> Response:
    """One device."""
    return json_response(device_body(gateway.catalogue.get(device_id), None))


@router.get("/{device_id}/gate_map", response_model=models.GateMap, responses=answers(401, 404))
def gate_map(device_id: DeviceId, _: Authorized, gateway: Gateway) -> Response:
    """Which instructions the device has, and on which qubits."""
    record = gateway.catalogue.get(device_id)
    target = gateway.catalogue.vendor_target(device_id)
    operations = gateway.intake.gate_map(device_id) if target is None else gates_of(target)
    coupling = None if record.coupling_map is None else [list(pair) for pair in record.coupling_map]
    view = {"device_id": record.id, "qubits": record.num_qubits, "coupling_map": coupling, "operations": operations}
    return json_response(view)

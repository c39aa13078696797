"""The page about devices."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from qiskit_haiqu_provider.gateway.dashboard.lists import Search
from qiskit_haiqu_provider.gateway.dashboard.rendering import page
from qiskit_haiqu_provider.gateway.dashboard.visitors import PageRoute, Visiting
from qiskit_haiqu_provider.gateway.services import Gateway

router = APIRouter(prefix="/dashboard/devices", include_in_schema=False, route_class=PageRoute)


@router.get("")
def list_devices(request: Request, _: Visiting, gateway: Gateway, search: Search = "") -> Response:
    """All devices."""
    wanted = search.strip().lower()
    found = [
        record
        for record in gateway.catalogue.records.values()
        if wanted in f"{record.id} {record.vendor} {record.description}".lower()
    ]
    return page(request, "devices.html", devices=found, search=search)

"""Endpoints of the public API that this gateway does not offer: it says so, by name."""

from fastapi import APIRouter, Response

from qiskit_haiqu_provider.gateway.auth import Authorized, KeyedRoute
from qiskit_haiqu_provider.gateway.errors import ApiError
from qiskit_haiqu_provider.gateway.routers.answers import answers
from qiskit_haiqu_provider.gateway.routers.circuits import CircuitId

router = APIRouter(tags=["Not offered"], route_class=KeyedRoute)

_POSTS = {
    "/data_loading": "Data loading",
    "/data_loading_estimates": "Estimates of data loading",
    "/compression": "State compression",
    "/compression_estimates": "Estimates of compression",
    "/variational": "Variational optimisation",
    "/pretraining": "Pretraining",
    "/postprocess": "Post-processing",
    "/postprocess_skqd": "SKQD post-processing",
    "/circuits/lr_qaoa": "Building LR-QAOA circuits",
    "/circuits/{circuit_id}/backpropagate_observables": "Backpropagation of observables",
    "/ai/compress_circuit_with_state_compression": "State compression",
}
_GETS = {
    "/help/benchmarks": "Reference circuits",
    "/circuits/{circuit_id}/metrics_evolution": "Evolution of metrics",
}


_PLAIN = str.maketrans({"/": "_", "{": None, "}": None})


def _refuse(path: str, what: str, method: str) -> None:
    def answer(_: Authorized) -> Response:
        raise ApiError(501, f"{what} ({method} {path}) is not offered by this gateway. Use the Haiqu cloud for it.")

    def answer_with_id(circuit_id: CircuitId, caller: Authorized) -> Response:
        del circuit_id
        return answer(caller)

    plain = path.strip("/").translate(_PLAIN)
    router.add_api_route(
        path,
        answer_with_id if "{" in path else answer,
        methods=[method],
        status_code=501,
        summary=f"{what}: not offered",
        description=f"{what} is not offered by this gateway; the answer says so.",
        operation_id=f"not_offered_{method.lower()}_{plain}",
        response_model=None,
        responses=answers(401, 404, 501),
    )


for _path, _what in _POSTS.items():
    _refuse(_path, _what, "POST")
for _path, _what in _GETS.items():
    _refuse(_path, _what, "GET")

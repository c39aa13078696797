"""What the gateway is, and who calls."""

from fastapi import APIRouter, Response

from qiskit_haiqu_provider.api import models
from qiskit_haiqu_provider.gateway.auth import Authorized
from qiskit_haiqu_provider.gateway.routers.answers import answers
from qiskit_haiqu_provider.gateway.views import json_response, user_view
from qiskit_haiqu_provider.version import __version__

router = APIRouter(tags=["Gateway"])


@router.get("/version", response_model=models.Version, responses=answers())
def version() -> Response:
    """The version of the gateway. Needs no key."""
    return json_response({"version": __version__})


@router.get("/health/auth", response_model=models.AuthHealth, responses=answers(401))
def health(caller: Authorized) -> Response:
    """Whether the key is good."""
    return json_response({"username": caller.user.username})


@router.get("/user", response_model=models.User, responses=answers(401))
def user(caller: Authorized) -> Response:
    """The account that the key belongs to. The key itself is not repeated."""
    return json_response(user_view(caller.user))

"""What endpoints work with: the store, the processes, the devices. One object per running gateway."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from qiskit_haiqu_provider.gateway.catalogue import Catalogue
from qiskit_haiqu_provider.gateway.execution.processes import Intake
from qiskit_haiqu_provider.gateway.execution.scheduler import Scheduler
from qiskit_haiqu_provider.gateway.ratelimit import RateLimit
from qiskit_haiqu_provider.gateway.settings import Settings
from qiskit_haiqu_provider.gateway.store.database import Database


@dataclass(frozen=True)
class Services:
    """The parts of a running gateway."""

    settings: Settings
    database: Database
    intake: Intake
    scheduler: Scheduler
    catalogue: Catalogue
    rate_limit: RateLimit


async def _services(request: Request) -> Services:  # so that no thread is asked for it
    services: Services = request.app.state.services
    return services


Gateway = Annotated[Services, Depends(_services)]
"""Parameter of an endpoint: the running gateway."""

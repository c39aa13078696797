"""The tools for agents, as endpoints; the MCP server offers exactly these."""

from fastapi import APIRouter

from qiskit_haiqu_provider.gateway.routers import ai_artifacts, ai_circuits, ai_experiments, ai_jobs, ai_runs

router = APIRouter(prefix="/ai", tags=["AI"])
for _module in (ai_experiments, ai_circuits, ai_runs, ai_jobs):
    router.include_router(_module.router)
router.include_router(ai_artifacts.router)  # last: its paths begin with any id

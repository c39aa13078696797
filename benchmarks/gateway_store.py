"""What the database of a gateway must hold after all jobs are done."""

from sqlalchemy import func, select

from qiskit_haiqu_provider.gateway.store.database import Database
from qiskit_haiqu_provider.gateway.store.tables import Job, JobResult


def problems_of(url: str, *, jobs: int) -> list[str]:
    """What is wrong with a database in which so many jobs were accepted; nothing if none was lost or doubled."""
    database = Database(url)
    with database.read() as session:
        facts = {
            "jobs": session.scalar(select(func.count()).select_from(Job)),
            "jobs that are done": session.scalar(select(func.count()).where(Job.status == "Done")),
            "different keys": session.scalar(select(func.count(Job.idempotency_key.distinct()))),
            "results": session.scalar(select(func.count()).select_from(JobResult)),
        }
    database.close()
    return [f"the database has {count} {name}, not {jobs}" for name, count in facts.items() if count != jobs]


def started_again(url: str) -> int:
    """How many jobs were started more than once."""
    database = Database(url)
    with database.read() as session:
        count = session.scalar(select(func.count()).where(Job.attempts > 1))
    database.close()
    return count or 0

"""What the gateway keeps: users, experiments, circuits and jobs, in SQLite or PostgreSQL.

Every function takes a session of :meth:`~qiskit_haiqu_provider.gateway.store.database.Database.read` or
:meth:`~qiskit_haiqu_provider.gateway.store.database.Database.write` first. A row that belongs to somebody else and a
row that does not exist are the same: ``None``.
"""

from qiskit_haiqu_provider.gateway.store.database import Database

__all__ = ["Database"]

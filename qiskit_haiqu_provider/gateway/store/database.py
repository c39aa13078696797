"""One database: SQLite in a private file, or PostgreSQL by URL."""

import contextlib
import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.orm import Session

from qiskit_haiqu_provider.exceptions import HaiquDependencyError, HaiquError, HaiquInputError
from qiskit_haiqu_provider.files import default_home, private_folder

_MIGRATIONS = Path(__file__).parent / "migrations"
_ALEMBIC = threading.Lock()
"""Alembic keeps the migration that runs in module globals."""

_OWN_LOCK, _MIGRATE_LOCK = 0x4841495155_01, 0x4841495155_02
"""PostgreSQL's advisory locks are numbers that everybody on the database shares; these spell our name."""

_WAIT_FOR_WRITER = 30
"""Seconds that SQLite waits for another process to end its write."""


_WAIT_FOR_DEAD_OWNER = 3
"""Seconds that a new owner waits: PostgreSQL takes a moment to see that the client of the last one is gone."""


class Database:
    """Where the gateway keeps everything.

    Nothing is opened before the first use. What :meth:`write` has committed survives the death of the process.

    Args:
        url: ``sqlite:///path/to/file``, or ``postgresql://user:password@host/name``. Default: the SQLite file
            ``gateway.db`` in ``HAIQU_HOME``, else in the platform's data folder.
    """

    def __init__(self, url: str | None = None) -> None:
        parsed = _parsed(url)
        self.url = parsed.set(query={}).render_as_string(hide_password=True)
        self._file = Path(str(parsed.database)) if parsed.drivername == "sqlite" else None
        self._home_made = url is None
        self._one_writer: AbstractContextManager[Any] = contextlib.nullcontext()
        if self._file is None:
            self._writer = self._engine(parsed, **_POSTGRES, connect_args=_patience(parsed))
            self._reader: Engine = self._writer.execution_options(postgresql_readonly=True)
            return
        # One connection writes, the others cannot: no read is ever upgraded to a write, which SQLite may refuse.
        self._one_writer = threading.Lock()
        self._writer = self._engine(parsed, pool_size=1, max_overflow=0, connect_args={"timeout": _WAIT_FOR_WRITER})
        self._reader = self._engine(parsed, pool_size=8, max_overflow=-1, connect_args={"timeout": _WAIT_FOR_WRITER})
        for engine, pragmas, begin in (
            (self._writer, _WRITER_PRAGMAS, "BEGIN IMMEDIATE"),
            (self._reader, _READER_PRAGMAS, "BEGIN"),
        ):
            event.listen(engine, "do_connect", self._make_file)
            event.listen(engine, "connect", partial(_set_up_sqlite, pragmas))
            event.listen(engine, "begin", partial(_begin_sqlite, begin))

    def __repr__(self) -> str:
        return f"Database({self.url!r})"

    def migrate(self) -> None:
        """Bring the tables up to date. Several processes may do so at once; all but one find nothing to do.

        Raises:
            HaiquError: If the database cannot be reached, or a newer release has changed its tables.
        """
        from alembic import command  # as long to import as all the rest, and needed once
        from alembic.config import Config
        from alembic.util import CommandError

        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        with _ALEMBIC, self._one_writer, self._writer.begin() as connection:
            if self._file is None:
                connection.execute(select(func.pg_advisory_xact_lock(_MIGRATE_LOCK)))
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError as error:
                raise HaiquError(
                    f"The tables of {self.url} cannot be brought up to date ({error}). If a newer release has used "
                    "this database, install that release again, or name another database."
                ) from error

    @contextlib.contextmanager
    def read(self) -> Iterator[Session]:
        """A session that cannot write. Its rows can be used after it."""
        with Session(self._reader, expire_on_commit=False) as session:
            yield session

    @contextlib.contextmanager
    def write(self) -> Iterator[Session]:
        """A session that commits at the end, or takes everything back after an error. Must not be nested."""
        with self._one_writer, Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    @contextlib.contextmanager
    def own(self) -> Iterator[None]:
        """Be the only process that runs the jobs of this database. A process that dies gives it up.

        Raises:
            HaiquError: If another gateway runs them.
        """
        with self._own_postgres() if self._file is None else self._own_file(self._file) as owned:
            if not owned:
                raise HaiquError(
                    f"Another gateway runs the jobs of {self.url}. Stop it first, or give this one another database."
                )
            yield

    def close(self) -> None:
        """Close all connections."""
        self._reader.dispose()
        self._writer.dispose()

    @contextlib.contextmanager
    def _own_file(self, file: Path) -> Iterator[bool]:
        from filelock import FileLock, Timeout  # only the gateway itself needs it

        self._make_file()
        lock = FileLock(f"{file}.lock", mode=0o600, thread_local=False)  # may be released by another thread
        try:
            lock.acquire(timeout=0)
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    @contextlib.contextmanager
    def _own_postgres(self) -> Iterator[bool]:
        with self._writer.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            owned = _try_own(connection)
            until = time.monotonic() + _WAIT_FOR_DEAD_OWNER
            while not owned and time.monotonic() < until:
                time.sleep(0.05)
                owned = _try_own(connection)
            try:
                yield owned
            finally:
                if owned:
                    _disown(connection)

    def _engine(self, url: URL, **settings: Any) -> Engine:
        try:
            # Parameters stay out of error messages: they are the users' data.
            engine = create_engine(url, hide_parameters=True, json_serializer=_to_json, **settings)
        except ImportError as error:
            raise HaiquDependencyError(
                f"PostgreSQL needs the package psycopg ({error.__class__.__name__} on import). "
                "Install it with: pip install 'qiskit-haiqu-provider[gateway,postgres]'"
            ) from error
        event.listen(engine, "handle_error", self._explain)
        return engine

    def _explain(self, context: ExceptionContext) -> HaiquError | None:
        """A clear error where no connection could be made; other errors stay as they are."""
        if context.connection is not None or context.is_pre_ping:
            return None
        advice = "Check that the server runs, and that address, user, password and name in the URL are right."
        if self._file is not None:
            advice = "Check that the file may be read and written, or name another one."
        return HaiquError(
            f"The database {self.url} cannot be opened: {str(context.original_exception).strip()}. {advice}"
        )

    def _make_file(self, *_: Any) -> None:
        """Make SQLite's file before SQLite does, which would let others read it."""
        file = self._file
        if file is None or file.exists():
            return
        try:
            if self._home_made or not file.parent.exists():
                private_folder(file.parent)
            os.close(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600))
        except OSError as error:
            raise HaiquError(
                f"The database {file} cannot be made ({error.strerror or error}). Set HAIQU_HOME to a folder that can "
                "be written, or name another database."
            ) from error


def _try_own(connection: Connection) -> bool:
    return bool(connection.scalar(select(func.pg_try_advisory_lock(_OWN_LOCK))))


def _disown(connection: Connection) -> None:
    """Give the lock back before this returns; if the connection is lost, so is the lock."""
    with contextlib.suppress(DBAPIError):
        connection.scalar(select(func.pg_advisory_unlock(_OWN_LOCK)))
    connection.invalidate()  # never back into the pool, where it could keep the lock


_POSTGRES: dict[str, Any] = {"pool_size": 10, "max_overflow": 30, "pool_pre_ping": True}

_WRITER_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=NORMAL",  # survives the death of the process; a power cut can take the last commits, never the rest
    "foreign_keys=ON",
    f"journal_size_limit={64 * 2**20}",
)
_READER_PRAGMAS = ("query_only=ON",)

_to_json = partial(json.dumps, allow_nan=False, separators=(",", ":"))
"""NaN is no JSON: PostgreSQL refuses it, so SQLite must not take it either."""


def _parsed(url: str | None) -> URL:
    if url is None:
        return URL.create("sqlite", database=str(default_home() / "gateway.db"))
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise HaiquInputError(f"The database URL cannot be read. {_FORMS}") from None  # its text may hold a password
    if parsed.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    name = parsed.database or ":memory:"
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise HaiquInputError(f"The database URL begins with '{parsed.drivername}://', which is not known. {_FORMS}")
    if name == ":memory:" or name.startswith("file:") or parsed.query:
        raise HaiquInputError(f"The database URL must name a file and nothing more. {_FORMS}")
    return URL.create("sqlite", database=str(Path(name).expanduser().absolute()))


_FORMS = "Use sqlite:///path/to/file.db or postgresql://user:password@host:5432/name."


def _patience(url: URL) -> dict[str, Any]:
    """Ten seconds to connect, unless the URL says otherwise: libpq alone waits for minutes."""
    return {} if "connect_timeout" in url.query else {"connect_timeout": 10}


def _set_up_sqlite(pragmas: tuple[str, ...], connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # transactions begin where we say so, and hold changes of tables too
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(begin: str, connection: Connection) -> None:
    connection.exec_driver_sql(begin)

"""What SQLAlchemy spells differently for each database, or not at all."""

from functools import cache

from sqlalchemy import ColumnElement, Executable, Table, or_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute, Session

from qiskit_haiqu_provider.gateway.store.tables import Base


def insert_into(session: Session, table: type[Base]) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that can say what happens on a conflict. Both databases take the same words."""
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


@cache
def insert_once(dialect: str, table: Table, *columns: str) -> Executable:
    """An INSERT that does nothing if a row has the same values in these columns; built once for each database."""
    if dialect == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing(index_elements=columns)
    return sqlite.insert(table).on_conflict_do_nothing(index_elements=columns)


def contains(text: str, *columns: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """Whether one of the columns contains the text, in any case; ``%`` and ``_`` mean themselves."""
    return or_(*(column.icontains(text, autoescape=True) for column in columns))

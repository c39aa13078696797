"""What SQLAlchemy spells differently for each database, or not at all."""

from sqlalchemy import ColumnElement, or_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute, Session

from qiskit_haiqu_provider.gateway.store.tables import Base


def insert_into(session: Session, table: type[Base]) -> postgresql.Insert | sqlite.Insert:
    """An INSERT that can say what happens on a conflict. Both databases take the same words."""
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def contains(text: str, *columns: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """Whether one of the columns contains the text, in any case; ``%`` and ``_`` mean themselves."""
    return or_(*(column.icontains(text, autoescape=True) for column in columns))

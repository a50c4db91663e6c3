"""An insert that skips a row another one is in the way of, or takes that one's place, on both databases.

Not an error that is caught: PostgreSQL would write it into its own log, and the transaction would be lost.
"""

from collections.abc import Callable

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

_INSERTS: dict[str, Callable[[Table], sqlite.Insert | postgresql.Insert]] = {
    "postgresql": postgresql.insert,
    "sqlite": sqlite.insert,
}


def insert_or_skip(
    connection: AsyncConnection, table: Table, unique: str | None = None
) -> sqlite.Insert | postgresql.Insert:
    """Without `unique` a row of any key, or of a partial index, is in the way."""
    elements = None if unique is None else [unique]
    return _INSERTS[connection.dialect.name](table).on_conflict_do_nothing(index_elements=elements)


def insert_or_replace(connection: AsyncConnection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """A row of the same primary key gets these values."""
    insert = _INSERTS[connection.dialect.name](table)
    key = list(table.primary_key.columns)
    values = {column.name: insert.excluded[column.name] for column in table.columns if column not in key}
    return insert.on_conflict_do_update(index_elements=key, set_=values)

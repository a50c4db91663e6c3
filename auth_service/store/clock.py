"""The database's clock as an SQL expression: the one clock all instances share."""

from datetime import timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, FunctionElement, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from auth_service.store.tables import UtcMillis


class database_now(FunctionElement[Any]):  # noqa: N801 -- reads as the SQL function it is
    """Now, not the transaction's begin: a transaction may have waited for a lock in between."""

    type = UtcMillis()
    inherit_cache = True


@compiles(database_now, "postgresql")
def _postgresql(_element: database_now, _compiler: SQLCompiler, **_options: object) -> str:
    return "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)"


@compiles(database_now, "sqlite")
def _sqlite(_element: database_now, _compiler: SQLCompiler, **_options: object) -> str:
    # unixepoch('subsec') needs 3.42; a Julian day is exact to well under a millisecond.
    return "CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)"


def ago(span: timedelta) -> ColumnElement[Any]:
    """The moment that long before now."""
    return database_now() - literal(span // timedelta(milliseconds=1), BigInteger)

"""Copies of PostgreSQL templates that are lent to one test after the other: emptying one is cheaper than making one.

What comes back is as it was lent: the template's rows, its sequences, nobody connected. A copy whose schema or planner
statistics a test has changed is dropped, and so is one that cannot be emptied.
"""

import asyncio
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import asyncpg

T = TypeVar("T")

_SECONDS = 60.0
# Every object keeps its oid and the transaction that wrote it in a copy; statistics are of tables a test has filled.
_SCHEMA = """
    SELECT md5(string_agg(line, ' ' ORDER BY line)) FROM (
        SELECT oid || ':' || xmin AS line FROM pg_class WHERE oid >= 16384
        UNION ALL SELECT oid || ':' || xmin FROM pg_proc WHERE oid >= 16384
        UNION ALL SELECT oid || ':' || xmin FROM pg_trigger
        UNION ALL SELECT oid || ':' || xmin FROM pg_constraint WHERE oid >= 16384
        UNION ALL SELECT attrelid || '.' || attnum || ':' || xmin FROM pg_attribute WHERE attrelid >= 16384
        UNION ALL SELECT 'statistics of ' || starelid FROM pg_statistic WHERE starelid >= 16384
    ) AS lines
"""
_TABLES = "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
_SEQUENCES = "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'S'"
_END_OTHERS = f"""
    SELECT pg_terminate_backend(pid, {int(_SECONDS)}000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


class _Copy(NamedTuple):
    name: str
    url: str
    connection: "asyncpg.Connection[asyncpg.Record]"
    schema: str
    reset: str


class Copies:
    """`create` makes a copy of a template under a name and gives its address, `drop` removes it."""

    def __init__(self, create: Callable[[str, str], str], drop: Callable[[str], None]) -> None:
        self._create, self._drop = create, drop
        self._spare: defaultdict[str, list[_Copy]] = defaultdict(list)
        # A loop of its own: fixtures and tests ask from inside and from outside of theirs.
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="copies", daemon=True)
        self._thread.start()

    @contextmanager
    def lent(self, template: str) -> Iterator[str]:
        """Give the address of a copy nobody else uses."""
        spare = self._spare[template]
        copy = spare.pop() if spare else self._made(template)
        yield copy.url
        if self._run(_is_as_before(copy)):
            spare.append(copy)
        else:
            copy.connection.terminate()
            self._drop(copy.name)

    def close(self) -> None:
        for copies in self._spare.values():
            for copy in copies:
                self._run(_hang_up(copy))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _made(self, template: str) -> _Copy:
        name = f"copy_{uuid.uuid4().hex}"
        return self._run(_opened(name, self._create(name, template)))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_SECONDS)


async def _opened(name: str, url: str) -> _Copy:
    connection = await asyncpg.connect(url)
    schema = str(await connection.fetchval(_SCHEMA))
    return _Copy(name, url, connection, schema, await _reset_of(connection))


async def _reset_of(connection: "asyncpg.Connection[asyncpg.Record]") -> str:
    """The statements that bring back what is there now."""
    tables = [row[0] for row in await connection.fetch(_TABLES)]
    # Without triggers: an audit log does not let itself be emptied, and tables refer to each other.
    steps = ["BEGIN", "SET LOCAL session_replication_role = replica", *(f"DELETE FROM {table}" for table in tables)]
    for table in tables:
        rows = await connection.fetchval(f"SELECT json_agg(t) FROM {table} t")
        if rows:
            steps.append(
                f"INSERT INTO {table} SELECT * FROM json_populate_recordset(NULL::{table}, $rows${rows}$rows$)"
            )
    for (sequence,) in await connection.fetch(_SEQUENCES):
        value, is_called = await connection.fetchrow(f"SELECT last_value, is_called FROM {sequence}")
        steps.append(f"SELECT setval('{sequence}', {value}, {is_called})")
    return "; ".join([*steps, "COMMIT"])


async def _is_as_before(copy: _Copy) -> bool:
    """Empty the copy; False where it cannot be lent again."""
    try:
        await copy.connection.execute(_END_OTHERS)
        if await copy.connection.fetchval(_SCHEMA) != copy.schema:
            return False
        await copy.connection.execute(copy.reset)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        return False
    return True


async def _hang_up(copy: _Copy) -> None:
    copy.connection.terminate()

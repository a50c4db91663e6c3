"""The changes feed: what the gateways must hear, one row per subject with its latest number.

Numbers are taken under the lock of one counter row as the last statements before the commit, so they become visible in
order and a reader's cursor never skips a late committer. They are never below the database's Unix milliseconds: when it
is restored from a backup, what comes then is above every cursor the gateways hold, though the counter went back.
Revocations older than every token they concern are pruned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import BigInteger, RowMapping, delete, func, select, type_coerce, update
from sqlalchemy.ext.asyncio import AsyncConnection

from auth_service.core.changes import ChangesPage
from auth_service.store import tables
from auth_service.store.clock import database_now
from auth_service.store.insertion import insert_or_replace

Kind = Literal["user", "session", "keys"]

PAGE_ROWS = 1000
REVOCATION_LIFE = timedelta(minutes=25)

_change = tables.change
_counter = tables.change_counter
_user = tables.user


@dataclass(frozen=True, slots=True)
class Note:
    """A subject that changed; `user` says whose session it was."""

    kind: Kind
    subject: str
    user: str | None = None


async def write(connection: AsyncConnection, notes: Sequence[Note]) -> None:
    """Numbers the notes. Nothing may follow but the commit: the counter's lock is held from here on."""
    if not notes:
        return
    greatest = func.greatest if connection.dialect.name == "postgresql" else func.max
    before = greatest(_counter.c.value, type_coerce(database_now(), BigInteger))
    taken = await connection.execute(
        update(_counter).values(value=before + len(notes)).returning(_counter.c.value, database_now().label("now"))
    )
    last, now = taken.one()
    rows = [
        {"kind": note.kind, "subject": note.subject, "n": n, "user_id": note.user, "changed_at": now}
        for n, note in enumerate(notes, start=last - len(notes) + 1)
    ]
    await connection.execute(insert_or_replace(connection, _change), rows)
    await connection.execute(
        delete(_change).where(_change.c.kind == "session", _change.c.changed_at < now - REVOCATION_LIFE)
    )


async def page(connection: AsyncConnection, cursor: int) -> ChangesPage:
    """The changes after the cursor, at most a page of them; users as they are now."""
    query = (
        select(_change, _user.c.id.label("found"), _user.c.name, _user.c.picture, _user.c.is_disabled)
        .outerjoin(_user, (_change.c.kind == "user") & (_user.c.id == _change.c.subject))
        .where(_change.c.n > cursor)
        .order_by(_change.c.n)
        .limit(PAGE_ROWS + 1)
    )
    rows = (await connection.execute(query)).mappings().all()
    shown = rows[:PAGE_ROWS]
    return ChangesPage([_entry(row) for row in shown], shown[-1]["n"] if shown else cursor, len(rows) > PAGE_ROWS)


def _entry(row: RowMapping) -> dict[str, Any]:
    n, kind, subject = row["n"], row["kind"], row["subject"]
    if kind == "session":
        return {"n": n, "kind": kind, "id": subject, "user": row["user_id"]}
    if kind == "keys":
        return {"n": n, "kind": kind, "version": n}
    is_deleted = row["found"] is None
    return {
        "n": n,
        "kind": kind,
        "id": subject,
        "name": "" if is_deleted else row["name"],
        "picture": "" if is_deleted else row["picture"],
        "disabled": False if is_deleted else row["is_disabled"],
        "deleted": is_deleted,
    }

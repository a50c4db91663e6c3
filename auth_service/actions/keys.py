"""The life of signing keys: the first one, the next one in time, a new one at once, and the end of old ones.

Any instance may do each of these at any moment. They agree by the rows: who changes keys locks them first, then reads
them, and so finds what another one has just done.
"""

from dataclasses import dataclass
from datetime import datetime

from auth_service.core import keys
from auth_service.core.audit import Event, record
from auth_service.core.auth import Auth
from auth_service.core.callers import SYSTEM, Caller
from auth_service.core.keys import KeyRow, State
from auth_service.core.ports import Transaction


@dataclass(frozen=True, slots=True)
class Listed:
    """A key as an administrator sees it."""

    key: KeyRow
    state: State


async def ensure(auth: Auth) -> None:
    """At start: there is a key, and the settings' first key encrypts all of them. Raises UnreadableKey.

    Where one was in the clear until now, all are replaced at once: backups hold it for whoever reads them.
    """
    async with auth.store.transaction() as tx:
        await _follow_plan(auth, tx)
        rows = await tx.keys.all()
        rewrapped = {key: new for key in rows if (new := auth.vault.rewrapped(key)) is not None}
        if any(key.wrapped_by is None for key in rewrapped):
            await _replace_all(auth, tx, rows, SYSTEM, why="in the clear")
            return
        for new in rewrapped.values():
            await tx.keys.replace_wrapping(new)


async def tick(auth: Auth) -> None:
    """Now and then: makes the next key when it is time, and ends those that verify nothing any more."""
    async with auth.store.reading() as tx:
        is_quiet = keys.plan(await tx.keys.all(), await tx.now()).is_empty
    if not is_quiet:
        async with auth.store.transaction() as tx:
            await _follow_plan(auth, tx)


async def rotate(auth: Auth) -> KeyRow:
    """The next key: published now, it signs from tomorrow on; if there is one already, that one.

    Raises UnreadableKey.
    """
    async with auth.store.transaction() as tx:
        await tx.keys.lock()
        rows, now = await tx.keys.all(), await tx.now()
        for key in rows:
            # The services have the settings they have: ones that cannot open this are not those.
            auth.vault.open(key)
        waiting = [key for key in rows if key.signs_from > now]
        if waiting:
            return waiting[-1]
        return await _add(auth, tx, rows, now + keys.AHEAD if rows else now, auth.operator, why="command")


async def rotate_now(auth: Auth) -> KeyRow:
    """A new key signs at once and all others go, with every token they signed: for keys that somebody else may have.

    The gateways are told; clients fetch a new token with the session they have.
    """
    async with auth.store.transaction() as tx:
        await tx.keys.lock()
        return await _replace_all(auth, tx, await tx.keys.all(), auth.operator, why="at once")


async def listed(auth: Auth) -> list[Listed]:
    async with auth.store.reading() as tx:
        rows, now = await tx.keys.all(), await tx.now()
    return [Listed(key, keys.state(key, rows, now)) for key in rows]


async def _follow_plan(auth: Auth, tx: Transaction) -> None:
    await tx.keys.lock()
    rows = await tx.keys.all()
    plan = keys.plan(rows, await tx.now())
    if plan.next_signs_from is not None:
        await _add(auth, tx, rows, plan.next_signs_from, SYSTEM, why="schedule" if rows else "first")
    if not rows:
        await tx.keys.note()  # of a database made anew: the gateways may hold keys of the one before
    for key in plan.retired:
        await tx.keys.remove(key.id)


async def _replace_all(auth: Auth, tx: Transaction, rows: tuple[KeyRow, ...], caller: Caller, *, why: str) -> KeyRow:
    key = await _add(auth, tx, rows, await tx.now(), caller, why=why)
    for row in rows:
        await tx.keys.remove(row.id)
    await tx.keys.note()
    return key


async def _add(
    auth: Auth, tx: Transaction, rows: tuple[KeyRow, ...], signs_from: datetime, caller: Caller, *, why: str
) -> KeyRow:
    key = auth.vault.new_key(keys.next_generation(rows), signs_from)
    await tx.keys.add(key)
    await tx.audit.add(record(Event.KEYS_ROTATED, None, caller, key=key.id, generation=key.generation, why=why))
    return key

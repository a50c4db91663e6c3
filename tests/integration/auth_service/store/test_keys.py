import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy.exc import IntegrityError

from auth_service.core.keys import KeyRow
from auth_service.store.database import Database
from tests.integration.auth_service.statements import statements

AT = datetime(2026, 1, 1, tzinfo=UTC)


def a_key(name: str, generation: int = 1) -> KeyRow:
    return KeyRow(name, generation, name.encode() * 32, None, AT)


async def test_who_changes_keys_sees_what_the_one_before_has_done(database: Database) -> None:
    async def change(name: str) -> int:
        async with database.transaction() as tx:
            await tx.keys.lock()
            before = await tx.keys.all()
            generation = max((key.generation for key in before), default=0) + 1
            await tx.keys.add(a_key(name, generation))
            for key in before:
                await tx.keys.remove(key.id)
            return generation

    assert sorted(await asyncio.gather(*(change(name) for name in "abcdef"))) == [1, 2, 3, 4, 5, 6]
    async with database.reading() as tx:
        (last,) = await tx.keys.all()
    assert last == a_key(last.id, 6)


async def test_generation_is_there_once(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.keys.add(a_key("a"))
    with pytest.raises(IntegrityError):
        async with database.transaction() as tx:
            await tx.keys.add(a_key("b"))


async def test_lock_holds_up_nobody_who_reads(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.keys.lock()
        await tx.keys.add(a_key("a"))
        async with database.reading() as other:
            assert await other.keys.all() == ()


async def test_other_wrapping_replaces_the_secret_and_nothing_else(database: Database) -> None:
    wrapped = replace(a_key("a"), private_key=b"wrapped", wrapped_by="k")
    async with database.transaction() as tx:
        await tx.keys.add(a_key("a"))
        await tx.keys.add(a_key("b", 2))
        await tx.keys.replace_wrapping(wrapped)
        assert await tx.keys.all() == (wrapped, a_key("b", 2))


async def test_noted_keys_reach_the_gateways_with_a_new_version(database: Database, rings: list[str]) -> None:
    before = 0
    for _ in "ab":
        before = (await database.changes_after(0)).next
        async with database.transaction() as tx:
            await tx.keys.note()
    page = await database.changes_after(0)
    assert page.changes == [{"n": page.next, "kind": "keys", "version": page.next}]
    assert page.next > before > 0
    assert rings == ["ring", "ring"]


async def test_keys_come_with_the_databases_time_in_one_statement_without_a_transaction(database: Database) -> None:
    async with database.looking() as tx:
        assert await tx.keys.all_now() == ((), None)
    async with database.transaction() as tx:
        await tx.keys.add(a_key("a"))
        before = await tx.now()
    with statements(database) as seen:
        async with database.looking() as tx:
            rows, now = await tx.keys.all_now()
    assert rows == (a_key("a"),)
    assert now is not None
    assert now >= before
    assert len(seen) == 1
    assert seen[0].startswith("SELECT")

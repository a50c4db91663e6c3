import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest
from sqlalchemy import text

from auth_service.actions import keys
from auth_service.core.audit import Event, Wanted
from auth_service.core.auth import Auth
from auth_service.core.keys import AHEAD, KEPT, ROTATION, KeyRow, UnreadableKey
from auth_service.crypto.wrapping import Vault
from auth_service.store.database import Database
from tests.integration.auth_service.rows import Age

A, B = b"a" * 32, b"b" * 32
MINUTE = 60.0


async def rows(auth: Auth) -> tuple[KeyRow, ...]:
    async with auth.store.reading() as tx:
        return await tx.keys.all()


async def states(auth: Auth) -> list[tuple[int, str]]:
    return [(each.key.generation, each.state) for each in await keys.listed(auth)]


async def audited(auth: Auth) -> list[tuple[str, object, object]]:
    async with auth.store.reading() as tx:
        records = [each.record for each in await tx.audit.page(Wanted(event=Event.KEYS_ROTATED))]
    return [(each.actor, each.details["generation"], each.details["why"]) for each in records]


@pytest.fixture
async def instances(auth: Auth, migrated_url: str) -> AsyncIterator[list[Auth]]:
    """Three instances of the service on one database, each with a pool of its own."""
    others = [Database(migrated_url, on_change=lambda: None) for _ in "ab"]
    yield [auth, *(replace(auth, store=other) for other in others)]
    for other in others:
        await other.close()


async def test_first_key_signs_at_once_and_is_made_once(auth: Auth) -> None:
    await keys.ensure(auth)
    await keys.ensure(auth)
    assert await states(auth) == [(1, "signing")]
    assert await audited(auth) == [("system", 1, "first")]


async def test_instances_that_start_together_agree_on_one_key(instances: list[Auth]) -> None:
    await asyncio.gather(*(keys.ensure(each) for each in instances for _ in range(3)))
    assert [await states(each) for each in instances] == [[(1, "signing")]] * 3
    assert len(await audited(instances[0])) == 1


async def test_schedule_goes_by_itself_and_two_keys_overlap(auth: Auth, age: Age) -> None:
    await keys.ensure(auth)
    await age((ROTATION - AHEAD).total_seconds() - MINUTE)
    await keys.tick(auth)
    assert await states(auth) == [(1, "signing")]
    await age(MINUTE)
    await keys.tick(auth)
    assert await states(auth) == [(1, "signing"), (2, "next")]
    await age(AHEAD.total_seconds())
    await keys.tick(auth)
    assert await states(auth) == [(1, "verifying"), (2, "signing")]
    await age(KEPT.total_seconds() - MINUTE)
    await keys.tick(auth)
    assert await states(auth) == [(1, "verifying"), (2, "signing")]
    await age(MINUTE)
    await keys.tick(auth)
    assert await states(auth) == [(2, "signing")]
    assert await audited(auth) == [("system", 1, "first"), ("system", 2, "schedule")]


async def test_schedule_tells_the_gateways_nothing_as_they_learn_the_key_a_day_ahead(
    auth: Auth, database: Database, age: Age
) -> None:
    await keys.ensure(auth)
    before = await database.changes_after(0)
    await age(ROTATION.total_seconds())
    await keys.tick(auth)
    await keys.rotate(auth)
    assert (await database.changes_after(0)).changes == before.changes


async def test_instances_that_look_at_once_make_one_next_key(instances: list[Auth], age: Age) -> None:
    await keys.ensure(instances[0])
    for generation in range(2, 6):
        await age(ROTATION.total_seconds())
        await asyncio.gather(*(keys.tick(each) for each in instances for _ in range(3)))
        assert [row.generation for row in await rows(instances[0])][-1] == generation
    generations = [generation for _, generation, _ in await audited(instances[0])]
    assert generations == [1, 2, 3, 4, 5]


async def test_key_asked_for_by_command_signs_after_a_day_and_asking_again_changes_nothing(auth: Auth) -> None:
    await keys.ensure(auth)
    key = await keys.rotate(auth)
    assert await keys.rotate(auth) == key
    assert await states(auth) == [(1, "signing"), (2, "next")]
    first, second = await rows(auth)
    assert second.signs_from - first.signs_from >= AHEAD
    assert (await audited(auth))[-1] == ("command line", 2, "command")


async def test_command_on_an_empty_database_makes_the_first_key(auth: Auth) -> None:
    await keys.rotate(auth)
    assert await states(auth) == [(1, "signing")]


async def test_key_at_once_replaces_all_others_and_the_gateways_hear(auth: Auth, database: Database) -> None:
    await keys.ensure(auth)
    await keys.rotate(auth)
    key = await keys.rotate_now(auth)
    assert await states(auth) == [(3, "signing")]
    (row,) = await rows(auth)
    assert row.id == key.id
    versions = [change["version"] for change in (await database.changes_after(0)).changes if change["kind"] == "keys"]
    again = await keys.rotate_now(auth)
    (told,) = [change for change in (await database.changes_after(0)).changes if change["kind"] == "keys"]
    assert again.generation == 4
    assert told["version"] > versions[0]
    assert [why for _, _, why in await audited(auth)] == ["first", "command", "at once", "at once"]


@pytest.mark.parametrize("other", [keys.tick, keys.rotate, keys.rotate_now, keys.ensure], ids=lambda f: f.__name__)
async def test_key_at_once_wins_over_whatever_happens_at_the_same_time(
    instances: list[Auth], age: Age, other: Callable[[Auth], Awaitable[object]]
) -> None:
    await keys.ensure(instances[0])
    for _ in range(5):
        await age(ROTATION.total_seconds())
        before = {row.id for row in await rows(instances[0])}
        await asyncio.gather(other(instances[0]), keys.rotate_now(instances[1]), other(instances[2]))
        after = await keys.listed(instances[0])
        assert not before & {each.key.id for each in after}
        assert [each.state for each in after].count("signing") == 1
        assert {each.state for each in after} <= {"signing", "next"}
        async with instances[0].store.reading() as tx:
            assert min(each.key.signs_from for each in after) <= await tx.now(), "one is there to sign already"


async def test_no_private_key_is_in_the_database_in_the_clear(auth: Auth, database: Database) -> None:
    await keys.ensure(auth)
    await keys.rotate(auth)
    stored = await rows(auth)
    opened = [auth.vault.open(row) for row in stored]
    async with database._engine.connect() as connection:
        everything = [
            bytes(secret) for (secret,) in await connection.execute(text("SELECT private_key FROM signing_key"))
        ]
    assert {row.wrapped_by for row in stored} == {"a"}
    assert len(opened) == len(everything) == 2
    assert not any(secret in kept for secret in opened for kept in everything)


async def test_start_replaces_what_a_demo_left_in_the_clear_and_the_gateways_hear(
    auth: Auth, database: Database
) -> None:
    demo = replace(auth, vault=Vault({}))
    await keys.ensure(demo)
    await keys.rotate(demo)
    clear = await rows(auth)
    assert [row.wrapped_by for row in clear] == [None, None]
    before = (await database.changes_after(0)).changes
    await keys.ensure(auth)
    (row,) = await rows(auth)
    assert (row.generation, row.wrapped_by) == (3, "a")
    assert auth.vault.open(row) not in [one.private_key for one in clear]
    assert await states(auth) == [(3, "signing")]
    assert (await database.changes_after(0)).changes != before
    await keys.ensure(auth)
    assert await rows(auth) == (row,)
    assert (await audited(auth))[2:] == [("system", 3, "in the clear")]


async def test_instances_that_find_a_key_in_the_clear_together_agree_on_one(instances: list[Auth]) -> None:
    await keys.ensure(replace(instances[0], vault=Vault({})))
    await asyncio.gather(*(keys.ensure(each) for each in instances))
    assert [await states(each) for each in instances] == [[(2, "signing")]] * 3


async def test_start_with_a_new_first_key_encrypts_anew_and_the_old_one_may_go(auth: Auth) -> None:
    old = replace(auth, vault=Vault({"a": A}))
    await keys.ensure(old)
    (before,) = await rows(auth)
    await keys.ensure(replace(auth, vault=Vault({"b": B, "a": A})))
    (after,) = await rows(auth)
    assert after.wrapped_by == "b"
    assert Vault({"b": B}).open(after) == old.vault.open(before)
    await keys.ensure(replace(auth, vault=Vault({"b": B})))
    assert await rows(auth) == (after,)


async def test_start_and_rotation_are_refused_with_settings_that_do_not_fit(auth: Auth) -> None:
    await keys.ensure(auth)
    before = await rows(auth)
    for vault in (Vault({}), Vault({"b": B}), Vault({"a": B})):
        stranger = replace(auth, vault=vault)
        for refused in (keys.ensure, keys.rotate):
            with pytest.raises(UnreadableKey, match="AUTH_KEY_ENCRYPTION_KEYS"):
                await refused(stranger)
    assert await rows(auth) == before


async def test_lost_settings_key_is_overcome_by_a_key_at_once(auth: Auth) -> None:
    await keys.ensure(replace(auth, vault=Vault({"lost": B})))
    await keys.rotate_now(auth)
    await keys.ensure(auth)
    assert await states(auth) == [(2, "signing")]

"""Rows of the revision before are what they were after the way up, and after the way down again."""

import asyncio
import sqlite3
import time

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from auth_service.store.migrate import downgrade, upgrade
from tests.integration.auth_service.sql import execute, rows

Rows = dict[str, list[tuple[object, ...]]]

FIRST = {
    "user": """id, email, password, profile, name, picture, role, is_disabled, created_at""",
    "session": "id, user_id, started_at, last_used_at, ended_at",
    "refresh_token": "hash, session_id, killed_at, exchanged_at, salt, key_id, successor",
    "signing_key": "id, generation, private_key, created_at",
    "change": "kind, subject, n, user_id, changed_at",
    "change_counter": "id, value",
}
"""The tables of revision 0001 with their columns."""


def filled(url: str) -> list[str]:
    """Two people with sessions, tokens in every state, a key and what the gateways were told."""
    blob = "decode('{}', 'hex')" if url.startswith("postgres") else "x'{}'"
    one, two, salt, key = (blob.format(letters * 16) for letters in ("a1", "b2", "c3", "d4"))
    return [
        """INSERT INTO "user" VALUES ('u1', 'ann@example.org', 'hash', '{"likes":["cats"]}', 'Ann', '', 'administrator',
           false, 5), ('u2', 'bob@example.org', 'hash', '{}', 'Bob', 'https://a.example/b.png', 'member', true, 6)""",
        "INSERT INTO session VALUES ('s1', 'u1', 10, 20, NULL), ('s2', 'u2', 11, 21, 30)",
        f"INSERT INTO refresh_token VALUES ({one}, 's1', NULL, 15, {salt}, 'a', {two})",
        f"INSERT INTO refresh_token VALUES ({two}, 's1', 16, NULL, NULL, NULL, NULL)",
        f"INSERT INTO signing_key VALUES ('k1', 1, {key}, 7)",
        "INSERT INTO change VALUES ('user', 'u1', 3, NULL, 8), ('session', 's2', 4, 'u2', 9)",
        "UPDATE change_counter SET value = 4",
    ]


async def contents(url: str) -> Rows:
    return {name: sorted(await rows(url, f'SELECT {columns} FROM "{name}"')) for name, columns in FIRST.items()}


async def test_rows_of_the_first_revision_are_kept_up_and_down(database_url: str) -> None:
    await asyncio.to_thread(upgrade, database_url, "0001")
    await execute(database_url, *filled(database_url))
    before = await contents(database_url)
    assert all(before.values())
    for _ in range(2):
        await asyncio.to_thread(upgrade, database_url, "0002")
        assert await contents(database_url) == before
        assert await rows(database_url, "SELECT DISTINCT user_agent, network FROM session") == [("", "")]
        assert await rows(database_url, "SELECT wrapped_by, signs_from FROM signing_key") == [(None, 7)]
        await asyncio.to_thread(downgrade, database_url, "0001")
        assert await contents(database_url) == before


async def test_rules_of_the_first_revision_hold_after_the_way_up_and_down(database_url: str) -> None:
    await asyncio.to_thread(upgrade, database_url, "0001")
    await execute(database_url, *filled(database_url))
    await asyncio.to_thread(upgrade, database_url, "0002")
    await asyncio.to_thread(downgrade, database_url, "0001")
    for refused in (
        "INSERT INTO session VALUES ('s3', 'nobody', 1, 1, NULL)",
        "UPDATE signing_key SET id = NULL",
        """UPDATE "user" SET email = 'ann@example.org'""",
        "INSERT INTO change_counter VALUES (2, 0)",
    ):
        with pytest.raises(DBAPIError) as error:
            await execute(database_url, refused)
        cause = getattr(error.value.orig, "__cause__", None) or error.value.orig
        assert isinstance(cause, sqlite3.IntegrityError | asyncpg.IntegrityConstraintViolationError)
    await execute(database_url, """DELETE FROM "user" WHERE id = 'u1'""")
    assert await rows(database_url, "SELECT id FROM session") == [("s2",)]
    assert await rows(database_url, "SELECT hash FROM refresh_token") == []


async def test_key_that_the_first_revision_cannot_read_does_not_go_down(database_url: str) -> None:
    await asyncio.to_thread(upgrade, database_url, "0001")
    await execute(database_url, *filled(database_url))
    await asyncio.to_thread(upgrade, database_url, "0002")
    await execute(
        database_url,
        "INSERT INTO signing_key (id, generation, private_key, wrapped_by, created_at, signs_from)"
        " SELECT 'k2', 2, private_key, 'a', 8, 9 FROM signing_key",
    )
    await asyncio.to_thread(downgrade, database_url, "0001")
    assert await rows(database_url, "SELECT id FROM signing_key") == [("k1",)]


async def test_audit_log_is_append_only_by_the_database_itself(database_url: str) -> None:
    await asyncio.to_thread(upgrade, database_url, "0002")
    await execute(
        database_url,
        "INSERT INTO audit (at, event, actor, network, details) VALUES (1, 'login.failed', 'unknown', '', '{}')",
    )
    changes = ["UPDATE audit SET actor = 'x'", "DELETE FROM audit", "DELETE FROM audit WHERE n = 1"]
    for change in [*changes, *(["TRUNCATE audit"] if database_url.startswith("postgres") else [])]:
        with pytest.raises(DBAPIError, match="append-only"):
            await execute(database_url, change)
    assert await rows(database_url, "SELECT event FROM audit") == [("login.failed",)]


async def test_old_records_of_the_audit_log_may_go_and_nothing_else(database_url: str) -> None:
    """A record of a moment ago, of almost 30 days, and of more than that: an attacker wipes what he can."""
    await asyncio.to_thread(upgrade, database_url, "0003")
    await execute(database_url, record(0), record(29.9), record(30.1))
    for change in refused(database_url, "DELETE FROM audit", *(f"DELETE FROM audit WHERE n = {n}" for n in (1, 2))):
        with pytest.raises(DBAPIError, match="append-only"):
            await execute(database_url, change)
    assert await rows(database_url, "SELECT n FROM audit ORDER BY n") == [(1,), (2,), (3,)]
    await execute(database_url, "DELETE FROM audit WHERE n = 3")
    assert await rows(database_url, "SELECT n FROM audit ORDER BY n") == [(1,), (2,)]


async def test_audit_log_is_append_only_again_after_the_way_down(database_url: str) -> None:
    await asyncio.to_thread(upgrade, database_url, "0003")
    await execute(database_url, record(0), record(31))
    await asyncio.to_thread(downgrade, database_url, "0002")
    for change in refused(database_url, "DELETE FROM audit", "DELETE FROM audit WHERE n = 2"):
        with pytest.raises(DBAPIError, match="append-only"):
            await execute(database_url, change)
    assert await rows(database_url, "SELECT n FROM audit ORDER BY n") == [(1,), (2,)]


def record(days: float) -> str:
    """The insert of one that is so old."""
    at = int((time.time() - days * 86400) * 1000)
    return f"INSERT INTO audit (at, event, actor, network, details) VALUES ({at}, 'login.failed', 'x', '', '{{}}')"


def refused(url: str, *deletions: str) -> list[str]:
    """These, and every other way to rewrite the log."""
    if url.startswith("postgres"):
        return ["UPDATE audit SET actor = 'y'", "TRUNCATE audit", *deletions]
    replaced = "REPLACE INTO audit SELECT n, at, event, user_id, 'y', network, details FROM audit"
    return ["UPDATE audit SET actor = 'y'", replaced, *deletions]

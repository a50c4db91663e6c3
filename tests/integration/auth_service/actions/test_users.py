import asyncio
from collections.abc import Awaitable, Callable

import pytest

from auth_service.actions import accounts, links, sessions, users
from auth_service.actions.sessions import LoggedIn
from auth_service.core.audit import EVERYTHING, Event, Wanted
from auth_service.core.auth import Auth
from auth_service.core.callers import Caller, DeviceToken
from auth_service.core.users import Role, User, UserId
from shared.errors import AppError, Conflict, NotFound, Unauthenticated
from tests.integration.auth_service.rows import CALLER, Feed
from tests.integration.auth_service.sql import rows

GOOD = "correct horse battery"
NOBODY = UserId("nobody")


async def made(auth: Auth, name: str, *, boss: bool = False) -> User:
    role: Role = "administrator" if boss else "member"
    return await accounts.create(auth, email=f"{name}@example.org", password=GOOD, name=name, role=role)


async def logged_in(auth: Auth, user: User, caller: Caller = CALLER) -> LoggedIn:
    return await sessions.log_in(auth, caller, email=user.email, password=GOOD)


@pytest.fixture
async def boss(auth: Auth) -> User:
    return await made(auth, "boss", boss=True)


@pytest.fixture
async def ann(auth: Auth) -> User:
    return await made(auth, "ann")


async def test_new_administrator_makes_the_set_up_link_void(auth: Auth, ann: User, migrated_url: str) -> None:
    await links.make_setup(auth)
    await users.set_role(auth, ann.id, "member")
    assert await rows(migrated_url, "SELECT kind FROM link") == [("setup",)]
    await users.set_role(auth, ann.id, "administrator")
    assert await rows(migrated_url, "SELECT kind FROM link") == []


async def test_somebody_is_found_by_address_or_id(auth: Auth, ann: User) -> None:
    assert [await users.find(auth.store, named) for named in (ann.id, ann.email, " ANN@Example.org ")] == [ann] * 3
    with pytest.raises(NotFound, match="user_not_found"):
        await users.find(auth.store, "bob@example.org")


async def test_everybody_is_listed_once_however_many_pages_they_fill(
    auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(users, "_PAGE", 2)
    names = ["ann", "bob", "cid", "dan"]
    for name in reversed(names):
        await made(auth, name)
    assert [account.user.name async for account in users.everybody(auth.store)] == names
    await made(auth, "eve")
    assert [account.user.name async for account in users.everybody(auth.store)] == [*names, "eve"]


async def test_list_says_when_somebody_was_last_here(auth: Auth, ann: User) -> None:
    (before,) = [account async for account in users.everybody(auth.store)]
    await logged_in(auth, ann)
    (after,) = [account async for account in users.everybody(auth.store)]
    assert before.last_used_at is None
    assert after.last_used_at is not None
    assert after.last_used_at >= after.created_at == before.created_at


async def test_disabled_user_has_no_session_and_gets_none(auth: Auth, ann: User, feed: Feed) -> None:
    session = await logged_in(auth, ann)
    await users.disable(auth, ann.id)
    assert await feed() == [("session", session.session), ("user", ann.id)]
    with pytest.raises(Unauthenticated, match="session_expired"):
        await sessions.refresh(auth, CALLER, session.refresh_token)
    with pytest.raises(Unauthenticated, match="bad_credentials"):
        await logged_in(auth, ann)
    await users.enable(auth, ann.id)
    with pytest.raises(Unauthenticated, match="session_expired"):
        await sessions.refresh(auth, CALLER, session.refresh_token)
    await logged_in(auth, ann)


async def test_who_is_no_administrator_any_more_logs_in_again(auth: Auth, boss: User, ann: User, feed: Feed) -> None:
    await users.set_role(auth, ann.id, "administrator")
    session = await logged_in(auth, ann)
    await users.set_role(auth, ann.id, "administrator")
    assert ("session", session.session) not in await feed()
    await users.set_role(auth, ann.id, "member")
    assert ("session", session.session) in await feed()
    assert (await users.find(auth.store, ann.id)).role == "member"
    assert (await users.find(auth.store, boss.id)).role == "administrator"


async def test_deleted_user_leaves_nothing_but_ids(auth: Auth, ann: User, feed: Feed, migrated_url: str) -> None:
    session = await logged_in(auth, ann)
    await users.delete(auth, ann.id)
    assert set(await feed()) == {("session", session.session), ("user", ann.id)}
    for table in ('"user"', "session", "refresh_token", "device", "link"):
        assert await rows(migrated_url, f"SELECT count(*) FROM {table}") == [(0,)], table
    kept = str(await rows(migrated_url, "SELECT * FROM audit") + await rows(migrated_url, "SELECT * FROM change"))
    assert ann.id in kept
    assert ann.email not in kept
    assert "203.0.113.9" not in kept


@pytest.mark.parametrize(
    "act",
    [
        users.disable,
        users.enable,
        lambda auth, user: users.set_role(auth, user, "member"),
        users.delete,
        lambda auth, user: users.show(auth.store, user),
        users.export,
    ],
)
async def test_nothing_is_done_to_nobody(auth: Auth, act: Callable[[Auth, UserId], Awaitable[object]]) -> None:
    with pytest.raises(NotFound, match="user_not_found"):
        await act(auth, NOBODY)
    assert [entry async for entry in users.audit(auth.store, EVERYTHING)] == []


TAKE_AWAY: list[Callable[[Auth, UserId], Awaitable[None]]] = [
    users.disable,
    lambda auth, user: users.set_role(auth, user, "member"),
    users.delete,
]


@pytest.mark.parametrize("take_away", TAKE_AWAY)
async def test_last_administrator_stays(
    auth: Auth, boss: User, take_away: Callable[[Auth, UserId], Awaitable[None]]
) -> None:
    other = await made(auth, "other", boss=True)
    await users.disable(auth, other.id)
    with pytest.raises(Conflict, match="last_administrator"):
        await take_away(auth, boss.id)
    await users.enable(auth, other.id)
    await take_away(auth, boss.id)
    with pytest.raises(Conflict, match="last_administrator"):
        await take_away(auth, other.id)


@pytest.mark.parametrize("first", TAKE_AWAY)
@pytest.mark.parametrize("second", TAKE_AWAY)
async def test_of_two_administrators_taken_away_at_once_one_stays(
    auth: Auth,
    boss: User,
    first: Callable[[Auth, UserId], Awaitable[None]],
    second: Callable[[Auth, UserId], Awaitable[None]],
) -> None:
    other = await made(auth, "other", boss=True)
    results = await asyncio.gather(first(auth, boss.id), second(auth, other.id), return_exceptions=True)
    refused = [result for result in results if result is not None]
    assert [error.code for error in refused if isinstance(error, AppError)] == ["last_administrator"]
    assert len(refused) == 1
    async with auth.store.transaction() as tx:
        assert len(await tx.users.administrators()) == 1


async def test_export_is_all_that_there_is_of_a_person(auth: Auth, ann: User, boss: User) -> None:
    await logged_in(auth, boss)
    await logged_in(auth, ann, Caller("203.0.113.9", "Firefox", DeviceToken(b"d" * 16)))
    await logged_in(auth, ann, Caller("2001:db8::1", "Chrome"))
    dossier = await users.export(auth, ann.id)
    assert dossier.account.user == ann
    assert [session.user_agent for session in dossier.sessions] == ["Chrome", "Firefox"]
    assert dossier.devices == 2
    assert [entry.record.event for entry in dossier.audit] == [
        Event.USER_CREATED,
        Event.LOGIN_SUCCEEDED,
        Event.LOGIN_SUCCEEDED,
        Event.USER_EXPORTED,
    ]
    assert {entry.record.user for entry in dossier.audit} == {ann.id}


async def test_export_of_a_long_life_is_whole(auth: Auth, ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(4):
        await logged_in(auth, ann)
    monkeypatch.setattr(users, "_PAGE", 2)
    assert len((await users.export(auth, ann.id)).audit) == 6


async def test_look_at_somebody_reads_no_audit_and_leaves_none(auth: Auth, ann: User) -> None:
    await logged_in(auth, ann)
    dossier = await users.show(auth.store, ann.id)
    assert (dossier.account.user, len(dossier.sessions), dossier.devices, dossier.audit) == (ann, 1, 1, [])
    assert Event.USER_EXPORTED not in [entry.record.event async for entry in users.audit(auth.store, EVERYTHING)]


async def test_audit_is_read_to_its_end_in_pages(auth: Auth, ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "_PAGE", 2)
    for _ in range(4):
        await logged_in(auth, ann)
    entries = [entry async for entry in users.audit(auth.store, Wanted(event=Event.LOGIN_SUCCEEDED))]
    assert len(entries) == 4
    assert [entry.n for entry in entries] == sorted({entry.n for entry in entries})


async def test_nobody_is_logged_out_who_is_not_there(auth: Auth) -> None:
    with pytest.raises(NotFound, match="user_not_found"):
        await users.log_out(auth, UserId("nobody"))

"""What a person does with his sessions beside using them: look at them, end one, the others, or all."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

import pytest

from auth_service.actions import accounts, passwords, sessions
from auth_service.actions.sessions import LoggedIn
from auth_service.core.audit import Event, Wanted
from auth_service.core.sessions import ABSOLUTE, IDLE, SessionId
from auth_service.core.users import Edit
from auth_service.crypto.passwords import ArgonPasswords
from shared.errors import NotFound, Unauthenticated
from tests.integration.auth_service.browsing import EMAIL, PASSWORD, Browser, refuses
from tests.integration.auth_service.rows import CALLER


async def test_sessions_are_listed_the_latest_used_first(browser: Browser) -> None:
    one = await browser.log_in()
    await browser.age(100)
    two = await browser.log_in()
    await browser.log_out((await browser.log_in()).refresh_token)
    assert [each.id for each in await sessions.listed(browser.auth, one.session)] == [two.session, one.session]
    await browser.age(100)
    await browser.refresh(one.refresh_token)
    listed = await sessions.listed(browser.auth, one.session)
    assert [each.id for each in listed] == [one.session, two.session]
    assert (listed[0].user_agent, listed[0].network) == ("Firefox", "203.0.113.0/24")
    assert listed[0].last_used_at > listed[0].started_at


async def test_one_session_is_revoked(browser: Browser) -> None:
    mine, other = await browser.log_in(), await browser.log_in()
    await sessions.revoke(browser.auth, CALLER, mine.session, other.session)
    assert await browser.ended() == [other.session]
    assert await refuses(browser, other.refresh_token)
    await browser.refresh(mine.refresh_token)
    with pytest.raises(NotFound, match="session_not_found"):
        await sessions.revoke(browser.auth, CALLER, mine.session, other.session)


async def test_own_session_may_be_revoked(browser: Browser) -> None:
    mine = await browser.log_in()
    await sessions.revoke(browser.auth, CALLER, mine.session, mine.session)
    assert await refuses(browser, mine.refresh_token)


async def test_session_of_another_cannot_be_told_from_none(browser: Browser) -> None:
    await accounts.create(browser.auth, email="bob@example.org", password="bobs password 7", name="Bob")
    bob, ann = await browser.log_in("bob@example.org", "bobs password 7"), await browser.log_in()
    for which in (ann.session, SessionId("none")):
        with pytest.raises(NotFound, match="session_not_found"):
            await sessions.revoke(browser.auth, CALLER, bob.session, which)
    await browser.refresh(ann.refresh_token)


async def test_log_out_of_the_others_keeps_this_one(browser: Browser) -> None:
    mine, *others = [await browser.log_in() for _ in range(3)]
    await sessions.log_out_others(browser.auth, CALLER, mine.session)
    assert sorted(await browser.ended()) == sorted(other.session for other in others)
    await browser.refresh(mine.refresh_token)


async def test_log_out_everywhere_ends_all(browser: Browser) -> None:
    all_of_them = [await browser.log_in() for _ in range(3)]
    await sessions.log_out_everywhere(browser.auth, CALLER, all_of_them[0].session)
    assert sorted(await browser.ended()) == sorted(each.session for each in all_of_them)


async def test_many_who_log_out_everywhere_at_once_do_not_get_in_each_others_way(browser: Browser) -> None:
    opened = [await browser.log_in() for _ in range(6)]
    stories = [sessions.log_out_everywhere(browser.auth, CALLER, each.session) for each in opened]
    done = await asyncio.gather(*stories, return_exceptions=True)
    assert {type(each) for each in done} <= {type(None), Unauthenticated}
    assert sorted(await browser.ended()) == sorted(each.session for each in opened)


async def test_log_out_by_the_session_ends_it_once(browser: Browser) -> None:
    mine = await browser.log_in()
    for _ in range(2):
        await sessions.log_out_session(browser.auth, CALLER, mine.session)
    assert await browser.ended() == [mine.session]
    assert len(await ends(browser)) == 1


async def test_every_end_is_written_down_with_its_reason(browser: Browser) -> None:
    mine, other, third = [await browser.log_in() for _ in range(3)]
    await browser.log_out(third.refresh_token)
    await sessions.revoke(browser.auth, CALLER, mine.session, other.session)
    await sessions.log_out_everywhere(browser.auth, CALLER, mine.session)
    assert await ends(browser) == [
        (mine.user.id, {"session": third.session, "why": "log-out"}),
        (mine.user.id, {"session": other.session, "why": "revoked"}),
        (mine.user.id, {"session": mine.session, "why": "log-out everywhere"}),
    ]


@pytest.mark.parametrize("how", ["ended", "disabled", "idle", "old", "deleted"])
async def test_nothing_works_in_a_session_that_is_over(browser: Browser, how: str) -> None:
    mine, other = await browser.log_in(), await browser.log_in()
    await end_by(browser, mine, how)
    in_session = CALLER, mine.session
    stories: list[Callable[[], Awaitable[object]]] = [
        lambda: sessions.listed(browser.auth, mine.session),
        lambda: sessions.revoke(browser.auth, *in_session, other.session),
        lambda: sessions.log_out_others(browser.auth, *in_session),
        lambda: sessions.log_out_everywhere(browser.auth, *in_session),
        lambda: accounts.me(browser.auth, mine.session),
        lambda: accounts.edit_me(browser.auth, *in_session, Edit(name="Eve")),
        lambda: accounts.delete_me(browser.auth, *in_session, password=PASSWORD),
        lambda: passwords.change(browser.auth, *in_session, password=PASSWORD, new_password="another horse"),
    ]
    for story in stories:
        with pytest.raises(Unauthenticated, match="session_expired"):
            await story()
    assert await refuses(browser, mine.refresh_token)


async def end_by(browser: Browser, logged_in: LoggedIn, how: str) -> None:
    match how:
        case "idle":
            await browser.age(IDLE.total_seconds() + 3600)
        case "old":
            await browser.age(ABSOLUTE.total_seconds() + 3600)
        case "ended":
            await browser.log_out(logged_in.refresh_token)
        case "deleted":
            async with browser.auth.store.transaction() as tx:
                await accounts.remove(tx, CALLER, logged_in.user.id)
        case _:
            async with browser.auth.store.transaction() as tx:
                await tx.users.set_disabled(logged_in.user.id, disabled=True)


async def ends(browser: Browser) -> list[tuple[str | None, Mapping[str, str | int]]]:
    async with browser.auth.store.reading() as tx:
        entries = await tx.audit.page(Wanted(event=Event.SESSION_ENDED))
    return [(entry.record.user, entry.record.details) for entry in entries]


async def test_another_log_in_ends_the_session_the_browser_had(browser: Browser) -> None:
    before = await browser.log_in()
    caller = replace(CALLER, session=before.refresh_token)
    after = await sessions.log_in(browser.auth, caller, email=EMAIL, password=PASSWORD)
    assert await browser.ended() == [before.session]
    assert await refuses(browser, before.refresh_token)
    await browser.refresh(after.refresh_token)


async def test_refused_log_in_ends_nothing(browser: Browser) -> None:
    before = await browser.log_in()
    caller = replace(CALLER, session=before.refresh_token)
    with pytest.raises(Unauthenticated, match="bad_credentials"):
        await sessions.log_in(browser.auth, caller, email=EMAIL, password="wrong")
    await browser.refresh(before.refresh_token)


async def test_log_in_that_meets_a_disabling_opens_nothing_after_it(browser: Browser) -> None:
    user = (await browser.log_in()).user

    async def disable() -> None:
        async with browser.auth.store.transaction() as tx:
            await tx.users.set_disabled(user.id, disabled=True)
            await sessions.end_all(tx, CALLER, user.id, why="test")

    await asyncio.gather(disable(), *(browser.log_in() for _ in range(4)), return_exceptions=True)
    async with browser.auth.store.reading() as tx:
        assert await tx.sessions.of_user(user.id) == []


async def test_log_in_that_meets_a_deletion_is_refused_like_a_wrong_one(browser: Browser) -> None:
    user = (await browser.log_in()).user

    async def delete() -> None:
        async with browser.auth.store.transaction() as tx:
            assert await accounts.remove(tx, CALLER, user.id)

    done = await asyncio.gather(delete(), *(browser.log_in() for _ in range(4)), return_exceptions=True)
    assert {type(each) for each in done} <= {type(None), LoggedIn, Unauthenticated}
    with pytest.raises(Unauthenticated, match="bad_credentials"):
        await browser.log_in()


async def test_log_ins_that_renew_the_hash_at_once_all_succeed(browser: Browser) -> None:
    browser.auth = replace(browser.auth, passwords=(dearer := ArgonPasswords(memory_kib=128, time_cost=1)))
    done = await asyncio.gather(*(browser.log_in() for _ in range(3)))
    dearer.close()
    assert len({each.session for each in done}) == 3

import asyncio
from collections.abc import Sequence

import pytest

from auth_service.actions import accounts, passwords, sessions
from auth_service.actions.sessions import LoggedIn
from auth_service.core.audit import Event, Wanted
from auth_service.core.auth import Auth
from auth_service.core.links import Link, LinkHash, LinkKind
from shared.errors import AppError, Forbidden, InvalidInput, Unauthenticated
from tests.integration.auth_service.rows import CALLER, Feed

EMAIL, OLD, NEW = "ann@example.org", "correct horse", "another horse"
RESET = LinkHash(b"r" * 32)


@pytest.fixture
async def ann(auth: Auth) -> LoggedIn:
    return await accounts.register(auth, CALLER, email=EMAIL, password=OLD, name="Ann")


async def log_in(auth: Auth, password: str) -> LoggedIn:
    return await sessions.log_in(auth, CALLER, email=EMAIL, password=password)


async def change(auth: Auth, ann: LoggedIn, old: str = OLD, new: str = NEW) -> None:
    await passwords.change(auth, CALLER, ann.session, password=old, new_password=new)


async def codes(stories: Sequence[object]) -> list[str]:
    return sorted("" if not isinstance(story, AppError) else story.code for story in stories)


async def test_new_password_is_good_and_the_old_one_is_not(auth: Auth, ann: LoggedIn) -> None:
    await change(auth, ann)
    with pytest.raises(Unauthenticated, match="bad_credentials"):
        await log_in(auth, OLD)
    assert (await log_in(auth, NEW)).user.id == ann.user.id


async def test_other_sessions_end_and_this_one_goes_on(auth: Auth, ann: LoggedIn, feed: Feed) -> None:
    other = await log_in(auth, OLD)
    await change(auth, ann)
    assert ("session", other.session) in await feed()
    assert ("session", ann.session) not in await feed()
    with pytest.raises(Unauthenticated, match="session_expired"):
        await sessions.refresh(auth, CALLER, other.refresh_token)
    assert (await sessions.refresh(auth, CALLER, ann.refresh_token)).session == ann.session


async def test_change_is_written_down_without_the_passwords(auth: Auth, ann: LoggedIn) -> None:
    await change(auth, ann)
    async with auth.store.reading() as tx:
        (entry,) = await tx.audit.page(Wanted(event=Event.PASSWORD_CHANGED))
    assert (entry.record.user, entry.record.details) == (ann.user.id, {"session": ann.session})


async def test_wrong_password_changes_nothing(auth: Auth, ann: LoggedIn) -> None:
    other = await log_in(auth, OLD)
    with pytest.raises(Forbidden, match="wrong_password"):
        await change(auth, ann, old="not mine")
    assert await accounts.me(auth, other.session) == ann.user
    async with auth.store.reading() as tx:
        (entry,) = await tx.audit.page(Wanted(event=Event.LOGIN_FAILED))
    assert entry.record.details == {"why": "confirmation"}


async def test_password_that_breaks_a_rule_changes_nothing(auth: Auth, ann: LoggedIn) -> None:
    with pytest.raises(InvalidInput):
        await change(auth, ann, new="short")
    assert await accounts.me(auth, ann.session) == ann.user


@pytest.mark.parametrize("both", [OLD, "not mine at all"])
async def test_same_password_in_both_places_is_refused_before_it_costs_a_hash(
    auth: Auth, ann: LoggedIn, both: str
) -> None:
    with pytest.raises(InvalidInput, match="password_unchanged") as refused:
        await change(auth, ann, old=both, new=both)
    assert list(refused.value.details) == ["password"]
    assert await accounts.me(auth, ann.session) == ann.user
    async with auth.store.reading() as tx:
        assert await tx.audit.page(Wanted(event=Event.LOGIN_FAILED)) == []


async def test_session_that_is_over_changes_nothing(auth: Auth, ann: LoggedIn) -> None:
    await sessions.log_out(auth, CALLER, ann.refresh_token)
    with pytest.raises(Unauthenticated, match="session_expired"):
        await change(auth, ann)
    assert (await log_in(auth, OLD)).user == ann.user


async def test_link_that_would_choose_another_password_is_void(auth: Auth, ann: LoggedIn) -> None:
    async with auth.store.transaction() as tx:
        await tx.links.add(RESET, Link(LinkKind.RESET, user=ann.user.id))
    await change(auth, ann)
    async with auth.store.reading() as tx:
        assert await tx.links.find(RESET, LinkKind.RESET) is None


async def test_of_two_changes_at_once_one_counts(auth: Auth, ann: LoggedIn) -> None:
    changes = (change(auth, ann, new=f"another horse {n}") for n in range(2))
    assert await codes(await asyncio.gather(*changes, return_exceptions=True)) == ["", "wrong_password"]


async def test_log_in_with_the_old_password_at_the_same_time_leaves_no_session(auth: Auth, ann: LoggedIn) -> None:
    """A thief who knows the old password tries to slip through while it is changed."""
    thieves = (log_in(auth, OLD) for _ in range(4))
    done = await asyncio.gather(change(auth, ann), *thieves, return_exceptions=True)
    assert done[0] is None
    async with auth.store.reading() as tx:
        assert [session.id for session in await tx.sessions.of_user(ann.user.id)] == [ann.session]


async def test_refreshes_at_the_same_time_keep_no_other_session_alive(auth: Auth, ann: LoggedIn) -> None:
    other = await log_in(auth, OLD)
    refreshes = (sessions.refresh(auth, CALLER, other.refresh_token) for _ in range(4))
    mine = sessions.refresh(auth, CALLER, ann.refresh_token)
    _, kept, *answers = await asyncio.gather(change(auth, ann), mine, *refreshes, return_exceptions=True)
    assert isinstance(kept, LoggedIn)
    for answer in answers:
        if isinstance(answer, LoggedIn):
            with pytest.raises(Unauthenticated, match="session_expired"):
                await sessions.refresh(auth, CALLER, answer.refresh_token)

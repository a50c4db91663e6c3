import asyncio
from dataclasses import replace

import pytest

from auth_service.actions import accounts, links, passwords, sessions, users
from auth_service.actions.sessions import LoggedIn
from auth_service.core.auth import Auth, Registration
from auth_service.core.links import LIFETIMES, LinkKind
from auth_service.core.sessions import SessionId
from auth_service.core.users import User
from auth_service.store.database import Database
from shared.errors import Conflict, Forbidden, InvalidInput, NotFound, Unauthenticated
from tests.integration.auth_service.offers import BETTER, GOOD, outcomes, registered, reset, set_up, token_of
from tests.integration.auth_service.rows import CALLER, Age, Feed
from tests.integration.auth_service.sql import rows

ANN = "ann@example.org"


@pytest.fixture
def by_invitation(auth: Auth) -> Auth:
    return replace(auth, registration="invitation")


@pytest.fixture
async def boss(auth: Auth) -> LoggedIn:
    """The administrator, logged in."""
    await accounts.create(auth, email="boss@example.org", password=GOOD, name="Boss", role="administrator")
    return await sessions.log_in(auth, CALLER, email="boss@example.org", password=GOOD)


async def test_link_of_an_empty_site_makes_its_administrator(auth: Auth, feed: Feed) -> None:
    offer = await links.offer_setup(auth.store, auth.randomness, auth.public_url, auth.operator)
    assert offer is not None
    assert offer.address.startswith("http://localhost:8080/setup#token=")
    user = await set_up(auth, token_of(offer))
    assert user.role == "administrator"
    assert await feed() == [("user", user.id)]
    with pytest.raises(Forbidden, match="link_invalid"):
        await set_up(auth, token_of(offer), email="bob@example.org")


async def test_site_with_an_account_is_offered_no_link(auth: Auth) -> None:
    await accounts.create(auth, email="ann@example.org", password=GOOD, name="Ann")
    assert await links.offer_setup(auth.store, auth.randomness, auth.public_url, auth.operator) is None
    # By hand there is one, as long as nobody is administrator.
    assert (
        await set_up(auth, token_of(await links.make_setup(auth)), email="boss@example.org")
    ).role == "administrator"


@pytest.mark.usefixtures("boss")
async def test_site_with_an_administrator_has_no_set_up_link(auth: Auth) -> None:
    with pytest.raises(Conflict, match="administrator_exists"):
        await links.make_setup(auth)


async def test_set_up_link_is_void_once_somebody_became_administrator_otherwise(auth: Auth, boss: LoggedIn) -> None:
    await users_role(auth, boss.user, "member")
    offer = await links.make_setup(auth)
    await users_role(auth, boss.user, "administrator")
    with pytest.raises(Forbidden, match="link_invalid"):
        await set_up(auth, token_of(offer))


async def users_role(auth: Auth, user: User, role: str) -> None:
    """Set past the rule that one administrator stays."""
    async with auth.store.transaction() as tx:
        await tx.users.set_role(user.id, "administrator" if role == "administrator" else "member")


async def test_newer_set_up_link_replaces_the_older(auth: Auth, migrated_url: str) -> None:
    older = await links.make_setup(auth)
    newer = await links.make_setup(auth)
    with pytest.raises(Forbidden, match="link_invalid"):
        await set_up(auth, token_of(older))
    assert (await set_up(auth, token_of(newer))).role == "administrator"
    assert await rows(migrated_url, "SELECT count(*) FROM link") == [(0,)]


async def test_of_set_up_links_made_at_once_one_is_left(auth: Auth, migrated_url: str) -> None:
    await asyncio.gather(*(links.make_setup(auth) for _ in range(5)))
    assert await rows(migrated_url, "SELECT kind FROM link") == [("setup",)]


async def test_invitation_makes_one_account(by_invitation: Auth, boss: LoggedIn) -> None:
    offer = await links.invite(by_invitation, CALLER, boss.session, email=None)
    assert offer.address.startswith("http://localhost:8080/register#token=")
    user = await registered(by_invitation, token_of(offer))
    assert user.role == "member"
    with pytest.raises(Forbidden, match="link_invalid"):
        await registered(by_invitation, token_of(offer), "bob@example.org")


async def test_invitation_for_an_address_makes_that_account_and_no_other(by_invitation: Auth) -> None:
    token = token_of(await links.invite_by_command(by_invitation, email=" Ann@example.org"))
    with pytest.raises(Forbidden, match="link_invalid"):
        await registered(by_invitation, token, "bob@example.org")
    assert (await registered(by_invitation, token, "ANN@example.org")).email == "ann@example.org"


@pytest.mark.parametrize(
    ("registration", "code"), [("invitation", "invitation_needed"), ("closed", "registration_closed")]
)
async def test_nobody_registers_without_what_the_site_asks_for(
    auth: Auth, registration: Registration, code: str
) -> None:
    with pytest.raises(Forbidden, match=code):
        await registered(replace(auth, registration=registration), None)


async def test_closed_site_takes_no_invitation_and_makes_none(by_invitation: Auth, boss: LoggedIn) -> None:
    token = token_of(await links.invite_by_command(by_invitation, email=None))
    closed = replace(by_invitation, registration="closed")
    with pytest.raises(Forbidden, match="registration_closed"):
        await registered(closed, token)
    with pytest.raises(Forbidden, match="registration_closed"):
        await links.invite_by_command(closed, email=None)
    with pytest.raises(Forbidden, match="registration_closed"):
        await links.invite(closed, CALLER, boss.session, email=None)


async def test_open_site_uses_an_invitation_up_but_needs_none(auth: Auth, migrated_url: str) -> None:
    token = token_of(await links.invite_by_command(auth, email="ann@example.org"))
    await registered(auth, None, "bob@example.org")
    assert len(await rows(migrated_url, "SELECT kind FROM link")) == 1
    await registered(auth, token, "ann@example.org")
    assert await rows(migrated_url, "SELECT kind FROM link") == []


async def test_open_site_refuses_an_invitation_that_does_not_fit(auth: Auth, migrated_url: str, age: Age) -> None:
    bound, used, old = [token_of(await links.invite_by_command(auth, email=who)) for who in (ANN, None, None)]
    await registered(auth, used, "bob@example.org")
    for token in ("no token", "A" * 43, bound, used):
        with pytest.raises(Forbidden, match="link_invalid"):
            await registered(auth, token, "eve@example.org")
    await age(LIFETIMES[LinkKind.INVITATION].total_seconds() + 60)
    with pytest.raises(Forbidden, match="link_invalid"):
        await registered(auth, old, "eve@example.org")
    assert await rows(migrated_url, """SELECT email FROM "user" """) == [("bob@example.org",)]


async def test_only_an_administrator_in_a_living_session_invites(auth: Auth, boss: LoggedIn) -> None:
    member = await accounts.register(auth, CALLER, email="ann@example.org", password=GOOD, name="Ann")
    with pytest.raises(Forbidden, match="not_allowed"):
        await links.invite(auth, CALLER, member.session, email=None)
    await sessions.log_out_everywhere(auth, CALLER, boss.session)
    with pytest.raises(Unauthenticated, match="session_expired"):
        await links.invite(auth, CALLER, boss.session, email=None)
    with pytest.raises(Unauthenticated, match="session_expired"):
        await links.invite(auth, CALLER, SessionId("none"), email=None)


@pytest.mark.usefixtures("boss")
async def test_nobody_is_invited_to_an_account_that_exists_or_cannot(auth: Auth) -> None:
    with pytest.raises(Conflict, match="email_taken"):
        await links.invite_by_command(auth, email="BOSS@example.org")
    with pytest.raises(InvalidInput):
        await links.invite_by_command(auth, email="boss")


async def test_invitation_goes_with_its_inviter(by_invitation: Auth, boss: LoggedIn) -> None:
    token = token_of(await links.invite(by_invitation, CALLER, boss.session, email=None))
    await accounts.create(by_invitation, email="b@example.org", password=GOOD, name="B", role="administrator")
    await users.delete(by_invitation, boss.user.id)
    with pytest.raises(Forbidden, match="link_invalid"):
        await registered(by_invitation, token)


async def test_refused_registration_leaves_the_link_as_it_was(by_invitation: Auth, boss: LoggedIn) -> None:
    token = token_of(await links.invite_by_command(by_invitation, email=None))
    with pytest.raises(Conflict, match="email_taken"):
        await registered(by_invitation, token, boss.user.email)
    with pytest.raises(InvalidInput, match="password_too_short"):
        await registered(by_invitation, token, password="short")
    assert (await registered(by_invitation, token)).role == "member"


async def test_refused_set_up_leaves_the_link_as_it_was(auth: Auth) -> None:
    await accounts.create(auth, email="ann@example.org", password=GOOD, name="Ann")
    token = token_of(await links.make_setup(auth))
    with pytest.raises(Conflict, match="email_taken"):
        await set_up(auth, token)
    with pytest.raises(InvalidInput, match="password_too_short"):
        await set_up(auth, token, "boss@example.org", "short")
    assert (await set_up(auth, token, "boss@example.org")).role == "administrator"


async def test_start_of_a_reset_ends_the_sessions_and_leaves_the_password(
    auth: Auth, boss: LoggedIn, feed: Feed
) -> None:
    offer = await links.start_reset(auth, boss.user.id)
    assert offer.address.startswith("http://localhost:8080/reset#token=")
    assert ("session", boss.session) in await feed()
    with pytest.raises(Unauthenticated, match="session_expired"):
        await sessions.refresh(auth, CALLER, boss.refresh_token)
    assert (await sessions.log_in(auth, CALLER, email=boss.user.email, password=GOOD)).user == boss.user


async def test_reset_chooses_the_password_and_ends_the_sessions(auth: Auth, boss: LoggedIn, feed: Feed) -> None:
    token = token_of(await links.start_reset(auth, boss.user.id))
    again = await sessions.log_in(auth, CALLER, email=boss.user.email, password=GOOD)
    with pytest.raises(InvalidInput, match="password_too_short"):
        await reset(auth, token, "short")
    await reset(auth, token)
    assert ("session", again.session) in await feed()
    with pytest.raises(Unauthenticated, match="bad_credentials"):
        await sessions.log_in(auth, CALLER, email=boss.user.email, password=GOOD)
    await sessions.log_in(auth, CALLER, email=boss.user.email, password=BETTER)
    with pytest.raises(Forbidden, match="link_invalid"):
        await reset(auth, token, GOOD)


async def test_reset_to_the_old_password_is_refused_and_leaves_the_link(auth: Auth, boss: LoggedIn) -> None:
    token = token_of(await links.start_reset(auth, boss.user.id))
    with pytest.raises(InvalidInput, match="password_unchanged") as refused:
        await reset(auth, token, GOOD)
    assert list(refused.value.details) == ["password"]
    await reset(auth, token)


async def test_link_tells_one_guess_at_the_old_password_and_no_more(auth: Auth, boss: LoggedIn) -> None:
    """Whoever got hold of it looks for the password its owner may use elsewhere."""
    token = token_of(await links.start_reset(auth, boss.user.id))
    assert [await outcomes(reset(auth, token, guess)) for guess in (BETTER, GOOD)] == [["ok"], ["link_invalid"]]


async def test_newer_reset_replaces_the_older(auth: Auth, boss: LoggedIn) -> None:
    older, newer = [token_of(await links.start_reset(auth, boss.user.id)) for _ in range(2)]
    with pytest.raises(Forbidden, match="link_invalid"):
        await reset(auth, older)
    await reset(auth, newer)


async def test_changed_password_voids_a_reset(auth: Auth, boss: LoggedIn) -> None:
    token = token_of(await links.start_reset(auth, boss.user.id))
    again = await sessions.log_in(auth, CALLER, email=boss.user.email, password=GOOD)
    await passwords.change(auth, CALLER, again.session, password=GOOD, new_password=BETTER)
    with pytest.raises(Forbidden, match="link_invalid"):
        await reset(auth, token)


async def test_reset_of_somebody_disabled_is_void_until_enabled(auth: Auth) -> None:
    user = await registered(auth, None)
    await users.disable(auth, user.id)
    token = token_of(await links.start_reset(auth, user.id))
    with pytest.raises(Forbidden, match="link_invalid"):
        await reset(auth, token)
    await users.enable(auth, user.id)
    await reset(auth, token)


async def test_reset_of_before_a_disabling_stays_void(auth: Auth) -> None:
    user = await registered(auth, None)
    token = token_of(await links.start_reset(auth, user.id))
    await users.disable(auth, user.id)
    await users.enable(auth, user.id)
    with pytest.raises(Forbidden, match="link_invalid"):
        await reset(auth, token)


async def test_nobody_is_reset_who_is_not_there(auth: Auth, boss: LoggedIn) -> None:
    await accounts.create(auth, email="b@example.org", password=GOOD, name="B", role="administrator")
    token = token_of(await links.start_reset(auth, boss.user.id))
    await users.delete(auth, boss.user.id)
    with pytest.raises(Forbidden, match="link_invalid"):
        await reset(auth, token)
    with pytest.raises(NotFound, match="user_not_found"):
        await links.start_reset(auth, boss.user.id)


async def test_reset_and_a_new_start_of_one_at_once_do_not_wait_for_each_other(auth: Auth, boss: LoggedIn) -> None:
    for _ in range(3):
        token = token_of(await links.start_reset(auth, boss.user.id))
        results = await outcomes(reset(auth, token), links.start_reset(auth, boss.user.id))
        assert results in (["ok", "ok"], ["link_invalid", "ok"])


async def test_log_in_that_began_before_a_reset_leaves_no_session(
    auth: Auth, boss: LoggedIn, database: Database
) -> None:
    token = token_of(await links.start_reset(auth, boss.user.id))
    await outcomes(
        *(sessions.log_in(auth, CALLER, email=boss.user.email, password=GOOD) for _ in range(4)), reset(auth, token)
    )
    async with database.reading() as tx:
        assert await tx.sessions.of_user(boss.user.id) == []


async def test_invitation_that_was_used_up_meanwhile_makes_no_account(by_invitation: Auth) -> None:
    async with by_invitation.store.transaction() as tx:
        with pytest.raises(Forbidden, match="link_invalid"):
            await links.take_invitation(tx, "A" * 43, "late@example.org")

"""Everything that matters leaves a record and a line in the log: one run through all of it, and nobody's data in it."""

import json
from collections.abc import Awaitable, Callable
from io import StringIO

import pytest

from auth_service.actions import accounts, keys, links, passwords, sessions, users
from auth_service.core.audit import EVERYTHING, Event, Record
from auth_service.core.auth import Auth
from auth_service.core.callers import DEVICE_BYTES, Caller, DeviceToken
from auth_service.core.users import Edit
from shared.errors import Forbidden, Unauthenticated
from tests.integration.auth_service.offers import BETTER, GOOD, token_of
from tests.integration.auth_service.rows import Age

EMAIL, NAME = "ann@example.org", "Ann Nobody-Else"
ADDRESS, NETWORK = "203.0.113.9", "203.0.113.0/24"
CALLER = Caller(ADDRESS, "Firefox", DeviceToken(b"d" * DEVICE_BYTES))

OF_THE_DATABASE = {Event.DATABASE_MIGRATED, Event.DATABASE_COPIED}
"""Their commands are told of in tests of the commands."""


class Trail:
    """One administrator and one member, and what each does to leave each kind of record."""

    def __init__(self, auth: Auth, age: Age) -> None:
        self.auth, self.age = auth, age
        self.tokens: list[str] = []

    async def live(self) -> None:
        await self._begin()
        await self._come_and_go()
        await self._administer()

    async def _begin(self) -> None:
        self.tokens.append(token := token_of(await links.make_setup(self.auth)))
        self.boss = await accounts.set_up(
            self.auth, CALLER, token=token, email="boss@example.org", password=GOOD, name="Boss"
        )
        await keys.ensure(self.auth)
        await keys.rotate(self.auth)
        self.tokens.append(token_of(await links.invite(self.auth, CALLER, self.boss.session, email=EMAIL)))
        self.ann = await accounts.register(
            self.auth, CALLER, email=EMAIL, password=GOOD, name=NAME, invitation=self.tokens[-1]
        )

    async def _come_and_go(self) -> None:
        auth, ann = self.auth, self.ann
        await accounts.edit_me(auth, CALLER, ann.session, Edit(profile={"town": "Ulm"}))
        await passwords.change(auth, CALLER, ann.session, password=GOOD, new_password=BETTER)
        with pytest.raises(Forbidden, match="wrong_password"):
            await passwords.change(auth, CALLER, ann.session, password=GOOD, new_password=BETTER)
        await sessions.log_out(auth, CALLER, ann.refresh_token)
        for email in (EMAIL, "nobody@example.org"):
            with pytest.raises(Unauthenticated, match="bad_credentials"):
                await sessions.log_in(auth, CALLER, email=email, password=GOOD)
        again = await sessions.log_in(auth, CALLER, email=EMAIL, password=BETTER)
        following = await sessions.refresh(auth, CALLER, again.refresh_token)
        await sessions.refresh(auth, CALLER, following.refresh_token)
        await self.age(11)
        with pytest.raises(Unauthenticated, match="session_expired"):
            await sessions.refresh(auth, CALLER, again.refresh_token)

    async def _administer(self) -> None:
        auth, user = self.auth, self.ann.user.id
        self.tokens.append(token := token_of(await links.start_reset(auth, user)))
        await links.reset_password(auth, CALLER, token=token, password=GOOD)
        await accounts.create(auth, email="bob@example.org", password=GOOD, name="Bob")
        await users.set_role(auth, user, "administrator")
        await users.set_role(auth, user, "member")
        await users.disable(auth, user)
        await users.enable(auth, user)
        await users.export(auth, user)
        await keys.rotate_now(auth)
        last = await sessions.log_in(auth, CALLER, email=EMAIL, password=GOOD)
        await accounts.delete_me(auth, CALLER, last.session, password=GOOD)


@pytest.fixture
async def trail(auth: Auth, age: Age, log: StringIO) -> Trail:
    assert log.getvalue() == ""
    trail = Trail(auth, age)
    await trail.live()
    return trail


Records = Callable[[Event], Awaitable[list[Record]]]


@pytest.fixture
def records(auth: Auth) -> Records:
    async def records(event: Event) -> list[Record]:
        return [entry.record async for entry in users.audit(auth.store, EVERYTHING) if entry.record.event == event]

    return records


async def test_each_kind_of_event_has_its_record_and_its_line_in_the_log(
    trail: Trail, auth: Auth, log: StringIO
) -> None:
    assert trail.tokens
    written = [entry.record for entry in [entry async for entry in users.audit(auth.store, EVERYTHING)]]
    assert {record.event for record in written} == set(Event) - OF_THE_DATABASE
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    logged = [line for line in lines if line["logger"] == "audit"]
    assert [(line["event"], line["user"], line["actor"], line["network"], line["details"]) for line in logged] == [
        (record.event, record.user, record.actor, record.network, dict(record.details)) for record in written
    ]


async def test_nothing_personal_and_no_secret_is_in_records_or_log(trail: Trail, auth: Auth, log: StringIO) -> None:
    written = repr([entry async for entry in users.audit(auth.store, EVERYTHING)]) + log.getvalue()
    assert NETWORK in written
    for secret in (EMAIL, "nobody@example.org", NAME, ADDRESS, GOOD, BETTER, "Ulm", *trail.tokens):
        assert secret not in written
    assert "argon2" not in written


async def test_record_says_who_did_it_and_why(trail: Trail, records: Records) -> None:
    ann, boss = trail.ann.user.id, trail.boss.user.id
    assert [(record.user, record.actor, record.details) for record in await records(Event.USER_REGISTERED)] == [
        (boss, boss, {"link": "setup"}),
        (ann, ann, {"link": "invitation", "inviter": boss}),
    ]
    assert [(record.user, record.actor, record.details) for record in await records(Event.LINK_MADE)] == [
        (None, "command line", {"kind": "setup"}),
        (None, boss, {"kind": "invitation"}),
        (ann, "command line", {"kind": "reset"}),
    ]
    assert [record.details for record in await records(Event.PASSWORD_RESET)] == [{"link": "reset"}]
    failures = [(record.user, record.actor, record.network) for record in await records(Event.LOGIN_FAILED)]
    assert failures == [(ann, "unknown", NETWORK)] * 2 + [(None, "unknown", NETWORK)]
    (reused,) = await records(Event.SESSION_REUSED)
    assert (reused.user, reused.actor) == (ann, "unknown")
    assert {record.actor for record in await records(Event.USER_DISABLED)} == {"command line"}
    assert {record.actor for record in await records(Event.USER_DELETED)} == {ann}
    assert [record.details["why"] for record in await records(Event.SESSION_ENDED)] == ["log-out", "account deleted"]

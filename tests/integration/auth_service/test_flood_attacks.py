"""What somebody does again and again who guesses nothing: register, log in and be right, edit himself."""

import asyncio
from dataclasses import replace

import pytest
from aiohttp import ClientResponse

from auth_service.actions import accounts, links
from auth_service.core.auth import Auth
from auth_service.core.callers import Caller
from auth_service.store.database import Database
from shared.errors import Conflict, RateLimited
from tests.integration.auth_service.offers import token_of
from tests.integration.auth_service.person import ORIGIN, Client, Person, StoppedClock, problem
from tests.integration.auth_service.rows import Feed

pytestmark = pytest.mark.no_cover  # many cases, twice as long if traced; smaller tests cover the same lines

OFFICE = "198.51.100.7"


async def register(
    client: Client, email: str, address: str = OFFICE, *, password: str = "correct horse"
) -> ClientResponse:
    headers = {"Origin": ORIGIN, "X-Forwarded-For": address, "Cookie": ""}
    client.session.cookie_jar.clear()
    body = {"email": email, "password": password, "name": "Somebody"}
    return await client.post("/auth/register", json=body, headers=headers)


async def test_address_registers_a_hundred_times_in_an_hour(client: Client, clock: StoppedClock) -> None:
    for n in range(100):
        assert (await register(client, f"{n}@example.org")).status == 201
    refused = await register(client, "101@example.org")
    assert await problem(refused) == (429, "too_many_attempts")
    assert refused.headers["Retry-After"] == "3600"
    assert (await register(client, "101@example.org", "203.0.113.1")).status == 201
    clock.now += 3600
    assert (await register(client, "102@example.org")).status == 201


async def test_asking_who_has_an_account_ends_after_a_hundred_addresses(ann: Person, client: Client) -> None:
    answers = [(await problem(await register(client, ann.email, f"2001:db8:0:1::{n:x}")))[1] for n in range(103)]
    assert answers == ["email_taken"] * 100 + ["too_many_attempts"] * 3


async def test_good_invitation_does_not_tell_without_end_who_has_an_account(auth: Auth) -> None:
    auth = replace(auth, registration="invitation")
    ann = {"email": "ann@example.org", "password": "correct horse", "name": "Ann"}
    await accounts.create(auth, email=ann["email"], password=ann["password"], name=ann["name"])
    token = token_of(await links.invite_by_command(auth, email=None))
    for _ in range(100):
        with pytest.raises(Conflict, match="email_taken"):
            await accounts.register(auth, Caller(OFFICE), **ann, invitation=token)
    with pytest.raises(RateLimited, match="too_many_attempts"):
        await accounts.register(auth, Caller(OFFICE), **ann, invitation=token)
    bob = ann | {"email": "bob@example.org"}
    registered = await accounts.register(auth, Caller("203.0.113.1"), **bob, invitation=token)
    assert registered.user.email == bob["email"]


async def test_what_is_mistyped_at_registration_does_not_count(client: Client) -> None:
    for _ in range(110):
        assert (await register(client, "ann@example.org", password="short")).status == 400
    assert (await register(client, "ann@example.org")).status == 201


async def test_right_log_ins_without_end_are_refused(ann: Person, client: Client, clock: StoppedClock) -> None:
    for _ in range(60):
        assert (await ann.log_in()).status == 200
    refused = await ann.log_in()
    assert await problem(refused) == (429, "too_many_attempts")
    assert refused.headers["Retry-After"] == "300"
    clock.now += 300
    assert (await ann.log_in()).status == 200


async def test_passwords_changed_to_and_fro_are_refused(ann: Person) -> None:
    passwords = ["correct horse", "another good one"]
    for _ in range(60):
        assert (await ann.change_password(*passwords)).status == 204
        passwords.reverse()
    assert await problem(await ann.change_password(*passwords)) == (429, "too_many_attempts")


async def test_edits_without_end_are_refused(ann: Person, clock: StoppedClock) -> None:
    for n in range(30):
        assert (await ann.edit_me(name=f"Ann {n}")).status == 200
    assert await problem(await ann.edit_me(name="Ann once more")) == (429, "too_many_attempts")
    clock.now += 60
    assert (await ann.edit_me(name="Ann once more")).status == 200


async def test_edits_at_once_without_end_are_refused(ann: Person) -> None:
    answers = await asyncio.gather(*(ann.edit_me(name=f"Ann {n}") for n in range(40)))
    assert sorted(answer.status for answer in answers) == [200] * 30 + [429] * 10


async def test_edit_that_changes_nothing_writes_nothing_and_is_told_to_nobody(
    ann: Person, database: Database, feed: Feed
) -> None:
    assert (await ann.edit_me(name="Anna", profile={"n": 1})).status == 200
    told = await feed()
    async with database.reading() as tx:
        before = await tx.audit.page()
    for _ in range(100):
        same = await ann.edit_me(name=" Anna ", profile={"n": 1, "gone": None})
        assert (await same.json())["name"] == "Anna"
    async with database.reading() as tx:
        assert await tx.audit.page() == before
    assert await feed() == told
    changed = await ann.edit_me(profile={"n": True})
    assert (await changed.json())["profile"] == {"n": True}

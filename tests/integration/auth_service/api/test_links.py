"""HTTP of one-time links on a site by invitation."""

import time
from typing import Any

import pytest
from pytest_aiohttp import AiohttpClient

from auth_service.actions import accounts, links
from auth_service.app import create_app
from auth_service.core.auth import Auth
from auth_service.core.users import UserId
from auth_service.crypto.passwords import ArgonPasswords
from auth_service.settings import AuthSettings
from shared.health import Health
from tests.integration.auth_service.offers import BETTER, GOOD, token_of
from tests.integration.auth_service.person import COOKIE, Client, Person, StoppedClock, problem

BOSS = "boss@example.org"


@pytest.fixture
def settings(settings: AuthSettings) -> AuthSettings:
    return settings.model_copy(update={"registration": "invitation"})


@pytest.fixture
async def boss(auth: Auth, client: Client) -> Person:
    """The administrator, logged in."""
    await accounts.create(auth, email=BOSS, password=GOOD, name="Boss", role="administrator")
    boss = Person(client, BOSS, GOOD)
    assert (await boss.log_in()).status == 200
    return boss


async def invite(person: Person, **body: Any) -> Any:
    return await person.client.post("/auth/invitations", json=body, headers=person.bearer())


async def register(person: Person, invitation: str | None = None, **changed: Any) -> Any:
    body = {"email": person.email, "password": person.password, "name": "Ann", "invitation": invitation}
    return await person.post("/auth/register", json=body | changed)


async def test_invited_person_registers_as_member(boss: Person, person: Person) -> None:
    answer = await invite(boss)
    body = await answer.json()
    assert answer.status == 201
    page, _, token = body["link"].partition("#token=")
    assert page == "http://localhost:8080/register"
    assert abs(body["expires_at"] / 1000 - time.time() - 7 * 86400) < 60
    registered = await register(person, token)
    assert registered.status == 201
    assert (await registered.json())["user"]["role"] == "member"
    assert registered.cookies[COOKIE].value
    assert await problem(await register(person, token, email="bob@example.org")) == (403, "link_invalid")


async def test_invitation_for_an_address_is_good_for_no_other(boss: Person, person: Person) -> None:
    token = (await (await invite(boss, email=person.email)).json())["link"].partition("#token=")[2]
    assert await problem(await register(person, token, email="bob@example.org")) == (403, "link_invalid")
    assert (await register(person, token)).status == 201


async def test_only_administrators_invite(boss: Person, person: Person) -> None:
    token = (await (await invite(boss)).json())["link"].partition("#token=")[2]
    person.access_token = (await (await register(person, token)).json())["access_token"]
    assert await problem(await invite(person)) == (403, "not_allowed")
    person.access_token = ""
    assert await problem(await invite(person)) == (401, "invalid_token")
    await boss.log_out()
    assert await problem(await invite(boss)) == (401, "session_expired")


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"email": BOSS}, (409, "email_taken")),
        ({"email": "x"}, (400, "invalid_request")),
        ({"email": 1}, (400, "invalid_request")),
        ({"role": "administrator"}, (400, "invalid_request")),
    ],
)
async def test_invitation_that_cannot_be_is_refused(
    boss: Person, body: dict[str, Any], refusal: tuple[int, str]
) -> None:
    assert await problem(await invite(boss, **body)) == refusal


async def test_stranger_learns_nothing_from_the_answers(boss: Person, person: Person) -> None:
    assert await problem(await register(person)) == (403, "invitation_needed")
    for email in (BOSS, person.email):
        assert await problem(await register(person, "x" * 43, email=email)) == (403, "link_invalid")


async def test_set_up_link_makes_the_administrator(auth: Auth, person: Person) -> None:
    token = token_of(await links.make_setup(auth))
    body = {"token": token, "email": person.email, "password": GOOD, "name": "Ann"}
    answer = await person.post("/auth/setup", json=body)
    assert answer.status == 201
    made = await answer.json()
    assert made["user"]["role"] == "administrator"
    assert answer.cookies[COOKIE].value
    person.access_token = made["access_token"]
    assert (await invite(person)).status == 201
    assert await problem(await person.post("/auth/setup", json=body | {"email": "x@y"})) == (403, "link_invalid")


async def test_reset_link_chooses_the_password(auth: Auth, boss: Person) -> None:
    token = token_of(await links.start_reset(auth, await boss_id(auth)))
    assert await problem(await boss.me()) == (401, "session_expired")
    weak = await boss.post("/auth/password/reset", json={"token": token, "password": "short"})
    assert await problem(weak) == (400, "password_too_short")
    answer = await boss.post("/auth/password/reset", json={"token": token, "password": BETTER})
    assert (answer.status, await answer.read()) == (204, b"")
    assert await problem(await boss.log_in()) == (401, "bad_credentials")
    assert (await boss.log_in(BETTER)).status == 200


async def boss_id(auth: Auth) -> UserId:
    async with auth.store.reading() as tx:
        user = await tx.users.find_by_email(BOSS)
    assert user is not None
    return user.id


@pytest.mark.parametrize("path", ["/auth/setup", "/auth/password/reset", "/auth/register"])
@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
async def test_page_of_another_site_uses_no_link(person: Person, path: str, headers: dict[str, str]) -> None:
    assert await problem(await person.post(path, json={}, headers=headers)) == (403, "foreign_origin")


async def test_guesses_of_links_are_counted_by_address(auth: Auth, boss: Person) -> None:
    body = {"token": "x" * 43, "password": BETTER}

    async def guess(address: str, path: str = "/auth/password/reset", **changed: str) -> tuple[int, str]:
        return await problem(await boss.post(path, json=body | changed, headers={"X-Forwarded-For": address}))

    assert [await guess("203.0.113.9") for _ in range(30)] == [(403, "link_invalid")] * 30
    good = token_of(await links.start_reset(auth, await boss_id(auth)))
    assert await guess("203.0.113.9", token=good) == (429, "too_many_attempts")
    assert await guess("203.0.113.9", "/auth/setup", email="a@b", name="A") == (429, "too_many_attempts")
    assert await guess("198.51.100.9") == (403, "link_invalid")
    answer = await boss.post("/auth/password/reset", json=body | {"token": good})
    assert answer.status == 204


async def test_closed_site_lets_nobody_register(
    aiohttp_client: AiohttpClient, settings: AuthSettings, passwords: ArgonPasswords, clock: StoppedClock
) -> None:
    settings = settings.model_copy(update={"registration": "closed"})
    client: Client = await aiohttp_client(create_app(settings, health=Health(), passwords=passwords, clock=clock))
    assert await problem(await register(Person(client))) == (403, "registration_closed")

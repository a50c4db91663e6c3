"""Attacks on sessions over HTTP: each rule with the one who breaks it."""

import asyncio

import pytest

from tests.integration.auth_service.person import COOKIE, Client, Person, problem
from tests.integration.auth_service.rows import Feed

IN_SESSION = [
    ("GET", "/auth/me", {}),
    ("PATCH", "/auth/me", {"name": "Eve"}),
    ("DELETE", "/auth/me", {"password": "correct horse"}),
    ("GET", "/auth/sessions", {}),
    ("DELETE", "/auth/sessions/{id}", {}),
    ("POST", "/auth/logout/all", {}),
    ("POST", "/auth/logout/others", {}),
    ("POST", "/auth/password", {"password": "correct horse", "new_password": "eves own horse"}),
]
FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


@pytest.fixture
async def eve(client: Client) -> Person:
    """The attacker, who has an account of her own."""
    eve = Person(client, "eve@example.org", "eves own horse")
    assert (await eve.register("Eve")).status == 201
    return eve


async def test_session_planted_by_an_attacker_is_not_gone_on_with(ann: Person, eve: Person) -> None:
    """Eve puts her cookie into Ann's browser and waits for Ann to log in."""
    planted = eve.cookie
    body = {"email": ann.email, "password": ann.password}
    response = await ann.post("/auth/login", cookie=planted, json=body)
    assert response.cookies[COOKIE].value != planted
    assert (await response.json())["user"]["id"] == ann.id
    assert await problem(await eve.refresh(planted)) == (401, "session_expired")


async def test_session_planted_before_a_registration_is_not_gone_on_with(client: Client, eve: Person) -> None:
    body = {"email": "new@example.org", "password": "correct horse", "name": "New"}
    response = await eve.post("/auth/register", cookie=eve.cookie, json=body)
    assert (await response.json())["user"]["email"] == "new@example.org"
    assert response.cookies[COOKIE].value != eve.cookie
    assert await problem(await eve.refresh()) == (401, "session_expired")


@pytest.mark.parametrize("cookie", ["A" * 43, "x", "../../etc/passwd", "%00", "A" * 4000])
async def test_cookie_that_an_attacker_made_up_is_never_adopted(ann: Person, cookie: str) -> None:
    body = {"email": ann.email, "password": ann.password}
    response = await ann.post("/auth/login", cookie=cookie, json=body)
    assert response.status == 200
    assert response.cookies[COOKIE].value != cookie
    assert await problem(await ann.refresh(cookie)) == (401, "session_expired")


@pytest.mark.parametrize("path", ["/auth/token", "/auth/logout", "/auth/login", "/auth/register"])
@pytest.mark.parametrize("headers", FOREIGN)
async def test_foreign_page_cannot_ride_on_the_cookie(ann: Person, path: str, headers: dict[str, str]) -> None:
    response = await ann.post(path, cookie=ann.cookie, headers=headers, json={"email": "a", "password": "b"})
    assert await problem(response) == (403, "foreign_origin")
    assert COOKIE not in response.cookies
    assert (await ann.refresh()).status == 200


@pytest.mark.parametrize(("method", "path", "body"), IN_SESSION)
async def test_cookie_alone_acts_for_nobody(ann: Person, method: str, path: str, body: dict[str, str]) -> None:
    """So there is nothing a foreign page could send with it, whatever its Origin."""
    own = (await ann.sessions())[0]["id"]
    headers = {"Cookie": f"{COOKIE}={ann.cookie}"}
    response = await ann.client.request(method, path.replace("{id}", own), headers=headers, json=body or None)
    assert await problem(response) == (401, "invalid_token")
    assert (await ann.me()).status == 200


@pytest.mark.parametrize(("method", "path", "body"), IN_SESSION)
async def test_stolen_access_token_is_worth_nothing_once_the_session_ended(
    ann: Person, method: str, path: str, body: dict[str, str]
) -> None:
    stolen, own = ann.access_token, (await ann.sessions())[0]["id"]
    await ann.log_out()
    await ann.log_in()
    response = await ann.act(method, path.replace("{id}", own), stolen, **body)
    assert await problem(response) == (401, "session_expired")
    assert (await (await ann.me()).json())["name"] == "Ann"
    assert (await ann.log_in()).status == 200


@pytest.mark.parametrize("id_", ["none", "0", "..%2Fme", "' OR 1=1 --", "x" * 2000, "ü"])
async def test_session_of_another_reads_like_one_that_is_not_there(ann: Person, eve: Person, id_: str) -> None:
    """Eve has learnt the id of Ann's session."""
    anns = (await ann.sessions())[0]["id"]
    foreign, missing = [await eve.act("DELETE", f"/auth/sessions/{which}") for which in (anns, id_)]
    assert await problem(foreign) == (404, "session_not_found")
    assert await problem(missing) == (404, "session_not_found")
    bodies = [(await response.json()) | {"request_id": ""} for response in (foreign, missing)]
    assert bodies[0] == bodies[1]
    assert (await ann.refresh()).status == 200
    assert anns not in [each["id"] for each in await eve.sessions()]


@pytest.mark.parametrize("id_", ["%00", "%ED%A0%80"])
async def test_id_that_is_no_text_reaches_nobody(eve: Person, id_: str) -> None:
    assert await problem(await eve.act("DELETE", f"/auth/sessions/{id_}")) == (400, "invalid_request")


async def test_status_of_what_needs_no_session_tells_nothing_about_an_address(ann: Person, client: Client) -> None:
    strangers = [Person(client, email) for email in ("nobody@example.org", "ann@example.org\0", "")]
    answers = [await problem(await ann.log_in("wrong one"))]
    answers += [await problem(await stranger.log_in("wrong one")) for stranger in strangers]
    assert answers == [(401, "bad_credentials")] * 4
    for cookie in ("", "A" * 43):
        assert await problem(await ann.refresh(cookie)) == (401, "session_expired")
        assert (await ann.post("/auth/logout", cookie=cookie)).status == 204


async def test_thief_with_a_copied_cookie_loses_it_when_the_owner_changes_the_password_elsewhere(
    ann: Person, client: Client
) -> None:
    elsewhere, thief = Person(client, ann.email, ann.password), Person(client)
    await elsewhere.log_in()
    thief.cookie = ann.cookie
    refreshes = (thief.refresh() for _ in range(4))
    changed, *_ = await asyncio.gather(elsewhere.change_password(ann.password, "another horse"), *refreshes)
    assert changed.status == 204
    assert await problem(await thief.refresh()) == (401, "session_expired")
    assert (await elsewhere.refresh()).status == 200
    if thief.access_token:
        assert await problem(await thief.me()) == (401, "session_expired")


async def test_guesses_of_the_password_by_a_stolen_access_token_are_throttled(ann: Person) -> None:
    answers = [await ann.act("DELETE", "/auth/me", password=f"a guess {n}") for n in range(12)]
    assert [response.status for response in answers].count(403) <= 6
    assert await problem(answers[-1]) == (429, "too_many_attempts")
    assert answers[-1].headers["Retry-After"]
    assert (await ann.me()).status == 200


async def test_gateways_hear_of_every_session_before_they_hear_of_the_deletion(
    ann: Person, client: Client, feed: Feed
) -> None:
    elsewhere = Person(client, ann.email, ann.password)
    await elsewhere.log_in()
    await ann.act("DELETE", "/auth/me", password=ann.password)
    heard = [kind for kind, _ in await feed() if kind != "keys"]
    assert heard == ["session", "session", "user"]

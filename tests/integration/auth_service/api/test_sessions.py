import asyncio
from io import BytesIO, StringIO
from urllib.parse import urlencode

import pytest
from sqlalchemy import text

from auth_service.core.changes import ChangesPage
from auth_service.crypto.passwords import ArgonPasswords
from auth_service.store.database import Database
from shared import tokens
from tests.integration.auth_service.aging import age_everything
from tests.integration.auth_service.person import COOKIE, ORIGIN, Client, Person, StoppedClock, problem

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def test_log_in_answers_a_token_that_verifies_and_a_refresh_cookie(
    ann: Person, client: Client, clock: StoppedClock
) -> None:
    response = await ann.log_in()
    body = await response.json()
    assert response.status == 200
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 600
    keys = tokens.key_set(await (await client.get("/.well-known/jwks.json")).read())
    claims = tokens.verify(body["access_token"], keys, issuer=ORIGIN, audience="chat", now=clock.now)
    assert (claims.user, claims.name, claims.roles) == (body["user"]["id"], "Ann", ())
    assert claims.expires_at - claims.issued_at == 600


async def test_refresh_cookie_is_out_of_reach_of_scripts_and_of_other_sites(ann: Person) -> None:
    cookie = (await ann.log_in()).cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"]) == (True, "Strict", "/", "")
    assert cookie["secure"] == ""


async def test_nothing_of_a_session_may_be_cached(ann: Person) -> None:
    assert (await ann.log_in()).headers["Cache-Control"] == "no-store"
    assert (await ann.log_in("wrong")).headers["Cache-Control"] == "no-store"
    assert (await ann.refresh()).headers["Cache-Control"] == "no-store"


async def test_address_is_compared_without_case(ann: Person) -> None:
    ann.email = " ANN@Example.ORG "
    assert (await ann.log_in()).status == 200


async def test_unknown_address_and_wrong_password_read_the_same(ann: Person) -> None:
    wrong = await ann.log_in("not this one")
    stranger = await Person(ann.client, email="nobody@example.org").log_in()
    assert await problem(wrong) == (401, "bad_credentials")
    assert await problem(stranger) == (401, "bad_credentials")
    texts = [(await response.json()) | {"request_id": ""} for response in (wrong, stranger)]
    assert texts[0] == texts[1]
    assert COOKIE not in wrong.cookies


async def test_hash_with_other_costs_is_renewed_at_log_in(ann: Person, database: Database) -> None:
    old = ArgonPasswords(memory_kib=128, time_cost=1)
    old_hash = await old.hash(ann.password)
    old.close()
    async with database._engine.begin() as connection:
        await connection.execute(text('UPDATE "user" SET password = :hash'), {"hash": old_hash})
    assert (await ann.log_in()).status == 200
    async with database.reading() as tx:
        user = await tx.users.find_by_email(ann.email)
    assert user is not None
    assert "m=64," in user.password


async def test_refresh_rotates_the_cookie_and_answers_a_new_token(ann: Person) -> None:
    first_cookie, first_token = ann.cookie, ann.access_token
    response = await ann.refresh()
    assert response.status == 200
    assert (await response.json())["user"]["name"] == "Ann"
    assert ann.cookie != first_cookie
    assert ann.access_token != first_token


async def test_parallel_refreshes_of_one_token_get_one_successor(ann: Person) -> None:
    first = ann.cookie
    responses = await asyncio.gather(*(ann.refresh(first) for _ in range(8)))
    assert {response.status for response in responses} == {200}
    assert len({response.cookies[COOKIE].value for response in responses}) == 1


async def test_repeat_within_the_grace_gets_the_latest_of_its_successors(ann: Person) -> None:
    first = ann.cookie
    await ann.refresh()
    second = ann.cookie
    await ann.refresh(first)
    assert ann.cookie == second
    await ann.refresh()
    latest = ann.cookie
    await ann.refresh(first)
    assert ann.cookie == latest


async def test_lost_answer_is_given_anew_after_the_grace_and_kills_the_lost_one(
    ann: Person, database: Database
) -> None:
    first = ann.cookie
    await ann.refresh()
    lost = ann.cookie
    await age_everything(database, 11)
    assert (await ann.refresh(first)).status == 200
    found = ann.cookie
    assert found != lost
    assert (await ann.refresh(found)).status == 200
    assert await problem(await ann.refresh(lost)) == (401, "session_expired")


async def test_parallel_repeats_after_the_grace_agree_on_one_new_successor(ann: Person, database: Database) -> None:
    first = ann.cookie
    await ann.refresh()
    lost = ann.cookie
    await age_everything(database, 11)
    responses = await asyncio.gather(*(ann.refresh(first) for _ in range(8)))
    assert {response.status for response in responses} == {200}
    cookies = {response.cookies[COOKIE].value for response in responses}
    assert len(cookies) == 1
    assert lost not in cookies


async def test_reuse_after_the_grace_ends_the_session_and_tells_the_gateways(ann: Person, database: Database) -> None:
    stolen = ann.cookie
    await ann.refresh()
    await ann.refresh()
    await age_everything(database, 11)
    response = await ann.refresh(stolen)
    assert await problem(response) == (401, "session_expired")
    assert response.cookies[COOKIE]["max-age"] == "0"
    assert await problem(await ann.refresh()) == (401, "session_expired")
    assert await problem(await ann.me()) == (401, "session_expired")
    page = await database.changes_after(0)
    assert [entry["user"] for entry in page.changes if entry["kind"] == "session"] == [ann.id]


@pytest.mark.parametrize("days", [31, 91])
async def test_session_ends_when_idle_or_old(ann: Person, database: Database, days: int) -> None:
    await age_everything(database, days * 86400)
    assert await problem(await ann.refresh()) == (401, "session_expired")


async def test_session_in_use_ends_after_its_absolute_life(ann: Person, database: Database) -> None:
    for _ in range(3):
        await age_everything(database, 29 * 86400)
        assert (await ann.refresh()).status == 200
    await age_everything(database, 4 * 86400)
    assert await problem(await ann.refresh()) == (401, "session_expired")


@pytest.mark.parametrize("cookie", ["", "nonsense", "A" * 43, "../../etc/passwd"])
async def test_token_that_is_none_of_ours_is_refused_and_the_cookie_cleared(person: Person, cookie: str) -> None:
    response = await person.refresh(cookie)
    assert await problem(response) == (401, "session_expired")
    assert response.cookies[COOKIE].value == ""


async def test_log_out_ends_the_session_clears_the_cookie_and_tells_the_gateways(
    ann: Person, database: Database
) -> None:
    response = await ann.log_out()
    assert response.status == 204
    assert response.cookies[COOKIE]["max-age"] == "0"
    assert await problem(await ann.refresh()) == (401, "session_expired")
    assert await problem(await ann.me()) == (401, "session_expired")
    page = await database.changes_after(0)
    assert [entry["kind"] for entry in page.changes].count("session") == 1
    assert (await ann.log_out()).status == 204
    assert await database.changes_after(page.next) == ChangesPage([], page.next, more=False)


async def test_log_out_without_a_session_is_no_error(person: Person) -> None:
    assert (await person.log_out()).status == 204


async def test_log_in_ignores_a_session_the_browser_brought_along(ann: Person) -> None:
    planted = ann.cookie
    response = await ann.post("/auth/login", cookie=planted, json={"email": ann.email, "password": ann.password})
    assert response.cookies[COOKIE].value != planted


@pytest.mark.parametrize(
    ("sent", "location"),
    [
        ("/rooms/lobby?at=5#x", "/rooms/lobby?at=5#x"),
        ("/r%C3%A4ume", "/r%C3%A4ume"),
        ("/räume", "/r%C3%A4ume"),
        ("", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\t/evil.example", "/"),
        ("/ok\r\nSet-Cookie: a=b", "/"),
    ],
)
async def test_form_goes_on_to_a_path_of_this_site_only(ann: Person, sent: str, location: str) -> None:
    form = urlencode({"email": ann.email, "password": ann.password, "next": sent})
    response = await ann.post("/auth/login", headers=FORM, data=form)
    assert (response.status, response.headers["Location"]) == (303, location)
    assert response.cookies[COOKIE].value


async def test_refused_form_goes_back_with_address_and_error_in_the_fragment(ann: Person) -> None:
    form = urlencode({"email": "ann+x@example.org", "password": "wrong", "next": "/rooms/a?b=c"})
    response = await ann.post("/auth/login", headers=FORM, data=form)
    assert response.status == 303
    expected = "/login?next=%2Frooms%2Fa%3Fb%3Dc#error=bad_credentials&email=ann%2Bx%40example.org"
    assert response.headers["Location"] == expected
    assert COOKIE not in response.cookies


@pytest.mark.parametrize("body", [b"email=%ff", "email=ä".encode(), b"&".join(b"a=1" for _ in range(50))])
async def test_form_that_cannot_be_read_is_refused(person: Person, body: bytes) -> None:
    assert await problem(await person.post("/auth/login", headers=FORM, data=body)) == (400, "invalid_request")


@pytest.mark.parametrize("path", ["/auth/login", "/auth/token", "/auth/logout", "/auth/register"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "null", "Sec-Fetch-Site": "none"},
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://localhost:8081"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_page_of_a_foreign_site_may_not_act(ann: Person, path: str, headers: dict[str, str]) -> None:
    response = await ann.post(path, cookie=ann.cookie, headers={**FORM, **headers}, data="email=a&password=b")
    assert await problem(response) == (403, "foreign_origin")
    assert (await ann.refresh()).status == 200


async def test_own_form_on_a_page_without_referrer_may_act(ann: Person) -> None:
    headers = {**FORM, "Origin": "null", "Sec-Fetch-Site": "same-origin"}
    form = urlencode({"email": ann.email, "password": ann.password})
    response = await ann.post("/auth/login", headers=headers, data=form)
    assert response.headers["Location"] == "/"


async def test_own_page_and_program_without_origin_may_act(ann: Person, client: Client) -> None:
    body = {"email": ann.email, "password": ann.password}
    own = await ann.post("/auth/login", headers={"Sec-Fetch-Site": "same-origin"}, json=body)
    assert own.status == 200
    assert (await client.post("/auth/login", json=body)).status == 200


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b'{"email": 5, "password": "x"}', "application/json"),
        (b'{"email": "a", "password": "x", "role": "administrator"}', "application/json"),
        (b"[" * 50_000, "application/json"),
        (b'{"email": "\xff"}', "application/json"),
    ],
)
async def test_broken_json_is_refused(person: Person, body: bytes, kind: str) -> None:
    response = await person.post("/auth/login", headers={"Content-Type": kind}, data=body)
    assert await problem(response) == (400, "invalid_request")


async def test_body_of_nine_megabytes_is_refused(person: Person) -> None:
    headers = {"Content-Type": "application/json"}
    response = await person.post("/auth/login", headers=headers, data=BytesIO(b"x" * 9_000_000))
    assert await problem(response) == (413, "body_too_large")
    assert (await person.register()).status == 201


async def test_password_and_token_never_reach_the_log(ann: Person, log: StringIO) -> None:
    await ann.log_in("a wrong one")
    await ann.refresh()
    await ann.me()
    await ann.client.get("/auth/me?access_token=in-the-query")
    written = log.getvalue()
    assert '"path": "/auth/token"' in written
    for secret in ("a wrong one", ann.password, ann.cookie, ann.access_token, ann.email, "in-the-query"):
        assert secret not in written

"""HTTP of one's own sessions: the list, the end of one, of the others, of all; by cookie and by access token."""

import pytest

from auth_service.core.callers import MAX_USER_AGENT
from tests.integration.auth_service.person import COOKIE, Client, Person, problem


@pytest.fixture
async def elsewhere(client: Client, ann: Person) -> Person:
    """Ann once more, at another browser."""
    other = Person(client, ann.email, ann.password)
    assert (await other.log_in()).status == 200
    return other


async def test_sessions_are_listed_and_this_one_is_marked(ann: Person, elsewhere: Person) -> None:
    listed = await ann.sessions()
    assert [each["is_current"] for each in listed] == [False, True]
    assert set(listed[0]) == {"id", "user_agent", "network", "started_at", "last_used_at", "is_current"}
    assert listed[0]["network"] == "127.0.0.0/24"
    assert "aiohttp" in listed[0]["user_agent"]
    assert [each["id"] for each in await elsewhere.sessions()] == [each["id"] for each in listed]


async def test_browser_may_call_itself_anything(ann: Person) -> None:
    body = {"email": ann.email, "password": ann.password}
    await ann.post("/auth/login", json=body, headers={"User-Agent": "<script>" + "é" * 1000})
    shown = (await ann.sessions())[0]["user_agent"]
    assert shown.startswith("<script>")
    assert len(shown) == MAX_USER_AGENT


async def test_one_session_is_ended(ann: Person, elsewhere: Person) -> None:
    (other,) = [each["id"] for each in await ann.sessions() if not each["is_current"]]
    assert (await ann.act("DELETE", f"/auth/sessions/{other}")).status == 204
    assert await problem(await elsewhere.me()) == (401, "session_expired")
    refused = await elsewhere.refresh()
    assert await problem(refused) == (401, "session_expired")
    assert refused.cookies[COOKIE]["max-age"] == "0"
    assert await problem(await ann.act("DELETE", f"/auth/sessions/{other}")) == (404, "session_not_found")
    assert (await ann.me()).status == 200


async def test_all_others_are_ended(ann: Person, elsewhere: Person) -> None:
    assert (await ann.act("POST", "/auth/logout/others")).status == 204
    assert await problem(await elsewhere.refresh()) == (401, "session_expired")
    assert (await ann.refresh()).status == 200


async def test_all_are_ended(ann: Person, elsewhere: Person) -> None:
    response = await ann.act("POST", "/auth/logout/all")
    assert response.status == 204
    assert response.cookies[COOKIE]["max-age"] == "0"
    for each in (ann, elsewhere):
        assert await problem(await each.me()) == (401, "session_expired")
        assert await problem(await each.refresh()) == (401, "session_expired")


async def test_access_token_alone_logs_out(ann: Person, elsewhere: Person) -> None:
    assert (await ann.post("/auth/logout", headers=ann.bearer())).status == 204
    assert await problem(await ann.refresh()) == (401, "session_expired")
    assert (await ann.post("/auth/logout", headers=ann.bearer())).status == 204
    assert (await elsewhere.me()).status == 200


async def test_cookie_and_access_token_log_out_of_both_their_sessions(ann: Person, elsewhere: Person) -> None:
    assert (await ann.post("/auth/logout", cookie=ann.cookie, headers=elsewhere.bearer())).status == 204
    for each in (ann, elsewhere):
        assert await problem(await each.me()) == (401, "session_expired")


async def test_token_that_is_not_ours_does_not_keep_the_cookie_from_logging_out(ann: Person) -> None:
    assert (await ann.post("/auth/logout", cookie=ann.cookie, headers=ann.bearer("x"))).status == 204
    assert await problem(await ann.me()) == (401, "session_expired")
    assert await problem(await ann.post("/auth/logout", headers=ann.bearer("x"))) == (401, "invalid_token")


async def test_password_change_ends_the_other_sessions(ann: Person, elsewhere: Person) -> None:
    assert (await ann.change_password(ann.password, "another horse")).status == 204
    assert await problem(await elsewhere.me()) == (401, "session_expired")
    assert await problem(await elsewhere.refresh()) == (401, "session_expired")
    assert (await ann.refresh()).status == 200


async def test_end_of_the_account_ends_all_sessions(ann: Person, elsewhere: Person) -> None:
    assert (await ann.act("DELETE", "/auth/me", password=ann.password)).status == 204
    assert await problem(await elsewhere.me()) == (401, "session_expired")
    assert await problem(await elsewhere.refresh()) == (401, "session_expired")

"""What the front lets in, seen from outside: one site, one log-in, and nothing of the inside."""

import io

import aiohttp
from yarl import URL

from tests.driver import ChatUser
from tests.stack import Stack


async def test_the_inside_is_not_to_be_seen(stack: Stack, http: aiohttp.ClientSession) -> None:
    for path in ("/internal/changes?after=0", "/metrics", "/readyz", "/livez"):
        async with http.get(stack.base + path) as answer:
            assert answer.status == 404, path


async def test_a_body_of_nine_megabytes_is_refused_and_the_service_stays_up(
    stack: Stack, http: aiohttp.ClientSession
) -> None:
    async with http.post(f"{stack.base}/auth/login", data=io.BytesIO(b"x" * 9_000_000)) as answer:
        assert answer.status == 413
        assert (await answer.json(content_type=None))["code"] == "body_too_large"
    async with http.get(f"{stack.base}/.well-known/jwks.json") as answer:
        assert answer.status == 200


async def test_a_duplicate_email_is_a_conflict(stack: Stack, http: aiohttp.ClientSession) -> None:
    user = await ChatUser.register(stack.base)
    await user.leave_page()
    body = {"email": f"{user.name}@TEST.com", "name": "Another", "password": "correct horse battery"}
    async with http.post(f"{stack.base}/auth/register", json=body) as answer:
        assert answer.status == 409
        assert (await answer.json())["code"] == "email_taken"


async def test_a_form_log_in_without_scripts_goes_where_it_wanted_or_back_to_the_form(
    stack: Stack, http: aiohttp.ClientSession
) -> None:
    async def post(password: str, target: str) -> tuple[int, str]:
        form = {"email": "dog1@test.com", "password": password, "next": target}
        headers = {"Origin": stack.base, "Sec-Fetch-Site": "same-origin"}
        url = f"{stack.base}/auth/login"
        async with http.post(url, data=form, headers=headers, allow_redirects=False) as answer:
            return answer.status, answer.headers["Location"]

    assert await post("dog1", "/rooms/lobby") == (303, "/rooms/lobby")
    assert await post("dog1", "//evil.example/") == (303, "/")
    status, location = await post("cat1", "/rooms/lobby")
    assert status == 303
    assert location == "/login?next=%2Frooms%2Flobby#error=bad_credentials&email=dog1%40test.com"


async def test_a_log_in_form_of_a_foreign_page_is_refused(stack: Stack, http: aiohttp.ClientSession) -> None:
    form = {"email": "dog1@test.com", "password": "dog1", "next": "/"}
    headers = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
    async with http.post(f"{stack.base}/auth/login", data=form, headers=headers, allow_redirects=False) as answer:
        assert answer.status == 403
        assert not http.cookie_jar.filter_cookies(URL(stack.base))


async def test_the_refresh_cookie_is_out_of_reach_of_scripts_and_of_other_sites(
    stack: Stack, http: aiohttp.ClientSession
) -> None:
    async with http.post(f"{stack.base}/auth/login", json={"email": "dog2@test.com", "password": "dog2"}) as answer:
        cookie = next(value for value in answer.headers.getall("Set-Cookie") if str(stack.ports.front) in value)
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert answer.headers["Cache-Control"] == "no-store"


async def test_every_page_carries_the_security_headers(stack: Stack, http: aiohttp.ClientSession) -> None:
    async with http.get(f"{stack.base}/rooms/lobby") as answer:
        assert answer.status == 200
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"]
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"


async def test_every_answer_of_a_service_says_that_it_is_no_page_and_says_it_once(
    stack: Stack, http: aiohttp.ClientSession
) -> None:
    for path in ("/auth/me", "/auth/site", "/auth/nowhere", "/.well-known/jwks.json", "/api/v1/openapi.json"):
        async with http.get(stack.base + path) as answer:
            assert answer.headers.getall("Content-Security-Policy") == ["default-src 'none'; frame-ancestors 'none'"]
            assert answer.headers.getall("X-Content-Type-Options") == ["nosniff"]
            assert answer.headers.getall("Cross-Origin-Opener-Policy") == ["same-origin"]
            assert answer.headers.getall("Referrer-Policy") == ["no-referrer"]
            assert len(answer.headers.getall("Cache-Control")) == 1
            assert not [name for name in answer.headers if name.startswith("Access-Control")]

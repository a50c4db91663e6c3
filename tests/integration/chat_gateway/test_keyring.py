import asyncio
import base64
import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import jwt
import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chat_gateway.keyring import KeyNotKnownNow, Keyring, SessionRevoked, Times, jwks_over_http
from shared.errors import Unauthenticated, Unavailable
from shared.tokens import ExpiredToken, InvalidToken
from tests.faults import TcpProxy, eventually, tcp_proxy

ISSUER = "http://localhost:8080"
NOW = 1_800_000_000.0


class Auth:
    """A little auth service: publishes keys over HTTP and signs tokens with them."""

    def __init__(self) -> None:
        self.keys: dict[str, Ed25519PrivateKey] = {}
        self.fetches = 0
        self.answers = asyncio.Event()
        self.answers.set()
        self.body: bytes | None = None
        self.status = 200
        self.add("k1")

    def add(self, key_id: str) -> None:
        self.keys[key_id] = Ed25519PrivateKey.generate()

    def jwks(self) -> bytes:
        return json.dumps(
            {
                "keys": [
                    {
                        "kty": "OKP",
                        "crv": "Ed25519",
                        "kid": key_id,
                        "x": base64.urlsafe_b64encode(key.public_key().public_bytes_raw()).decode().rstrip("="),
                    }
                    for key_id, key in self.keys.items()
                ]
            }
        ).encode()

    async def serve(self, _request: web.Request) -> web.Response:
        self.fetches += 1
        body = self.jwks() if self.body is None else self.body
        await self.answers.wait()
        return web.Response(body=body, status=self.status)

    def token(self, key_id: str = "k1", *, key: Ed25519PrivateKey | None = None, **claims: Any) -> str:
        payload = {
            "iss": ISSUER, "aud": "chat", "sub": "u1", "sid": "s1", "jti": "t1", "iat": int(NOW),
            "exp": int(NOW) + 600, "name": "dog1", "picture": "", "roles": [], **claims,
        }  # fmt: skip
        headers = {"kid": key_id, "typ": "at+jwt"}
        return jwt.encode(payload, key or self.keys[key_id], algorithm="EdDSA", headers=headers)


class Clock:
    """The wall clock and the monotonic one, both by hand."""

    def __init__(self) -> None:
        self.wall, self.steady = NOW, 1000.0


class Setting:
    """A keyring, the auth it asks, and the clocks both go by."""

    def __init__(self, auth: Auth, keyring: Keyring, clock: Clock, dropped: list[str]) -> None:
        self.auth, self.keyring, self.clock, self.dropped = auth, keyring, clock, dropped

    async def fetched(self, times: int = 1) -> None:
        """Wait until auth was asked that often, and for what came of it."""
        # The end of a round has no public sign.
        await eventually(lambda: self.auth.fetches >= times and not self.keyring._fetching)


@pytest.fixture
def auth() -> Auth:
    return Auth()


@pytest.fixture
async def proxy(auth: Auth) -> AsyncIterator[TcpProxy]:
    app = web.Application()
    app.router.add_get("/.well-known/jwks.json", auth.serve)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    assert server.port
    async with tcp_proxy("127.0.0.1", server.port) as proxy:
        yield proxy
        auth.answers.set()
    await server.close()


@pytest.fixture
def times() -> Times:
    return Times(refresh=1000, retry=0.01, longest_retry=0.02, patience=0.3)


@pytest.fixture
async def setting(auth: Auth, proxy: TcpProxy, times: Times) -> AsyncIterator[Setting]:
    clock, dropped = Clock(), list[str]()
    async with aiohttp.ClientSession() as session:
        keyring = Keyring(
            jwks_over_http(session, f"http://127.0.0.1:{proxy.port}/.well-known/jwks.json", seconds=1.0),
            issuer=ISSUER,
            audience="chat",
            clock=lambda: clock.wall,
            monotonic=lambda: clock.steady,
            times=times,
            on_key_dropped=dropped.append,
        )
        yield Setting(auth, keyring, clock, dropped)


@contextlib.asynccontextmanager
async def running(setting: Setting) -> AsyncIterator[None]:
    task = asyncio.create_task(setting.keyring.run())
    try:
        await setting.fetched(setting.auth.fetches + 1)
        setting.clock.steady += 1
        yield
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_good_token_says_who_calls(setting: Setting) -> None:
    async with running(setting):
        claims = setting.keyring.verify(setting.auth.token())
    assert (claims.user, claims.session, claims.name, claims.key_id) == ("u1", "s1", "dog1", "k1")


async def test_a_token_checked_before_is_not_checked_again_and_dies_at_its_end(setting: Setting) -> None:
    token = setting.auth.token()
    async with running(setting):
        first = setting.keyring.verify(token)
        assert setting.keyring.verify(token) is first
        setting.clock.wall = NOW + 600
        for _ in range(2):
            with pytest.raises(ExpiredToken):
                setting.keyring.verify(token)


@pytest.mark.parametrize(
    "claims", [{"iss": "http://elsewhere"}, {"aud": "mail"}, {"aud": ["chat"]}, {"sub": 1}], ids=str
)
async def test_a_token_for_somebody_else_is_invalid(setting: Setting, claims: dict[str, Any]) -> None:
    async with running(setting):
        with pytest.raises(InvalidToken):
            setting.keyring.verify(setting.auth.token(**claims))


async def test_a_forged_signature_or_odd_text_is_invalid(setting: Setting) -> None:
    async with running(setting):
        for token in (setting.auth.token(key=Ed25519PrivateKey.generate()), "", "a.b.c", "\ud800", "x" * 10_000):
            with pytest.raises(InvalidToken):
                setting.keyring.verify(token)


async def test_before_the_first_set_nothing_is_known_and_nothing_refused_for_good(setting: Setting) -> None:
    assert not setting.keyring.ready
    with pytest.raises(KeyNotKnownNow):
        setting.keyring.verify(setting.auth.token())
    async with running(setting):
        assert setting.keyring.ready
        assert setting.keyring.verify(setting.auth.token()).user == "u1"


async def test_auth_away_at_the_start_is_asked_again_and_logged_once(setting: Setting, proxy: TcpProxy) -> None:
    proxy.cut()
    with structlog.testing.capture_logs() as logs:
        task = asyncio.create_task(setting.keyring.run())
        await eventually(lambda: proxy.connections_refused > 3)
        assert not setting.keyring.ready
        proxy.heal()
        assert (await setting.keyring.verify_soon(setting.auth.token())).user == "u1"
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert [line["event"] for line in logs] == ["keyring.not_fetched"]


@pytest.mark.parametrize(("status", "body"), [(503, None), (200, b"junk"), (200, b'{"keys":[]}'), (404, b"")], ids=str)
async def test_a_bad_answer_leaves_the_last_good_set_in_use(setting: Setting, status: int, body: bytes | None) -> None:
    async with running(setting):
        setting.auth.status, setting.auth.body = status, body
        setting.keyring.refetch()
        await setting.fetched(3)
        assert setting.keyring.verify(setting.auth.token()).user == "u1"
        setting.auth.status, setting.auth.body = 200, None
        await setting.fetched(setting.auth.fetches + 1)


async def test_the_last_good_set_is_held_for_a_day_and_no_longer(setting: Setting) -> None:
    async with running(setting):
        setting.auth.status = 503
        setting.clock.steady += 24 * 3600 - 2
        setting.keyring.refetch()
        await setting.fetched(3)
        assert setting.keyring.ready
        setting.clock.steady += 10
        await setting.fetched(setting.auth.fetches + 2)
        assert not setting.keyring.ready
        with pytest.raises(KeyNotKnownNow):
            setting.keyring.verify(setting.auth.token())


async def test_an_unknown_key_is_fetched_and_then_known(setting: Setting) -> None:
    async with running(setting):
        setting.auth.add("k2")
        with pytest.raises(KeyNotKnownNow):
            setting.keyring.verify(setting.auth.token("k2"))
        await setting.fetched(2)
        assert setting.keyring.verify(setting.auth.token("k2")).key_id == "k2"


async def test_a_key_missing_from_a_set_fetched_after_the_token_came_is_invalid(setting: Setting) -> None:
    setting.auth.add("forged")
    token = setting.auth.token("forged")
    del setting.auth.keys["forged"]
    async with running(setting):
        with pytest.raises(KeyNotKnownNow):
            setting.keyring.verify(token)
        setting.clock.steady += 0.1
        await setting.fetched(2)
        # The fetch began at the very moment the token came: it proves nothing yet, the next one does.
        setting.keyring.refetch()
        await setting.fetched(3)
        with pytest.raises(InvalidToken):
            setting.keyring.verify(token)


async def test_unknown_keys_lead_to_one_fetch_a_minute(setting: Setting) -> None:
    async with running(setting):
        for number in range(50):
            setting.auth.add("x")
            with pytest.raises(KeyNotKnownNow):
                setting.keyring.verify(setting.auth.token("x", jti=str(number)))
            del setting.auth.keys["x"]
            await asyncio.sleep(0)
        await setting.fetched(2)
        setting.clock.steady += 59
        setting.auth.add("k2")
        with pytest.raises(KeyNotKnownNow):
            await setting.keyring.verify_soon(setting.auth.token("k2"))
        assert setting.auth.fetches == 2
        setting.clock.steady += 2
        assert (await setting.keyring.verify_soon(setting.auth.token("k2"))).key_id == "k2"
        assert setting.auth.fetches == 3


async def test_a_token_can_wait_for_the_fetch_it_needs(setting: Setting) -> None:
    async with running(setting):
        setting.auth.add("k2")
        assert (await setting.keyring.verify_soon(setting.auth.token("k2"))).key_id == "k2"
        assert setting.auth.fetches == 2


async def test_a_token_waits_no_longer_than_patience(setting: Setting) -> None:
    async with running(setting):
        setting.auth.add("k2")
        setting.auth.answers.clear()
        started = time.monotonic()
        with pytest.raises(KeyNotKnownNow):
            await setting.keyring.verify_soon(setting.auth.token("k2"))
        assert 0.25 < time.monotonic() - started < 2
        setting.auth.answers.set()


async def test_auth_down_makes_an_unknown_key_a_matter_of_later(setting: Setting, proxy: TcpProxy) -> None:
    async with running(setting):
        proxy.cut()
        setting.auth.add("k2")
        with pytest.raises(KeyNotKnownNow):
            await setting.keyring.verify_soon(setting.auth.token("k2"))
        assert setting.keyring.verify(setting.auth.token()).user == "u1"


async def test_the_regular_refresh_brings_new_keys_unasked(auth: Auth, setting: Setting) -> None:
    setting.keyring._times = setting.keyring._times._replace(refresh=0.01)  # set before it runs
    async with running(setting):
        auth.add("k2")
        await setting.fetched(auth.fetches + 2)
        assert setting.keyring.verify(auth.token("k2")).key_id == "k2"


async def test_a_key_that_auth_dropped_is_told_and_its_tokens_go_at_once(setting: Setting) -> None:
    token = setting.auth.token()
    async with running(setting):
        setting.keyring.verify(token)
        setting.auth.add("k2")
        del setting.auth.keys["k1"]
        setting.keyring.refetch()
        await setting.fetched(2)
        assert setting.dropped == ["k1"]
        with pytest.raises(KeyNotKnownNow):
            setting.keyring.verify(token)


async def test_an_ended_session_is_refused_cached_or_not_and_others_are_not(setting: Setting) -> None:
    token = setting.auth.token()
    async with running(setting):
        setting.keyring.verify(token)
        setting.keyring.forget_session("s1")
        for refused in (token, setting.auth.token(jti="another")):
            with pytest.raises(SessionRevoked):
                setting.keyring.verify(refused)
        assert setting.keyring.verify(setting.auth.token(sid="s2")).session == "s2"


async def test_ended_sessions_are_remembered_for_as_long_as_a_token_lives(setting: Setting) -> None:
    async with running(setting):
        for session in ("s1", "s2"):
            setting.keyring.forget_session(session)
        setting.clock.steady += 24 * 60
        setting.keyring.forget_session("s2")
        setting.keyring.forget_session("s3")
        setting.clock.steady += 2 * 60
        setting.keyring.forget_session("s4")
        assert list(setting.keyring._revoked) == ["s2", "s3", "s4"]  # only memory shows that it is bounded


async def test_caches_are_bounded(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat_gateway.keyring._MAX_CACHED", 3)
    async with running(setting):
        for number in range(5):
            setting.keyring.verify(setting.auth.token(jti=str(number)))
        assert len(setting.keyring._cache) == 3  # only memory shows that it is bounded


async def test_a_user_is_who_the_token_speaks_for(setting: Setting) -> None:
    async with running(setting):
        user = await setting.keyring.user_of(setting.auth.token())
    assert (user.id, user.name, user.session, user.key_id, user.expires_at) == ("u1", "dog1", "s1", "k1", NOW + 600)


async def test_a_refused_token_has_the_code_clients_branch_on(setting: Setting) -> None:
    with pytest.raises(Unavailable) as unavailable:
        await setting.keyring.user_of(setting.auth.token())
    assert unavailable.value.code == "keys_unavailable"
    async with running(setting):
        setting.keyring.forget_session("gone")
        for token, code in (
            ("", "unauthorized"),
            (setting.auth.token(exp=int(NOW)), "token_expired"),
            (setting.auth.token(aud="mail"), "invalid_token"),
            (setting.auth.token(sid="gone"), "invalid_token"),
        ):
            with pytest.raises(Unauthenticated) as refused:
                await setting.keyring.user_of(token)
            assert refused.value.code == code

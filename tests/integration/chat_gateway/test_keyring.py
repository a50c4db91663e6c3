import asyncio
from typing import Any

import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chat_gateway.keyring import KeyNotKnownNow, SessionRevoked
from shared.errors import Unauthenticated, Unavailable
from shared.tokens import ExpiredToken, InvalidToken
from tests.faults import eventually
from tests.integration.chat_gateway.key_setting import NOW, Setting, running


async def test_a_good_token_says_who_calls(setting: Setting) -> None:
    async with running(setting):
        claims = setting.keyring.verify(setting.token())
    assert (claims.user, claims.session, claims.name, claims.key_id) == ("u1", "s1", "dog1", "k1")


async def test_a_token_checked_before_is_not_checked_again_and_dies_at_its_end(setting: Setting) -> None:
    token = setting.token()
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
            setting.keyring.verify(setting.token(**claims))


async def test_a_forged_signature_or_odd_text_is_invalid(setting: Setting) -> None:
    async with running(setting):
        for token in (setting.token(key=Ed25519PrivateKey.generate()), "", "a.b.c", "\ud800", "x" * 10_000):
            with pytest.raises(InvalidToken):
                setting.keyring.verify(token)


async def test_before_the_first_set_nothing_is_known_and_nothing_refused_for_good(setting: Setting) -> None:
    assert not setting.keyring.ready
    with pytest.raises(KeyNotKnownNow):
        setting.keyring.verify(setting.token())
    async with running(setting):
        assert setting.keyring.ready
        assert setting.keyring.verify(setting.token()).user == "u1"


async def test_auth_away_at_the_start_is_asked_again_and_logged_once(setting: Setting) -> None:
    setting.proxy.cut()
    with structlog.testing.capture_logs() as logs:
        task = asyncio.create_task(setting.keyring.run())
        await eventually(lambda: setting.proxy.connections_refused > 3)
        assert not setting.keyring.ready
        setting.proxy.heal()
        assert (await setting.keyring.verify_soon(setting.token())).user == "u1"
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
        assert setting.keyring.verify(setting.token()).user == "u1"
        setting.auth.status, setting.auth.body = 200, None
        await setting.fetched(setting.auth.key_fetches + 1)


async def test_the_last_good_set_is_held_for_a_day_and_no_longer(setting: Setting) -> None:
    async with running(setting):
        setting.auth.status = 503
        setting.clock.steady += 24 * 3600 - 2
        setting.keyring.refetch()
        await setting.fetched(3)
        assert setting.keyring.ready
        setting.clock.steady += 10
        await setting.fetched(setting.auth.key_fetches + 2)
        assert not setting.keyring.ready
        with pytest.raises(KeyNotKnownNow):
            setting.keyring.verify(setting.token())


async def test_the_regular_refresh_brings_new_keys_unasked(setting: Setting) -> None:
    setting.keyring._times = setting.keyring._times._replace(refresh=0.01)  # set before it runs
    async with running(setting):
        setting.issuer.add("k2")
        await setting.fetched(setting.auth.key_fetches + 2)
        assert setting.keyring.verify(setting.token("k2")).key_id == "k2"


async def test_a_cache_on_the_way_is_told_not_to_answer(setting: Setting) -> None:
    async with running(setting):
        assert setting.auth.key_headers["Cache-Control"] == "no-cache"


async def test_an_ended_session_is_refused_cached_or_not_and_others_are_not(setting: Setting) -> None:
    token = setting.token()
    async with running(setting):
        setting.keyring.verify(token)
        setting.keyring.forget_session("s1")
        for refused in (token, setting.token(jti="another")):
            with pytest.raises(SessionRevoked):
                setting.keyring.verify(refused)
        assert setting.keyring.verify(setting.token(sid="s2")).session == "s2"


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
            setting.keyring.verify(setting.token(jti=str(number)))
        assert len(setting.keyring._cache) == 3  # only memory shows that it is bounded


async def test_a_user_is_who_the_token_speaks_for(setting: Setting) -> None:
    async with running(setting):
        user = await setting.keyring.user_of(setting.token())
    assert (user.id, user.name, user.session, user.key_id, user.expires_at) == ("u1", "dog1", "s1", "k1", NOW + 600)


async def test_a_refused_token_has_the_code_clients_branch_on(setting: Setting) -> None:
    with pytest.raises(Unavailable) as unavailable:
        await setting.keyring.user_of(setting.token())
    assert unavailable.value.code == "keys_unavailable"
    async with running(setting):
        setting.keyring.forget_session("gone")
        for token, code in (
            ("", "unauthorized"),
            (setting.token(exp=int(NOW)), "token_expired"),
            (setting.token(aud="mail"), "invalid_token"),
            (setting.token(sid="gone"), "invalid_token"),
        ):
            with pytest.raises(Unauthenticated) as refused:
                await setting.keyring.user_of(token)
            assert refused.value.code == code

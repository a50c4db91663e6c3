import asyncio
import time

import pytest

from chat_gateway.keyring import KeyNotKnownNow
from shared.errors import Unauthenticated, Unavailable
from shared.tokens import ExpiredToken, InvalidToken
from tests.faults import eventually
from tests.integration.chat_gateway.key_setting import Setting, running


async def test_an_unknown_key_is_fetched_and_then_known(setting: Setting) -> None:
    async with running(setting):
        setting.issuer.add("k2")
        with pytest.raises(KeyNotKnownNow):
            setting.keyring.verify(setting.token("k2"))
        await setting.fetched(2)
        assert setting.keyring.verify(setting.token("k2")).key_id == "k2"


async def test_a_key_missing_from_a_set_fetched_after_the_token_came_is_invalid(setting: Setting) -> None:
    setting.issuer.add("forged")
    token = setting.token("forged")
    del setting.issuer.keys["forged"]
    async with running(setting):
        with pytest.raises(KeyNotKnownNow):
            setting.keyring.verify(token)
        setting.clock.steady += 0.1
        await setting.fetched(2)
        # The fetch began at the very moment the token came: it proves nothing yet, the next one does.
        setting.clock.steady += 25 * 60
        setting.keyring.refetch()
        await setting.fetched(3)
        with pytest.raises(InvalidToken):
            setting.keyring.verify(token)


async def test_after_a_start_a_missing_key_may_be_one_that_auth_withdrew_before(setting: Setting) -> None:
    setting.issuer.add("k0")
    token = setting.token("k0")
    del setting.issuer.keys["k0"]
    async with running(setting):
        with pytest.raises(KeyNotKnownNow):
            setting.keyring.verify(token)
        await setting.fetched(2)
        setting.clock.steady += 1
        setting.keyring.refetch()
        await setting.fetched(3)
        with pytest.raises(ExpiredToken):
            setting.keyring.verify(token)
        setting.clock.steady += 25 * 60
        with pytest.raises(InvalidToken):
            setting.keyring.verify(token)


async def test_unknown_keys_lead_to_one_fetch_a_minute(setting: Setting) -> None:
    async with running(setting):
        for number in range(50):
            setting.issuer.add("x")
            with pytest.raises(KeyNotKnownNow):
                setting.keyring.verify(setting.token("x", jti=str(number)))
            del setting.issuer.keys["x"]
            await asyncio.sleep(0)
        await setting.fetched(2)
        setting.clock.steady += 59
        setting.issuer.add("k2")
        with pytest.raises(KeyNotKnownNow):
            await setting.keyring.verify_soon(setting.token("k2"))
        assert setting.auth.key_fetches == 2
        setting.clock.steady += 2
        assert (await setting.keyring.verify_soon(setting.token("k2"))).key_id == "k2"
        assert setting.auth.key_fetches == 3


async def test_a_token_can_wait_for_the_fetch_it_needs(setting: Setting) -> None:
    async with running(setting):
        setting.issuer.add("k2")
        assert (await setting.keyring.verify_soon(setting.token("k2"))).key_id == "k2"
        assert setting.auth.key_fetches == 2


async def test_a_token_waits_no_longer_than_patience(setting: Setting) -> None:
    async with running(setting):
        setting.issuer.add("k2")
        setting.auth.answers.clear()
        started = time.monotonic()
        with pytest.raises(KeyNotKnownNow):
            await setting.keyring.verify_soon(setting.token("k2"))
        assert 0.25 < time.monotonic() - started < 2
        setting.auth.answers.set()


async def test_auth_down_makes_an_unknown_key_a_matter_of_later(setting: Setting) -> None:
    async with running(setting):
        setting.proxy.cut()
        setting.issuer.add("k2")
        with pytest.raises(KeyNotKnownNow):
            await setting.keyring.verify_soon(setting.token("k2"))
        assert setting.keyring.verify(setting.token()).user == "u1"


async def test_a_key_that_auth_dropped_is_told_and_its_tokens_are_as_good_as_expired(setting: Setting) -> None:
    token, key = setting.token(), setting.issuer.keys["k1"]
    async with running(setting):
        setting.keyring.verify(token)
        setting.issuer.add("k2")
        del setting.issuer.keys["k1"]
        setting.keyring.refetch()
        await setting.fetched(2)
        assert setting.dropped == ["k1"]
        for withdrawn in (token, setting.token(jti="signed in the last moment", key=key)):
            with pytest.raises(ExpiredToken):
                setting.keyring.verify(withdrawn)
        with pytest.raises(Unauthenticated, match="token_expired"):
            await setting.keyring.user_of(token)


async def test_a_withdrawn_key_that_comes_back_is_found_by_a_fetch_and_good_again(setting: Setting) -> None:
    token, key = setting.token(), setting.issuer.keys["k1"]
    async with running(setting):
        setting.issuer.add("k2")
        del setting.issuer.keys["k1"]
        setting.keyring.refetch()
        await setting.fetched(2)
        setting.issuer.keys["k1"] = key
        with pytest.raises(ExpiredToken):
            setting.keyring.verify(token)
        await setting.fetched(3)
        assert setting.keyring.verify(token).key_id == "k1"


async def test_withdrawn_keys_are_forgotten_once_all_their_tokens_are_dead(setting: Setting) -> None:
    async with running(setting):
        for number in range(2, 5):
            setting.issuer.add(f"k{number}")
            del setting.issuer.keys[f"k{number - 1}"]
            setting.clock.steady += 15 * 60
            setting.keyring.refetch()
            await setting.fetched(number)
        assert list(setting.keyring._withdrawn) == ["k2", "k3"]  # only memory shows that it is bounded


async def test_a_change_that_auth_told_is_asked_for_every_second_until_it_is_there(setting: Setting) -> None:
    setting.keyring._times = setting.keyring._times._replace(longest_retry=1000, retry=0.01)  # set before it runs
    async with running(setting):
        setting.proxy.cut()
        setting.keyring.refetch()
        await eventually(lambda: setting.proxy.connections_refused > 20)
        setting.issuer.add("k2")
        setting.proxy.heal()
        await eventually(lambda: "k2" in setting.keyring._keys)  # the end of a round has no public sign


async def test_a_flood_of_unknown_keys_ends_nobody_for_good_and_does_not_hide_a_change(setting: Setting) -> None:
    async with running(setting):
        setting.proxy.cut()
        for number in range(200):
            with pytest.raises(Unavailable, match="keys_unavailable"):
                await setting.keyring.user_of(setting.token(header={"kid": f"random-{number}"}))
            setting.proxy.heal()
        setting.issuer.add("k2")
        setting.keyring.refetch()
        await eventually(lambda: "k2" in setting.keyring._keys)  # the end of a round has no public sign
        assert (await setting.keyring.user_of(setting.token("k2"))).key_id == "k2"
        assert (await setting.keyring.user_of(setting.token())).key_id == "k1"
        assert setting.auth.key_fetches <= 4

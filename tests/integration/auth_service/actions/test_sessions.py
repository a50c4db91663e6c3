import asyncio
from dataclasses import replace

import pytest

from auth_service.core.sessions import RefreshToken
from auth_service.crypto.passwords import ArgonPasswords
from shared.errors import Unauthenticated
from tests.integration.auth_service.browsing import EMAIL, KEYS, PASSWORD, Browser, refuses


async def test_log_in_opens_a_session_of_its_own_each_time(browser: Browser) -> None:
    one, two = await browser.log_in(), await browser.log_in(" ANN@example.org")
    assert one.user == two.user
    assert one.session != two.session
    assert one.refresh_token != two.refresh_token
    assert await browser.ended() == []


@pytest.mark.parametrize(("email", "password"), [(EMAIL, "wrong"), ("bob@example.org", PASSWORD), ("", "")])
async def test_wrong_log_in_is_refused_alike(browser: Browser, email: str, password: str) -> None:
    with pytest.raises(Unauthenticated, match="bad_credentials"):
        await browser.log_in(email, password)


async def test_disabled_user_is_refused_like_a_wrong_password(browser: Browser) -> None:
    user = (await browser.log_in()).user
    async with browser.auth.store.transaction() as tx:
        assert await tx.users.set_disabled(user.id, disabled=True)
    with pytest.raises(Unauthenticated, match="bad_credentials"):
        await browser.log_in()


async def test_hash_made_at_other_costs_is_renewed(browser: Browser) -> None:
    before = (await browser.log_in()).user.password
    browser.auth = replace(browser.auth, passwords=(dearer := ArgonPasswords(memory_kib=128, time_cost=1)))
    await browser.log_in()
    after = (await browser.log_in()).user.password
    assert "m=64," in before
    assert "m=128," in after
    dearer.close()


async def test_line_of_tokens_goes_on(browser: Browser) -> None:
    token = (await browser.log_in()).refresh_token
    seen = {token}
    for _ in range(5):
        await browser.age(600)
        token = await browser.refresh(token)
        seen.add(token)
    assert len(seen) == 6


async def test_of_many_tabs_at_once_all_get_the_one_successor(browser: Browser) -> None:
    token = (await browser.log_in()).refresh_token
    following = await asyncio.gather(*(browser.refresh(token) for _ in range(10)))
    assert len(set(following)) == 1


async def test_of_many_repeats_of_a_lost_answer_all_get_the_one_new_successor(browser: Browser) -> None:
    token = (await browser.log_in()).refresh_token
    lost = await browser.refresh(token)
    await browser.age(11)
    following = set(await asyncio.gather(*(browser.refresh(token) for _ in range(10))))
    assert len(following) == 1
    assert lost not in following


async def test_repeat_in_grace_is_answered_by_the_key_that_made_the_successor(browser: Browser) -> None:
    token = (await browser.log_in()).refresh_token
    browser.use_keys({"old": KEYS["old"]})
    following = await browser.refresh(token)
    browser.use_keys(KEYS)
    assert await browser.refresh(token) == following


async def test_honest_client_with_lost_answers_is_never_logged_out(browser: Browser) -> None:
    token = (await browser.log_in()).refresh_token
    for _ in range(5):
        for pause in (1, 5, 700):
            await browser.refresh(token)
            await browser.age(pause)
        token = await browser.refresh(token)
        await browser.age(600)
    assert await browser.ended() == []


async def test_reuse_ends_the_session_for_thief_and_owner(browser: Browser) -> None:
    logged_in = await browser.log_in()
    stolen = logged_in.refresh_token
    second = await browser.refresh(stolen)
    third = await browser.refresh(second)
    await browser.age(11)
    assert await refuses(browser, stolen)
    assert await refuses(browser, third)
    assert await browser.ended() == [logged_in.session]


async def test_killed_successor_is_reuse(browser: Browser) -> None:
    logged_in = await browser.log_in()
    lost = await browser.refresh(logged_in.refresh_token)
    await browser.age(11)
    replacement = await browser.refresh(logged_in.refresh_token)
    assert await refuses(browser, lost)
    assert await refuses(browser, replacement)
    assert await browser.ended() == [logged_in.session]


async def test_unknown_token_is_refused_and_ends_nothing(browser: Browser) -> None:
    assert await refuses(browser, RefreshToken(b"x" * 32))
    assert await browser.ended() == []


async def test_log_out_ends_the_session_by_any_token_of_its_line(browser: Browser) -> None:
    logged_in = await browser.log_in()
    following = await browser.refresh(logged_in.refresh_token)
    await browser.log_out(logged_in.refresh_token)
    assert await refuses(browser, following)
    assert await browser.ended() == [logged_in.session]


async def test_log_out_with_an_unknown_token_is_no_error(browser: Browser) -> None:
    await browser.log_out(RefreshToken(b"x" * 32))
    assert await browser.ended() == []

"""Attacks by a device: each that is known has guesses of its own, so a thief's must not stay known, nor be planted."""

from dataclasses import replace

import pytest

from auth_service.actions import accounts, links, passwords, sessions, users
from auth_service.actions.sessions import LoggedIn
from auth_service.core.auth import Auth
from auth_service.core.callers import DEVICE_BYTES, Caller, DeviceToken, device_hash
from auth_service.core.users import User
from tests.integration.auth_service.offers import BETTER, GOOD, reset, token_of
from tests.integration.auth_service.rows import CALLER

EMAIL = "ann@example.org"
PHONE = replace(CALLER, device=DeviceToken(b"p" * DEVICE_BYTES))
THIEF = Caller("198.51.100.7", "curl", DeviceToken(b"t" * DEVICE_BYTES))


@pytest.fixture
async def ann(auth: Auth) -> LoggedIn:
    """Registered on her phone. A thief logged in once, with the password she had."""
    ann = await accounts.register(auth, PHONE, email=EMAIL, password=GOOD, name="Ann")
    await sessions.log_in(auth, THIEF, email=EMAIL, password=GOOD)
    assert await known(auth, ann.user) == [True, True]
    return ann


async def known(auth: Auth, user: User) -> list[bool]:
    """Whether the phone and the thief's device are."""
    async with auth.store.reading() as tx:
        return [
            await tx.devices.knows(device_hash(caller.device), user.id) for caller in (PHONE, THIEF) if caller.device
        ]


async def test_change_of_the_password_forgets_all_devices_but_the_one_it_was_done_on(auth: Auth, ann: LoggedIn) -> None:
    await passwords.change(auth, PHONE, ann.session, password=GOOD, new_password=BETTER)
    assert await known(auth, ann.user) == [True, False]


async def test_change_of_the_password_on_no_device_forgets_all(auth: Auth, ann: LoggedIn) -> None:
    await passwords.change(auth, CALLER, ann.session, password=GOOD, new_password=BETTER)
    assert await known(auth, ann.user) == [False, False]


async def test_refused_change_forgets_none(auth: Auth, ann: LoggedIn) -> None:
    with pytest.raises(Exception, match="wrong_password"):
        await passwords.change(auth, PHONE, ann.session, password=BETTER, new_password="another horse")
    assert await known(auth, ann.user) == [True, True]


async def test_start_of_a_reset_and_the_reset_forget_all(auth: Auth, ann: LoggedIn) -> None:
    token = token_of(await links.start_reset(auth, ann.user.id))
    assert await known(auth, ann.user) == [False, False]
    await sessions.log_in(auth, THIEF, email=EMAIL, password=GOOD)  # the old password is good until the link is used
    await reset(auth, token)
    assert await known(auth, ann.user) == [False, False]


async def test_disabling_forgets_all(auth: Auth, ann: LoggedIn) -> None:
    await users.disable(auth, ann.user.id)
    assert await known(auth, ann.user) == [False, False]


async def test_device_of_another_is_not_taken_on(auth: Auth, ann: LoggedIn) -> None:
    """Eve puts the secret of her own device into Ann's browser, to share Ann's count of guesses."""
    eve = await accounts.register(auth, CALLER, email="eve@example.org", password=GOOD, name="Eve")
    planted = replace(CALLER, device=eve.device)
    logged_in = await sessions.log_in(auth, planted, email=EMAIL, password=GOOD)
    assert logged_in.device not in (None, eve.device)
    async with auth.store.reading() as tx:
        assert eve.device is not None
        assert not await tx.devices.knows(device_hash(eve.device), ann.user.id)


async def test_own_device_stays_the_same_and_so_does_one_that_was_forgotten(auth: Auth, ann: LoggedIn) -> None:
    again = await sessions.log_in(auth, PHONE, email=EMAIL, password=GOOD)
    await links.start_reset(auth, ann.user.id)
    forgotten = await sessions.log_in(auth, PHONE, email=EMAIL, password=GOOD)
    assert again.device == forgotten.device == PHONE.device
    assert await known(auth, ann.user) == [True, False]

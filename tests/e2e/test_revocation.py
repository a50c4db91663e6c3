"""A session that ends takes its connections along, on every gateway and by every transport; all others stay."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

import aiohttp
import pytest

from auth_service.core.sessions import GRACE
from tests.driver import PASSWORD
from tests.e2e.conftest import Dial, MakeDevice
from tests.e2e.devices import Device, auth_command, grow_older
from tests.stack import Stack

NEW_PASSWORD = "another horse, another battery"

End = Callable[[Device, Device], Awaitable[None]]


async def log_out(here: Device, there: Device) -> None:
    await here.user.log_out()


async def log_in_again(here: Device, there: Device) -> None:
    await here.user.ask_auth("POST", "login", email=here.user.email, password=PASSWORD)


async def end_the_one_over_there(here: Device, there: Device) -> None:
    await here.user.ask_auth("DELETE", f"sessions/{there.session}")


async def end_all_others(here: Device, there: Device) -> None:
    await here.user.ask_auth("POST", "logout/others")


async def end_all(here: Device, there: Device) -> None:
    await here.user.ask_auth("POST", "logout/all")


async def change_the_password(here: Device, there: Device) -> None:
    await here.user.ask_auth("POST", "password", password=PASSWORD, new_password=NEW_PASSWORD)


async def delete_oneself(here: Device, there: Device) -> None:
    await here.user.ask_auth("DELETE", "me", password=PASSWORD)


async def be_disabled(here: Device, there: Device) -> None:
    await auth_command(here.stack, "user", "disable", here.user.email)


async def be_deleted(here: Device, there: Device) -> None:
    await auth_command(here.stack, "user", "delete", here.user.email, "--yes")


async def have_the_token_stolen(here: Device, there: Device) -> None:
    """Long after the owner went on, the thief presents what he copied."""
    stolen = here.user.refresh_cookie
    for _ in range(2):
        await here.user.renew()
    await grow_older(here.stack, "refresh_token", "exchanged_at", GRACE.total_seconds() + 1)
    async with (
        aiohttp.ClientSession(cookies={stolen.key: stolen.value}) as thief,
        thief.post(f"{here.stack.base}/auth/token") as answer,
    ):
        assert answer.status == 401


@pytest.mark.parametrize(
    ("end", "ends"),
    [
        (log_out, "here"),
        (log_in_again, "here"),
        (have_the_token_stolen, "here"),
        (end_the_one_over_there, "there"),
        (end_all_others, "there"),
        (change_the_password, "there"),
        (end_all, "here and there"),
        (be_disabled, "here and there"),
        (be_deleted, "here and there"),
        (delete_oneself, "here and there"),
    ],
)
async def test_the_connections_of_the_sessions_that_end_are_closed_and_no_others(
    device: MakeDevice, dial: Dial, end: End, ends: str
) -> None:
    devices = {"here": await device()}
    devices |= {"there": await device(of=devices["here"]), "elsewhere": await device()}
    await end(devices["here"], devices["there"])
    for place, one in devices.items():
        if place not in ends.split():
            await one.is_served()
            continue
        await one.is_closed()
        for gateway in (0, 1):
            await one.is_not_let_in(dial, gateway)


async def test_a_reset_ends_all_at_once_and_its_link_what_was_opened_with_the_old_password_meanwhile(
    stack: Stack, device: MakeDevice, http: aiohttp.ClientSession
) -> None:
    first, stranger = await device(), await device()
    link = await auth_command(stack, "user", "start-reset", first.user.email)
    await first.is_closed()
    second = await device(of=first)
    body = {"token": urlsplit(link).fragment.removeprefix("token="), "password": NEW_PASSWORD}
    async with http.post(f"{stack.base}/auth/password/reset", json=body) as answer:
        assert answer.status == 204, await answer.text()
    await second.is_closed()
    await stranger.is_served()
    await (await device(of=first, password=NEW_PASSWORD)).is_served()

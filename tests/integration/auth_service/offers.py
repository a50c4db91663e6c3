"""What people do with one-time links, by what the links hold; and what each got of many who do it at once."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeAlias

from auth_service.actions import accounts, links
from auth_service.core.auth import Auth
from auth_service.core.links import LinkKind, Offer
from auth_service.core.users import User
from shared.errors import AppError
from tests.integration.auth_service.rows import CALLER

GOOD, BETTER = "correct horse battery", "staple battery horse"
Use: TypeAlias = Callable[[str, str], Awaitable[object]]


def token_of(offer: Offer) -> str:
    return offer.address.partition("#token=")[2]


async def registered(auth: Auth, token: str | None, email: str = "ann@example.org", password: str = GOOD) -> User:
    logged_in = await accounts.register(auth, CALLER, email=email, password=password, name="Ann", invitation=token)
    return logged_in.user


async def set_up(auth: Auth, token: str, email: str = "ann@example.org", password: str = GOOD) -> User:
    return (await accounts.set_up(auth, CALLER, token=token, email=email, password=password, name="Ann")).user


async def reset(auth: Auth, token: str, password: str = BETTER) -> None:
    await links.reset_password(auth, CALLER, token=token, password=password)


async def outcomes(*uses: Awaitable[object]) -> list[str]:
    """What each of them got, run together: a refusal's code, or `ok`."""
    results = await asyncio.gather(*uses, return_exceptions=True)
    assert all(isinstance(result, AppError) or not isinstance(result, BaseException) for result in results), results
    return sorted(result.code if isinstance(result, AppError) else "ok" for result in results)


def uses(auth: Auth) -> dict[LinkKind, Use]:
    """How each kind of link is used, for an address."""
    return {
        LinkKind.SETUP: lambda token, email: set_up(auth, token, email),
        LinkKind.INVITATION: lambda token, email: registered(replace(auth, registration="invitation"), token, email),
        LinkKind.RESET: lambda token, _email: reset(auth, token),
    }

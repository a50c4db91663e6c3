"""PUBLIC_URL decides cookies, allowed origins and links; TRUSTED_PROXIES decides whose word on an address counts."""

from collections.abc import Awaitable, Callable
from ipaddress import ip_network
from pathlib import Path
from typing import TypeAlias

import pytest
from aiohttp import ClientResponse
from pytest_aiohttp import AiohttpClient

from auth_service.app import create_app
from auth_service.crypto.passwords import ArgonPasswords
from auth_service.settings import AuthSettings
from shared.health import Health
from shared.settings import Network
from tests.integration.auth_service.person import Client, problem
from tests.templates import sqlite_copy

Start: TypeAlias = Callable[..., Awaitable[Client]]

ANN = {"email": "ann@example.org", "password": "correct horse battery", "name": "Ann"}


@pytest.fixture
def migrated_url(migrated_file: Path, tmp_path: Path) -> str:
    """HTTP is the same on both databases: one kind will do."""
    return sqlite_copy(migrated_file, tmp_path)


@pytest.fixture
def start(aiohttp_client: AiohttpClient, settings: AuthSettings, passwords: ArgonPasswords) -> Start:
    async def start(**changed: object) -> Client:
        client: Client = await aiohttp_client(
            create_app(settings.model_copy(update=changed), health=Health(), passwords=passwords)
        )
        return client

    return start


async def register(client: Client, **headers: str) -> ClientResponse:
    return await client.post("/auth/register", json=ANN, headers=headers)


async def test_over_https_every_cookie_is_bound_to_the_host_and_the_line(start: Start) -> None:
    client = await start(public_url="https://chat.example.org")
    response = await register(client, Origin="https://chat.example.org")
    assert response.status == 201
    cookies = response.headers.getall("Set-Cookie")
    assert sorted(cookie.partition("=")[0] for cookie in cookies) == ["__Host-parley_device", "__Host-parley_refresh"]
    for cookie in cookies:
        flags = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert flags >= {"secure", "httponly", "samesite=strict", "path=/"}
        assert not any(flag.startswith("domain") for flag in flags)


async def test_on_loopback_cookies_are_named_after_the_port_and_need_no_https(start: Start) -> None:
    response = await register(await start(public_url="http://localhost:8080"), Origin="http://localhost:8080")
    cookies = response.headers.getall("Set-Cookie")
    assert sorted(cookie.partition("=")[0] for cookie in cookies) == ["parley_device_8080", "parley_refresh_8080"]
    assert not any("secure" in cookie.lower() for cookie in cookies)


@pytest.mark.parametrize(
    "origin",
    [
        "http://chat.example.org",
        "https://chat.example.org:8443",
        "https://chat.example.org.evil.example",
        "https://evil.example",
        "https://sub.chat.example.org",
    ],
)
async def test_no_other_scheme_port_or_name_is_this_site(start: Start, origin: str) -> None:
    client = await start(public_url="https://chat.example.org")
    assert await problem(await register(client, Origin=origin)) == (403, "foreign_origin")


async def test_names_a_request_brings_along_decide_nothing(start: Start) -> None:
    """The Host header, and what else may name a site, are a stranger's words."""
    client = await start(public_url="https://chat.example.org")
    forged = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
    response = await register(client, Origin="https://chat.example.org", **forged)
    assert response.status == 201
    assert "evil" not in str(response.headers)
    assert await problem(await register(client, Origin="https://evil.example", **forged)) == (403, "foreign_origin")


@pytest.mark.parametrize(
    ("trusted", "forwarded", "network"),
    [
        ((), "203.0.113.7", "127.0.0.0/24"),
        ((ip_network("10.0.0.0/8"),), "203.0.113.7", "127.0.0.0/24"),
        ((ip_network("127.0.0.0/8"),), "203.0.113.7", "203.0.113.0/24"),
        ((ip_network("127.0.0.0/8"),), "6.6.6.6, 203.0.113.7", "203.0.113.0/24"),
        ((ip_network("127.0.0.0/8"),), "2001:db8:1:2::3", "2001:db8:1::/48"),
    ],
)
async def test_forwarded_address_is_believed_from_a_trusted_proxy_only(
    start: Start, trusted: tuple[Network, ...], forwarded: str, network: str
) -> None:
    client = await start(trusted_proxies=trusted)
    body = await (await register(client, **{"X-Forwarded-For": forwarded})).json()
    listed = await client.get("/auth/sessions", headers={"Authorization": f"Bearer {body['access_token']}"})
    assert [session["network"] for session in (await listed.json())["sessions"]] == [network]

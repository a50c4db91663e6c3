"""What the front itself refuses: requests that come too fast where each costs us much, and nothing elsewhere."""

import asyncio
from collections import Counter
from types import MappingProxyType

import aiohttp
import pytest

from deploy.front import NGINX
from tests.integration.deploy.conftest import Front


async def ask(
    front: Front, http: aiohttp.ClientSession, path: str, times: int, source: str = ""
) -> tuple[Counter[int], str]:
    """Send so many at once; answer how often each status came, and the text of a refusal.

    `source` is where each says it came from, with its number in it.
    """

    async def one(number: int) -> tuple[int, str]:
        headers = {"X-Forwarded-For": source.format(number)} if source else {}
        async with http.get(front.base + path, headers=headers) as answer:
            retry = ",".join(answer.headers.getall("Retry-After", []))
            return answer.status, f"{answer.content_type} {retry} {await answer.text()}"

    answers = await asyncio.gather(*(one(number) for number in range(1, times + 1)))
    return Counter(status for status, _ in answers), next((text for status, text in answers if status != 200), "")


@pytest.mark.parametrize(("path", "burst"), [("/auth/me", 200), ("/api/v1/openapi.json", 400)])
async def test_a_burst_of_requests_passes_and_more_is_told_to_wait(
    front: Front, http: aiohttp.ClientSession, path: str, burst: int
) -> None:
    statuses, refusal = await ask(front, http, path, burst + 1)
    assert statuses == {200: burst + 1}
    statuses, refusal = await ask(front, http, path, 2 * burst)
    assert statuses.keys() == {200, 429}
    assert refusal.startswith("application/problem+json 1 {")
    assert '"code":"rate_limited"' in refusal


@pytest.fixture
async def believing(stopped_front: Front) -> Front:
    """Behind a proxy on this machine, whose word it takes for where a request comes from."""
    await stopped_front.start(MappingProxyType({"REAL_IP_FROM": "set_real_ip_from 127.0.0.1/32;"}))
    return stopped_front


async def test_all_addresses_of_an_ipv6_network_share_one_limit(believing: Front, http: aiohttp.ClientSession) -> None:
    statuses, _ = await ask(believing, http, "/auth/me", 600, "2001:db8:a:b:{:x}::1")
    assert statuses.keys() == {200, 429}
    statuses, _ = await ask(believing, http, "/auth/me", 150, "2001:db8:a:c:{:x}::1")
    assert statuses == {200: 150}


@pytest.mark.parametrize("source", ["2001:db8:a:{:x}::1", "203.0.{:d}.9", "::ffff:203.0.{:d}.9"])
async def test_other_networks_and_addresses_of_ipv4_have_limits_of_their_own(
    believing: Front, http: aiohttp.ClientSession, source: str
) -> None:
    statuses, _ = await ask(believing, http, "/auth/me", 250, source)
    statuses_after, _ = await ask(believing, http, "/auth/me", 250, source)
    assert statuses + statuses_after == {200: 500}


async def test_address_of_ipv4_is_limited_however_it_is_written(believing: Front, http: aiohttp.ClientSession) -> None:
    for source in ("203.0.113.9", "::ffff:203.0.114.9"):
        statuses, _ = await ask(believing, http, "/auth/me", 600, source)
        assert statuses.keys() == {200, 429}


@pytest.mark.parametrize("path", ["/connection/websocket", "/", "/assets/app-1a2b.js"])
async def test_connects_and_pages_have_no_rate(front: Front, http: aiohttp.ClientSession, path: str) -> None:
    statuses, _ = await ask(front, http, path, 700)
    assert statuses == {200: 700}


def test_an_address_has_at_most_5000_connections() -> None:
    template = (NGINX / "parley.conf.template").read_text("utf-8")
    assert "limit_conn sockets 5000;" in template
    assert "limit_conn_status 429;" in template

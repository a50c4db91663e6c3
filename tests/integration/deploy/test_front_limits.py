"""What the front itself refuses: requests that come too fast where each costs us much, and nothing elsewhere."""

import asyncio
from collections import Counter

import aiohttp
import pytest

from deploy.front import NGINX
from tests.integration.deploy.conftest import Front


async def ask(front: Front, http: aiohttp.ClientSession, path: str, times: int) -> tuple[Counter[int], str]:
    """Send so many at once; answer how often each status came, and the text of a refusal."""

    async def one() -> tuple[int, str]:
        async with http.get(front.base + path) as answer:
            retry = ",".join(answer.headers.getall("Retry-After", []))
            return answer.status, f"{answer.content_type} {retry} {await answer.text()}"

    answers = await asyncio.gather(*(one() for _ in range(times)))
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


@pytest.mark.parametrize("path", ["/connection/websocket", "/", "/assets/app-1a2b.js"])
async def test_connects_and_pages_have_no_rate(front: Front, http: aiohttp.ClientSession, path: str) -> None:
    statuses, _ = await ask(front, http, path, 700)
    assert statuses == {200: 700}


def test_an_address_has_at_most_5000_connections() -> None:
    template = (NGINX / "parley.conf.template").read_text("utf-8")
    assert "limit_conn sockets 5000;" in template
    assert "limit_conn_status 429;" in template

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from pytest_aiohttp import AiohttpClient

from shared import health as health_module
from shared.health import Health, ops_application


def answering(answer: str | None) -> Callable[[], Awaitable[str | None]]:
    async def check() -> str | None:
        return answer

    return check


async def broken() -> str | None:
    raise RuntimeError("secret detail")


async def hanging() -> str | None:
    await asyncio.Event().wait()
    return None


async def test_alive_whatever_is_missing(aiohttp_client: AiohttpClient) -> None:
    health = Health()
    health.block("keys", "not fetched yet")
    client = await aiohttp_client(ops_application(health))
    response = await client.get("/livez")
    assert (response.status, await response.json()) == (200, {"status": "alive"})


async def test_ready_with_nothing_in_the_way(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(ops_application(Health()))
    response = await client.get("/readyz")
    assert (response.status, await response.json()) == (200, {"status": "ready", "reasons": {}})


async def test_not_ready_says_why(aiohttp_client: AiohttpClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_module, "_CHECK_SECONDS", 0.01)
    health = Health()
    health.block("keys", "not fetched yet")
    health.add("fine", answering(None))
    health.add("database", answering("does not answer"))
    health.add("broken", broken)
    health.add("hanging", hanging)
    client = await aiohttp_client(ops_application(health))
    response = await client.get("/readyz")
    assert response.status == 503
    assert (await response.json())["reasons"] == {
        "keys": "not fetched yet",
        "database": "does not answer",
        "broken": "the check failed, see the log",
        "hanging": "no answer within 0.01 s",
    }


async def test_check_is_a_reason_until_it_was_asked() -> None:
    health = Health()
    assert health.ready
    health.add("database", answering(None))
    assert health.reasons == {"database": "not checked yet"}
    assert await health.refresh()
    assert health.ready


async def test_reason_that_is_gone_is_cleared() -> None:
    health = Health()
    health.block("drain", "stopping")
    assert not health.ready
    health.clear("drain")
    health.clear("never there")
    assert health.ready


async def test_metrics_are_served(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(ops_application(Health()))
    response = await client.get("/metrics")
    assert response.status == 200
    assert "parley_http_requests" in await response.text()

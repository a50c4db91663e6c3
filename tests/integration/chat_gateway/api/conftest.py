"""The REST face, and a client for it. `--hypothesis-profile=nightly` makes the fuzzing long."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from tests.integration.chat_gateway.api.rest_api import RestApi, rest_api

JSON = "application/json"
Send = Callable[..., Awaitable[ClientResponse]]


@pytest.fixture
async def api(sqlite_url: str) -> AsyncIterator[RestApi]:
    async with rest_api(sqlite_url) as opened:
        yield opened


@pytest.fixture
async def client(api: RestApi) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    async with TestClient(TestServer(api.application)) as opened:
        yield opened


@pytest.fixture
def send(api: RestApi, client: TestClient[web.Request, web.Application]) -> Send:
    """Sends a verb as this person, or with this token."""

    async def send_one(
        verb: str, wish: Any = None, *, who: str = "ada", token: str | None = None, raw: Any = None, kind: str = JSON
    ) -> ClientResponse:
        body = json.dumps(wish or {}).encode() if raw is None else raw
        headers = {"Authorization": f"Bearer {token or api.signer.token(who)}", "Content-Type": kind}
        return await client.post(f"/api/v1/{verb}", headers=headers, data=body)

    return send_one

import logging
from collections.abc import Iterator
from io import StringIO

import pytest
import structlog
from pytest_aiohttp import AiohttpClient

from shared import logs
from tests.integration.shared.kennel import Client, kennel


@pytest.fixture
async def client(aiohttp_client: AiohttpClient) -> Client:
    client: Client = await aiohttp_client(kennel())
    return client


@pytest.fixture
def log() -> Iterator[StringIO]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = StringIO()
    logs.configure("dog", "info", stream)
    yield stream
    root.handlers[:], root.level = before
    structlog.reset_defaults()

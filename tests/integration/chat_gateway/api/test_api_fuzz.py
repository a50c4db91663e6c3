"""Schemathesis against the real application: whatever is sent, every answer is one that the document promises.

A few dozen requests a verb by default, the same ones each time; thousands, and new ones, with
`--hypothesis-profile=nightly`.
"""

import asyncio
import json
import shutil
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self, TypeAlias

import pytest
import requests
import schemathesis
from aiohttp.test_utils import TestServer
from hypothesis import HealthCheck, settings
from schemathesis.checks import positive_data_acceptance

from chat_gateway.api import openapi
from chat_gateway.core.ids import MAX_ID
from chat_gateway.core.messages import MAX_EMOJI
from tests.integration.chat_gateway.api.rest_api import rest_api
from tests.integration.chat_gateway.api.samples import Scene, prepare

LONG = settings.get_profile("nightly")
IS_LONG = settings.get_current_profile_name() == "nightly"
FUZZING = settings(
    max_examples=LONG.max_examples if IS_LONG else 25,
    derandomize=not IS_LONG,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
schema = schemathesis.openapi.from_dict(json.loads(openapi.document("test")))
schema.config.update(base_url="http://server")


Case: TypeAlias = schemathesis.Case[Any]


class Server:
    """The application in a thread of its own: schemathesis waits for each answer."""

    def __init__(self, database: str) -> None:
        self._stop = asyncio.Event()
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(database)))
        self.url = ""

    async def _serve(self, database: str) -> None:
        async with rest_api(database) as self.api, TestServer(self.api.application) as server:
            self._loop = asyncio.get_running_loop()
            self.url = str(server.make_url("/api/v1"))
            self._started.set()
            await self._stop.wait()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(30)
        return self

    def __exit__(self, *_exception: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def prepare(self) -> Scene:
        return asyncio.run_coroutine_threadsafe(prepare(self.api), self._loop).result(30)


@pytest.fixture(scope="module")
def server(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    path = tmp_path_factory.mktemp("fuzz") / "chat.db"
    shutil.copy(migrated_sqlite, path)
    with Server(f"sqlite:///{path}") as running:
        yield running


@pytest.fixture
def scene(server: Server) -> Scene:
    """A scene for each verb: some of them end what others need."""
    return server.prepare()


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as opened:
        yield opened


@schema.parametrize()
@FUZZING
def test_every_answer_is_one_that_is_documented(
    case: Case, server: Server, scene: Scene, session: requests.Session
) -> None:
    _aim(case, scene)
    case.call_and_validate(
        base_url=server.url,
        session=session,
        headers={"Authorization": f"Bearer {server.api.signer.token('ada')}"},
        # What a type cannot say (a UUID, a room's printable name, one of two fields) is refused with 400 all the same.
        excluded_checks=[positive_data_acceptance],
    )


def _aim(case: Case, scene: Scene) -> None:
    """Let about half of the requests meet what is there: at random nobody finds a room. What is too long stays so."""
    if not isinstance(case.body, dict):
        return
    body: dict[str, Any] = case.body
    there = {"room": scene.room, "user": "bob", "emoji": ":tada:"}
    there |= dict.fromkeys(("message", "thread", "reply_to"), scene.message)
    for field, value in there.items():
        most = MAX_EMOJI if field == "emoji" else MAX_ID
        if isinstance(body.get(field), str) and len(body[field]) <= most and len(body[field]) % 2 == 0:
            body[field] = value
    if isinstance(body.get("client_id"), str) and len(body["client_id"]) <= MAX_ID:
        body["client_id"] = str(uuid.uuid5(uuid.NAMESPACE_OID, body["client_id"]))

"""Schemathesis against the real application: whatever is sent, every answer is one that the document promises.

A few dozen requests an operation by default, the same ones each time; thousands, and new ones, with
`--hypothesis-profile=nightly`.
"""

import asyncio
import json
import threading
import uuid
from collections.abc import Iterator
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, Self, TypeAlias

import pytest
import requests
import schemathesis
from aiohttp.test_utils import TestServer
from hypothesis import HealthCheck, settings
from schemathesis.checks import positive_data_acceptance

from auth_service.api import openapi
from auth_service.api.operations import OPERATIONS
from auth_service.app import create_app
from auth_service.crypto.passwords import ArgonPasswords
from auth_service.settings import AuthSettings
from shared.health import Health
from tests.integration.auth_service.person import COOKIE, ORIGIN
from tests.templates import sqlite_copy

LONG = settings.get_profile("nightly")
IS_LONG = settings.get_current_profile_name() == "nightly"
FUZZING = settings(
    max_examples=LONG.max_examples if IS_LONG else 25,
    derandomize=not IS_LONG,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
PASSWORD = "correct horse battery"
CODES = {f"{operation.method} {operation.path}": operation.refusals for operation in OPERATIONS}

schema = schemathesis.openapi.from_dict(json.loads(openapi.document("test", refresh_cookie=COOKIE)))
schema.config.update(base_url=ORIGIN)

Case: TypeAlias = schemathesis.Case[Any]


class Server:
    """The application in a thread of its own: schemathesis waits for each answer."""

    def __init__(self, auth: AuthSettings) -> None:
        self._auth = auth
        self._stop = asyncio.Event()
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self.url = ""

    async def _serve(self) -> None:
        passwords = ArgonPasswords(memory_kib=64, time_cost=1)
        async with TestServer(create_app(self._auth, health=Health(), passwords=passwords)) as server:
            self._loop = asyncio.get_running_loop()
            self.url = str(server.make_url("")).rstrip("/")
            self._started.set()
            await self._stop.wait()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(30)
        return self

    def __exit__(self, *_exception: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()


@pytest.fixture(scope="module")
def server(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("fuzz")
    auth = AuthSettings(
        parley_mode="demo",
        public_url=ORIGIN,
        redis_url=f"unix://{folder}/nobody.sock",
        registration="open",
        database_url=sqlite_copy(migrated_file, folder),
    )
    with Server(auth) as running:
        yield running


class Somebody:
    """Registers anew for each operation, some of which end what others need; keeps the cookie by hand."""

    def __init__(self, url: str) -> None:
        self.email = f"{uuid.uuid4().hex}@example.org"
        # An address of its own: what one operation fails at is not to throttle the next one.
        self.headers = {"Origin": ORIGIN, "X-Forwarded-For": f"2001:db8:{uuid.uuid4().hex[:4]}::1"}
        body = {"email": self.email, "password": PASSWORD, "name": "Ann"}
        answer = requests.post(f"{url}/auth/register", json=body, headers=self.headers, timeout=30)
        assert answer.status_code == 201, answer.text
        self.cookie = answer.cookies[COOKIE]
        self.token = answer.json()["access_token"]


@pytest.fixture
def somebody(server: Server) -> Somebody:
    return Somebody(server.url)


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """One connection for all requests, and no cookie that a request does not bring itself."""
    with requests.Session() as opened:
        opened.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        yield opened


@schema.parametrize()
@FUZZING
def test_every_answer_is_one_that_is_documented(
    case: Case, server: Server, somebody: Somebody, session: requests.Session
) -> None:
    _aim(case, somebody)
    answer = case.call_and_validate(
        base_url=server.url,
        session=session,
        headers={"Authorization": f"Bearer {somebody.token}", **somebody.headers},
        allow_redirects=False,
        # What a type cannot say (an address, a password nobody guesses) is refused with 400 all the same.
        excluded_checks=[positive_data_acceptance],
    )
    if answer.status_code >= 400:
        of_http = {"method_not_allowed"} if answer.status_code == requests.codes.not_allowed else set()
        assert answer.json()["code"] in CODES.get(f"{case.method} {case.operation.path}", of_http) | of_http


def _aim(case: Case, somebody: Somebody) -> None:
    """Let about half of the requests meet what is there: at random nobody finds the own password or cookie."""
    if len(case.cookies.get(COOKIE, "x")) % 2 == 0:
        case.cookies[COOKIE] = somebody.cookie
    if not isinstance(case.body, dict):
        return
    there = {"email": somebody.email, "password": PASSWORD, "new_password": f"{PASSWORD} staple", "name": "Bob"}
    for field, value in there.items():
        sent = case.body.get(field)
        if isinstance(sent, str) and len(sent) % 2 == 0:
            case.body[field] = value

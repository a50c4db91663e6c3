"""The whole system as processes, on PostgreSQL and at night on SQLite as well, and people who use it."""

import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.driver import PASSWORD, PATIENCE_SECONDS, ChatUser
from tests.e2e.devices import Device
from tests.e2e.disclosure import secrets_in
from tests.e2e.wires import Wire, http_stream, web_socket
from tests.postgres import PostgresServer
from tests.stack import Stack

Arrive = Callable[..., Awaitable[ChatUser]]
Dial = Callable[..., Awaitable[Wire]]
MakeDevice = Callable[..., Awaitable[Device]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the SDK leave a socket to the garbage collector when its gateway is killed during the handshake."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"))


@pytest.fixture(scope="session")
def stacks(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Stack]]:
    """Start a stack on a database once, for all modules: each test leaves it running as it found it.

    When all is done nothing secret is in anything that its processes have written.
    """
    running: dict[str, Stack] = {}
    with contextlib.ExitStack() as until_the_end:

        def stack_on(database: str) -> Stack:
            if database not in running:
                folder = tmp_path_factory.mktemp("stack")
                auth, chat = f"sqlite:///{folder}/auth.db", f"sqlite:///{folder}/chat.db"
                if database == "postgresql":
                    server: PostgresServer = request.getfixturevalue("postgres_server")
                    auth, chat = (server.create_database(f"{kind}_{uuid.uuid4().hex}") for kind in ("auth", "chat"))
                stack = Stack(folder, auth_database=auth, chat_database=chat)
                running[database] = until_the_end.enter_context(stack)
            return running[database]

        yield stack_on
    for stack in running.values():
        assert not secrets_in(stack.logs())


@pytest.fixture(scope="module", params=["postgresql", pytest.param("sqlite", marks=pytest.mark.nightly)])
def stack(request: pytest.FixtureRequest, stacks: Callable[[str], Stack]) -> Stack:
    return stacks(request.param)


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A browser of its own; the gateways' addresses are no names, so its cookies may be of addresses."""
    timeout = aiohttp.ClientTimeout(sock_connect=PATIENCE_SECONDS)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), timeout=timeout) as session:
        yield session


@pytest.fixture
async def dial(stack: Stack, http: aiohttp.ClientSession) -> AsyncIterator[Dial]:
    """Open a connection of somebody to one gateway that keeps every byte it is sent; `stream` has no WebSocket."""
    async with contextlib.AsyncExitStack() as until_the_end:

        async def dial(user: ChatUser, gateway: int, *, stream: bool = False, **connect: Any) -> Wire:
            connection = http_stream if stream else web_socket
            base = stack.gateway_base(gateway)
            return await until_the_end.enter_async_context(connection(http, base, token=user.token, **connect))

        yield dial


@pytest.fixture
async def arrive(stack: Stack) -> AsyncIterator[Arrive]:
    """Register somebody new and connect them: to one gateway by its number, else through the front."""
    people: list[ChatUser] = []

    async def arrive(gateway: int | None = None, **options: object) -> ChatUser:
        user = await ChatUser.register(stack.base)
        people.append(user)
        return await user.connect(None if gateway is None else stack.gateway(gateway), **options)

    yield arrive
    for user in people:
        await user.leave_page()


@pytest.fixture
async def device(stack: Stack, dial: Dial) -> AsyncIterator[MakeDevice]:
    """Give a browser connected to both gateways, of somebody new or of the person whose other one is given."""
    people: list[ChatUser] = []

    async def make(of: Device | None = None, password: str = PASSWORD) -> Device:
        log_in = ChatUser.register(stack.base) if of is None else ChatUser.log_in(stack.base, of.user.email, password)
        people.append(await log_in)
        made = Device(stack, people[-1])
        await made.connect(dial)
        return made

    yield make
    for user in people:
        await user.leave_page()

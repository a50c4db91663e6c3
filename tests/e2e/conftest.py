"""The whole system as processes, once on SQLite and once on PostgreSQL, and people who use it."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from tests.driver import ChatUser
from tests.postgres import PostgresServer
from tests.stack import Stack

Arrive = Callable[..., Awaitable[ChatUser]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the SDK leave a socket to the garbage collector when its gateway is killed during the handshake."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("stack")
    auth, chat = f"sqlite:///{folder}/auth.db", f"sqlite:///{folder}/chat.db"
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        auth, chat = (server.create_database(f"{kind}_{uuid.uuid4().hex}") for kind in ("auth", "chat"))
    with Stack(folder, auth_database=auth, chat_database=chat) as stack:
        yield stack


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

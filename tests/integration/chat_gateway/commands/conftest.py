"""A chat of a few people, and commands on it in this process: `command("room", "list")` gives what was printed."""

import asyncio
import os
from collections.abc import Callable
from typing import NamedTuple

import pytest

from chat_gateway.__main__ import main
from chat_gateway.core.ids import UserId
from chat_gateway.core.people import Person
from chat_gateway.store.people import People
from tests.integration.chat_gateway.store.gateway import Gateway


class Printed(NamedTuple):
    status: int
    out: str
    err: str


Command = Callable[..., Printed]


@pytest.fixture
def command(url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command on the database of `url`, in a loop of its own: for tests that are not async."""
    for name in [name for name in os.environ if name.startswith(("CHAT_", "PARLEY_"))]:  # noqa: TID251 - ours to clear
        monkeypatch.delenv(name)
    monkeypatch.setenv("CHAT_DATABASE_URL", url)

    def run(*arguments: str) -> Printed:
        capsys.readouterr()
        status = main(arguments)
        printed = capsys.readouterr()
        return Printed(status, printed.out, printed.err)

    return run


@pytest.fixture
def people(url: str) -> tuple[str, str]:
    """Two people who are known and in the lobby."""
    asyncio.run(_people(url))
    return "ann", "bob"


async def _people(url: str) -> None:
    async with Gateway(url) as gateway:
        for name in ("ann", "bob"):
            await People(gateway.database).know(Person(id=UserId(name), name=name.title()))
            await gateway.join(name)

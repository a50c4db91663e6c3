"""A storm of reconnects reads the log a few times, however many come back, and brings back no deleted text."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence

import pytest
from sqlalchemy import event
from typing_extensions import override

from chat_gateway.api.channels import ChatChannels
from chat_gateway.api.pace import Pace, Rates
from chat_gateway.assembly import chat_of
from chat_gateway.core.changes import Delete
from chat_gateway.core.entries import Entry
from chat_gateway.core.ids import LogId
from chat_gateway.publications import batch_of
from chat_gateway.realtime.engine import Engine
from chat_gateway.realtime.limits import Limits
from chat_gateway.realtime.ports import User
from chat_gateway.realtime.tails import TailLimits, Tails
from chat_gateway.store.snapshots import Snapshots
from tests.builders import user
from tests.clients import Client
from tests.integration.chat_gateway.store.gateway import Gateway, change, post, until

pytestmark = pytest.mark.no_cover  # many cases, twice as long if traced; smaller tests cover the same lines

LOBBY = "room:lobby"
MANY = 50
READS_AT_ONCE = 8
"""As many as the database's pool has connections."""


class Instance(Gateway):
    """A store with an engine before it. `reads` counts the statements that fetch missed entries."""

    def __init__(self, url: str) -> None:
        super().__init__(url, patience_seconds=30)  # all of them shall come in, on a slow machine too
        tails = Tails()
        self.engine = Engine(
            application=ChatChannels(
                chat_of(self.database, self.log),
                Snapshots(self.database, tails),
                verify,
                pace=Pace(Rates(), time.monotonic),
            ),
            log=self.room_log,
            instance="here",
            version="parley test",
            now=time.time,
            monotonic=time.monotonic,
            tails=tails,
            limits=Limits(connect_wait_seconds=30, connect_seconds=60),
        )
        self.reads = 0
        event.listen(self.database._engine.sync_engine, "before_cursor_execute", self._executing)

    @override
    def _publish(self, log: LogId, epoch: str, entries: Sequence[Entry]) -> None:
        super()._publish(log, epoch, entries)
        self.engine.committed(batch_of(log, epoch, entries))

    def _executing(self, _connection: object, _cursor: object, statement: str, *_: object) -> None:
        self.reads += statement.startswith("SELECT e.*")

    async def connect(self, numbers: Sequence[int], **fields: object) -> list[Client]:
        """Connect these users at once."""
        clients = [Client(self.engine) for _ in numbers]
        asked = [
            client.send(connect={"token": f"user{number}", **fields})
            for client, number in zip(clients, numbers, strict=True)
        ]
        await until(lambda: all(map(Client.answered, clients, asked)))
        return clients

    async def arrive(self) -> list[Client]:
        """Connect everybody for the first time, which writes: a few at once."""
        return [client for start in range(0, MANY, 10) for client in await self.connect(range(start, start + 10))]

    async def come_back(self, numbers: Sequence[int], after: int, epoch: str) -> list[Client]:
        """Connect these users, who have the lobby up to `after`."""
        return await self.connect(numbers, subs={LOBBY: {"recover": True, "offset": after, "epoch": epoch}})

    async def say(self, count: int) -> None:
        await asyncio.gather(*(self.log.append(post("user0", f"text {number}")) for number in range(count)))

    async def lobby(self) -> tuple[int, str]:
        head = (await self.room_log.heads([LOBBY]))[LOBBY]
        return head.offset, head.epoch


async def verify(token: str) -> User:
    return user(token, expires_at=int(time.time()) + 600)


def missed(client: Client) -> list[int]:
    (lobby,) = [message["connect"]["subs"][LOBBY] for message in client.link.messages() if "connect" in message]
    assert lobby["recovered"]
    return [publication["offset"] for publication in lobby.get("publications", ())]


@pytest.fixture
async def instance(url: str) -> AsyncIterator[Instance]:
    async with Instance(url) as instance:
        running = asyncio.create_task(instance.engine.run())
        await asyncio.sleep(0)
        yield instance
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_the_reads_of_a_storm_do_not_grow_with_the_clients(instance: Instance) -> None:
    for client in await instance.arrive():
        client.lose()
    assert instance.engine.hub.channels() == []
    after, epoch = await instance.lobby()
    await instance.say(100)
    instance.reads = 0
    clients = await instance.come_back(range(MANY), after, epoch)
    assert all(missed(client) == list(range(after + 1, after + 101)) for client in clients)
    assert 1 <= instance.reads < TailLimits().listeners + READS_AT_ONCE


async def test_what_passes_while_others_stay_is_read_no_more(instance: Instance) -> None:
    clients = await instance.arrive()
    after, epoch = await instance.lobby()
    await instance.say(5)
    await instance.come_back([0], after, epoch)
    for client in clients[20:]:
        client.lose()
    await instance.say(20)
    instance.reads = 0
    clients = await instance.come_back(range(20, MANY), after, epoch)
    assert all(missed(client) == list(range(after + 1, after + 26)) for client in clients)
    assert instance.reads == 0


@pytest.mark.parametrize("is_told", [False, True])
async def test_a_text_that_another_instance_deleted_does_not_come_back(instance: Instance, *, is_told: bool) -> None:
    await instance.arrive()
    after, epoch = await instance.lobby()
    secret = await instance.log.append(post("user0", "xyzzy"))
    (client,) = await instance.come_back([1], after, epoch)
    assert b"xyzzy" in client.link.sent[0]
    assert secret.entry is not None
    async with Gateway(instance.url) as other:
        await other.log.append(change(Delete, "user0", message=secret.entry.id))
        if is_told:
            instance.engine.hub.received(batch_of(*other.published[0]))
    for client in await instance.come_back(range(2, 10), after, epoch):
        assert missed(client) == [after + 1, after + 2]
        assert b"xyzzy" not in b"".join(client.link.sent)

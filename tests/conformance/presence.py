"""Presence per channel, as the protocol's own servers have it: who is subscribed, and joins and leaves told to all.

Joins and leaves reach other instances by the bus. Who is there is kept by this process alone, or in Redis for all: one
hash a channel, written before the join is told. What a killed instance has left there stays, which no suite looks at.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import cast

import msgspec
from redis.asyncio import Redis
from typing_extensions import override

from chat_gateway.protocol.frames import ClientInfo
from chat_gateway.realtime.ports import Presence, Present, User
from chat_gateway.realtime.publication import JOIN, LEAVE, Batch, ephemeral
from tests.conformance.namespaces import namespace_of


class ChannelPresence(Presence):
    """`announce` is the engine's, set once there is one."""

    def __init__(self) -> None:
        self.announce: Callable[[Batch], None] = lambda _batch: None
        self._channels: defaultdict[str, dict[str, ClientInfo]] = defaultdict(dict)

    @override
    def connected(self, client: ClientInfo) -> None: ...

    @override
    def disconnected(self, client: ClientInfo) -> None: ...

    @override
    def joined(self, channel: str, client: ClientInfo) -> None:
        self._channels[channel][client.client] = client
        self.announce(ephemeral(channel, b"", kind=JOIN, info=client))

    @override
    def left(self, channel: str, client: ClientInfo) -> None:
        del self._channels[channel][client.client]
        if not self._channels[channel]:
            del self._channels[channel]
        self.announce(ephemeral(channel, b"", kind=LEAVE, info=client))

    @override
    async def of(self, user: User, channel: str) -> Present:
        namespace_of(channel)
        clients = dict(self._channels.get(channel, {}))
        return _present(clients)

    async def run(self) -> None:
        """There is nothing to carry to others."""


class SharedPresence(ChannelPresence):
    """Writes and announcements wait in one queue, so that they come in the order in which clients came and went."""

    def __init__(self, redis_url: str) -> None:
        super().__init__()
        self._redis: Redis = Redis.from_url(redis_url)
        self._work: asyncio.Queue[tuple[str, ClientInfo, int]] = asyncio.Queue()

    @override
    def joined(self, channel: str, client: ClientInfo) -> None:
        self._work.put_nowait((channel, client, JOIN))

    @override
    def left(self, channel: str, client: ClientInfo) -> None:
        self._work.put_nowait((channel, client, LEAVE))

    @override
    async def of(self, user: User, channel: str) -> Present:
        namespace_of(channel)
        await self._work.join()  # what our own clients have done is there
        held = await cast("Awaitable[dict[bytes, bytes]]", self._redis.hgetall(_key(channel)))
        return _present({key.decode(): msgspec.json.decode(info, type=ClientInfo) for key, info in held.items()})

    @override
    async def run(self) -> None:
        try:
            while True:
                channel, client, kind = await self._work.get()
                await self._write(channel, client, kind)
                self.announce(ephemeral(channel, b"", kind=kind, info=client))
                self._work.task_done()
        finally:
            await self._redis.aclose()

    async def _write(self, channel: str, client: ClientInfo, kind: int) -> None:
        if kind == JOIN:
            wrote = self._redis.hset(_key(channel), client.client, msgspec.json.encode(client).decode())
        else:
            wrote = self._redis.hdel(_key(channel), client.client)
        await wrote


def _key(channel: str) -> str:
    return f"parley:conformance:{channel}"


def _present(clients: dict[str, ClientInfo]) -> Present:
    users = {client.user for client in clients.values()}
    return Present(clients=clients, num_clients=len(clients), num_users=len(users))

"""Presence in memory, per channel, that shows what the engine has told it."""

from collections import defaultdict
from collections.abc import Callable

from typing_extensions import override

from chat_gateway.protocol.frames import ClientInfo
from chat_gateway.realtime.ports import Presence, Present, User
from chat_gateway.realtime.publication import JOIN, Batch, ephemeral
from shared.errors import NotFound, Unavailable


class MemoryPresence(Presence):
    """Who is here, and what was said of it in order. Joins go to `announce`, as an implementation per channel does.

    Everybody may know but of `secret`; nobody can while `down`.
    """

    def __init__(self) -> None:
        self.down = False
        self.announce: Callable[[Batch], None] = lambda _batch: None
        self.said: list[str] = []
        self._channels: defaultdict[str, dict[str, ClientInfo]] = defaultdict(dict)

    @override
    def connected(self, client: ClientInfo) -> None:
        self.said.append(f"{client.user} connected")

    @override
    def disconnected(self, client: ClientInfo) -> None:
        self.said.append(f"{client.user} disconnected")

    @override
    def joined(self, channel: str, client: ClientInfo) -> None:
        assert client.client not in self._channels[channel]
        self._channels[channel][client.client] = client
        self.said.append(f"{client.user} joined {channel}")
        self.announce(ephemeral(channel, b"", kind=JOIN, info=client))

    @override
    def left(self, channel: str, client: ClientInfo) -> None:
        assert self._channels[channel].pop(client.client) == client
        self.said.append(f"{client.user} left {channel}")

    @override
    async def of(self, user: User, channel: str) -> Present:
        if channel == "secret":
            raise NotFound("room_not_found", "There is no such room.")
        if self.down:
            raise Unavailable("unavailable", "Nobody knows who is there; try again.")
        clients = dict(self._channels[channel])
        users = {client.user for client in clients.values()}
        return Present(clients=clients, num_clients=len(clients), num_users=len(users))

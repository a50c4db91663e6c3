"""Presence per channel, as the protocol's own servers have it: who is subscribed, and joins and leaves told to all.

It knows the clients of this process only; joins and leaves reach other instances by the bus.
"""

from collections import defaultdict
from collections.abc import Callable

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
        users = {client.user for client in clients.values()}
        return Present(clients=clients, num_clients=len(clients), num_users=len(users))

"""Presence where nobody keeps any: what an engine has that was given none."""

from typing_extensions import override

from chat_gateway.protocol.frames import ClientInfo
from chat_gateway.realtime.ports import Presence, Present, User
from shared.errors import NotFound


class NoPresence(Presence):
    @override
    def connected(self, client: ClientInfo) -> None: ...

    @override
    def disconnected(self, client: ClientInfo) -> None: ...

    @override
    def joined(self, channel: str, client: ClientInfo) -> None: ...

    @override
    def left(self, channel: str, client: ClientInfo) -> None: ...

    @override
    async def of(self, user: User, channel: str) -> Present:
        raise NotFound("not_available", "Presence is not available here.")

"""A room of Ada's with Bob in it, and shorthands for what people do there."""

import json
from typing import Any

from chat_gateway.actions import history, memberships, messages, rooms
from chat_gateway.actions.targets import ThisMessage
from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import UserId
from tests.integration.chat_gateway.actions.conftest import ADA, BOB

CID = UserId("cid")


class Den:
    """Ada owns it, Bob is a member, Cid is outside."""

    def __init__(self, chat: Chat, room: str) -> None:
        self.chat = chat
        self.room = room

    async def say(self, user: UserId, body: str = "hello", **fields: Any) -> str:
        posted = await messages.post(self.chat, user, messages.PostMessage(room=self.room, body=body, **fields))
        return posted.id

    def the(self, message: str, **fields: Any) -> ThisMessage:
        return ThisMessage(room=self.room, message=message, **fields)

    async def page(self, user: UserId = BOB, **fields: Any) -> list[dict[str, Any]]:
        found = await history.page(self.chat, user, history.PageRequest(room=self.room, **fields))
        return [json.loads(bytes(entry)) for entry in found.entries]

    async def item(self, message: str) -> dict[str, Any]:
        return next(item for item in await self.page(limit=200) if item["id"] == message)

    async def state(self, message: str) -> dict[str, Any] | None:
        return (await self.item(message)).get("state")

    async def last(self) -> tuple[str, str, dict[str, Any]]:
        """Type, author and content of the newest entry."""
        (entry,) = await self.page(limit=1)
        return entry["type"], entry["author"], entry["content"]


async def den(chat: Chat) -> Den:
    made = await rooms.create(chat, ADA, rooms.CreateRoom(name="Den"))
    await memberships.join(chat, BOB, memberships.JoinRoom(room=made.room.id))
    return Den(chat, made.room.id)

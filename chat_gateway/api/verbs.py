"""The registry of chat verbs: one action each, known by one name to rpc (and, later, REST).

Adding a verb is one line here. The request type says what may come in; it is decoded strictly, so a misspelt field is
an error and not a silent default.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from chat_gateway.actions import history, markers, messages, people, rooms
from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import UserId
from shared.errors import InvalidInput, NotFound

Act = Callable[[Chat, UserId, Any], Awaitable[Any]]


class Verb:
    def __init__(self, request: type, act: Act) -> None:
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(request)
        self._act = act

    async def __call__(self, chat: Chat, actor: UserId, data: bytes) -> bytes:
        """Decode, act, encode. Raises InvalidInput `invalid_request` naming the field."""
        try:
            request = self._decoder.decode(data or b"{}")
        except msgspec.MsgspecError as error:
            raise InvalidInput("invalid_request", f"{error}.") from error
        return msgspec.json.encode(await self._act(chat, actor, request))


VERBS: dict[str, Verb] = {
    "room.list": Verb(rooms.ListRooms, rooms.list_rooms),
    "room.get": Verb(rooms.ThisRoom, rooms.get),
    "room.create": Verb(rooms.CreateRoom, rooms.create),
    "room.join": Verb(rooms.ChangeMembership, rooms.join),
    "room.leave": Verb(rooms.ChangeMembership, rooms.leave),
    "room.remove": Verb(rooms.RemoveMember, rooms.remove),
    "people.get": Verb(people.GetPeople, people.get),
    "message.post": Verb(messages.PostMessage, messages.post),
    "marker.set": Verb(markers.MoveMarker, markers.set_marker),
    "history.page": Verb(history.PageRequest, history.page),
}


def find(method: str) -> Verb:
    """Look a verb up. Raises NotFound `method_not_found`."""
    verb = VERBS.get(method)
    if verb is None:
        raise NotFound("method_not_found", "There is no such method. The README lists all.")
    return verb

"""The registry of chat verbs: one action each, known by one name to rpc and to REST.

Adding a verb is one line here. The request type says what may come in; it is decoded strictly, so a misspelt field is
an error and not a silent default. What the action declares as its answer is what the documentation shows.
"""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, get_type_hints

import msgspec

from chat_gateway.actions import (
    directs,
    history,
    invitations,
    live,
    markers,
    memberships,
    messages,
    people,
    pins,
    reactions,
    rooms,
    search,
    targets,
    threads,
)
from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import UserId
from chat_gateway.protocol.json_text import DATA_DEPTH, Unreadable, readable
from shared.errors import InvalidInput, NotFound

Act = Callable[[Chat, UserId, Any], Awaitable[Any]]


class Verb:
    def __init__(self, request: type, act: Act) -> None:
        self.request = request
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(request)
        self._act = act

    @property
    def answer(self) -> object:
        """The type the action answers with."""
        return get_type_hints(self._act, include_extras=True)["return"]

    @property
    def description(self) -> str:
        return inspect.getdoc(self._act) or ""

    def decode(self, data: bytes, *, levels: int = DATA_DEPTH) -> object:
        """Read a request strictly. Raises InvalidInput `invalid_request` naming the field."""
        try:
            return self._decoder.decode(readable(data, levels=levels))
        except msgspec.ValidationError as error:
            message, _, path = str(error).partition(" - at `")
            field = path.removesuffix("`").removeprefix("$").removeprefix(".") or "body"
            raise InvalidInput("invalid_request", f"{field}: {message}.", details={field: message}) from error
        except Unreadable as error:
            raise InvalidInput("invalid_request", f"The request is not valid JSON: {error}.") from error
        except msgspec.DecodeError as error:
            raise InvalidInput("invalid_request", "The request is not valid JSON.") from error

    async def act(self, chat: Chat, actor: UserId, request: object) -> bytes:
        return msgspec.json.encode(await self._act(chat, actor, request))

    async def __call__(self, chat: Chat, actor: UserId, data: bytes) -> bytes:
        """Decode, act, encode. No data is an empty object."""
        return await self.act(chat, actor, self.decode(data or b"{}"))


VERBS: dict[str, Verb] = {
    "room.list": Verb(rooms.ListRooms, rooms.list_rooms),
    "room.get": Verb(rooms.ThisRoom, rooms.get),
    "room.create": Verb(rooms.CreateRoom, rooms.create),
    "room.update": Verb(rooms.UpdateRoom, rooms.update),
    "room.archive": Verb(rooms.ArchiveRoom, rooms.archive),
    "room.join": Verb(memberships.JoinRoom, memberships.join),
    "room.leave": Verb(memberships.LeaveRoom, memberships.leave),
    "room.invite": Verb(invitations.InviteToRoom, invitations.invite),
    "room.remove": Verb(memberships.ThisMember, memberships.remove),
    "room.ban": Verb(memberships.ThisMember, memberships.ban),
    "room.unban": Verb(memberships.ThisMember, memberships.unban),
    "room.set_role": Verb(memberships.GiveRole, memberships.set_role),
    "room.members": Verb(memberships.AskMembers, memberships.members),
    "direct.open": Verb(directs.Open, directs.open_direct),
    "people.get": Verb(people.GetPeople, people.get),
    "people.search": Verb(people.FindPeople, people.search),
    "people.block": Verb(people.ThisPerson, people.block),
    "people.unblock": Verb(people.ThisPerson, people.unblock),
    "message.post": Verb(messages.PostMessage, messages.post),
    "message.edit": Verb(messages.EditMessage, messages.edit),
    "message.delete": Verb(targets.ThisMessage, messages.delete),
    "message.revisions": Verb(messages.AskRevisions, messages.revisions),
    "message.react": Verb(reactions.ReactToMessage, reactions.react),
    "message.unreact": Verb(reactions.ReactToMessage, reactions.unreact),
    "message.pin": Verb(targets.ThisMessage, pins.pin),
    "message.unpin": Verb(targets.ThisMessage, pins.unpin),
    "message.report": Verb(messages.ReportMessage, messages.report),
    "thread.page": Verb(threads.ThreadRequest, threads.page),
    "thread.follow": Verb(threads.FollowThread, threads.follow),
    "thread.mute": Verb(threads.MuteThread, threads.mute),
    "marker.set": Verb(markers.MoveMarker, markers.set_marker),
    "receipts.get": Verb(live.AskReceipts, live.receipts),
    "typing": Verb(live.TypingIn, live.typing),
    "history.page": Verb(history.PageRequest, history.page),
    "search.messages": Verb(search.SearchRequest, search.find),
}


def find(method: str) -> Verb:
    """Look a verb up. Raises NotFound `method_not_found`."""
    verb = VERBS.get(method)
    if verb is None:
        raise NotFound("method_not_found", "There is no such method. The README lists all.")
    return verb

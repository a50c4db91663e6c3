"""Coming into a room, going out of it, and what its owners and admins do about the others."""

from typing import Annotated, Literal

import msgspec

from chat_gateway.actions import changing
from chat_gateway.actions.rooms import OneRoom, show
from chat_gateway.core import errors, invitations
from chat_gateway.core.changes import Ban, Join, Leave, Remove, SetRole, Unban
from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import Id, RoomId, UserId
from chat_gateway.core.rooms import Member, Role
from shared.errors import InvalidInput

MAX_PAGE = 200


class JoinRoom(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Either a public `room`, or an `invite`: the token of an invitation to any room."""

    room: Id | None = None
    invite: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    client_id: Id | None = None


class LeaveRoom(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    room: Id
    client_id: Id | None = None


class ThisMember(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    room: Id
    user: Id
    client_id: Id | None = None


class GiveRole(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    room: Id
    user: Id
    role: Role
    client_id: Id | None = None


class AskMembers(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Members come in the order of their ids; `after` continues behind one. Only owners and admins see the banned."""

    room: Id
    status: Literal["joined", "banned"] = "joined"
    after: Id = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_PAGE)] = MAX_PAGE


class Members(msgspec.Struct, frozen=True):
    members: list[Member]
    more: bool


class Done(msgspec.Struct, frozen=True):
    pass


async def join(chat: Chat, actor: UserId, request: JoinRoom) -> OneRoom:
    """Join a public room, or any by an invitation. Whoever is in already gets the room as it is."""
    if (request.room is None) == (request.invite is None):
        raise InvalidInput("invalid_request", "Name the room to join, or an invitation to it, and not both.")
    invite = None if request.invite is None else invitations.token_hash(request.invite)
    room = request.room if invite is None else await chat.rooms.invited(invite)
    if room is None:
        raise errors.room_not_found()
    await changing.make(chat, actor, Join, room, request.client_id, invite=invite)
    return await show(chat, actor, RoomId(room))


async def leave(chat: Chat, actor: UserId, request: LeaveRoom) -> Done:
    """Leave a room. The last owner leaves only if nobody else is in it. The invitations the actor made end."""
    await changing.make(chat, actor, Leave, request.room, request.client_id)
    return Done()


async def remove(chat: Chat, actor: UserId, request: ThisMember) -> Done:
    """Remove a member: as an owner anybody, as an admin members who have no role.

    Nothing that stands above the removal in the room's log is written to them any more. The invitations they made end.
    """
    await changing.make(chat, actor, Remove, request.room, request.client_id, subject=UserId(request.user))
    return Done()


async def ban(chat: Chat, actor: UserId, request: ThisMember) -> Done:
    """Keep a person out of a room, who may be in it or not: as an owner or admin, as for a removal.

    The invitations they made end.
    """
    await changing.make(chat, actor, Ban, request.room, request.client_id, subject=UserId(request.user))
    return Done()


async def unban(chat: Chat, actor: UserId, request: ThisMember) -> Done:
    """Let a banned person come in again, if they wish: as an owner or admin."""
    await changing.make(chat, actor, Unban, request.room, request.client_id, subject=UserId(request.user))
    return Done()


async def set_role(chat: Chat, actor: UserId, request: GiveRole) -> Done:
    """Give a member a role, also that of an owner: as an owner. The last owner keeps theirs.

    The invitations of whoever becomes a plain member end.
    """
    subject = UserId(request.user)
    await changing.make(chat, actor, SetRole, request.room, request.client_id, subject=subject, role=request.role)
    return Done()


async def members(chat: Chat, actor: UserId, request: AskMembers) -> Members:
    """List the members of a room the actor is in."""
    roster = await chat.rooms.members(
        RoomId(request.room), actor, status=request.status, after=UserId(request.after), limit=request.limit
    )
    if roster is None:
        raise errors.room_not_found()
    if request.status == "banned" and roster.viewer == "member":
        raise errors.not_allowed()
    return Members(list(roster.members), roster.more)

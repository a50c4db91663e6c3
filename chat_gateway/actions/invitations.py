"""Links that let others into a room."""

from typing import Annotated

import msgspec

from chat_gateway.actions import changing
from chat_gateway.core import invitations
from chat_gateway.core.changes import Invite, Revoke
from chat_gateway.core.chat import Chat
from chat_gateway.core.ids import Id, UserId


class InviteToRoom(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """`expires_in` is in seconds. `revoke` ends all invitations to the room instead of making one."""

    room: Id
    expires_in: Annotated[int, msgspec.Meta(ge=1, le=invitations.MAX_SECONDS)] = invitations.DEFAULT_SECONDS
    uses: Annotated[int, msgspec.Meta(ge=1, le=invitations.MAX_USES)] = invitations.DEFAULT_USES
    revoke: bool = False


class Invitation(msgspec.Struct, frozen=True, omit_defaults=True):
    """`invite` is the token to join with, `expires_at` Unix time in milliseconds. Empty where all were ended."""

    invite: str | None = None
    expires_at: int | None = None


async def invite(chat: Chat, actor: UserId, request: InviteToRoom) -> Invitation:
    """Make an invitation to a room: as an owner or admin. The token is shown once, and only its hash is kept."""
    if request.revoke:
        await changing.make(chat, actor, Revoke, request.room)
        return Invitation()
    token, lasting = chat.new_secret(), request.expires_in * 1000
    hashed = invitations.token_hash(token)
    applied = await changing.make(
        chat, actor, Invite, request.room, token_hash=hashed, expires_in_ms=lasting, uses=request.uses
    )
    return Invitation(token, applied.at + lasting)

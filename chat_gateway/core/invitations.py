"""Invitations: links that let their holders into a room, for a while and so many times.

They end before that with the right of whoever made them: memberships.py drops them. What is long over is dropped with
the next invitation to the room, so that a room has as many rows as it had invitations in some weeks.

Only the SHA-256 of a token is kept, so that whoever reads the database cannot use one.
"""

import hashlib

from chat_gateway.core.changes import Invite, Refusal, Revoke
from chat_gateway.core.effects import Decision, Drop, Effects, Put
from chat_gateway.core.facts import Facts

DEFAULT_SECONDS = 7 * 24 * 3600
MAX_SECONDS = 30 * 24 * 3600
DEFAULT_USES = 100
MAX_USES = 1_000
KEPT_SECONDS = 7 * 24 * 3600
"""How long one that has ended is kept: its holders who came in still find the room by it."""


def token_hash(token: str) -> str:
    """Answer what is stored of a token; any text has one, for there is nothing to tell a wrong token by."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def decide_invite(change: Invite, facts: Facts) -> Decision:
    made = Put(
        table="invite",
        key={"token_hash": change.token_hash},
        values={"room_id": change.room, "created_by": change.author, "uses_left": change.uses},
        filled={"expires_at": "now"},
        added={"expires_at": change.expires_in_ms},
    )
    long_over = Drop(
        table="invite",
        key={"room_id": change.room},
        before={"expires_at": "now"},
        added={"expires_at": -KEPT_SECONDS * 1000},
    )
    return _refusal(facts) or Effects((long_over, made))


def decide_revoke(change: Revoke, facts: Facts) -> Decision:
    return _refusal(facts) or Effects((Drop(table="invite", key={"room_id": change.room}),))


def _refusal(facts: Facts) -> Refusal | None:
    if facts.room is None or not facts.author.joined:
        return Refusal.NO_SUCH_ROOM
    if facts.room.kind == "direct":
        return Refusal.DIRECT_ROOM
    return Refusal.NOT_ALLOWED if facts.author.role == "member" else None

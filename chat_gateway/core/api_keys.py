"""API keys of back ends and bots: what a key looks like, whom it speaks for, and what it may touch.

A key is `parley_<id>_<secret>`: the prefix lets scanners find a leaked one, the id names it in lists and logs, the
secret has 256 bits. Only the SHA-256 of the whole key is kept: nothing slower is needed against so much randomness.
"""

import hashlib
import re

import msgspec

from chat_gateway.core.ids import RoomId, UserId
from shared.errors import InvalidInput

MAX_NAME = 80
PREFIX = "parley_"
ID_BYTES = 6
SECRET_BYTES = 32

_KEY = re.compile(r"parley_[0-9a-f]{12}_[A-Za-z0-9_-]{43}")


BEYOND = frozenset({"room.create", "direct.open"})
"""What no key may do: each answers with a room that is none of the key's."""


class Scope(msgspec.Struct, frozen=True):
    """What a key may do, and where; nothing else."""

    verbs: tuple[str, ...]
    rooms: tuple[RoomId, ...]

    def allows(self, verb: str, *rooms: str | None) -> bool:
        """Decide a request by the rooms it names: none where its verb is about no room, None where it left one out.

        What is left out would mean another room than those of the key, such as that of an invitation. Whoever allows a
        verb that names no room still has to keep it to these rooms, for a bot may be in others: anybody writes to it.
        """
        return verb in self.verbs and verb not in BEYOND and all(room in self.rooms for room in rooms)


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """Times are Unix milliseconds. A revoked key stays listed, and its bot the author of what it said."""

    id: str
    name: str
    user: UserId
    scope: Scope
    created_at: int
    revoked_at: int | None = None


def bot_of(key_id: str) -> UserId:
    """Name the user a key acts as. Ids of auth are UUIDs, so no person is ever taken for a bot."""
    return UserId(f"bot:{key_id}")


def make_key(key_id: str, secret: str) -> str:
    """Put a key together. Raises ValueError for parts of another form."""
    key = f"{PREFIX}{key_id}_{secret}"
    if not is_key(key):
        raise ValueError("A key has an id of 12 hexadecimal digits and a secret of 43 URL-safe characters.")
    return key


def is_key(text: str) -> bool:
    """Tell whether this can be a key at all, before anybody looks for it."""
    return _KEY.fullmatch(text) is not None


def digest(key: str) -> str:
    """Make what the store keeps of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


def key_name(text: str) -> str:
    """Tidy the name the bot is shown by. Raises InvalidInput."""
    name = " ".join(text.split())
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise InvalidInput("invalid_request", f"A key's name has 1 to {MAX_NAME} printable characters.")
    return name

"""An entry as a page of history shows it: with what became of the message since, and with what it answers.

Live entries come without that: whoever follows a room knows its state from the entries that changed it.
"""

import msgspec

from chat_gateway.core.entries import Entry, encode
from chat_gateway.core.ids import EntryId, UserId

MAX_EXCERPT = 200
MAX_REACTING = 20
"""People named for an emoji; `count` has them all."""


class Reaction(msgspec.Struct, frozen=True):
    """One emoji, with the first people who used it."""

    emoji: str
    users: list[UserId]
    count: int


class ThreadState(msgspec.Struct, frozen=True):
    """How many replies a thread has, and when the last one came (Unix milliseconds)."""

    posts: int
    at: int


class MessageState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a message. `body` is its text where it was edited; times are Unix milliseconds."""

    body: str | None = None
    edited_at: int | None = None
    deleted: bool = False
    pinned_at: int | None = None
    reactions: list[Reaction] = []
    thread: ThreadState | None = None


class Excerpt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The message that one answers, as it stands now: the beginning of its text, or that it was deleted."""

    id: EntryId
    offset: int
    author: UserId
    body: str | None = None
    deleted: bool = False


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """`state` is None where nothing happened to the message, or for an entry of another kind."""

    entry: Entry
    state: MessageState | None = None
    reply: Excerpt | None = None

    @property
    def deleted(self) -> bool:
        return self.state is not None and self.state.deleted


class Revision(msgspec.Struct, frozen=True):
    """A text that stood in a message until edit `n` replaced it at this time (Unix milliseconds)."""

    n: int
    at: int
    body: str


class ThreadView(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a thread, and how its reader stands to it."""

    root: Item
    items: tuple[Item, ...]
    follows: bool
    muted: bool
    marker: int
    posts: int
    unread: int
    head: int
    epoch: str


def shown(item: Item) -> msgspec.Raw:
    """Make the JSON of an item."""
    return msgspec.Raw(encode(item.entry, with_offset=True, state=item.state, reply=item.reply))

"""What a decision has done to the database: rows, named by table and column, without any SQL.

The stores write them in order, in one transaction under the locks of the logs. A value that only the store knows (the
offset of the change's own entry, the log's running count, the time) is named in `filled`.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from chat_gateway.core.changes import Refusal
from chat_gateway.core.ids import EntryId, LogId, UserId

Value: TypeAlias = str | int | bool | None
Filling: TypeAlias = Literal["offset", "posts", "now"]
Table: TypeAlias = Literal[
    "room",
    "member",
    "message",
    "revision",
    "reaction",
    "mention",
    "thread_member",
    "invite",
    "report",
    "block",
    "search",
]


class Write(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One entry at the end of a log; the author and client_id are the change's."""

    log: LogId
    kind: int
    id: EntryId
    subject: UserId | None = None
    content: str = "{}"


class Put(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Set these columns of the row with this key, making the row where it is not there.

    `filled` maps columns onto what the store knows of the change's first entry; `added` maps columns onto a number to
    add to what stands in the row, or to what is filled.
    """

    table: Table
    key: Mapping[str, Value]
    values: Mapping[str, Value] = {}
    filled: Mapping[str, Filling] = {}
    added: Mapping[str, int] = {}


class Set(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Set these columns, as `Put` does, of all rows with this (part of a) key; where there is none, nothing."""

    table: Table
    key: Mapping[str, Value]
    values: Mapping[str, Value] = {}
    filled: Mapping[str, Filling] = {}
    added: Mapping[str, int] = {}


class Drop(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Delete all rows with this (part of a) key; where `before` is given, only those where a column is below that.

    `before` maps columns onto what the store knows, as `filled` does, and `added` onto a number to add to it.
    """

    table: Table
    key: Mapping[str, Value]
    before: Mapping[str, Filling] = {}
    added: Mapping[str, int] = {}


class Scrub(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Replace the content of the entries at these offsets of a log."""

    log: LogId
    contents: dict[int, str]


class OpenLog(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Make an empty log."""

    log: LogId


Effect: TypeAlias = Write | Put | Set | Drop | Scrub | OpenLog


class Effects(msgspec.Struct, frozen=True):
    """A change that is to be made; the entry it is answered with, if any, is the first `Write`.

    `marker` is where the author's marker stands then, for a change that is about one.
    """

    effects: tuple[Effect, ...]
    marker: int | None = None


class Stays(msgspec.Struct, frozen=True):
    """A change that finds everything as it wants it; `marker` is where the author's marker stands."""

    marker: int | None = None


class Repeats(msgspec.Struct, frozen=True):
    """A change that was made before: the facts' `repeats` are its entries."""

    marker: int | None = None


Decision: TypeAlias = Effects | Stays | Repeats | Refusal

"""The tables of the chat database, for queries and for Alembic.

`log` is the narrow hot row every change locks and rewrites: pages stay mostly empty on PostgreSQL, so that its updates
are heap-only, and it is vacuumed often. `entry` rows are written once, and rewritten only to scrub a deleted text. Rows
of `member` stay after leaving. A message is named by its room and offset; `message` has a row only for one that was
edited, deleted, pinned or answered in a thread. Every table of a room is written under the lock of the room's log.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import TSVECTOR

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def _index_where(condition: str, name: str, *columns: str) -> Index:
    return Index(name, *columns, postgresql_where=text(condition), sqlite_where=text(condition))


_TOKENS = Text().with_variant(TSVECTOR, "postgresql")

epoch = Table(
    "epoch",
    metadata,
    Column("epoch", Text, primary_key=True),
    CheckConstraint("length(epoch) BETWEEN 1 AND 8", name="short"),
)

log = Table(
    "log",
    metadata,
    Column("id", Text, primary_key=True),
    Column("head", BigInteger, nullable=False, server_default=text("0")),
    Column("posts", BigInteger, nullable=False, server_default=text("0")),
    postgresql_with={
        "fillfactor": 15,
        "autovacuum_vacuum_scale_factor": 0,
        "autovacuum_vacuum_threshold": 1000,
    },
)

room = Table(
    "room",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("topic", Text, nullable=False, server_default=text("''")),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("read_only", Boolean, nullable=False, server_default=false()),
    Column("archived", Boolean, nullable=False, server_default=false()),
    Column("members", BigInteger, nullable=False, server_default=text("0")),
    CheckConstraint("kind IN ('public', 'private', 'direct')", name="kind"),
)

member = Table(
    "member",
    metadata,
    Column("room_id", Text, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("marker", BigInteger, nullable=False, server_default=text("0")),
    Column("marker_posts", BigInteger, nullable=False, server_default=text("0")),
    Column("since", BigInteger, nullable=False, server_default=text("0")),
    CheckConstraint("role IN ('owner', 'admin', 'member')", name="role"),
    CheckConstraint("status IN ('joined', 'left', 'removed', 'banned')", name="status"),
    Index(None, "user_id"),
    _index_where("status = 'joined'", "ix_member_standing", "room_id", "role", "since", "user_id"),
    _index_where("status = 'banned'", "ix_member_banned", "room_id", "user_id"),
    postgresql_with={
        "fillfactor": 70,
        "autovacuum_vacuum_scale_factor": 0,
        "autovacuum_vacuum_threshold": 5000,
    },
)
"""`since` is the offset at which they came in last; 0 where an older release took them in: it knows nothing of this."""

entry = Table(
    "entry",
    metadata,
    Column("log_id", Text, primary_key=True),
    Column("offset", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", SmallInteger, nullable=False),
    Column("id", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("posts", BigInteger, nullable=False),
    Column("subject", Text),
    Column("content", Text, nullable=False),
    Column("thread", Text),
    Column("thread_posts", BigInteger),
    UniqueConstraint("author", "client_id", "log_id"),
    _index_where("kind = 1", "ix_entry_message", "id"),
    _index_where("thread IS NOT NULL", "ix_entry_thread", "thread", "offset"),
    sqlite_with_rowid=False,
    postgresql_with={"autovacuum_analyze_scale_factor": 0.02},
)

message = Table(
    "message",
    metadata,
    Column("room_id", Text, primary_key=True),
    Column("offset", BigInteger, primary_key=True, autoincrement=False),
    Column("body", Text),
    Column("edits", BigInteger, nullable=False, server_default=text("0")),
    Column("edited_at", BigInteger),
    Column("deleted", Boolean, nullable=False, server_default=false()),
    Column("pinned_at", BigInteger),
    Column("thread_posts", BigInteger, nullable=False, server_default=text("0")),
    Column("thread_at", BigInteger),
    _index_where("pinned_at IS NOT NULL", "ix_message_pinned", "room_id", "pinned_at"),
    sqlite_with_rowid=False,
)
"""`body` is the text as it stands after edits; None where it is still the entry's own."""

revision = Table(
    "revision",
    metadata,
    Column("room_id", Text, primary_key=True),
    Column("message", BigInteger, primary_key=True, autoincrement=False),
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("entry", BigInteger, nullable=False),
    Column("author", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""The text that edit `n` (from 1) replaced; `entry` is the offset of the `message.edited` that replaced it."""

reaction = Table(
    "reaction",
    metadata,
    Column("room_id", Text, primary_key=True),
    Column("message", BigInteger, primary_key=True, autoincrement=False),
    Column("emoji", Text, primary_key=True),
    Column("user_id", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

mention = Table(
    "mention",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("room_id", Text, primary_key=True),
    Column("offset", BigInteger, primary_key=True, autoincrement=False),
    Column("author", Text, nullable=False),
    Index(None, "room_id", "offset"),
    sqlite_with_rowid=False,
)
"""`user_id` is `*` where the whole room is meant."""

thread_member = Table(
    "thread_member",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("room_id", Text, primary_key=True),
    Column("root", BigInteger, primary_key=True, autoincrement=False),
    Column("follows", Boolean, nullable=False),
    Column("muted", Boolean, nullable=False, server_default=false()),
    Column("marker", BigInteger, nullable=False, server_default=text("0")),
    Column("marker_posts", BigInteger, nullable=False, server_default=text("0")),
    sqlite_with_rowid=False,
)

invite = Table(
    "invite",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("room_id", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("uses_left", BigInteger, nullable=False),
    Index(None, "room_id"),
)

report = Table(
    "report",
    metadata,
    Column("id", Text, primary_key=True),
    Column("room_id", Text, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("reporter", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    UniqueConstraint("room_id", "offset", "reporter"),
)

block = Table(
    "block",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("blocked_id", Text, primary_key=True),
    sqlite_with_rowid=False,
)
"""A deleted account has blocked whomever it is alone with in a direct room."""

api_key = Table(
    "api_key",
    metadata,
    Column("id", Text, primary_key=True),
    Column("secret_hash", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("rooms", Text, nullable=False),
    Column("verbs", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    UniqueConstraint("secret_hash"),
)
"""`rooms` and `verbs` are JSON arrays: what the key may touch."""

search = Table(
    "search",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("room_id", Text, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("author", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("folded", Text, nullable=False),
    Column("tokens", _TOKENS, nullable=False),
    Column("grams", _TOKENS, nullable=False),
    Column("has_link", Boolean, nullable=False),
    UniqueConstraint("room_id", "offset"),
    Index(None, "at"),
)
"""A message that may be found (core/search.py). Its tokens are in GIN indexes, or on SQLite in `search_fts` (FTS5)."""

search_cursor = Table(
    "search_cursor",
    metadata,
    Column("log_id", Text, primary_key=True),
    Column("offset", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Up to where a log has been read for search."""

person = Table(
    "person",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("picture", Text, nullable=False, server_default=text("''")),
    Column("disabled", Boolean, nullable=False, server_default=false()),
    Column("n", BigInteger, nullable=False, server_default=text("0")),
    _index_where("disabled AND name = ''", "ix_person_deleted", "id"),
)
"""Who is disabled and has no name is deleted (core/people.py)."""

person_word = Table(
    "person_word",
    metadata,
    Column("word", Text().with_variant(Text(collation="C"), "postgresql"), primary_key=True),
    Column("person_id", Text, primary_key=True),
    Index(None, "person_id"),
    sqlite_with_rowid=False,
)
"""The words of a person's name in lower case, for search by prefix: compared byte by byte on both databases."""

cursor = Table(
    "cursor",
    metadata,
    Column("name", Text, primary_key=True),
    Column("n", BigInteger, nullable=False),
)

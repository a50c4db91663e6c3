"""What rooms and messages may do: kinds and bans, edits, reactions, threads, invitations, reports, blocks, API keys."""

import re
import unicodedata
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_FUNCTIONS = ("append_batch_v2", "facts_v1", "row_statement_v1", "apply_v1")
_BEFORE = ("append_batch_v1", "change_v1", "write_entry_v1")
_ROLES = "role IN ('owner', 'admin', 'member')"
_PAGE = 1_000


def upgrade() -> None:
    _extend_rooms()
    _extend_entries()
    _add_message_tables()
    _add_people_tables()
    _fill_words()
    if op.get_bind().dialect.name == "postgresql":
        # No release has ever called those of a database that was made before the first one.
        for name in _BEFORE:
            op.execute(f"DROP FUNCTION IF EXISTS {name}")
        folder = Path(__file__).parent.parent / "functions"
        for name in _FUNCTIONS:
            op.get_bind().exec_driver_sql((folder / f"{name}.sql").read_text())


def _extend_rooms() -> None:
    with op.batch_alter_table("room") as room:
        room.add_column(sa.Column("read_only", sa.Boolean(), server_default=sa.false(), nullable=False))
        room.add_column(sa.Column("archived", sa.Boolean(), server_default=sa.false(), nullable=False))
        room.add_column(sa.Column("members", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    _allow("room", kind="kind IN ('public', 'private', 'direct')")
    _allow("member", role=_ROLES, status="status IN ('joined', 'left', 'removed', 'banned')")
    is_owner, is_banned = sa.text("role = 'owner' AND status = 'joined'"), sa.text("status = 'banned'")
    op.create_index("ix_member_owner", "member", ["room_id"], postgresql_where=is_owner, sqlite_where=is_owner)
    # As they are listed: by name without regard to case.
    folded = "name COLLATE NOCASE" if op.get_bind().dialect.name == "sqlite" else "lower(name)"
    op.execute(f"CREATE INDEX ix_room_public ON room ({folded}, name, id) WHERE kind = 'public'")
    op.create_index(
        "ix_member_banned", "member", ["room_id", "user_id"], postgresql_where=is_banned, sqlite_where=is_banned
    )
    op.execute(
        "UPDATE room SET members = (SELECT count(*) FROM member WHERE member.room_id = room.id AND status = 'joined')"
    )


def _allow(table: str, **checks: str) -> None:
    """Replace the table's checks. SQLite copies the table without its old ones, so all must be named."""
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    with op.batch_alter_table(table, recreate="always" if on_sqlite else "never") as batch:
        for name, condition in checks.items():
            if not on_sqlite:
                batch.drop_constraint(op.f(f"ck_{table}_{name}"), type_="check")
            batch.create_check_constraint(op.f(f"ck_{table}_{name}"), sa.text(condition))


def _extend_entries() -> None:
    op.add_column("entry", sa.Column("thread", sa.Text(), nullable=True))
    op.add_column("entry", sa.Column("thread_posts", sa.BigInteger(), nullable=True))
    is_post, in_thread = sa.text("kind = 1"), sa.text("thread IS NOT NULL")
    op.create_index("ix_entry_message", "entry", ["id"], postgresql_where=is_post, sqlite_where=is_post)
    op.create_index(
        "ix_entry_thread", "entry", ["thread", "offset"], postgresql_where=in_thread, sqlite_where=in_thread
    )


def _add_message_tables() -> None:
    op.create_table(
        "message",
        sa.Column("room_id", sa.Text(), nullable=False),
        sa.Column("offset", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("edits", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("edited_at", sa.BigInteger(), nullable=True),
        sa.Column("deleted", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("pinned_at", sa.BigInteger(), nullable=True),
        sa.Column("thread_posts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("thread_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("room_id", "offset", name=op.f("pk_message")),
        sqlite_with_rowid=False,
    )
    is_pinned = sa.text("pinned_at IS NOT NULL")
    op.create_index(
        "ix_message_pinned", "message", ["room_id", "pinned_at"], postgresql_where=is_pinned, sqlite_where=is_pinned
    )
    op.create_table(
        "revision",
        sa.Column("room_id", sa.Text(), nullable=False),
        sa.Column("message", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("room_id", "message", "n", name=op.f("pk_revision")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "reaction",
        sa.Column("room_id", sa.Text(), nullable=False),
        sa.Column("message", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("emoji", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("room_id", "message", "emoji", "user_id", name=op.f("pk_reaction")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "mention",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("room_id", sa.Text(), nullable=False),
        sa.Column("offset", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "room_id", "offset", name=op.f("pk_mention")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_mention_room_id_offset"), "mention", ["room_id", "offset"])
    op.create_table(
        "thread_member",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("room_id", sa.Text(), nullable=False),
        sa.Column("root", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("follows", sa.Boolean(), nullable=False),
        sa.Column("muted", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("marker", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("marker_posts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "room_id", "root", name=op.f("pk_thread_member")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "report",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("room_id", sa.Text(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("reporter", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report")),
        sa.UniqueConstraint("room_id", "offset", "reporter", name=op.f("uq_report_room_id_offset_reporter")),
    )


def _add_people_tables() -> None:
    op.create_table(
        "invite",
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("room_id", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("uses_left", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_invite")),
    )
    op.create_index(op.f("ix_invite_room_id"), "invite", ["room_id"])
    op.create_table(
        "block",
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("blocked_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "blocked_id", name=op.f("pk_block")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "api_key",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("rooms", sa.Text(), nullable=False),
        sa.Column("verbs", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_api_key_secret_hash")),
    )
    op.create_table(
        "person_word",
        sa.Column("word", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("word", "person_id", name=op.f("pk_person_word")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_person_word_person_id"), "person_word", ["person_id"])


def _fill_words() -> None:
    """Split the names as core/people.py did at this revision; the feed keeps them from now on."""
    person = sa.table("person", sa.column("id", sa.Text), sa.column("name", sa.Text))
    word = sa.table("person_word", sa.column("word", sa.Text), sa.column("person_id", sa.Text))
    after, page = "", sa.select(person).order_by(person.c.id).limit(_PAGE)
    while rows := op.get_bind().execute(page.where(person.c.id > after)).all():
        words = [{"word": part, "person_id": row.id} for row in rows for part in _words(row.name)]
        if words:
            op.bulk_insert(word, words)
        after = rows[-1].id


def _words(name: str) -> list[str]:
    return list(dict.fromkeys(re.findall(r"\w+", unicodedata.normalize("NFKC", name).casefold())))[:8]


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for name in reversed(_FUNCTIONS):
            op.execute(f"DROP FUNCTION {name}")
    for name in (
        "person_word",
        "api_key",
        "block",
        "invite",
        "report",
        "thread_member",
        "mention",
        "reaction",
        "revision",
        "message",
    ):
        op.drop_table(name)
    for name in ("ix_entry_thread", "ix_entry_message"):
        op.drop_index(name, "entry")
    for name in ("thread_posts", "thread"):
        op.drop_column("entry", name)
    # What the older rules cannot say is kept as the nearest that they can.
    op.execute("UPDATE room SET kind = 'private' WHERE kind = 'direct'")
    op.execute("UPDATE member SET status = 'removed' WHERE status = 'banned'")
    for name in ("ix_member_banned", "ix_member_owner"):
        op.drop_index(name, "member")
    op.drop_index("ix_room_public", "room")
    _allow("room", kind="kind IN ('public', 'private')")
    _allow("member", role=_ROLES, status="status IN ('joined', 'left', 'removed')")
    with op.batch_alter_table("room") as room:
        for name in ("members", "archived", "read_only"):
            room.drop_column(name)

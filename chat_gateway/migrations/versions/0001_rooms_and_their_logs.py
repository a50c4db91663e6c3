"""Rooms and their logs."""

import secrets
import string
import time

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    epoch = op.create_table(
        "epoch",
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.CheckConstraint("length(epoch) BETWEEN 1 AND 8", name=op.f("ck_epoch_short")),
        sa.PrimaryKeyConstraint("epoch", name=op.f("pk_epoch")),
    )
    log = op.create_table(
        "log",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("head", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("posts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log")),
        postgresql_with={
            "fillfactor": 15,
            "autovacuum_vacuum_scale_factor": 0,
            "autovacuum_vacuum_threshold": 1000,
        },
    )
    room = op.create_table(
        "room",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('public', 'private')", name=op.f("ck_room_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_room")),
    )
    op.create_table(
        "member",
        sa.Column("room_id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("marker", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("marker_posts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("role IN ('owner', 'admin', 'member')", name=op.f("ck_member_role")),
        sa.CheckConstraint("status IN ('joined', 'left', 'removed')", name=op.f("ck_member_status")),
        sa.PrimaryKeyConstraint("room_id", "user_id", name=op.f("pk_member")),
        postgresql_with={
            "fillfactor": 70,
            "autovacuum_vacuum_scale_factor": 0,
            "autovacuum_vacuum_threshold": 5000,
        },
    )
    op.create_index(op.f("ix_member_user_id"), "member", ["user_id"])
    op.create_table(
        "entry",
        sa.Column("log_id", sa.Text(), nullable=False),
        sa.Column("offset", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.SmallInteger(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("posts", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("log_id", "offset", name=op.f("pk_entry")),
        sa.UniqueConstraint("author", "client_id", "log_id", name=op.f("uq_entry_author_client_id_log_id")),
        sqlite_with_rowid=False,
        postgresql_with={"autovacuum_analyze_scale_factor": 0.02},
    )
    op.create_table(
        "person",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("picture", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("disabled", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("n", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
    )
    op.create_table(
        "cursor",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_cursor")),
    )
    _seed(epoch, log, room)


def _seed(epoch: sa.Table, log: sa.Table, room: sa.Table) -> None:
    """Name this database's logs, and open the room everybody is taken to."""
    letters = string.ascii_lowercase + string.digits
    op.bulk_insert(epoch, [{"epoch": "".join(secrets.choice(letters) for _ in range(8))}])
    op.bulk_insert(log, [{"id": "room:lobby"}])
    now = time.time_ns() // 1_000_000
    op.bulk_insert(room, [{"id": "lobby", "name": "Lobby", "kind": "public", "created_at": now, "created_by": ""}])


def downgrade() -> None:
    for name in ("cursor", "person", "entry", "member", "room", "log", "epoch"):
        op.drop_table(name)

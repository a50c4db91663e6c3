"""Search: what was said, as tokens, written behind the logs."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# The tokens are ours: for the ascii tokenizer everything beyond ASCII is part of one, so it only splits at spaces.
_FTS = """
CREATE VIRTUAL TABLE search_fts USING fts5(
    tokens, grams, content='search', content_rowid='id', detail=column, tokenize="ascii tokenchars '_'"
)
"""
_INSERTED = """
CREATE TRIGGER search_inserted AFTER INSERT ON search BEGIN
    INSERT INTO search_fts (rowid, tokens, grams) VALUES (new.id, new.tokens, new.grams);
END
"""
_DELETED = """
CREATE TRIGGER search_deleted AFTER DELETE ON search BEGIN
    INSERT INTO search_fts (search_fts, rowid, tokens, grams) VALUES ('delete', old.id, old.tokens, old.grams);
END
"""


def upgrade() -> None:
    is_postgres = op.get_bind().dialect.name == "postgresql"
    tokens = TSVECTOR() if is_postgres else sa.Text()
    op.create_table(
        "search",
        sa.Column("id", sa.BigInteger() if is_postgres else sa.Integer(), nullable=False),
        sa.Column("room_id", sa.Text(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("tokens", tokens, nullable=False),
        sa.Column("grams", tokens, nullable=False),
        sa.Column("has_link", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search")),
        sa.UniqueConstraint("room_id", "offset", name=op.f("uq_search_room_id_offset")),
    )
    op.create_index(op.f("ix_search_at"), "search", ["at"])
    op.create_table(
        "search_cursor",
        sa.Column("log_id", sa.Text(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log_id", name=op.f("pk_search_cursor")),
        sqlite_with_rowid=False,
    )
    if is_postgres:
        op.create_index("ix_search_tokens", "search", ["tokens"], postgresql_using="gin")
        op.create_index("ix_search_grams", "search", ["grams"], postgresql_using="gin")
        function = Path(__file__).parent.parent / "functions" / "index_room_v1.sql"
        op.get_bind().exec_driver_sql(function.read_text())
    else:
        for statement in (_FTS, _INSERTED, _DELETED):
            op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION index_room_v1")
    else:
        op.execute("DROP TABLE search_fts")
    op.drop_table("search_cursor")
    op.drop_table("search")

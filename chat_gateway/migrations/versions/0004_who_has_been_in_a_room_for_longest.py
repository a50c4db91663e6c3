"""Who has been in a room for longest, and who is deleted: for rooms whose owner's account is gone."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_FUNCTIONS = Path(__file__).parent.parent / "functions"
# Where they came in last: `member.joined` is kind 10. Of a direct room it is not asked.
_FILL = """
UPDATE member SET since = came.since FROM (
    SELECT log_id, subject, max("offset") AS since FROM entry WHERE kind = 10 GROUP BY log_id, subject
) AS came WHERE came.log_id = 'room:' || member.room_id AND came.subject = member.user_id
"""


def upgrade() -> None:
    is_postgres = op.get_bind().dialect.name == "postgresql"
    op.add_column("member", sa.Column("since", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
    op.get_bind().exec_driver_sql(_FILL)
    # It holds the owners too.
    op.drop_index("ix_member_owner", "member")
    is_joined, is_deleted = sa.text("status = 'joined'"), sa.text("disabled AND name = ''")
    op.create_index(
        "ix_member_standing",
        "member",
        ["room_id", "role", "since", "user_id"],
        postgresql_where=is_joined,
        sqlite_where=is_joined,
    )
    op.create_index("ix_person_deleted", "person", ["id"], postgresql_where=is_deleted, sqlite_where=is_deleted)
    if is_postgres:
        op.get_bind().exec_driver_sql((_FUNCTIONS / "facts_v1_at_0004.sql").read_text())


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        older = (_FUNCTIONS / "facts_v1.sql").read_text().replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)
        op.get_bind().exec_driver_sql(older)
    op.drop_index("ix_person_deleted", "person")
    op.drop_index("ix_member_standing", "member")
    is_owner = sa.text("role = 'owner' AND status = 'joined'")
    op.create_index("ix_member_owner", "member", ["room_id"], postgresql_where=is_owner, sqlite_where=is_owner)
    op.drop_column("member", "since")

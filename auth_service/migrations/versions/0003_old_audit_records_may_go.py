"""Records of the audit log may be deleted once they are 30 days old; until then, and to change one, nobody may.

Revision: 0003
Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_DAYS_30 = 30 * 24 * 60 * 60 * 1000
_REFUSE = "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"


def upgrade() -> None:
    # What the hourly pruning looks for.
    op.create_index(op.f("ix_audit_at"), "audit", ["at"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_is_append_only ON audit")
        op.execute(
            """
            CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR TRUNCATE ON audit
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()
            """
        )
        op.execute(
            f"""
            CREATE TRIGGER audit_keeps_what_is_recent BEFORE DELETE ON audit
            FOR EACH ROW WHEN (OLD.at >= CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint) - {_DAYS_30})
            EXECUTE FUNCTION refuse_audit_change()
            """
        )
        return
    op.execute("DROP TRIGGER audit_refuses_delete")
    op.execute(
        f"""
        CREATE TRIGGER audit_keeps_what_is_recent BEFORE DELETE ON audit
        WHEN OLD.at >= CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) - {_DAYS_30}
        {_REFUSE}
        """
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_keeps_what_is_recent ON audit")
        op.execute("DROP TRIGGER audit_is_append_only ON audit")
        op.execute(
            """
            CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()
            """
        )
    else:
        op.execute("DROP TRIGGER audit_keeps_what_is_recent")
        op.execute(f"CREATE TRIGGER audit_refuses_delete BEFORE DELETE ON audit {_REFUSE}")
    op.drop_index(op.f("ix_audit_at"), "audit")

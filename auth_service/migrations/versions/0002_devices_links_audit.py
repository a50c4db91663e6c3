"""Devices, one-time links, the audit log; where a session was begun; when a key signs and what encrypts it.

Revision: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("session") as batch:
        batch.add_column(sa.Column("user_agent", sa.Text(), server_default="", nullable=False))
        batch.add_column(sa.Column("network", sa.Text(), server_default="", nullable=False))
    # What the hourly pruning looks for.
    op.create_index(op.f("ix_refresh_token_exchanged_at"), "refresh_token", ["exchanged_at"])
    _add_key_columns()
    _create_devices_and_links()
    _create_audit()


def _add_key_columns() -> None:
    with op.batch_alter_table("signing_key") as batch:
        batch.add_column(sa.Column("wrapped_by", sa.Text(), nullable=True))
        batch.add_column(sa.Column("signs_from", sa.BigInteger(), nullable=True))
    op.execute("UPDATE signing_key SET signs_from = created_at")
    with op.batch_alter_table("signing_key") as batch:
        batch.alter_column("signs_from", existing_type=sa.BigInteger(), nullable=False)


def _create_devices_and_links() -> None:
    op.create_table(
        "device",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_device_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hash", "user_id", name=op.f("pk_device")),
    )
    op.create_index(op.f("ix_device_user_id"), "device", ["user_id"])
    op.create_table(
        "link",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=True),
        sa.Column("email", sa.String(length=128), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_link_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_link")),
    )
    op.create_index(op.f("ix_link_user_id"), "link", ["user_id"])
    is_setup = sa.text("kind = 'setup'")
    op.create_index("uq_link_setup", "link", ["kind"], unique=True, sqlite_where=is_setup, postgresql_where=is_setup)


def _create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("n", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_user_id"), "audit", ["user_id"])
    # Append-only by the database itself: not even our own mistake rewrites what happened.
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            """
            CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$
            """
        )
        op.execute(
            """
            CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()
            """
        )
        return
    for change in ("UPDATE", "DELETE"):
        op.execute(
            f"""
            CREATE TRIGGER audit_refuses_{change.lower()} BEFORE {change} ON audit
            BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
            """
        )
    # REPLACE deletes a row without asking the trigger for that.
    op.execute(
        """
        CREATE TRIGGER audit_refuses_replacement BEFORE INSERT ON audit
        WHEN EXISTS (SELECT 1 FROM audit WHERE n = NEW.n)
        BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END
        """
    )


def downgrade() -> None:
    op.drop_table("audit")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_audit_change()")
    op.drop_table("link")
    op.drop_table("device")
    # The release before reads keys in the clear only. It makes a new one; people fetch a token of that.
    op.execute("DELETE FROM signing_key WHERE wrapped_by IS NOT NULL")
    with op.batch_alter_table("signing_key") as batch:
        batch.drop_column("signs_from")
        batch.drop_column("wrapped_by")
    op.drop_index(op.f("ix_refresh_token_exchanged_at"), "refresh_token")
    with op.batch_alter_table("session") as batch:
        batch.drop_column("network")
        batch.drop_column("user_agent")

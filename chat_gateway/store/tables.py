"""The tables of the chat database, for queries and for Alembic.

`log` is the narrow hot row every change locks and rewrites: pages stay mostly empty on PostgreSQL, so that its updates
are heap-only, and it is vacuumed often. `entry` rows are written once. Rows of `member` stay after leaving.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

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
    CheckConstraint("kind IN ('public', 'private')", name="kind"),
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
    CheckConstraint("role IN ('owner', 'admin', 'member')", name="role"),
    CheckConstraint("status IN ('joined', 'left', 'removed')", name="status"),
    Index(None, "user_id"),
    postgresql_with={
        "fillfactor": 70,
        "autovacuum_vacuum_scale_factor": 0,
        "autovacuum_vacuum_threshold": 5000,
    },
)

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
    UniqueConstraint("author", "client_id", "log_id"),
    sqlite_with_rowid=False,
    postgresql_with={"autovacuum_analyze_scale_factor": 0.02},
)

person = Table(
    "person",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("picture", Text, nullable=False, server_default=text("''")),
    Column("disabled", Boolean, nullable=False, server_default=false()),
    Column("n", BigInteger, nullable=False, server_default=text("0")),
)

cursor = Table(
    "cursor",
    metadata,
    Column("name", Text, primary_key=True),
    Column("n", BigInteger, nullable=False),
)

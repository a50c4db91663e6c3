"""The tables of auth: the one place that says how rows look; migrations are made from it and checked against it.

Times are Unix milliseconds of the database's clock, aware UTC datetimes in code. Key names follow one convention, the
same on both databases and in every migration.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.types import TypeDecorator
from typing_extensions import override

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UtcMillis(TypeDecorator[datetime]):
    """An aware UTC datetime, stored as whole milliseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    @override
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else (value - _EPOCH) // timedelta(milliseconds=1)

    @override
    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _EPOCH + timedelta(milliseconds=value)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

user = Table(
    "user",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", String(128), nullable=False, unique=True),
    Column("password", Text, nullable=False),
    Column("profile", JSON, nullable=False),
    Column("name", Text, nullable=False),
    Column("picture", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("is_disabled", Boolean, nullable=False, server_default=false()),
    Column("created_at", UtcMillis, nullable=False),
)

session = Table(
    "session",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("user.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("started_at", UtcMillis, nullable=False),
    Column("last_used_at", UtcMillis, nullable=False),
    Column("ended_at", UtcMillis),
    # Where it was begun, for its owner to recognise: the browser as it names itself, a network and never an address.
    Column("user_agent", Text, nullable=False, server_default=""),
    Column("network", Text, nullable=False, server_default=""),
)

refresh_token = Table(
    "refresh_token",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("session_id", Text, ForeignKey("session.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("killed_at", UtcMillis),
    # Written by the exchange, all together: what makes the successor again, and when.
    Column("exchanged_at", UtcMillis, index=True),
    Column("salt", LargeBinary),
    Column("key_id", Text),
    Column("successor", LargeBinary),
)

signing_key = Table(
    "signing_key",
    metadata,
    Column("id", Text, primary_key=True),
    # The first key is generation 1, whoever writes it: instances that start together agree by this.
    Column("generation", Integer, nullable=False, autoincrement=False),
    Column("private_key", LargeBinary, nullable=False),
    # The id of the settings' key that encrypts it; NULL is a demo's, in the clear.
    Column("wrapped_by", Text),
    Column("created_at", UtcMillis, nullable=False),
    # It is published from the start and signs from here on, until a later one does.
    Column("signs_from", UtcMillis, nullable=False),
    UniqueConstraint("generation"),
)

device = Table(
    "device",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("user_id", Text, ForeignKey("user.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("seen_at", UtcMillis, nullable=False),
)

link = Table(
    "link",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("user_id", Text, ForeignKey("user.id", ondelete="CASCADE"), index=True),
    Column("email", String(128)),
    Column("role", Text, nullable=False),
    Column("expires_at", UtcMillis, nullable=False),
)
_is_setup = text("kind = 'setup'")
# Who sets up a site becomes its administrator: of the links for that there is one.
Index("uq_link_setup", link.c.kind, unique=True, sqlite_where=_is_setup, postgresql_where=_is_setup)

audit = Table(
    "audit",
    metadata,
    # SQLite counts only a column of exactly this type by itself.
    Column("n", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", UtcMillis, nullable=False, index=True),
    Column("event", Text, nullable=False),
    # No foreign key: what happened stays when the user goes.
    Column("user_id", Text, index=True),
    Column("actor", Text, nullable=False),
    Column("network", Text, nullable=False),
    Column("details", JSON, nullable=False),
)

change = Table(
    "change",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("n", BigInteger, nullable=False, unique=True),
    Column("user_id", Text),
    Column("changed_at", UtcMillis, nullable=False),
)

change_counter = Table(
    "change_counter",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("value", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="single_row"),
)

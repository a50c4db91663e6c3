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
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
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
)

refresh_token = Table(
    "refresh_token",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("session_id", Text, ForeignKey("session.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("killed_at", UtcMillis),
    # Written by the exchange, all together: what makes the successor again, and when.
    Column("exchanged_at", UtcMillis),
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
    Column("created_at", UtcMillis, nullable=False),
    UniqueConstraint("generation"),
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

"""The audit log: what happened to accounts, sessions and keys, who did it, from which network. It is only added to.

It holds ids, never addresses of mail, names or secrets: a person who is erased leaves nothing personal here. What is
old enough is deleted: strangers make records too, by each failed log-in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from auth_service.core.callers import Caller
from auth_service.core.users import UserId

LEAST_KEPT = timedelta(days=30)
"""The database itself keeps a record so long (migration 0003)."""


class Event(StrEnum):
    """Names are API of the log: never renamed."""

    USER_REGISTERED = "user.registered"
    USER_CREATED = "user.created"
    USER_EDITED = "user.edited"
    USER_DISABLED = "user.disabled"
    USER_ENABLED = "user.enabled"
    USER_ROLE_SET = "user.role_set"
    USER_DELETED = "user.deleted"
    USER_EXPORTED = "user.exported"
    LOGIN_SUCCEEDED = "login.succeeded"
    LOGIN_FAILED = "login.failed"
    PASSWORD_CHANGED = "password.changed"  # noqa: S105 -- the name of an event
    PASSWORD_RESET = "password.reset"  # noqa: S105 -- the name of an event
    SESSION_ENDED = "session.ended"
    SESSION_REUSED = "session.reused"
    LINK_MADE = "link.made"
    KEYS_ROTATED = "keys.rotated"
    DATABASE_MIGRATED = "database.migrated"
    DATABASE_COPIED = "database.copied"


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that happened to `user` (None where there is no account), done by `actor`."""

    event: str
    """An `Event`, or what a newer release of us wrote into this database."""
    user: UserId | None
    actor: str
    network: str = ""
    details: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A record as the log holds it; `n` rises, perhaps with gaps."""

    n: int
    at: datetime
    record: Record


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records somebody looks for; None is any. A user's are those of him and those by him."""

    user: str | None = None
    event: str | None = None
    since: datetime | None = None


EVERYTHING = Wanted()


def record(event: Event, user: UserId | None, caller: Caller, **details: str | int) -> Record:
    """A record of what the caller did; whoever is logged in acts as himself, a command as somebody of the machine."""
    if caller.os_user:
        details["os_user"] = caller.os_user
    return Record(event, user, caller.actor or user or "", caller.network, details)

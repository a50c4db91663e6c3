"""Random changes of rooms and memberships: both databases answer and hold the same, and what is counted is there."""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat_gateway.core.changes import (
    Applied,
    Archive,
    Ban,
    Change,
    Invite,
    Join,
    Leave,
    OpenDirect,
    Outcome,
    Post,
    Remove,
    Revoke,
    SetMarker,
    SetRole,
    Unban,
    Update,
)
from chat_gateway.core.ids import ClientId
from chat_gateway.store.database import Database
from tests.integration.chat_gateway.store.gateway import (
    appender_of,
    create,
    direct,
    entry_id,
    execute,
    has_no_gap,
    rows,
)

pytestmark = pytest.mark.no_cover  # many cases, twice as long if traced; smaller tests cover the same lines

_PEOPLE = ("ann", "bob", "cid")
_DEN = create("ann", cid="c0")
_users = st.sampled_from(_PEOPLE)
_named = {
    "id": st.builds(entry_id),
    "room": st.sampled_from([_DEN.room, direct("ann", "bob").room, create("bob", cid="c1").room]),
    "author": _users,
    "client_id": st.sampled_from([f"c{number}" for number in range(12)]).map(ClientId),
}
_subject = {"subject": _users}


def _some(kind: type[Change], **fields: st.SearchStrategy[object]) -> st.SearchStrategy[Change]:
    return st.builds(kind, **_named, **fields)


def _opening(author: str, others: Sequence[str], own: str) -> OpenDirect:
    return direct(author, *others, cid=own)


_changes: st.SearchStrategy[Change] = st.one_of(
    _some(Post, content=st.sampled_from(['{"body":"hi"}', '{"body":"ho"}'])),
    st.builds(
        create,
        _users,
        st.sampled_from(["den", "lair"]),
        st.sampled_from(["public", "private"]),
        st.sampled_from(["c0", "c1"]),
    ),
    _some(Update, topic=st.sampled_from(["Talk", "", None]), read_only=st.sampled_from([True, False, None])),
    _some(Archive, archived=st.booleans()),
    _some(Join, invite=st.sampled_from([None, None, "h1", "h2"])),
    _some(Leave),
    _some(Remove, **_subject),
    _some(Ban, **_subject),
    _some(Unban, **_subject),
    _some(SetRole, role=st.sampled_from(["owner", "admin", "member"]), **_subject),
    _some(
        Invite,
        token_hash=st.sampled_from(["h1", "h2"]),
        expires_in_ms=st.sampled_from([1 << 40, -1, -(1 << 40)]),
        uses=st.integers(1, 2),
    ),
    _some(Revoke),
    st.builds(_opening, _users, st.sets(_users, min_size=1).map(sorted), st.sampled_from(["c8", "c9"])),
    _some(SetMarker, offset=st.integers(0, 9)),
)
_TABLES = {
    "entry": 'log_id, "offset", kind, id, author, client_id, posts, subject, content',
    "log": "id, head, posts",
    "room": "id, name, kind, topic, read_only, archived, members",
    "member": "room_id, user_id, role, status, marker, marker_posts",
    "invite": "token_hash, room_id, created_by, uses_left",
}
Story = tuple[list[object], list[object], dict[str, list[tuple[object, ...]]]]


def _plain(outcome: Outcome | None) -> object:
    """An outcome without the times, which are each database's own."""
    if not isinstance(outcome, Applied):
        return outcome
    told = [outcome.entry, *outcome.others]
    timeless = [entry and msgspec.structs.replace(entry, at=0) for entry in told]
    return timeless, outcome.offset, outcome.repeated


async def _tell(url: str, changes: Sequence[Change]) -> Story:
    await execute(url, "INSERT INTO person (id, name) VALUES " + ", ".join(f"('{user}', '')" for user in _PEOPLE))
    database = Database(url)
    appender = appender_of(database)
    outcomes: list[object] = []
    found: list[object] = []
    try:
        await appender.connect()
        for change in (_DEN, *changes):
            _, (outcome,) = await appender.apply([change])
            _, (seen,) = await appender.find([change])
            outcomes.append(_plain(outcome))
            found.append(_plain(seen))
    finally:
        await appender.close()
        await database.close()
    assert await has_no_gap(url)
    miscounted = (
        "SELECT id FROM room WHERE members <>"
        " (SELECT count(*) FROM member WHERE member.room_id = room.id AND member.status = 'joined')"
    )
    assert await rows(url, miscounted) == []
    stored = {table: sorted(await rows(url, f"SELECT {c} FROM {table}"), key=repr) for table, c in _TABLES.items()}
    return outcomes, found, stored


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(_changes, min_size=10, max_size=60))
def test_both_databases_tell_the_same_story(
    migrated_sqlite: Path, tmp_path: Path, fresh_postgres: Callable[[], str], changes: Sequence[Change]
) -> None:
    path = tmp_path / f"{uuid.uuid4().hex}.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    on_sqlite = asyncio.run(_tell(f"sqlite:///{path}", changes))
    on_postgres = asyncio.run(_tell(fresh_postgres(), changes))
    assert on_sqlite == on_postgres

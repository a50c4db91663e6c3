"""Both appenders against the model: random batches, the same answers and the same rows."""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat_gateway.core.changes import Applied, Delete, Outcome, Post, Refusal
from chat_gateway.core.ids import EntryId
from chat_gateway.store.database import Database
from tests.integration.chat_gateway.store.gateway import (
    appender_of,
    create,
    execute,
    has_no_gap,
    join,
    leave,
    post,
    remove,
    rows,
    set_marker,
)
from tests.integration.chat_gateway.store.gateway import change as change_of
from tests.integration.chat_gateway.store.model import Model, Modelled, Row

pytestmark = pytest.mark.no_cover  # many cases, twice as long if traced; smaller tests cover the same lines

Answer = Refusal | tuple[bool, list[Row]]

_DEN = create("ann", cid="c0")
_users = st.sampled_from(["ann", "bob", "cid"])
_client_ids = st.sampled_from([f"c{number}" for number in range(24)])
# Most changes go where people are, or hardly anything but refusals is compared.
_rooms = st.sampled_from([*["lobby", _DEN.room] * 3, create("bob", cid="c1").room])
# Which message is meant is a number until there are some: see _resolved.
_messages = st.integers(0, 8).map(str)
_bodies = st.sampled_from(["hi", "ho"])


def _reply(user: str, body: str, room: str, cid: str, thread: str | None, reply_to: str | None) -> Post:
    return msgspec.structs.replace(post(user, body, room, cid), thread=thread, reply_to=reply_to)


def _delete(user: str, room: str, cid: str, message: str) -> Delete:
    return change_of(Delete, user, room, cid, message=message)


_posts = st.builds(_reply, _users, _bodies, _rooms, _client_ids, st.none() | _messages, st.none() | _messages)
_others = st.one_of(
    st.builds(_delete, _users, _rooms, _client_ids, _messages),
    st.builds(
        create,
        st.sampled_from(["ann", "bob"]),
        st.sampled_from(["den", "pub"]),
        st.sampled_from(["public", "private"]),
        st.sampled_from(["c0", "c1"]),
    ),
    st.builds(join, _users, _rooms, _client_ids),
    st.builds(leave, _users, _rooms, _client_ids),
    st.builds(remove, _users, _users, _rooms, _client_ids),
    st.builds(set_marker, _users, st.integers(0, 9), _rooms, _client_ids),
)
_batches = st.lists(
    st.one_of(st.lists(_posts, min_size=1, max_size=6), _others.map(lambda change: [change])), min_size=12, max_size=40
)


def _answer(outcome: Outcome) -> Answer:
    if isinstance(outcome, Refusal):
        return outcome
    written = [] if outcome.entry is None else [outcome.entry, *outcome.others]
    return outcome.repeated, [
        (e.log, e.offset, e.kind, e.author, e.client_id, e.posts, e.subject, e.content, e.thread, e.thread_posts)
        for e in written
    ]


async def _run(url: str, batches: Sequence[Sequence[Modelled]]) -> None:
    """Bring the model and the database through the same changes. All are in lobby and ann's den, bob as admin."""
    database = Database(url)
    appender, model = appender_of(database), Model()
    try:
        await appender.connect()
        joins = [join(user, room) for user in ("bob", "cid", "ann") for room in ("lobby", _DEN.room)]
        begun: list[Modelled] = [_DEN, *joins]
        for change in begun:
            await appender.apply([change])
            model.apply(change)
        await execute(url, f"UPDATE member SET role = 'admin' WHERE room_id = '{_DEN.room}' AND user_id = 'bob'")
        model.members[_DEN.room, "bob"].role = "admin"
        for drafts in batches:
            batch = [_resolved(draft, model) for draft in drafts]
            _, outcomes = await appender.apply(batch)
            assert [_answer(outcome) for outcome in outcomes] == model.apply_all(batch)
            _, found = await appender.find(batch)
            for written, outcome, seen in zip(batch, outcomes, found, strict=True):
                _assert_found(written, outcome, seen)
        await _assert_same(url, model)
    finally:
        await appender.close()
        await database.close()


def _resolved(draft: Modelled, model: Model) -> Modelled:
    """Put the id of a message where its number stands: mostly of this room, in a thread or not."""
    match draft:
        case Post():
            thread, reply_to = (number and _named(number, draft, model) for number in (draft.thread, draft.reply_to))
            return msgspec.structs.replace(draft, thread=thread, reply_to=reply_to)
        case Delete(message=number):
            return msgspec.structs.replace(draft, message=_named(number, draft, model))
        case _:
            return draft


def _named(number: str, draft: Modelled, model: Model) -> EntryId:
    there = [message for message in model.messages if message.room == draft.room or number == "8"]
    roots = [message for message in there if not message.deleted and not message.thread]
    meant = roots if roots and number < "6" else there
    return EntryId(meant[int(number) % len(meant)].id if meant else "none")


def _assert_found(change: Modelled, outcome: Outcome, seen: Applied | None) -> None:
    """What is looked up is what was answered, and only where this very change was written."""
    if isinstance(outcome, Applied) and outcome.entry is not None and outcome.entry.id == change.id:
        assert seen is not None
        assert (seen.entry, seen.others) == (outcome.entry, outcome.others)
    else:
        assert seen is None


async def _assert_same(url: str, model: Model) -> None:
    stored = await rows(
        url,
        'SELECT log_id, "offset", kind, author, client_id, posts, subject, content, thread, thread_posts FROM entry'
        ' ORDER BY log_id, "offset"',
    )
    assert stored == [row for log in sorted(model.logs) for row in model.logs[log]]
    members = await rows(url, "SELECT room_id, user_id, role, status, marker, marker_posts FROM member")
    assert {(room, user): tuple(rest) for room, user, *rest in members} == {
        key: (m.role, m.status, m.marker, m.marker_posts) for key, m in model.members.items()
    }
    states = await rows(url, 'SELECT room_id, "offset", deleted, thread_posts FROM message')
    assert {(room, offset): tuple(rest) for room, offset, *rest in states} == {
        (m.room, m.offset): (m.deleted, m.replies) for m in model.messages if m.deleted or m.replies
    }
    followers = await rows(url, "SELECT user_id, room_id, root, marker, marker_posts FROM thread_member WHERE follows")
    assert {tuple(key): (marker, posts) for *key, marker, posts in followers} == model.followers
    assert await has_no_gap(url)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_batches)
def test_sqlite_answers_and_writes_what_the_model_does(
    migrated_sqlite: Path, tmp_path: Path, batches: Sequence[Sequence[Modelled]]
) -> None:
    path = tmp_path / f"{uuid.uuid4().hex}.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    asyncio.run(_run(f"sqlite:///{path}", batches))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_batches)
def test_postgres_answers_and_writes_what_the_model_does(
    fresh_postgres: Callable[[], str], batches: Sequence[Sequence[Modelled]]
) -> None:
    asyncio.run(_run(fresh_postgres(), batches))

"""Both databases write the same rows for the same effects, in order, and all or nothing."""

from collections.abc import Sequence

import msgspec
import pytest

from chat_gateway.core.changes import Join
from chat_gateway.core.effects import Drop, Effect, OpenLog, Put, Scrub, Set, Value, Write
from chat_gateway.core.entries import Entry
from chat_gateway.core.facts import Question
from chat_gateway.core.ids import EntryId, LogId
from chat_gateway.store import effects_sqlite
from chat_gateway.store.appender import Rejected
from chat_gateway.store.ledger_sqlite import Ledger
from tests.integration.chat_gateway.store.gateway import LOBBY, Gateway, has_no_gap, join, post, rows

LOBBY_LOG, OWN_LOG = LogId("room:lobby"), LogId("user:ann")


async def write(gateway: Gateway, *effects: Effect, change: Join | None = None) -> list[tuple[str, int, int, str]]:
    """Have the effects written, whoever decided on them; answers log, offset, posts and content of the entries."""
    change = change or join("ann")
    if gateway.database.writer:
        entries = await gateway.database.writer.transaction(
            lambda connection: _on_sqlite(Ledger(connection), change, effects)
        )
        return [(entry.log, entry.offset, entry.posts, entry.content) for entry in entries]
    asked = Question(room=LOBBY, author=change.author, client_id=change.client_id, logs=(LOBBY_LOG, OWN_LOG))
    (row,) = await gateway.appender._execute(  # type: ignore[attr-defined] # the session of the appender
        "SELECT apply_v1($1::text::jsonb, facts_v1($1::text::jsonb), $2::text::jsonb)::text AS answer",
        (msgspec.json.encode(asked).decode(), msgspec.json.encode(effects).decode()),
    )
    entries = msgspec.json.decode(row.answer)["entries"]
    return [(entry["log"], entry["offset"], entry["posts"], entry["content"]) for entry in entries]


def _on_sqlite(ledger: Ledger, change: Join, effects: Sequence[Effect]) -> list[Entry]:
    entries = effects_sqlite.write(ledger, change, effects)
    ledger.store_heads()
    return entries


@pytest.fixture
async def ready(gateway: Gateway) -> Gateway:
    """A gateway with two entries in the lobby, one of them a post."""
    await gateway.join("ann")
    await gateway.log.append(post("ann", "hi"))
    return gateway


async def test_entries_go_to_the_ends_of_their_logs(ready: Gateway) -> None:
    written = await write(
        ready,
        Write(log=LOBBY_LOG, kind=20, id=EntryId("a"), content='{"name":"é \'\\" %s"}'),
        Write(log=OWN_LOG, kind=40, id=EntryId("b")),
    )
    assert written == [("room:lobby", 3, 1, '{"name":"é \'\\" %s"}'), ("user:ann", 2, 0, "{}")]
    assert await has_no_gap(ready.url)


async def test_a_log_is_opened_before_it_is_written_to(ready: Gateway) -> None:
    den = LogId("room:den")
    assert await write(ready, OpenLog(log=den)) == []
    assert await rows(ready.url, "SELECT head, posts FROM log WHERE id = 'room:den'") == [(0, 0)]


async def test_a_row_is_made_or_changed_with_what_only_the_store_knows(ready: Gateway) -> None:
    put = Put(
        table="member",
        key={"room_id": "lobby", "user_id": "o'brien"},
        values={"role": "admin", "status": "left"},
        filled={"marker": "offset", "marker_posts": "posts"},
    )
    await write(
        ready, Write(log=LOBBY_LOG, kind=20, id=EntryId("a")), Write(log=OWN_LOG, kind=40, id=EntryId("b")), put
    )
    found = "SELECT role, status, marker, marker_posts FROM member WHERE user_id = 'o''brien'"
    assert await rows(ready.url, found) == [("admin", "left", 3, 1)]
    changed = Put(table="member", key=put.key, values={"role": "member", "status": "joined"})
    await write(ready, changed, change=join("ann"))
    assert await rows(ready.url, found) == [("member", "joined", 3, 1)]


async def test_a_row_that_is_all_key_is_made_once(ready: Gateway) -> None:
    block = Put(table="block", key={"user_id": "ann", "blocked_id": "bob"})
    await write(ready, block, block)
    assert await rows(ready.url, "SELECT * FROM block") == [("ann", "bob")]


async def test_numbers_are_added_to_what_stands_there(ready: Gateway) -> None:
    key: dict[str, Value] = {"room_id": "lobby", "offset": 2}
    for _ in range(2):
        await write(ready, Put(table="message", key=key, values={"body": None}, added={"edits": 2}))
    await write(ready, Set(table="message", key=key, values={"deleted": True}, added={"edits": -1}))
    found = await rows(ready.url, 'SELECT body, edits, deleted FROM message WHERE "offset" = 2')
    assert found == [(None, 3, True)]


async def test_what_is_filled_and_added_to_is_the_sum(ready: Gateway) -> None:
    for seconds in (1_000, 5_000):
        invite = Put(
            table="invite",
            key={"token_hash": "h"},
            values={"room_id": "lobby", "created_by": "ann", "uses_left": 1},
            filled={"expires_at": "now"},
            added={"expires_at": seconds},
        )
        await write(ready, invite)
        written = await write(ready, Write(log=OWN_LOG, kind=43, id=EntryId(str(seconds))))
        ((at,),) = await rows(
            ready.url, f"SELECT at FROM entry WHERE log_id = 'user:ann' AND \"offset\" = {written[0][1]}"
        )
        ((expires_at,),) = await rows(ready.url, "SELECT expires_at FROM invite")
        assert -5_000 < at + seconds - expires_at < 5_000
        assert expires_at > at


async def test_all_rows_with_part_of_a_key_are_changed_or_dropped(ready: Gateway) -> None:
    for user in ("ann", "bob"):
        for emoji in ("x", "y"):
            key: dict[str, Value] = {"room_id": "lobby", "message": 2, "emoji": emoji, "user_id": user}
            await write(ready, Put(table="reaction", key=key, filled={"at": "now"}))
    await write(ready, Set(table="reaction", key={"room_id": "lobby", "message": 2, "emoji": "x"}, values={"at": 1}))
    assert len(await rows(ready.url, "SELECT 1 FROM reaction WHERE at = 1")) == 2
    await write(ready, Drop(table="reaction", key={"room_id": "lobby", "message": 2, "user_id": "ann"}))
    assert sorted(await rows(ready.url, "SELECT emoji, user_id FROM reaction")) == [("x", "bob"), ("y", "bob")]
    await write(ready, Set(table="reaction", key={"room_id": "nowhere"}, values={"at": 1}))
    assert await rows(ready.url, "SELECT count(*) FROM reaction") == [(2,)]


async def test_only_what_is_below_a_time_of_the_store_is_dropped_where_one_is_given(ready: Gateway) -> None:
    for token, age, room in (("a", -9_000_000, "lobby"), ("b", -9_000_000, "den"), ("c", 9_000_000, "lobby")):
        values: dict[str, Value] = {"room_id": room, "created_by": "ann", "uses_left": 1}
        key: dict[str, Value] = {"token_hash": token}
        await write(
            ready, Put(table="invite", key=key, values=values, filled={"expires_at": "now"}, added={"expires_at": age})
        )
    left = "SELECT token_hash FROM invite ORDER BY 1"
    drop = Drop(
        table="invite", key={"room_id": "lobby"}, before={"expires_at": "now"}, added={"expires_at": -9_999_999}
    )
    await write(ready, drop)
    assert await rows(ready.url, left) == [("a",), ("b",), ("c",)]
    await write(ready, Drop(table="invite", key={"room_id": "lobby"}, before={"expires_at": "now"}))
    assert await rows(ready.url, left) == [("b",), ("c",)]
    await write(ready, Drop(table="invite", key={"room_id": "lobby"}))
    assert await rows(ready.url, left) == [("b",)]


async def test_a_content_is_scrubbed_where_it_stands(ready: Gateway) -> None:
    await write(ready, Scrub(log=LOBBY_LOG, contents={2: '{"deleted":true}', 9: "{}"}))
    assert await rows(ready.url, "SELECT content FROM entry WHERE log_id = 'room:lobby'") == [
        ('{"role":"member"}',),
        ('{"deleted":true}',),
    ]


async def test_a_value_is_never_sql(ready: Gateway) -> None:
    evil = "'; DROP TABLE block; --\\"
    await write(ready, Put(table="block", key={"user_id": evil, "blocked_id": '"'}))
    await write(ready, Set(table="block", key={"user_id": evil}, values={"blocked_id": evil}))
    assert await rows(ready.url, "SELECT * FROM block") == [(evil, evil)]
    await write(ready, Drop(table="block", key={"user_id": evil}))
    assert await rows(ready.url, "SELECT * FROM block") == []


async def test_nothing_is_written_where_one_effect_fails(ready: Gateway) -> None:
    with pytest.raises(Rejected):
        await write(
            ready,
            Write(log=LOBBY_LOG, kind=20, id=EntryId("a")),
            Put(table="member", key={"room_id": "lobby", "user_id": "x"}, values={"role": "king", "status": "joined"}),
        )
    assert await rows(ready.url, "SELECT head FROM log WHERE id = 'room:lobby'") == [(2,)]

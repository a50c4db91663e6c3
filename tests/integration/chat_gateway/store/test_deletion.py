"""A deleted text is nowhere: in no table, in no answer, and on SQLite not even in the free pages of the file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from chat_gateway.core.changes import Delete, Edit, Pin, React, Report
from chat_gateway.core.history import shown
from chat_gateway.core.ids import EntryId, UserId
from chat_gateway.realtime.publication import Position
from chat_gateway.store.search_index import SearchIndex
from shared.errors import NotFound
from tests.integration.chat_gateway.store.gateway import LOBBY, Gateway, change, execute, post, rows

ANN, BOB = UserId("ann"), UserId("bob")
WORD, LATER = "xyzzyplugh", "quuxfrobnitz"


class Scene(msgspec.Struct):
    """Bob's message with the words, edited twice, and two of ann's that hang on it."""

    message: EntryId
    offset: int
    reply: int


async def tell(gateway: Gateway) -> Scene:
    await gateway.join("ann")
    await gateway.join("bob")
    first = post("bob", f"first {WORD} <@ann>", cid="post")
    posted = await gateway.log.append(msgspec.structs.replace(first, mentions=(ANN,)))
    assert posted.entry is not None
    message = posted.entry.id
    reply = await gateway.log.append(
        msgspec.structs.replace(post("ann"), content=f'{{"body":"so what?","reply_to":"{message}"}}')
    )
    await gateway.log.append(msgspec.structs.replace(post("ann"), thread=message))
    for cid, body in (("one", f"second {LATER}"), ("two", f"third {WORD} {LATER}")):
        await gateway.log.append(change(Edit, "bob", cid=cid, message=message, body=body, mentions=(ANN,)))
    await execute(gateway.url, "UPDATE member SET role = 'owner' WHERE user_id = 'ann'")
    await gateway.log.append(change(Pin, "ann", message=message))
    await gateway.log.append(change(React, "ann", message=message, emoji="x"))
    await gateway.log.append(change(Report, "ann", message=message, reason="rude"))
    return Scene(message=message, offset=posted.offset, reply=reply.offset)


async def index(gateway: Gateway) -> None:
    while await SearchIndex(gateway.database).catch_up():
        pass


async def everything(gateway: Gateway) -> dict[str, str]:
    """All rows of all tables, as text."""
    tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'search_fts%'"
    if gateway.database.is_postgres:
        tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    return {
        name: str(await rows(gateway.url, f'SELECT * FROM "{name}"')) for (name,) in await rows(gateway.url, tables)
    }


def holding(texts: Mapping[str, Any]) -> set[str]:
    return {name for name, value in texts.items() if any(word in str(value) for word in (WORD, LATER))}


async def answers(gateway: Gateway, scene: Scene) -> dict[str, Any]:
    """All that can be read of the room."""
    log = gateway.room_log
    page = await log.page(LOBBY, ANN, limit=200)
    pinned = await log.pinned(LOBBY, ANN)
    thread = await log.thread(LOBBY, ANN, scene.message, limit=200)
    assert page is not None
    assert pinned is not None
    assert thread is not None
    epoch, publications = await log.read("room:lobby", after=0, limit=200)
    taken = await gateway.snapshots.take(
        ANN, {"room:lobby": Position(0, epoch)}, whole=True, max_entries=500, max_bytes=1 << 20
    )
    found = await log.messages(ANN, [(LOBBY, offset) for offset in range(page.head + 1)])
    return {
        "page": [bytes(shown(item)) for item in page.items],
        "pinned": [bytes(shown(item)) for item in pinned.items],
        "thread": [bytes(shown(thread.root)), *(bytes(shown(item)) for item in thread.items)],
        "read": publications,
        "recovered": taken.channels["room:lobby"].publications,
        "messages": [bytes(shown(item)) for item in found.values()],
    }


async def test_what_is_searched_for_would_be_found(gateway: Gateway) -> None:
    scene = await tell(gateway)
    await index(gateway)
    assert holding(await everything(gateway)) == {"entry", "message", "revision", "search"}
    assert holding(await answers(gateway, scene)) == {"page", "pinned", "thread", "read", "recovered", "messages"}
    assert await gateway.room_log.revisions(LOBBY, ANN, scene.message)


@pytest.mark.parametrize("deleter", ["bob", "ann"])
async def test_a_deleted_text_is_in_no_table_and_in_no_answer(gateway: Gateway, deleter: str) -> None:
    scene = await tell(gateway)
    await index(gateway)
    gateway.published.clear()
    await gateway.log.append(change(Delete, deleter, message=scene.message))
    assert holding(await everything(gateway)) == set()
    assert holding(await answers(gateway, scene)) == set()
    assert holding({"published": gateway.published}) == set()
    for table in ("revision", "mention", "reaction", "search"):
        assert await rows(gateway.url, f"SELECT * FROM {table} WHERE room_id = '{LOBBY}' AND {_of(table)}") == []
    with pytest.raises(NotFound, match="message_not_found"):
        await gateway.room_log.revisions(LOBBY, ANN, scene.message)


def _of(table: str) -> str:
    return "message = 3" if table in ("revision", "reaction") else '"offset" = 3'


async def test_the_indexer_brings_no_deleted_text_back(gateway: Gateway) -> None:
    scene = await tell(gateway)
    await gateway.log.append(change(Delete, "bob", message=scene.message))
    await index(gateway)
    assert holding(await everything(gateway)) == set()


async def test_repeats_of_what_was_deleted_answer_and_hold_no_text(gateway: Gateway) -> None:
    scene = await tell(gateway)
    await gateway.log.append(change(Delete, "bob", message=scene.message))
    gateway.published.clear()
    again = await gateway.post("bob", f"first {WORD} <@ann>", cid="post")
    edit = change(Edit, "bob", cid="two", message=scene.message, body=f"third {WORD} {LATER}")
    edited = await gateway.log.append(edit)
    assert (again.offset, again.repeated, edited.repeated) == (scene.offset, True, True)
    assert holding({"answers": (again, edited), "published": gateway.published}) == set()
    assert holding(await everything(gateway)) == set()


async def test_a_deleted_message_stays_a_place_that_shows_no_more_than_that(gateway: Gateway) -> None:
    scene = await tell(gateway)
    await gateway.log.append(change(Delete, "bob", message=scene.message))
    page = await gateway.room_log.page(LOBBY, ANN, limit=200)
    assert page is not None
    items = {item.entry.offset: msgspec.json.decode(shown(item)) for item in page.items}
    assert items[scene.offset]["content"] == {"deleted": True}
    state = items[scene.offset]["state"]
    assert (state.keys(), state["deleted"], state["thread"]["posts"]) == ({"deleted", "thread"}, True, 1)
    assert items[scene.reply]["reply"] == {
        "id": scene.message,
        "offset": scene.offset,
        "author": "bob",
        "deleted": True,
    }


async def test_a_sqlite_file_does_not_hold_the_text_in_its_free_pages(sqlite_url: str) -> None:
    async with Gateway(sqlite_url) as gateway:
        scene = await tell(gateway)
        for number in range(200):
            await gateway.post("ann", f"filler {number} " + "x" * 100)
        await _checkpoint(gateway)
        assert holding(_files(sqlite_url)) == {Path(sqlite_url).name}
        await gateway.log.append(change(Delete, "bob", message=scene.message))
        await _checkpoint(gateway)
        assert holding(_files(sqlite_url)) == set()


def _files(sqlite_url: str) -> dict[str, str]:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    return {file.name: file.read_bytes().decode("latin-1") for file in path.parent.glob(f"{path.name}*")}


async def _checkpoint(gateway: Gateway) -> None:
    """Bring all into the file; readers of ours would be in the way."""
    await gateway.database._engine.dispose()
    assert (await rows(gateway.url, "PRAGMA wal_checkpoint(TRUNCATE)"))[0][0] == 0
    async with gateway.database.statement() as connection:
        assert (await connection.execute(text("SELECT 1"))).scalar_one() == 1

"""The index follows the logs, and what was deleted never comes back into it."""

import json

import pytest

from chat_gateway.core.ids import RoomId, room_log
from chat_gateway.store import search_index
from chat_gateway.store.search_index import SearchIndex
from tests.integration.chat_gateway.store.gateway import LOBBY, Gateway, execute, rows


async def indexed(gateway: Gateway) -> dict[int, str]:
    return dict(await rows(gateway.url, 'SELECT "offset", folded FROM search'))


async def catch_up(gateway: Gateway) -> None:
    while await SearchIndex(gateway.database).catch_up():
        pass


@pytest.fixture(autouse=True)
async def ann_is_in(gateway: Gateway) -> None:
    await gateway.join("ann")


async def test_what_was_posted_is_indexed_once_and_the_rest_of_the_log_is_passed_over(gateway: Gateway) -> None:
    await gateway.post("ann", "First")
    await catch_up(gateway)
    await gateway.join("bob")
    second = await gateway.post("ann", "Second")
    await catch_up(gateway)
    await catch_up(gateway)
    assert sorted((await indexed(gateway)).values()) == ["first", "second"]
    assert await rows(gateway.url, f"SELECT \"offset\" FROM search_cursor WHERE log_id = 'room:{LOBBY}'") == [
        (second.offset,)
    ]


async def test_a_long_log_is_indexed_in_batches_and_says_that_there_is_more(gateway: Gateway) -> None:
    for number in range(search_index._BATCH + 1):  # the smallest log that needs two
        await gateway.post("ann", f"text {number}")
    index = SearchIndex(gateway.database)
    assert await index.catch_up()
    assert not await index.catch_up()
    assert len(await indexed(gateway)) == search_index._BATCH + 1


async def test_an_edit_replaces_the_text_of_its_message(gateway: Gateway) -> None:
    posted = await gateway.post("ann", "before")
    assert posted.entry is not None
    await catch_up(gateway)
    edit = json.dumps({"message": posted.entry.id, "body": "after"})
    await execute(
        gateway.url,
        'INSERT INTO entry (log_id, "offset", kind, id, author, client_id, at, posts, content)'
        f" VALUES ('room:{LOBBY}', {posted.offset + 1}, 2, 'edit', 'ann', 'edit', 1, 1, '{edit}')",
    )
    await execute(gateway.url, f"UPDATE log SET head = {posted.offset + 1} WHERE id = 'room:{LOBBY}'")
    await catch_up(gateway)
    assert await indexed(gateway) == {posted.offset: "after"}


async def test_a_text_that_was_deleted_while_it_was_read_stays_out(gateway: Gateway) -> None:
    posted, kept = await gateway.post("ann", "gone"), await gateway.post("ann", "kept")
    read = [
        search_index._Text(offset=offset, entry=offset, author="ann", at=1, body=body)
        for offset, body in ((posted.offset, "gone"), (kept.offset, "kept"))
    ]
    where = f"log_id = 'room:{LOBBY}' AND \"offset\" = {posted.offset}"
    await execute(gateway.url, f"UPDATE entry SET content = '{{\"deleted\":true}}' WHERE {where}")
    # the race cannot be had otherwise: the read stands between two statements of one method
    await SearchIndex(gateway.database)._write(RoomId(LOBBY), kept.offset, read)
    assert await indexed(gateway) == {kept.offset: "kept"}


async def test_an_edit_that_was_read_before_its_message_was_deleted_stays_out(gateway: Gateway) -> None:
    posted = await gateway.post("ann", "gone")
    read = search_index._Text(offset=posted.offset, entry=posted.offset, author="ann", at=1, body="gone")
    await execute(
        gateway.url, f"INSERT INTO message (room_id, \"offset\", deleted) VALUES ('{LOBBY}', {posted.offset}, true)"
    )
    await SearchIndex(gateway.database)._write(RoomId(LOBBY), posted.offset, [read])
    assert await indexed(gateway) == {}


async def test_a_text_the_index_does_not_take_keeps_no_other_from_it(gateway: Gateway) -> None:
    bad, good = await gateway.post("ann", "bad"), await gateway.post("ann", "good")
    read = [
        search_index._Text(offset=bad.offset, entry=bad.offset, author="nul\0", at=2**70, body="bad"),
        search_index._Text(offset=good.offset, entry=good.offset, author="ann", at=1, body="good"),
    ]
    await SearchIndex(gateway.database)._write(RoomId(LOBBY), good.offset, read)
    assert await indexed(gateway) == {good.offset: "good"}
    assert await SearchIndex(gateway.database).catch_up() is False


async def test_two_indexers_at_once_double_nothing(gateway: Gateway, other: Gateway) -> None:
    for number in range(5):
        await gateway.post("ann", f"text {number}")
    first, second = SearchIndex(gateway.database), SearchIndex(other.database)
    await first.catch_up()
    await second._index(room_log(RoomId(LOBBY)), 0)  # as one that read the cursor before the other wrote it
    assert len(await indexed(gateway)) == 5
    assert await rows(gateway.url, "SELECT count(*) FROM search") == [(5,)]

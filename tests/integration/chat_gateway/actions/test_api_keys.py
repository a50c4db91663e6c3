"""What an administrator does with keys, on both databases."""

from collections.abc import AsyncIterator, Sequence

import pytest

from chat_gateway.actions import api_keys, rooms
from chat_gateway.core.api_keys import bot_of, digest
from chat_gateway.core.chat import Chat
from chat_gateway.core.entries import Entry
from chat_gateway.core.ids import LogId, RoomId, UserId
from chat_gateway.store.api_keys import ApiKeys
from chat_gateway.store.database import Database
from shared.errors import InvalidInput, NotFound

ID = "0123456789ab"
BOT = bot_of(ID)


@pytest.fixture
async def keys(url: str) -> AsyncIterator[ApiKeys]:
    database = Database(url)
    yield ApiKeys(database)
    await database.close()


async def make(
    chat: Chat, keys: ApiKeys, *, name: str = "CI", in_rooms: Sequence[str] = ("lobby",), verb: str = "message.post"
) -> str:
    return await api_keys.create(
        chat, keys, name=name, verbs=["message.post", verb], rooms=in_rooms, parts=(ID, "s" * 43), now=7
    )


async def test_a_key_has_a_bot_that_is_in_its_rooms(
    chat: Chat, keys: ApiKeys, relayed: list[tuple[LogId, Sequence[Entry]]]
) -> None:
    text = await make(chat, keys, name=" Build  server")
    key = await keys.find(digest(text))
    assert key is not None
    assert (key.name, key.user, key.created_at) == ("Build server", BOT, 7)
    assert (key.scope.verbs, key.scope.rooms) == (("message.post",), (RoomId("lobby"),))
    assert [room.id for room in await chat.rooms.of_member(BOT)] == ["lobby"]
    assert [person.name for person in await chat.people.get([BOT])] == ["Build server"]
    assert "room:lobby" in {log for log, _ in relayed}


async def test_a_bot_is_let_into_a_private_room(chat: Chat, keys: ApiKeys) -> None:
    made = await rooms.create(chat, UserId("ada"), rooms.CreateRoom(name="Den", kind="private"))
    await make(chat, keys, in_rooms=[made.room.id])
    assert [room.id for room in await chat.rooms.of_member(BOT)] == [made.room.id]


async def test_no_key_is_made_for_a_room_that_is_not_there_or_with_a_bad_name(chat: Chat, keys: ApiKeys) -> None:
    with pytest.raises(NotFound):
        await make(chat, keys, in_rooms=["nowhere"])
    with pytest.raises(InvalidInput):
        await make(chat, keys, name="")
    assert await keys.all() == []


@pytest.mark.parametrize("verb", ["room.create", "direct.open"])
async def test_no_key_is_made_for_what_would_make_a_room_beyond_its_own(chat: Chat, keys: ApiKeys, verb: str) -> None:
    with pytest.raises(InvalidInput, match=f"No key may do {verb}"):
        await make(chat, keys, verb=verb)
    assert await keys.all() == []
    assert await chat.rooms.of_member(BOT) == []


async def test_a_revoked_key_is_dead_and_its_bot_has_left(chat: Chat, keys: ApiKeys) -> None:
    text = await make(chat, keys)
    for _ in range(2):
        assert (await api_keys.revoke(chat, keys, ID, now=9)).id == ID
    assert await keys.find(digest(text)) is None
    assert await chat.rooms.of_member(BOT) == []


async def test_a_key_that_is_not_there_cannot_be_revoked(chat: Chat, keys: ApiKeys) -> None:
    with pytest.raises(NotFound) as refused:
        await api_keys.revoke(chat, keys, "nobody", now=1)
    assert refused.value.code == "key_not_found"

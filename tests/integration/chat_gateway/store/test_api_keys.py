from collections.abc import AsyncIterator

import pytest
from sqlalchemy.exc import SQLAlchemyError

from chat_gateway.core.api_keys import ApiKey, Scope, bot_of
from chat_gateway.core.ids import RoomId
from chat_gateway.store.api_keys import ApiKeys
from chat_gateway.store.database import Database
from shared.errors import AppError


@pytest.fixture
async def keys(url: str) -> AsyncIterator[ApiKeys]:
    database = Database(url)
    yield ApiKeys(database)
    await database.close()


def key(key_id: str, *, created_at: int = 1) -> ApiKey:
    scope = Scope(("message.post", "history.page"), (RoomId("lobby"),))
    return ApiKey(id=key_id, name="CI", user=bot_of(key_id), scope=scope, created_at=created_at)


async def test_a_key_is_found_by_its_hash_as_it_was_made(keys: ApiKeys) -> None:
    await keys.add(key("a"), "hash of a")
    assert await keys.find("hash of a") == key("a")
    assert await keys.find("hash of b") is None


async def test_a_revoked_key_is_not_found_but_listed_with_its_first_end(keys: ApiKeys) -> None:
    await keys.add(key("late", created_at=5), "late")
    await keys.add(key("early", created_at=4), "early")
    for now in (10, 20):
        await keys.revoke("early", now=now)
    assert await keys.find("early") is None
    assert [(one.id, one.revoked_at) for one in await keys.all()] == [("early", 10), ("late", None)]


async def test_no_hash_and_no_id_is_taken_twice(keys: ApiKeys) -> None:
    await keys.add(key("a"), "hash")
    for again in (key("a"), key("b")):
        with pytest.raises((AppError, SQLAlchemyError)):
            await keys.add(again, "hash")


async def test_revoking_what_is_not_there_does_nothing(keys: ApiKeys) -> None:
    await keys.revoke("nobody", now=1)
    assert await keys.all() == []

"""Shorthands for tests of posts: saying something, and being refused."""

from typing import Any

import pytest

from chat_gateway.core.changes import Post
from chat_gateway.core.ids import EntryId
from shared.errors import AppError
from tests.integration.chat_gateway.store.gateway import (
    LOBBY,
    Gateway,
    change,
    rows,
)


def say(user: str, room: str = LOBBY, body: str = "hello", cid: str | None = None, **fields: Any) -> Post:
    return change(Post, user, room, cid, content=f'{{"body":"{body}"}}', **fields)


async def said(gateway: Gateway, user: str, **fields: Any) -> EntryId:
    applied = await gateway.log.append(say(user, **fields))
    assert applied.entry is not None
    return applied.entry.id


async def refused(gateway: Gateway, asked: Post) -> str:
    with pytest.raises(AppError) as refusal:
        await gateway.log.append(asked)
    return refusal.value.code


async def members(url: str) -> list[tuple[Any, ...]]:
    return await rows(
        url, "SELECT user_id, root, follows, marker, marker_posts FROM thread_member ORDER BY root, user_id"
    )

"""The chat as the engine's application: what can be told without a store."""

from typing import Any

import pytest

from chat_gateway.api.channels import ChatChannels
from chat_gateway.core.chat import Chat
from chat_gateway.core.entries import Entry, Kind
from chat_gateway.core.ids import LogId, UserId
from chat_gateway.publications import publication_of
from chat_gateway.realtime.ports import Gained, Lost, User
from shared.errors import InvalidInput, NotFound
from tests.builders import entry, user


async def verify(token: str) -> User:
    return user(token)


@pytest.fixture
def channels(portless: Chat) -> ChatChannels:
    snapshots: Any = None
    return ChatChannels(portless, snapshots, verify)


def member(kind: Kind) -> Entry:
    return entry(kind=kind, subject=UserId("bob"), content="{}")


@pytest.mark.parametrize("kind", [Kind.MEMBER_LEFT, Kind.MEMBER_REMOVED])
def test_who_leaves_or_is_removed_loses_the_room(channels: ChatChannels, kind: Kind) -> None:
    assert kind in channels.membership_kinds
    assert channels.effect(publication_of(member(kind))) == Lost("bob")


def test_who_joins_gains_the_room_by_their_own_channel(channels: ChatChannels) -> None:
    joined = entry(log=LogId("user:bob"), kind=Kind.ROOM_JOINED, content='{"room":"r1","more":[1]}')
    assert Kind.ROOM_JOINED in channels.membership_kinds
    assert channels.effect(publication_of(joined)) == Gained("room:r1")


def test_no_other_entry_changes_who_may_read(channels: ChatChannels) -> None:
    others = set(Kind) - {Kind.MEMBER_LEFT, Kind.MEMBER_REMOVED, Kind.ROOM_JOINED}
    assert not others & channels.membership_kinds


def test_each_user_has_a_channel_of_their_own(channels: ChatChannels) -> None:
    assert channels.channel_of(user("ann")) == "user:ann"


async def test_tokens_are_verified_by_the_keyring(channels: ChatChannels) -> None:
    assert (await channels.verify("ann")).id == "ann"


@pytest.mark.parametrize("channel", ["", "open", "room:", "user:ann", "user:bob"])
async def test_only_rooms_can_be_published_to_and_have_a_history(channels: ChatChannels, channel: str) -> None:
    with pytest.raises(NotFound) as refused:
        await channels.publish(user("ann"), channel, b'{"body":"hello"}')
    assert refused.value.code == "room_not_found"
    with pytest.raises(NotFound) as refused:
        await channels.history(user("ann"), channel, since=None, limit=1, reverse=False)
    assert refused.value.code == "room_not_found"


@pytest.mark.parametrize(
    "data", [b"", b"nonsense", b'"hello"', b'{"body":1}', b'{"body":"hello","bold":true}', b'{"body":""}']
)
async def test_a_publish_that_is_no_message_is_refused(channels: ChatChannels, data: bytes) -> None:
    with pytest.raises(InvalidInput):
        await channels.publish(user("ann"), "room:r1", data)


async def test_an_unknown_method_is_refused(channels: ChatChannels) -> None:
    with pytest.raises(NotFound) as refused:
        await channels.rpc(user("ann"), "room.explode", b"")
    assert refused.value.code == "method_not_found"

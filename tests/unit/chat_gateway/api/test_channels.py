"""The chat as the engine's application: what can be told without a store."""

from typing import Any

import pytest

from chat_gateway.api.channels import ChannelLimits, ChatChannels
from chat_gateway.api.pace import Pace, Rates
from chat_gateway.core.chat import Chat
from chat_gateway.core.entries import Entry, Kind
from chat_gateway.core.ids import LogId, UserId
from chat_gateway.protocol.frames import ClientInfo, Subscribe
from chat_gateway.publications import publication_of
from chat_gateway.realtime.ports import Gained, Grant, Lost, Scrubbed, User
from shared.errors import InvalidInput, NotFound
from tests.builders import Clock, entry, user

INFO = ClientInfo("ann", "client-1")


async def verify(token: str) -> User:
    return user(token)


@pytest.fixture
def channels(portless: Chat) -> ChatChannels:
    snapshots: Any = None
    return ChatChannels(portless, snapshots, verify, pace=Pace(Rates(), Clock().monotonic))


def member(kind: Kind) -> Entry:
    return entry(kind=kind, subject=UserId("bob"), content="{}")


@pytest.mark.parametrize("kind", [Kind.MEMBER_LEFT, Kind.MEMBER_REMOVED, Kind.MEMBER_BANNED])
def test_who_leaves_or_is_removed_or_banned_loses_the_room(channels: ChatChannels, kind: Kind) -> None:
    assert kind in channels.effective_kinds
    assert channels.effect(publication_of(member(kind))) == Lost("bob")


def test_who_joins_gains_the_room_by_their_own_channel(channels: ChatChannels) -> None:
    joined = entry(log=LogId("user:bob"), kind=Kind.ROOM_JOINED, content='{"room":"r1","more":[1]}')
    assert Kind.ROOM_JOINED in channels.effective_kinds
    assert channels.effect(publication_of(joined)) == Gained("room:r1")


def test_a_deletion_takes_back_what_was_published(channels: ChatChannels) -> None:
    assert Kind.MESSAGE_DELETED in channels.effective_kinds
    assert channels.effect(publication_of(entry(kind=Kind.MESSAGE_DELETED))) == Scrubbed()


def test_no_other_entry_changes_who_may_read_what(channels: ChatChannels) -> None:
    lost = {Kind.MEMBER_LEFT, Kind.MEMBER_REMOVED, Kind.MEMBER_BANNED}
    others = set(Kind) - {*lost, Kind.ROOM_JOINED, Kind.MESSAGE_DELETED}
    assert not others & channels.effective_kinds


def test_each_user_has_a_channel_of_their_own(channels: ChatChannels) -> None:
    assert channels.channel_of(user("ann")) == "user:ann"


async def test_tokens_are_verified_by_the_keyring(channels: ChatChannels) -> None:
    assert (await channels.verify("ann")).id == "ann"


@pytest.mark.parametrize("channel", ["", "open", "room:", "user:ann", "user:bob"])
async def test_only_rooms_can_be_published_to_and_have_a_history(channels: ChatChannels, channel: str) -> None:
    with pytest.raises(NotFound) as refused:
        await channels.publish(user("ann"), channel, b'{"body":"hello"}', INFO)
    assert refused.value.code == "room_not_found"
    with pytest.raises(NotFound) as refused:
        await channels.history(user("ann"), channel, since=None, limit=1, reverse=False)
    assert refused.value.code == "room_not_found"


@pytest.mark.parametrize(
    "data", [b"", b"nonsense", b'"hello"', b'{"body":1}', b'{"body":"hello","bold":true}', b'{"body":""}']
)
async def test_a_publish_that_is_no_message_is_refused(channels: ChatChannels, data: bytes) -> None:
    with pytest.raises(InvalidInput):
        await channels.publish(user("ann"), "room:r1", data, INFO)


async def test_an_unknown_method_is_refused(channels: ChatChannels) -> None:
    with pytest.raises(NotFound) as refused:
        await channels.rpc(user("ann"), "room.explode", b"")
    assert refused.value.code == "method_not_found"


async def test_a_rooms_ephemerals_are_for_those_who_are_on_its_channel(channels: ChatChannels) -> None:
    grant = await channels.admit(user("ann"), Subscribe(channel="live:r1"), INFO)
    assert (grant.has_log, grant.recoverable, grant.positioned, grant.within) == (False, False, False, "room:r1")
    assert grant.presence


@pytest.mark.parametrize("channel", ["room:r1", "user:ann", "live:", "live", "open"])
async def test_every_other_channel_is_a_log_whose_snapshot_says_who_may_read_it(
    channels: ChatChannels, channel: str
) -> None:
    assert await channels.admit(user("ann"), Subscribe(channel=channel), INFO) == Grant()
    assert channels.grant(user("ann"), channel) == Grant()


def test_what_reads_much_is_slow(channels: ChatChannels) -> None:
    assert [channels.is_slow(method) for method in ("history.page", "search.messages", "message.post")] == [
        True,
        True,
        False,
    ]


class AskedSnapshots:
    """Ends every reading with how much was asked for."""

    async def take(self, *_: Any, max_entries: int, max_bytes: int | None, **__: Any) -> Any:
        raise InvalidInput("invalid_request", f"{max_entries} entries, {max_bytes} bytes")


@pytest.mark.parametrize(
    ("limits", "connect", "asked"),
    [
        (ChannelLimits(), True, "200 entries, 131072 bytes"),
        (ChannelLimits(), False, "500 entries, 131072 bytes"),
        (ChannelLimits(connect_recovery_entries=2, recovery_bytes=3), True, "2 entries, 3 bytes"),
        (ChannelLimits(subscribe_recovery_entries=4, recovery_bytes=3), False, "4 entries, 3 bytes"),
    ],
)
async def test_no_more_is_recovered_than_the_limits_allow(
    portless: Chat, limits: ChannelLimits, asked: str, *, connect: bool
) -> None:
    channels = ChatChannels(portless, AskedSnapshots(), verify, pace=Pace(Rates(), Clock().monotonic), limits=limits)
    with pytest.raises(InvalidInput, match=asked):
        await channels.snapshot(user("ann"), {}, connect=connect)


async def test_data_is_nested_no_deeper_than_the_limits_allow(portless: Chat) -> None:
    snapshots: Any = None
    limits = ChannelLimits(data_depth=2)
    channels = ChatChannels(portless, snapshots, verify, pace=Pace(Rates(), Clock().monotonic), limits=limits)
    for data, problem in ((b'{"body":[[]]}', "deeper than 2 levels"), (b'{"body":[]}', "body")):
        with pytest.raises(InvalidInput, match=problem):
            await channels.publish(user("ann"), "room:r1", data, INFO)
        with pytest.raises(InvalidInput, match=problem):
            await channels.rpc(user("ann"), "message.post", data.replace(b"{", b'{"room":"r1",'))

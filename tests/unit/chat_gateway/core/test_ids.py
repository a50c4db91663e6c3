import pytest

from chat_gateway.core.ids import RoomId, UserId, live_channel, looked_at, room_log, room_of, user_log


def test_a_log_is_named_for_its_room_or_user() -> None:
    assert room_log(RoomId("lobby")) == "room:lobby"
    assert user_log(UserId("ann")) == "user:ann"


def test_a_room_is_known_by_its_log() -> None:
    assert room_of("room:lobby") == "lobby"
    assert room_of("room:a:b") == "a:b"


@pytest.mark.parametrize("channel", ["", "room", "room:", "user:ann", "rooms:lobby", ":lobby", "ROOM:lobby"])
def test_any_other_channel_is_no_room(channel: str) -> None:
    assert room_of(channel) is None


def test_a_room_is_known_by_its_live_channel() -> None:
    assert looked_at(live_channel(RoomId("a:b"))) == "a:b"


@pytest.mark.parametrize("channel", ["", "live", "live:", "room:lobby", "lives:lobby"])
def test_any_other_channel_is_looked_at_by_nobody(channel: str) -> None:
    assert looked_at(channel) is None

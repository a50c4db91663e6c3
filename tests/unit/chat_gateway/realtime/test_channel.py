"""The order gate and the three states of a listener, without any session."""

from chat_gateway.realtime.channel import MAX_HELD, Channel
from tests.builders import head, publication, publications
from tests.listeners import Bystander


def channel_at(offset: int) -> Channel:
    channel = Channel("room:r")
    channel.learn(head(offset))
    return channel


def offsets(due: object) -> list[int]:
    return [one.offset for one in due]  # type: ignore[attr-defined]


def test_the_next_offset_passes() -> None:
    channel = channel_at(3)
    assert offsets(channel.offer(publications(4, 5), "e1")) == [4, 5]
    assert channel.position == 5
    assert not channel.hole()


def test_a_repeat_is_dropped() -> None:
    channel = channel_at(3)
    assert channel.offer(publications(2, 3), "e1") == []
    assert channel.position == 3


def test_a_later_offset_is_held_until_the_hole_is_filled() -> None:
    channel = channel_at(3)
    assert channel.offer(publications(5, 7), "e1") == []
    assert channel.hole()
    assert offsets(channel.offer(publications(4), "e1")) == [4, 5]
    assert channel.hole()
    assert offsets(channel.offer(publications(6, 7, 8), "e1")) == [6, 7, 8]
    assert not channel.hole()
    assert channel.held == {}


def test_what_comes_before_the_first_position_is_held_for_it() -> None:
    channel = Channel("room:r")
    assert channel.offer(publications(6, 5, 4), "e1") == []
    assert not channel.hole()
    assert offsets(channel.learn(head(4))) == [5, 6]
    assert channel.position == 6


def test_what_was_held_of_another_epoch_is_forgotten() -> None:
    channel = Channel("room:r")
    channel.offer(publications(5), "old")
    assert channel.learn(head(4)) == []
    assert channel.position == 4
    channel = Channel("room:r")
    channel.offer(publications(6), "old")
    channel.offer(publications(5), "e1")
    assert offsets(channel.learn(head(4))) == [5]


def test_a_head_beyond_the_position_is_a_hole() -> None:
    channel = channel_at(3)
    assert channel.learn(head(3)) == []
    assert not channel.hole()
    channel.learn(head(5))
    assert channel.hole()


def test_only_so_much_is_held_beyond_a_hole() -> None:
    channel = channel_at(0)
    channel.offer(publications(*range(2, MAX_HELD + 50)), "e1")
    assert len(channel.held) == MAX_HELD
    assert channel.offer(publications(1), "e1")[-1].offset == MAX_HELD + 1
    assert channel.hole()


def test_forgetting_leaves_nothing_of_the_old_log() -> None:
    channel = channel_at(3)
    channel.offer(publications(9), "e1")
    channel.forget()
    assert (channel.position, channel.epoch) == (None, None)
    assert not channel.hole()


def test_one_who_joins_lives_at_the_position_of_the_hub() -> None:
    channel, listener = channel_at(3), Bystander()
    channel.joining[listener] = []
    assert not channel.is_empty()
    assert channel.covers(listener, 3)
    assert channel.settle(listener, 3) == []
    assert channel.live == {0: {listener: None}}
    assert not channel.joining


def test_a_snapshot_behind_the_position_needs_everything_between_in_the_buffer() -> None:
    channel, listener = channel_at(5), Bystander()
    channel.joining[listener] = [publication(5)]
    assert not channel.covers(listener, 3)
    channel.joining[listener] = [publication(4), publication(5)]
    assert channel.covers(listener, 3)
    assert offsets(channel.settle(listener, 3)) == [4, 5]


def test_a_snapshot_covers_where_no_position_is_known() -> None:
    channel, listener = Channel("room:r"), Bystander()
    channel.joining[listener] = []
    assert channel.covers(listener, 3)


def test_a_snapshot_ahead_of_the_position_waits_until_the_hub_is_there() -> None:
    channel, listener = channel_at(3), Bystander()
    channel.joining[listener] = []
    assert channel.settle(listener, 5) == []
    assert channel.waiting == {listener: 5}
    assert channel.arrive(4) == []
    assert channel.arrive(5) == [listener]
    assert channel.waiting == {}


def test_a_channel_that_everybody_left_is_empty() -> None:
    for state in ("joining", "waiting", "live"):
        channel, listener = channel_at(3), Bystander()
        channel.joining[listener] = []
        if state != "joining":
            channel.settle(listener, 5 if state == "waiting" else 3)
        assert not channel.is_empty()
        channel.leave(listener)
        assert channel.is_empty()

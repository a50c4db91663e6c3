"""A tail answers what the log would answer, from memory, or says that the log must be asked."""

import pytest
from msgspec.structs import replace

from chat_gateway.realtime.hub import Hub
from chat_gateway.realtime.publication import Position, Publication
from chat_gateway.realtime.tails import HELD, LOOKUPS, TailLimits, Tails
from tests.builders import batch, head, publication, publications
from tests.clients import Client, Instance
from tests.fakes import DELETED, MemoryLog, OpenChannels

ROOM, HALL = "room:r", "room:h"
OVERHEAD = 256


def offsets(missed: tuple[Publication, ...] | None) -> list[int] | None:
    return None if missed is None else [one.offset for one in missed]


def tails_of(listening: int = 10, **limits: int) -> Tails:
    tails = Tails(TailLimits(**limits))
    tails.counted_by(lambda _channel: listening)
    return tails


@pytest.fixture
def tails() -> Tails:
    """With a tail of the room, from 3 to 5."""
    tails = tails_of()
    tails.keep(ROOM, head(5), publications(3, 4, 5))
    return tails


def test_a_tail_answers_what_stands_between_a_position_and_the_head(tails: Tails) -> None:
    assert offsets(tails.missed(ROOM, head(5), after=2)) == [3, 4, 5]
    assert offsets(tails.missed(ROOM, head(5), after=4)) == [5]
    assert offsets(tails.missed(ROOM, head(4), after=3)) == [4]
    assert offsets(tails.missed(ROOM, head(5), after=5)) == []


def test_it_does_not_answer_where_it_does_not_reach(tails: Tails) -> None:
    assert tails.missed(ROOM, head(5), after=1) is None
    assert tails.missed(ROOM, head(6), after=4) is None
    assert tails.missed(ROOM, head(5, "e2"), after=4) is None
    assert tails.missed(HALL, head(5), after=4) is None


def test_it_grows_by_what_is_delivered_and_drops_repeats(tails: Tails) -> None:
    for offset in (4, 5, 6, 6, 7):
        tails.passed(ROOM, "e1", publication(offset))
        tails.passed(HALL, "e1", publication(offset))
    assert offsets(tails.missed(ROOM, head(7), after=2)) == [3, 4, 5, 6, 7]
    assert tails.missed(HALL, head(7), after=6) is None


@pytest.mark.parametrize(("epoch", "offset"), [("e1", 7), ("e2", 6), ("e2", 3), (None, 6)])
def test_what_does_not_follow_ends_the_tail(tails: Tails, epoch: str | None, offset: int) -> None:
    tails.passed(ROOM, epoch, publication(offset))
    assert tails.missed(ROOM, head(5), after=4) is None
    assert tails._size == 0


def test_channels_with_few_listeners_have_none() -> None:
    tails = tails_of(9)
    tails.keep(ROOM, head(1), publications(1))
    assert tails.missed(ROOM, head(1), after=0) is None
    tails = tails_of()
    tails.keep(ROOM, head(1), [])
    assert not tails._tails
    lonely = Tails()
    lonely.keep(ROOM, head(1), publications(1))
    assert not lonely._tails


def test_a_read_that_reaches_back_further_is_joined_with_what_came_after_it(tails: Tails) -> None:
    tails.passed(ROOM, "e1", publication(6))
    tails.passed(ROOM, "e1", publication(7))
    tails.keep(ROOM, head(6), publications(1, 2, 3, 4, 5, 6))
    assert offsets(tails.missed(ROOM, head(7), after=0)) == [1, 2, 3, 4, 5, 6, 7]


def test_a_later_read_takes_the_place_of_a_tail_that_lags(tails: Tails) -> None:
    tails.keep(ROOM, head(9), publications(8, 9))
    assert offsets(tails.missed(ROOM, head(9), after=7)) == [8, 9]
    assert tails.missed(ROOM, head(9), after=4) is None


def test_a_read_of_another_epoch_takes_the_place_of_the_tail(tails: Tails) -> None:
    tails.keep(ROOM, head(2, "e2"), publications(1, 2))
    assert tails.missed(ROOM, head(5), after=4) is None
    assert offsets(tails.missed(ROOM, head(2, "e2"), after=0)) == [1, 2]


@pytest.mark.parametrize("read", [(4, 5), (3, 4, 5), (1, 2, 3, 4), (1,)])
def test_a_read_that_adds_nothing_or_is_older_than_the_tail_changes_nothing(
    tails: Tails, read: tuple[int, ...]
) -> None:
    """An older read may hold a text whose deletion the tail has never met, since it began behind it."""
    tails.keep(ROOM, head(read[-1]), publications(*read))
    assert offsets(tails.missed(ROOM, head(5), after=2)) == [3, 4, 5]
    assert tails.missed(ROOM, head(5), after=1) is None


def test_a_read_that_ends_before_the_tail_begins_is_no_neighbour() -> None:
    tails = tails_of(entries=2)
    tails.keep(ROOM, head(1), publications(1))
    for offset in range(2, 6):
        tails.passed(ROOM, "e1", publication(offset))
    tails.keep(ROOM, head(2), publications(1, 2))
    assert tails.missed(ROOM, head(5), after=0) is None
    assert offsets(tails.missed(ROOM, head(5), after=3)) == [4, 5]


def test_a_tail_keeps_the_newest_that_fit() -> None:
    tails = tails_of(entries=3, channel_bytes=2 * (OVERHEAD + 10))
    tails.keep(ROOM, head(4), publications(1, 2, 3, 4))
    assert offsets(tails.missed(ROOM, head(4), after=2)) == [3, 4]
    assert tails.missed(ROOM, head(4), after=1) is None
    tails.passed(ROOM, "e1", publication(5, data=b"x" * 10))
    tails.passed(ROOM, "e1", publication(6, data=b"x" * 10))
    assert offsets(tails.missed(ROOM, head(6), after=4)) == [5, 6]
    assert tails.missed(ROOM, head(6), after=3) is None
    tails.passed(ROOM, "e1", publication(7, data=b"x" * 1_000))
    assert not tails._tails
    assert tails._size == 0


def test_an_instance_keeps_the_tails_asked_last() -> None:
    tails = tails_of(instance_bytes=3 * (OVERHEAD + 2))
    for channel in ("a", "b", "c"):
        tails.keep(channel, head(1), publications(1))
    assert tails.missed("a", head(1), after=0) is not None
    tails.passed("b", "e1", publication(2))
    assert list(tails._tails) == ["c", "a"]
    assert tails._size == 2 * (OVERHEAD + 2)


def lookups() -> dict[str, float]:
    return {result: LOOKUPS.labels(result)._value.get() for result in ("hit", "absent", "short")}


def test_lookups_are_counted_by_their_result(tails: Tails) -> None:
    before = lookups()
    tails.missed(ROOM, head(5), after=2)
    tails.missed(ROOM, head(5), after=3)
    tails.missed(HALL, head(5), after=2)
    for wanted, after in ((head(5), 1), (head(6), 5), (head(5, "e2"), 3)):
        tails.missed(ROOM, wanted, after=after)
    assert {result: count - before[result] for result, count in lookups().items()} == {
        "hit": 2, "absent": 1, "short": 3
    }  # fmt: skip


def test_what_is_held_is_shown() -> None:
    tails = tails_of(instance_bytes=3 * (OVERHEAD + 2))
    tails.keep(ROOM, head(1), publications(1))
    assert HELD._value.get() == OVERHEAD + 2
    tails.passed(ROOM, "e1", publication(2))
    tails.keep(HALL, head(2), publications(1, 2))  # one too many: the oldest tail goes
    assert HELD._value.get() == 2 * (OVERHEAD + 2)
    tails.drop(HALL)
    assert HELD._value.get() == 0


def test_the_largest_recovery_fits() -> None:
    data, limits = b"x" * (128 * 1024 // 500), TailLimits()
    tails = tails_of()
    tails.keep(ROOM, head(500), [replace(one, data=data) for one in publications(*range(1, 501))])
    assert len(tails.missed(ROOM, head(500), after=0) or ()) == limits.entries


class Listening:
    """A hub that many listen to, and its tails."""

    def __init__(self, instance: Instance, log: MemoryLog, tails: Tails) -> None:
        self.log = log
        self.hub = instance.engine.hub = Hub(OpenChannels(log), "here", tails)
        self.clients: list[Client] = [instance.client() for _ in range(10)]
        for client in self.clients:
            self.hub.enter(client.session)
            self.hub.attach(client.session, ROOM)
        log.append(ROOM)
        tails.keep(ROOM, log.head(ROOM), log.everything(ROOM))
        for client in self.clients:
            self.hub.settle(client.session, ROOM, log.head(ROOM))

    def deliver(self, *entries: Publication) -> Position:
        self.hub.received(batch(ROOM, entries))
        return self.log.head(ROOM)


@pytest.fixture
def fresh() -> Tails:
    return Tails()


@pytest.fixture
def listening(instance: Instance, log: MemoryLog, fresh: Tails) -> Listening:
    return Listening(instance, log, fresh)


def test_the_hub_counts_those_who_join_and_those_who_live(listening: Listening) -> None:
    assert listening.hub.listening(ROOM) == 10
    assert listening.hub.listening(HALL) == 0


async def test_the_hub_feeds_a_tail_in_the_order_of_the_gate(listening: Listening, fresh: Tails) -> None:
    two, three = listening.log.append(ROOM), listening.log.append(ROOM)
    now = listening.deliver(three)
    assert fresh.missed(ROOM, now, after=0) is None
    listening.deliver(two)
    assert fresh.missed(ROOM, now, after=0) == tuple(listening.log.everything(ROOM))


async def test_a_deletion_ends_the_tail(listening: Listening, fresh: Tails) -> None:
    secret = listening.log.append(ROOM, b'"secret"')
    now = listening.deliver(secret)
    assert fresh.missed(ROOM, now, after=1) == (secret,)
    listening.log.scrub(ROOM, secret.offset)
    now = listening.deliver(listening.log.append(ROOM, kind=DELETED))
    assert not fresh._tails
    fresh.keep(ROOM, Position(2, "e1"), (secret,))  # what was read before comes late
    assert fresh.missed(ROOM, now, after=1) is None


async def test_another_epoch_ends_the_tail(listening: Listening, fresh: Tails) -> None:
    listening.log.restore("e2", room_r=1)
    listening.hub.compare(ROOM, listening.log.head(ROOM), listening.hub.reading())
    assert not fresh._tails


async def test_the_last_listener_takes_the_tail_along(listening: Listening, fresh: Tails) -> None:
    for client in listening.clients:
        assert fresh._tails
        listening.hub.detach(client.session, ROOM)
    assert not fresh._tails
    fresh.keep(ROOM, listening.log.head(ROOM), listening.log.everything(ROOM))
    assert not fresh._tails


def test_a_larger_recovery_fits_where_it_is_allowed() -> None:
    limits = TailLimits.for_recoveries(entries=1_000, data_bytes=1 << 20)
    tails = Tails(limits)
    tails.counted_by(lambda _channel: limits.listeners)
    data = b"x" * ((1 << 20) // 1_000)
    tails.keep(ROOM, head(1_000), [replace(one, data=data) for one in publications(*range(1, 1_001))])
    assert len(tails.missed(ROOM, head(1_000), after=0) or ()) == 1_000
    assert TailLimits.for_recoveries(entries=1, data_bytes=1).channel_bytes == TailLimits().channel_bytes

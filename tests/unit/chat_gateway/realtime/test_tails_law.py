"""The law of tails: what a tail answers is what the log holds, up to the head that was read, and no deleted text.

Random commits and deletions, deliveries in any order, repeated and lost, repairs, listeners that come and go, restored
logs, and recoveries whose read of the log is long over when its end is told to the tails.
"""

from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from chat_gateway.realtime.hub import Hub
from chat_gateway.realtime.publication import Batch, Position, Publication
from chat_gateway.realtime.tails import TailLimits, Tails
from tests.fakes import DELETED, MESSAGE, MemoryLog, OpenChannels
from tests.listeners import Bystander

pytestmark = pytest.mark.no_cover  # many cases, twice as long if traced; smaller tests cover the same lines

ROOM = "room:r"
LIMITS = TailLimits(listeners=1, entries=8, channel_bytes=2_500, instance_bytes=2_400)


class Read(msgspec.Struct):
    """One snapshot of the log: its head, and what stood above `after`."""

    head: Position
    after: int
    publications: list[Publication]


class Silent(Bystander):
    """Takes what it gets. `here`: whether it listens."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.here = False

    @override
    def put(self, frame: bytes) -> None: ...

    @override
    def outdated(self, channel: str) -> None:
        self.go()

    def come(self, head: Position) -> None:
        self.here = True
        self.hub.attach(self, ROOM)
        if self.hub.covers(self, ROOM, head, self.hub.reading()):
            self.hub.settle(self, ROOM, head)

    def go(self) -> None:
        self.here = False
        self.hub.detach(self, ROOM)


class Story:
    """Every step is a method; one that is impossible now does nothing."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.log = MemoryLog()
        self.tails = Tails(LIMITS)
        self.hub = Hub(OpenChannels(self.log), "here", self.tails)
        self.listeners = [Silent(self.hub) for _ in range(3)]
        self.on_their_way: list[Batch] = []
        self.reads: list[Read] = []
        self.texts = self.epochs = self.answers = 0

    def commit(self) -> None:
        self.commit_batch([self.append() for _ in range(self.random.randint(1, 3))])

    def delete(self) -> None:
        """Delete one message, whose text stands in one entry or, as it was edited, in two."""
        there = [one.offset for one in self.log.everything(ROOM) if one.kind == MESSAGE]
        if there:
            for offset in self.random.choices(there, k=2):
                self.log.scrub(ROOM, offset)
            self.commit_batch([self.log.append(ROOM, kind=DELETED), self.append()])

    def append(self) -> Publication:
        self.texts += 1
        return self.log.append(ROOM, b'"text %d"' % self.texts)

    def commit_batch(self, entries: list[Publication]) -> None:
        batch = Batch(ROOM, self.log.epoch, tuple(entries))
        self.on_their_way.append(batch)
        if self.random.random() < 0.6:
            self.hub.received(batch)

    def carry(self) -> None:
        if self.on_their_way:
            batch = self.random.choice(self.on_their_way)
            fate = self.random.choice(["deliver", "deliver", "repeat", "lose"])
            if fate != "repeat":
                self.on_their_way.remove(batch)
            if fate != "lose":
                self.hub.received(batch)

    def join(self) -> None:
        for listener in [one for one in self.listeners if not one.here][:1]:
            listener.come(self.log.head(ROOM))

    def leave(self) -> None:
        listener = self.random.choice(self.listeners)
        if listener.here:
            listener.go()

    def mend(self) -> None:
        self.hub.compare(ROOM, self.log.head(ROOM), self.hub.reading())
        while (position := self.hub.position(ROOM)) is not None:
            self.hub.repaired(ROOM, self.log.everything(ROOM)[position.offset :], self.log.epoch)
            if self.hub.position(ROOM) == position:
                self.hub.give_up(ROOM)

    def stall(self) -> None:
        self.hub.discard_held()
        self.on_their_way.clear()

    def restore(self) -> None:
        self.epochs += 1
        self.log.restore(f"f{self.epochs}", room_r=self.random.randint(0, 5))

    def read(self) -> None:
        head = self.log.head(ROOM)
        after = self.random.randint(max(0, head.offset - 12), head.offset)
        self.reads.append(Read(head, after, self.log.everything(ROOM)[after:]))

    def keep(self) -> None:
        if self.reads:
            read = self.reads.pop(self.random.randrange(len(self.reads)))
            self.tails.keep(ROOM, read.head, read.publications)

    def read_and_keep(self) -> None:
        self.read()
        read = self.reads.pop()
        self.tails.keep(ROOM, read.head, read.publications)

    def recover(self) -> None:
        """Whose read begins now gets exactly what the log holds now."""
        head, whole = self.log.head(ROOM), self.log.everything(ROOM)
        for after in range(max(0, head.offset - 10), head.offset + 1):
            missed = self.tails.missed(ROOM, head, after=after)
            if missed is not None:
                assert list(missed) == whole[after:]
                self.answers += len(missed)

    def recover_late(self) -> None:
        """Whose read began before gets what the log held then, but for what has been deleted meanwhile."""
        for read in self.reads:
            missed = self.tails.missed(ROOM, read.head, after=read.after)
            if missed is not None:
                assert len(missed) == len(read.publications)
                for got, stood in zip(missed, read.publications, strict=True):
                    assert got in (stood, msgspec.structs.replace(stood, data=b"{}"))

    def bounds_hold(self) -> None:
        sizes = [tail.size for tail in self.tails._tails.values()]
        assert sum(sizes) == self.tails._size <= LIMITS.instance_bytes
        for tail in self.tails._tails.values():
            assert any(listener.here for listener in self.listeners)
            assert 0 < len(tail.publications) <= LIMITS.entries
            assert tail.size == sum(len(one.data) + 256 for one in tail.publications) <= LIMITS.channel_bytes


@given(seed=st.integers(0, 2**32))
@settings(max_examples=200, deadline=None)
def test_a_tail_answers_what_the_log_holds_and_no_deleted_text(seed: int) -> None:
    tell(seed)


def test_the_stories_have_answers_from_tails() -> None:
    assert sum(tell(seed) for seed in range(20)) > 1_000


def tell(seed: int) -> int:
    random = Random(seed)
    story = Story(random)
    often = [story.commit, story.carry, story.join, story.read, story.keep, story.read_and_keep, story.mend]
    sometimes = [story.delete, story.leave]
    seldom = [story.restore, story.stall]
    for _ in range(120):
        random.choice(random.choices([often, sometimes, seldom], [20, 4, 2])[0])()
        story.recover()
        story.recover_late()
        story.bounds_hold()
    return story.answers

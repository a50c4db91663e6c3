"""The hub's law: whatever the bus does, every listener gets each publication above its snapshot once and in order.

Random commits, deliveries (in any order, repeated, lost), repairs and head comparisons that come late, listeners that
join, leave, are removed and come back, and restored logs. In the end one comparison of heads has to mend everything.
"""

from collections.abc import Hashable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from chat_gateway.protocol.json_codec import JSON
from chat_gateway.realtime.hub import Hub
from chat_gateway.realtime.publication import Batch, Position, Publication
from tests.fakes import JOINED, LOST, MESSAGE, MemoryLog, OpenChannels
from tests.listeners import Bystander

pytestmark = pytest.mark.no_cover  # many cases, twice as long if traced; smaller tests cover the same lines

ROOM = "room:r"
USERS = ("ann", "bob")


class Recorder(Bystander):
    """`stay` is the epoch and head the listener came in at; `got` what it was written since."""

    def __init__(self, hub: Hub, user_id: str, variant: int) -> None:
        self.hub = hub
        self.user_id = user_id
        self._variant = variant
        self.attached = self.settled = self.lost = False
        self.snapshot: Position | None = None
        self.read_at = 0
        self.allowed = False
        self.stay = Position(0, "")
        self.got: list[bytes] = []

    @property
    @override
    def variant(self) -> Hashable:
        return self._variant

    @override
    def put(self, frame: bytes) -> None:
        assert self.settled
        assert not self.lost
        self.got.append(frame)

    @override
    def loses(self, channel: str) -> None:
        assert not self.lost
        self.lost = True
        self.attached = False

    @override
    def outdated(self, channel: str) -> None:
        self.hub.detach(self, channel)
        self.attached = False


class Story:
    """Every step is a method; one that is impossible now does nothing."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.log = MemoryLog()
        self.archive: dict[str, list[Publication]] = {}
        self.hub = Hub(OpenChannels(self.log), "here")
        self.listeners = [Recorder(self.hub, user, number % 2) for number, user in enumerate((*USERS, "ann"))]
        for listener in self.listeners:
            self.hub.enter(listener)
        self.on_their_way: list[Batch] = []
        self.heads: list[tuple[Position, int]] = []
        self.reads: list[tuple[str, list[Publication]]] = []
        self.epochs = 1

    def those(self, **state: Any) -> list[Recorder]:
        return [one for one in self.listeners if all(getattr(one, name) == value for name, value in state.items())]

    def commit(self) -> None:
        self.committed([self.log.append(ROOM) for _ in range(self.random.randint(1, 3))])

    def change_membership(self) -> None:
        user = self.random.choice(USERS)
        kind = LOST if self.may_read(user) else JOINED
        self.committed([self.log.append(ROOM, kind=kind, subject=user), self.log.append(ROOM)])

    def committed(self, entries: list[Publication]) -> None:
        batch = Batch(ROOM, self.log.epoch, tuple(entries))
        self.on_their_way.append(batch)
        if self.random.random() < 0.5:
            self.hub.received(batch)

    def carry(self) -> None:
        if not self.on_their_way:
            return
        batch = self.random.choice(self.on_their_way)
        fate = self.random.choice(["deliver", "deliver", "repeat", "lose"])
        if fate != "repeat":
            self.on_their_way.remove(batch)
        if fate != "lose":
            self.hub.received(batch)

    def begin_joining(self) -> None:
        away = self.those(attached=False)
        if not away:
            return
        listener = self.random.choice(away)
        self.hub.attach(listener, ROOM)
        listener.attached, listener.settled, listener.lost, listener.snapshot = True, False, False, None

    def read_snapshot(self) -> None:
        for listener in self.those(attached=True, settled=False, snapshot=None)[:1]:
            listener.snapshot, listener.read_at = self.log.head(ROOM), self.hub.reading()
            listener.allowed = self.may_read(listener.user_id)

    def finish_joining(self) -> None:
        ready = [(one, one.snapshot) for one in self.listeners if one.snapshot is not None]
        if not ready:
            return
        listener, snapshot = self.random.choice(ready)
        listener.snapshot = None
        if not listener.allowed:
            self.hub.detach(listener, ROOM)
            listener.attached = False
        elif self.hub.covers(listener, ROOM, snapshot, listener.read_at):
            listener.settled, listener.stay, listener.got = True, snapshot, []
            self.hub.settle(listener, ROOM, snapshot)

    def leave(self) -> None:
        attached = self.those(attached=True)
        if not attached:
            return
        listener = self.random.choice(attached)
        self.hub.detach(listener, ROOM)
        listener.attached, listener.snapshot = False, None

    def ask_for_heads(self) -> None:
        self.heads.append((self.log.head(ROOM), self.hub.reading()))

    def hear_heads(self) -> None:
        if not self.heads:
            self.ask_for_heads()
        self.hub.compare(ROOM, *self.heads.pop(0))

    def ask_for_a_repair(self) -> None:
        position = self.hub.position(ROOM)
        if position is not None:
            entries = self.log.everything(ROOM)[position.offset :][: self.random.randint(1, 4)]
            self.reads.append((self.log.epoch, entries))

    def hear_of_a_repair(self) -> None:
        if self.reads:
            epoch, entries = self.reads.pop(self.random.randrange(len(self.reads)))
            self.hub.repaired(ROOM, entries, epoch)

    def mend(self) -> None:
        self.hub.compare(ROOM, self.log.head(ROOM), self.hub.reading())
        for _ in range(100):
            position = self.hub.position(ROOM)
            if position is None:
                return
            self.hub.repaired(ROOM, self.log.everything(ROOM)[position.offset :], self.log.epoch)
            if self.hub.position(ROOM) == position:
                self.hub.give_up(ROOM)
        raise AssertionError

    def forget_what_is_held(self) -> None:
        self.hub.discard_held()

    def restore(self) -> None:
        if len(self.log.everything(ROOM)) < 12:
            return
        self.archive[self.log.epoch] = self.log.everything(ROOM)
        self.epochs += 1
        self.log.restore(f"e{self.epochs}", room_r=self.random.randint(0, 5))

    def nobody_gets_anything_wrong(self) -> None:
        for listener in self.listeners:
            due = self.due(listener)
            assert listener.got == due[: len(listener.got)]
            if listener.lost:
                assert listener.got == due

    def end(self) -> None:
        self.mend()
        self.nobody_gets_anything_wrong()
        for listener in self.listeners:
            if listener.attached and listener.settled:
                assert listener.stay.epoch == self.log.epoch
                assert listener.got == self.due(listener)
            self.hub.leave(listener, [ROOM])
        assert self.hub.channels() == []
        assert self.hub._membership.users == {}

    def due(self, listener: Recorder) -> list[bytes]:
        """What the listener has to get: all above its snapshot, up to its own removal."""
        whole = self.archive.get(listener.stay.epoch)
        if whole is None:
            whole = self.log.everything(ROOM)
        above = whole[listener.stay.offset :]
        for number, publication in enumerate(above):
            if publication.kind == LOST and publication.subject == listener.user_id:
                above = above[: number + 1]
                break
        return [JSON.publication(ROOM, publication) for publication in above]

    def may_read(self, user: str) -> bool:
        changes = [one.kind for one in self.log.everything(ROOM) if one.subject == user and one.kind != MESSAGE]
        return not changes or changes[-1] == JOINED


@given(seed=st.integers(0, 2**32))
@settings(max_examples=200, deadline=None)
def test_every_listener_gets_each_publication_above_its_snapshot_once_and_in_order(seed: int) -> None:
    random = Random(seed)
    story = Story(random)
    often = [story.commit, story.carry, story.begin_joining, story.read_snapshot, story.finish_joining]
    sometimes = [story.change_membership, story.hear_heads, story.ask_for_a_repair, story.hear_of_a_repair, story.leave]
    seldom = [story.ask_for_heads, story.mend, story.forget_what_is_held, story.restore]
    for _ in range(150):
        random.choice(random.choices([often, sometimes, seldom], [20, 6, 1])[0])()
        story.nobody_gets_anything_wrong()
    story.end()

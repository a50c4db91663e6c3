"""What is told to those who look at a room now and stands in no log: who is online, who types, how far others read.

Each kind has its pace: whatever happens in between is told as one. Nobody is named who is no member: the members are
those of the room's log, kept up by its entries as they pass. Only that an account has no name any more is told of those
who just left as well: it leaves as it is deleted. A presence that is told twice does no harm, so nothing is remembered
of what was told; whoever looks asks once, after they were let in, and then follows.
"""

from collections.abc import Collection, Container, Iterable, Mapping

import msgspec

from chat_gateway.core.ids import UserId
from chat_gateway.core.paced import Paced
from chat_gateway.core.people import Person

MAX_TYPING = 5
MAX_WITH_RECEIPTS = 50
MAX_NAMED = 500
MAX_FORMER = 100
"""Of those who left a room while somebody looks at it, so many are remembered."""

PRESENCE_SECONDS = 2.0
TYPING_SECONDS = 1.0
RECEIPTS_SECONDS = 1.0


class _Told(msgspec.Struct, frozen=True, tag_field="type"):
    pass


class PresenceChanged(_Told, frozen=True, tag="presence.changed"):
    """After `presence.unknown` the online are told from the beginning: whoever is named in none of these is offline."""

    online: tuple[UserId, ...]
    offline: tuple[UserId, ...]


class PresenceUnknown(_Told, frozen=True, tag="presence.unknown"):
    """Nobody knows now who is online, which does not say that they are not."""


class Typing(_Told, frozen=True, tag="typing"):
    users: tuple[UserId, ...]


class Receipts(_Told, frozen=True, tag="receipts"):
    """Up to which offset these people have read."""

    markers: dict[UserId, int]


class PersonUpdated(_Told, frozen=True, tag="person.updated"):
    user: Person


Ephemeral = PresenceChanged | PresenceUnknown | Typing | Receipts | PersonUpdated


class Membership(msgspec.Struct, frozen=True):
    """The members of a room at one offset of its log."""

    head: int
    users: frozenset[UserId]


class ReadBy(msgspec.Struct, frozen=True, kw_only=True):
    """How far a room's members have read: each one's marker, or the number of those who came so far."""

    markers: dict[UserId, int] | None = None
    count: int | None = None


class LiveRoom:
    """A room that somebody on this instance looks at. Before its members are loaded it tells nothing of them."""

    def __init__(self, *, is_known: bool) -> None:
        self._members: set[UserId] | None = None
        self._former: dict[UserId, None] = {}
        self._head = 0
        self._early: list[tuple[int, UserId, bool]] = []
        self._everybody = not is_known
        self._unknown = False
        self._changed: Paced[UserId, None] = Paced(PRESENCE_SECONDS)
        self._typing: Paced[UserId, None] = Paced(TYPING_SECONDS)
        self._markers: Paced[UserId, int] = Paced(RECEIPTS_SECONDS)
        self._people: dict[UserId, Person] = {}

    @property
    def members(self) -> Collection[UserId] | None:
        return self._members

    @property
    def waits(self) -> bool:
        """Whether there is something to tell as soon as its pace allows."""
        return self._members is not None and bool(self._changed or self._typing or self._markers)

    def load(self, membership: Membership) -> None:
        """Begin with these members, and with what has passed since they were read."""
        self._members, self._head = set(membership.users), membership.head
        for change in self._early:
            self.passed(*change)
        self._early.clear()

    def passed(self, offset: int, user: UserId, is_member: bool) -> None:  # noqa: FBT001 - one of an entry's fields
        """Follow an entry of the room's log that makes the user a member or ends it."""
        if self._members is None:
            self._early.append((offset, user, is_member))
        elif offset > self._head:
            self._head = offset
            if is_member:
                self._members.add(user)
                self._changed.put(user, None)
            else:
                self._members.discard(user)
                self._changed.discard(user)
                self._remember(user)

    def _remember(self, user: UserId) -> None:
        self._former.pop(user, None)
        self._former[user] = None
        if len(self._former) > MAX_FORMER:
            del self._former[next(iter(self._former))]

    def flipped(self, users: Collection[UserId]) -> None:
        """These may have come online or gone."""
        if self._members is not None:
            # the smaller one is walked through: both may have thousands
            small, large = sorted((self._members, set(users)), key=len)
            for user in small & large:
                self._changed.put(user, None)

    def unknown(self) -> None:
        """Nobody knows any more who is online. As soon as somebody does, the online are told from the beginning."""
        self._unknown = self._everybody = True
        self._changed.clear()

    def typed(self, users: Iterable[UserId]) -> None:
        for user in users:
            self._typing.put(user, None)

    def read(self, markers: Mapping[UserId, int]) -> None:
        for user, offset in markers.items():
            self._markers.put(user, max(offset, self._markers.get(user) or 0))

    def renamed(self, person: Person) -> None:
        self._people[person.id] = person

    def take(self, now: float, online: Container[UserId] | None) -> list[Ephemeral]:
        """Say what is to be told now. `online` is None while nobody knows."""
        told: list[Ephemeral] = []
        if self._unknown:
            self._unknown = False
            told.append(PresenceUnknown())
        if self._members is not None:
            told += self._presence(now, self._members, online)
            told += self._activity(now, self._members)
        return told

    def _presence(self, now: float, members: set[UserId], online: Container[UserId] | None) -> list[Ephemeral]:
        if online is None:
            return []
        if self._everybody:
            self._everybody = False
            for user in members:
                if user in online:
                    self._changed.put(user, None)
        users = list(self._changed.take(now))
        for user in users[MAX_NAMED:]:
            self._changed.put(user, None)
        named = users[:MAX_NAMED]
        if not named:
            return []
        return [
            PresenceChanged(
                tuple(user for user in named if user in online), tuple(user for user in named if user not in online)
            )
        ]

    def _activity(self, now: float, members: set[UserId]) -> list[Ephemeral]:
        told: list[Ephemeral] = []
        typing = tuple(user for user in self._typing.take(now) if user in members)[:MAX_TYPING]
        if typing:
            told.append(Typing(typing))
        markers = {user: offset for user, offset in self._markers.take(now).items() if user in members}
        if markers and len(members) <= MAX_WITH_RECEIPTS:
            told.append(Receipts(markers))
        people, self._people = self._people, {}
        told += [
            PersonUpdated(person)
            for person in people.values()
            if person.id in members or (person.deleted and person.id in self._former)
        ]
        return told

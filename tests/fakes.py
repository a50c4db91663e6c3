"""A channel log in memory, and an application of open channels on it: what the engine's ports ask for, and no chat.

`MemoryLog` keeps the promises of the stored log (tests/log_contract.py judges it). `OpenChannels` lets everybody read
every channel but rooms, which have members, and users' own channels.
"""

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec
from typing_extensions import override

from chat_gateway.protocol.frames import ClientInfo, Subscribe
from chat_gateway.realtime.ports import (
    NO_GRANTS,
    Application,
    ChannelLog,
    Gained,
    Grant,
    Lost,
    Recovered,
    Scrubbed,
    Snapshot,
    User,
)
from chat_gateway.realtime.publication import Batch, Position, Publication
from shared.errors import Conflict, NotFound, RateLimited, Unauthenticated, Unavailable

MESSAGE, JOINED, LOST, GAINED, DELETED = 1, 2, 3, 4, 5


class MemoryLog(ChannelLog):
    """Every channel begins empty; an epoch names all of them."""

    def __init__(self, epoch: str = "e1", *, most_recovered: int = 500) -> None:
        self.epoch = epoch
        self.down = False
        self.reads = 0
        self.asked: list[list[str]] = []
        self._most_recovered = most_recovered
        self._logs: defaultdict[str, list[Publication]] = defaultdict(list)

    def append(
        self,
        channel: str,
        data: bytes = b"{}",
        *,
        kind: int = MESSAGE,
        subject: str = "",
        info: ClientInfo | None = None,
    ) -> Publication:
        log = self._logs[channel]
        offset = len(log) + 1
        log.append(Publication(offset, kind, f"{channel}-{offset}", subject, data, info))
        return log[-1]

    def scrub(self, channel: str, offset: int) -> None:
        log = self._logs[channel]
        log[offset - 1] = msgspec.structs.replace(log[offset - 1], data=b"{}")

    def restore(self, epoch: str, **lengths: int) -> None:
        """Go back to these lengths, all others to nothing, as another log."""
        self.epoch = epoch
        kept = {name.replace("_", ":"): length for name, length in lengths.items()}
        self._logs = defaultdict(list, {name: self._logs[name][:length] for name, length in kept.items()})

    def head(self, channel: str) -> Position:
        return Position(len(self._logs.get(channel, ())), self.epoch)

    def everything(self, channel: str) -> list[Publication]:
        return list(self._logs.get(channel, ()))

    def recover(self, channel: str, since: Position | None) -> Recovered:
        """What stands above the position, if that is of this log and not too much."""
        head = self.head(channel)
        if since is None or since.epoch not in ("", self.epoch) or since.offset > head.offset:
            return Recovered(head=head, recovered=False)
        missed = self.everything(channel)[since.offset :]
        if len(missed) > self._most_recovered:
            return Recovered(head=head, recovered=False)
        return Recovered(head=head, recovered=True, publications=tuple(missed))

    @override
    async def heads(self, channels: Collection[str]) -> dict[str, Position]:
        self._look()
        self.asked.append(sorted(channels))
        return {channel: self.head(channel) for channel in channels if channel in self._logs}

    @override
    async def read(self, channel: str, *, after: int, limit: int) -> tuple[str, list[Publication]]:
        self._look()
        self.reads += 1
        return self.epoch, self.everything(channel)[after : after + limit]

    def _look(self) -> None:
        if self.down:
            raise Unavailable("store_unavailable", "The log does not answer now.")


class Gate:
    """Holds whoever comes to it, so that a test can act meanwhile."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self._open = asyncio.Event()

    def open(self) -> None:
        self._open.set()

    async def through(self) -> None:
        self.reached.set()
        await self._open.wait()


class OpenChannels(Application):
    """`gates` hold a call by name, once: before it looks (`snapshot`) or with its answer in hand (`snapshot answered`).

    A token is `user/expires at/session`; some words stand for what can be wrong with one. What is appended goes to
    `committed`, as a commit does. `grants` holds the options of channels, `carried` those of channels that a token
    brings, by its session; a subscription's own token is when it expires.
    """

    def __init__(self, log: MemoryLog) -> None:
        self.log = log
        self.effective_kinds = frozenset({LOST, GAINED, DELETED})
        self.members: defaultdict[str, set[str]] = defaultdict(set)
        self.grants: dict[str, Grant] = {}
        self.carried: dict[str, dict[str, Grant]] = {}
        self.slow = frozenset({"search"})
        self.gates: dict[str, Gate] = {}
        self.failures: dict[str, Exception] = {}
        self.calls: list[str] = []
        self.committed: Callable[[Batch], None] = lambda _batch: None

    def post(self, channel: str, data: bytes = b"{}") -> Publication:
        return self._append(channel, data, MESSAGE, "")

    def join(self, user: str, room: str) -> None:
        """Let the user in: one commit, told in the room and in the user's own channel."""
        self.members[room].add(user)
        batches = [
            self._append_silently(room, b"{}", JOINED, user),
            self._append_silently(f"user:{user}", msgspec.json.encode({"room": room}), GAINED, user),
        ]
        for batch in batches:
            self.committed(batch)

    def remove(self, user: str, room: str) -> Publication:
        self.members[room].discard(user)
        return self._append(room, b"{}", LOST, user)

    def delete(self, channel: str, offset: int) -> Publication:
        """Delete what stands at this offset: its data goes, and the log says so."""
        self.log.scrub(channel, offset)
        return self._append(channel, b"{}", DELETED, "")

    def gate(self, name: str) -> Gate:
        self.gates[name] = Gate()
        return self.gates[name]

    @override
    def effect(self, publication: Publication) -> Gained | Lost | Scrubbed | None:
        if publication.kind == DELETED:
            return Scrubbed()
        if publication.kind == LOST:
            return Lost(publication.subject) if publication.subject else None
        return Gained(msgspec.json.decode(publication.data)["room"])

    @override
    async def verify(self, token: str) -> User:
        await self._called("verify")
        if re.fullmatch(r"\w+/\d+/\w+", token):
            user, expires_at, session = token.split("/")
            return User(
                id=user,
                name=user.title(),
                picture="",
                session=session,
                key_id="k",
                expires_at=int(expires_at) or None,
                info=msgspec.json.encode({"name": user}),
                subs=self.carried.get(session, NO_GRANTS),
            )
        if token == "unknown key":
            raise Unavailable("unavailable", "The keys cannot be read now; try again.")
        code = {"": "unauthorized", "expired": "token_expired"}.get(token, "invalid_token")
        raise Unauthenticated(code, "Sign in again.")

    @override
    def channel_of(self, user: User) -> str | None:
        return None if user.id == "nobody" else f"user:{user.id}"

    @override
    def grant(self, user: User, channel: str) -> Grant:
        return self.grants.get(channel, Grant())

    @override
    async def admit(self, user: User, wish: Subscribe, info: ClientInfo) -> Grant:
        await self._called("admit")
        grant = self.grant(user, wish.channel)
        if wish.token.isdecimal():
            return msgspec.structs.replace(grant, expires_at=int(wish.token))
        if wish.token:
            code = {"expired": "token_expired"}.get(wish.token, "permission_denied")
            raise Unauthenticated(code, "Get another token.")
        return grant

    @override
    async def channels_of(self, user: User, data: bytes) -> Sequence[str] | None:
        await self._called("channels_of")
        if data and not msgspec.json.decode(data).get("rooms", True):
            return None
        rooms = self._rooms_of(user)
        await self._called("channels_of answered")
        return rooms

    @override
    async def snapshot(self, user: User, since: Mapping[str, Position | None], *, connect: bool) -> Snapshot:
        await self._called("snapshot")
        rooms = self._rooms_of(user) if connect else []
        wanted = dict.fromkeys(rooms) | dict(since)
        snapshot = Snapshot(
            channels={
                channel: self.log.recover(channel, position)
                for channel, position in wanted.items()
                if self._may_read(user, channel)
            },
            data=msgspec.json.encode({"rooms": rooms}),
        )
        await self._called("snapshot answered")
        return snapshot

    @override
    async def publish(self, user: User, channel: str, data: bytes, info: ClientInfo) -> None:
        await self._called(f"publish {data.decode()}")
        if not self._may_read(user, channel):
            raise NotFound("room_not_found", "There is no such room.")
        self._append(channel, data, MESSAGE, "", info if channel == "signed" else None)

    @override
    async def rpc(self, user: User, method: str, data: bytes) -> bytes:
        await self._called(f"rpc {method}")
        match method:
            case "conflict":
                raise Conflict("client_id_conflict", "That is something else.")
            case "busy":
                raise RateLimited("too_many_requests", "Wait.", retry_after=3)
            case "leave":
                self.remove(user.id, msgspec.json.decode(data))
            case _:
                pass
        return data

    @override
    def is_slow(self, method: str) -> bool:
        return method in self.slow

    @override
    async def history(
        self, user: User, channel: str, *, since: Position | None, limit: int, reverse: bool
    ) -> tuple[Position, Sequence[Publication]]:
        await self._called("history")
        entries = self.log.everything(channel)[0 if since is None else since.offset :][: limit if limit >= 0 else None]
        return self.log.head(channel), entries[::-1] if reverse else entries

    def _rooms_of(self, user: User) -> list[str]:
        return [room for room, members in self.members.items() if user.id in members]

    def _may_read(self, user: User, channel: str) -> bool:
        if channel.startswith("room:"):
            return user.id in self.members[channel]
        return not channel.startswith("user:") or channel == self.channel_of(user)

    def _append(
        self, channel: str, data: bytes, kind: int, subject: str, info: ClientInfo | None = None
    ) -> Publication:
        batch = self._append_silently(channel, data, kind, subject, info)
        self.committed(batch)
        return batch.publications[0]

    def _append_silently(
        self, channel: str, data: bytes, kind: int, subject: str, info: ClientInfo | None = None
    ) -> Batch:
        publication = self.log.append(channel, data, kind=kind, subject=subject, info=info)
        return Batch(channel, self.log.epoch, (publication,))

    async def _called(self, name: str) -> None:
        self.calls.append(name)
        if (gate := self.gates.pop(name, None)) is not None:
            await gate.through()
        if (failure := self.failures.pop(name, None)) is not None:
            raise failure

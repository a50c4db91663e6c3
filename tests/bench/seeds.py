"""Who is in which room before a measurement begins: members and messages, as SQL that both databases take.

Client number n of room r sits at place r * members + n in a row that goes round all clients, so that every client is in
as many rooms as the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from tests.bench.auth import token
from tests.bench.servers import MESSAGE_BYTES, Client, text


@dataclass(frozen=True)
class Layout:
    """`members` are those of each room, everybody where none are named; `messages` stand in each room."""

    clients: int
    rooms: int = 1
    members: int = 0
    messages: int = 0

    @property
    def members_of_each(self) -> int:
        return self.members or self.clients

    def user(self, client: int) -> str:
        return f"bench-{client}"

    def room(self, number: int) -> str:
        return f"bench-{number}"

    def room_of(self, client: int, turn: int) -> str:
        """Name one of the client's rooms; other turns name others."""
        rounds = max(1, self.rooms * self.members_of_each // self.clients)
        return self.room((client + turn % rounds * self.clients) // self.members_of_each)

    def hello(self, client: int, **fields: object) -> str:
        return _line(1, connect={"token": token(self.user(client)), **fields})

    def posting(self, connections: int, publishers: int) -> Sequence[Client]:
        """Everybody connects; publishers are spread over clients and rooms, the first client is one of them."""
        stride = max(1, connections // max(1, publishers))
        posts = {turn * stride: self.room_of(turn * stride, turn) for turn in range(publishers)}
        return [Client(self.hello(n), post(posts[n]) if n in posts else "") for n in range(connections)]

    def sql(self) -> str:
        return ";".join([*self._people(), *self._rooms(), *(self._messages() if self.messages else ())])

    def _people(self) -> list[str]:
        people = _numbers(self.clients)
        return [
            f"INSERT INTO person (id, name) {people} SELECT 'bench-' || n, 'bench-' || n FROM numbers",
            f"INSERT INTO log (id) {people} SELECT 'user:bench-' || n FROM numbers",
        ]

    def _rooms(self) -> list[str]:
        rooms, members = _numbers(self.rooms), self.members_of_each
        made = (
            f"INSERT INTO room (id, name, kind, created_at, created_by, members) {rooms}"
            f" SELECT 'bench-' || n, 'Room ' || n, 'public', 0, '', {members} FROM numbers"
        )
        joined = (
            f"INSERT INTO member (room_id, user_id, role, status) {_numbers(self.rooms * members)}"
            f" SELECT 'bench-' || (n / {members}), 'bench-' || (n % {self.clients}), 'member', 'joined' FROM numbers"
        )
        return [made, joined, f"INSERT INTO log (id) {rooms} SELECT 'room:bench-' || n FROM numbers"]

    def _messages(self) -> list[str]:
        """The index of search counts as up to date, or it would be written during the measurement."""
        content = f"""'{{"body":"message ' || n || ' {"x" * (MESSAGE_BYTES - 20)}"}}'"""
        written = (
            'INSERT INTO entry (log_id, "offset", kind, id, author, client_id, at, posts, content)'
            f" {_numbers(self.messages)} SELECT log.id, n + 1, 1, log.id || '/' || n, 'bench-' || (n % {self.clients}),"
            f" 'seed-' || n, n, n + 1, {content} FROM numbers, log WHERE log.id LIKE 'room:bench-%'"
        )
        return [
            written,
            f"UPDATE log SET head = {self.messages}, posts = {self.messages} WHERE id LIKE 'room:bench-%'",
            "INSERT INTO search_cursor (log_id, \"offset\") SELECT id, head FROM log WHERE id LIKE 'room:bench-%'",
        ]


def post(room: str, size: int = MESSAGE_BYTES) -> str:
    return call("message.post", room=room, body=text(size))


def call(method: str, **data: object) -> str:
    """Give a command for the load client, which puts the number in."""
    return _line("%I", rpc={"method": method, "data": data}).replace('"%I"', "%I", 1)


def _line(number: object, **command: object) -> str:
    return msgspec.json.encode({"id": number, **command}).decode()


def _numbers(count: int) -> str:
    return f"WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count - 1})"

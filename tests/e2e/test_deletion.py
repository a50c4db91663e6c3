"""A deleted message is gone: no answer that begins after the delete holds its text, and no slow reader gets it late."""

import asyncio
import contextlib
import json
import socket
from typing import Any

from tests.driver import ChatUser
from tests.e2e.conftest import Arrive, Dial
from tests.e2e.conversation import new_room
from tests.e2e.rest_calls import send
from tests.e2e.wires import Wire
from tests.faults import eventually
from tests.integration.chat_gateway.transports.wire import REQUEST, request_head
from tests.stack import Stack
from tests.unit.chat_gateway.transports.client_frames import text

GONE = "quillonish"
CUT_SECONDS = 5
"""Far below the write deadline, which would cut a slow reader as well."""

BIG = "\N{OCTOPUS}" * 7_900


class Told:
    """A message that was edited, pinned, answered and answered in its thread, in a room with a reader on each side."""

    def __init__(self, owner: ChatUser, reader: ChatUser, wires: list[Wire]) -> None:
        self.owner, self.reader, self.wires = owner, reader, wires
        self.room = self.message = ""
        self.position: dict[str, Any] = {}

    async def tell(self) -> None:
        self.room = await new_room(self.owner, self.reader)
        page = await self.owner.rpc("history.page", {"room": self.room})
        self.position = {"epoch": page["epoch"], "offset": page["head"]}
        await self.tell_another()

    async def tell_another(self) -> None:
        self.message = (await self.reader.say(self.room, f"{GONE} at first"))["id"]
        about = {"room": self.room, "message": self.message}
        await self.reader.rpc("message.edit", {**about, "body": f"{GONE} after all"})
        await self.owner.rpc("message.pin", about)
        for link in ("thread", "reply_to"):
            posted = await self.owner.rpc(
                "message.post", {"room": self.room, "body": f"as to {link}", link: self.message}
            )
        for wire in self.wires:
            await eventually(lambda: posted["offset"] in wire.offsets(f"room:{self.room}"))  # noqa: B023 - awaited here

    async def delete(self) -> None:
        await self.owner.rpc("message.delete", {"room": self.room, "message": self.message})

    @property
    def questions(self) -> list[tuple[str, dict[str, Any]]]:
        about = {"room": self.room}
        return [
            ("history.page", about),
            ("history.page", {**about, "after": 0, "limit": 200}),
            ("history.page", {**about, "pinned": True}),
            ("thread.page", {**about, "thread": self.message}),
            ("message.revisions", {**about, "message": self.message}),
            ("search.messages", {"query": GONE}),
            ("search.messages", {"query": f"{GONE[2:7]} in:{self.room}"}),
        ]

    async def is_answered_nowhere(self, dial: Dial, base: str) -> None:
        channel = f"room:{self.room}"
        past = {"recover": True, **self.position}
        for gateway, wire in enumerate(self.wires):
            told_before = len(wire.raw)
            recovering = await dial(self.reader, gateway, subs={channel: past})
            assert recovering.welcome["subs"][channel]["publications"]
            by_hand = await dial(self.reader, gateway, data={"rooms": False})
            assert (await by_hand.call(subscribe={"channel": channel, **past}))["subscribe"]["publications"]
            for verb, data in self.questions:
                await wire.rpc(verb, **data)
            await wire.call(history={"channel": channel, "limit": -1})
            for answered in (wire.raw[told_before:], recovering.raw, by_hand.raw):
                assert GONE not in answered
            for one in (recovering, by_hand):
                await one.hang_up()
        for verb, data in self.questions:
            _, answer = await send(base, self.reader.token, verb, **data)
            assert GONE not in json.dumps(answer).replace(f'"{GONE}"', "")


async def tell(arrive: Arrive, dial: Dial) -> Told:
    owner, reader = await arrive(gateway=0), await arrive(gateway=1)
    told = Told(owner, reader, [await dial(reader, gateway) for gateway in (0, 1)])
    await told.tell()
    return told


async def test_no_answer_after_the_delete_holds_the_text_on_either_gateway(
    stack: Stack, arrive: Arrive, dial: Dial
) -> None:
    told = await tell(arrive, dial)
    while not (await told.reader.rpc("search.messages", {"query": GONE}))["hits"]:
        pass
    for _ in range(3):
        await told.delete()
        await told.is_answered_nowhere(dial, stack.base)
        await told.tell_another()


async def test_no_answer_after_the_delete_holds_the_text_while_redis_is_cut_off(
    stack: Stack, arrive: Arrive, dial: Dial
) -> None:
    told = await tell(arrive, dial)
    stack.kill_valkey()
    try:
        await told.delete()
        await told.is_answered_nowhere(dial, stack.base)
    finally:
        stack.start_valkey()
    await told.is_answered_nowhere(dial, stack.base)


class SlowReader:
    """Somebody on a socket of their own, past the front, who reads the greeting and nothing after it."""

    def __init__(self, stack: Stack, user: ChatUser) -> None:
        self._stack, self._user = stack, user
        self._socket = socket.socket()
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)

    async def connect(self, gateway: int) -> None:
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self._socket, ("127.0.0.1", self._stack.ports.gateways[gateway]))
        hello = text(json.dumps({"id": 1, "connect": {"token": self._user.token}}))
        await loop.sock_sendall(self._socket, request_head("/connection/websocket", REQUEST) + hello)
        greeting = b""
        while b'"id":1' not in greeting:
            greeting += await loop.sock_recv(self._socket, 65_536)

    @property
    def is_closed(self) -> bool:
        """Whether the gateway says so; asking the socket would mean to read."""
        return any(
            '"client.closed"' in line and self._user.id in line
            for line in (self._stack.folder / "gateway2.log").read_text().splitlines()
        )

    async def rest(self) -> bytes:
        """What the kernel had been handed."""
        loop, read = asyncio.get_running_loop(), b""
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(CUT_SECONDS):
                while piece := await loop.sock_recv(self._socket, 65_536):
                    read += piece
        return read

    def hang_up(self) -> None:
        self._socket.close()


async def test_a_slow_reader_that_still_waits_for_the_deleted_text_is_cut_and_never_gets_it(
    stack: Stack, arrive: Arrive
) -> None:
    owner, slow, watcher = await arrive(gateway=0), await arrive(gateway=0), await arrive(gateway=1)
    room = await new_room(owner, slow, watcher)
    reader = SlowReader(stack, slow)
    try:
        await reader.connect(gateway=1)
        for n in range(7):
            await owner.say(room, f"number {n} {BIG}")
        message = (await owner.say(room, f"{GONE} {BIG}"))["id"]
        await watcher.sees(room, f"{GONE} {BIG}")
        assert not reader.is_closed, "so much may wait for a slow reader"
        await owner.rpc("message.delete", {"room": room, "message": message})
        await eventually(lambda: reader.is_closed, seconds=CUT_SECONDS)
        handed_over = await reader.rest()
        assert b"number 0" in handed_over
        assert b"number 6" not in handed_over, "so much did not fit into the kernel, this showed nothing"
        assert GONE.encode() not in handed_over
    finally:
        reader.hang_up()

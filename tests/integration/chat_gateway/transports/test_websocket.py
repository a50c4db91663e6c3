import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import ClientSession, web

from chat_gateway.protocol.json_codec import JSON
from chat_gateway.protocol.protobuf_codec import PROTOBUF
from chat_gateway.realtime.link import Link
from chat_gateway.transports.socket_link import MESSAGE_LIMIT_BYTES
from tests.integration.chat_gateway.transports.wire import ORIGIN, REQUEST, Client, Recorder, Server, request_head
from tests.unit.chat_gateway.transports.client_frames import frame, text

Connect = Callable[..., Awaitable[Client]]


async def test_message_is_received_and_answered(server: Server, connect: Connect) -> None:
    client = await connect(headers={"Sec-WebSocket-Protocol": "centrifuge-json", "Origin": ORIGIN})
    assert client.status == 101
    assert b"Sec-WebSocket-Protocol: centrifuge-json\r\n" in client.head
    client.send(text("grüße"))
    assert await client.frame() == (1, "grüße".encode())
    [receiver] = server.receivers
    assert receiver.link.codec is JSON
    assert receiver.link.address == "127.0.0.1"
    assert receiver.link.buffered() == 0


async def test_protobuf_goes_in_binary_frames(server: Server, connect: Connect) -> None:
    client = await connect(headers={"Sec-WebSocket-Protocol": "centrifuge-protobuf"})
    assert b"Sec-WebSocket-Protocol: centrifuge-protobuf\r\n" in client.head
    client.send(frame(2, b"\xff\x00"))
    assert await client.frame() == (2, b"\xff\x00")
    [receiver] = server.receivers
    assert receiver.link.codec is PROTOBUF


@pytest.mark.parametrize(("subprotocol", "kind"), [("centrifuge-json", 1), ("centrifuge-protobuf", 2)])
async def test_frame_of_the_other_kind_is_taken_by_what_is_in_it(
    server: Server, connect: Connect, subprotocol: str, kind: int
) -> None:
    """The encoding was agreed in the handshake; the protocol's first server does not look at the kind either."""
    client = await connect(headers={"Sec-WebSocket-Protocol": subprotocol})
    client.send(frame(3 - kind, b"{}"))
    assert await client.frame() == (kind, b"{}")


async def test_aiohttp_forgets_the_connection(server: Server, connect: Connect) -> None:
    client = await connect()
    await client.barrier()
    assert server.runner.server is not None
    assert server.runner.server.connections == []


async def test_another_client_library_is_served(server: Server) -> None:
    async with (
        ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{server.port}/ws", compress=15) as socket,
    ):
        assert not socket.compress
        await socket.send_str("x" * 100_000)
        assert await socket.receive_str() == "x" * 100_000
        await socket.close(code=4000, message=b"done")
    [receiver] = server.receivers
    await receiver.gone.wait()
    assert receiver.losses == 1


@pytest.mark.parametrize("size", [1, 64 * 1024 + 1, 360 * 1024])
async def test_bytes_sent_with_the_request_arrive(server: Server, connect: Connect, size: int) -> None:
    payload = b"x" * (size // 3)
    client = await connect(early=text(payload) * 3)
    for _ in range(3):
        assert await client.frame() == (1, payload)
    client.send(text("later"))
    assert await client.frame() == (1, b"later")


async def test_receiver_may_refuse_at_once(server: Server, connect: Connect) -> None:
    def refused(link: Link) -> Recorder:
        link.close(3504, "connection limit")
        return Recorder(link)

    server.accept = refused
    client = await connect(early=text("ignored"))
    assert await client.rest() == b"\x88\x12\x0d\xb0connection limit"
    client.writer.close()
    [receiver] = server.receivers
    await receiver.gone.wait()
    assert receiver.messages == []


async def test_connection_ends_if_it_is_not_accepted(server: Server, connect: Connect) -> None:
    def broken(link: Link) -> Recorder:
        raise RuntimeError

    server.accept = broken
    client = await connect()
    assert await client.rest() == b""


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upgrade": "", "Connection": ""}, 426),
        ({"Sec-WebSocket-Version": "8"}, 426),
        ({"Sec-WebSocket-Key": ""}, 400),
        ({"Origin": "https://evil.example"}, 403),
        ({"Content-Length": "4"}, 400),
    ],
)
async def test_refused_handshake_is_an_http_answer(
    server: Server, connect: Connect, headers: dict[str, str], status: int
) -> None:
    client = await connect(headers=headers, early=b"abcd" if "Content-Length" in headers else b"")
    assert client.status == status
    assert (b"Sec-WebSocket-Version: 13" in client.head) == (status == 426)
    assert b"application/problem+json" in client.head
    assert server.receivers == []


async def test_ping_is_answered_between_messages(server: Server, connect: Connect) -> None:
    client = await connect()
    client.send(text("a") + frame(9, b"?") + text("b") + frame(10, b"unasked"))
    assert [await client.frame() for _ in range(3)] == [(1, b"a"), (10, b"?"), (1, b"b")]


async def test_message_at_the_limit_passes(server: Server, connect: Connect) -> None:
    client = await connect()
    client.send(text("x" * MESSAGE_LIMIT_BYTES))
    assert await client.frame() == (1, b"x" * MESSAGE_LIMIT_BYTES)


async def test_client_that_has_gone_is_not_accepted(server: Server) -> None:
    asked, judged = asyncio.Event(), asyncio.Event()

    async def until_gone(request: web.Request) -> None:
        asked.set()
        while request.transport is not None:  # noqa: ASYNC110 - aiohttp has no event for it
            await asyncio.sleep(0)
        asyncio.get_running_loop().call_soon(judged.set)

    server.before = until_gone
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(request_head("/ws", REQUEST))
    await asked.wait()
    writer.close()
    async with asyncio.timeout(5):
        await judged.wait()
    assert server.receivers == []

"""What links of every kind do alike, each on real sockets."""

import asyncio
import gc
import socket
import weakref
from collections.abc import Awaitable, Callable

import pytest

from chat_gateway.realtime.link import Link
from chat_gateway.transports import socket_link
from tests.integration.chat_gateway.transports.wire import REQUEST, Client, Recorder, Server, post, request_head

Ask = Callable[..., Awaitable[Client]]

KINDS = {
    "websocket": (request_head("/ws", REQUEST), b"\x88\x0a\x0b\xb9shutdown"),
    "http_stream": (post("/http_stream", b"{}"), b'{"push":{"disconnect":{"code":3001,"reason":"shutdown"}}}\n'),
    "sse": (post("/sse", b"{}"), b'data: {"push":{"disconnect":{"code":3001,"reason":"shutdown"}}}\n\n'),
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest, server: Server) -> tuple[bytes, bytes]:
    """The request that opens a connection of the kind, and the last words of a shutdown."""
    server.accept = Recorder
    return KINDS[request.param]


@pytest.fixture
def opening(kind: tuple[bytes, bytes]) -> bytes:
    return kind[0]


async def gone(receiver: Recorder) -> None:
    async with asyncio.timeout(5):
        await receiver.gone.wait()
    assert receiver.losses == 1


def stop_reading(client: Client) -> asyncio.Transport:
    transport: asyncio.Transport = client.reader._transport  # type: ignore[attr-defined] # there is no other way to it
    transport.pause_reading()
    return transport


async def test_aiohttp_forgets_the_connection(server: Server, ask: Ask, opening: bytes) -> None:
    await ask(opening)
    assert server.runner.server is not None
    async with asyncio.timeout(5):
        while server.runner.server.connections:  # noqa: ASYNC110 - the head is read before the handler has returned
            await asyncio.sleep(0)
    assert len(server.receivers) == 1


async def test_receiver_hears_as_soon_as_bytes_stay_in_user_space(server: Server, ask: Ask, opening: bytes) -> None:
    client = await ask(opening, receive_buffer_bytes=4096)
    transport = stop_reading(client)
    [receiver] = server.receivers
    sent = 0
    while not receiver.writable_calls:
        assert receiver.link.buffered() == 0
        receiver.link.write(b"x" * 4096)
        sent += 4096
    assert receiver.writable_calls == [False]
    assert receiver.link.buffered() > 0
    assert sent < 400 * 1024  # what the kernel took: without the listener's bound it would be megabytes
    transport.resume_reading()
    await receiver.until(lambda: receiver.writable_calls == [False, True])
    assert receiver.link.buffered() == 0


async def test_closing_tells_the_client_and_ends_in_order(server: Server, ask: Ask, kind: tuple[bytes, bytes]) -> None:
    client = await ask(kind[0])
    [receiver] = server.receivers
    receiver.link.close(3001, "shutdown")
    receiver.link.close(3008, "slow")
    receiver.link.write(b"too late")
    assert await client.rest() == kind[1]
    client.writer.close()
    await gone(receiver)
    receiver.link.close(3001, "shutdown")
    receiver.link.write(b"too late")
    receiver.link.pause()
    receiver.link.resume()
    receiver.link.abort()
    assert receiver.losses == 1


async def test_receiver_may_refuse_at_once(server: Server, ask: Ask, kind: tuple[bytes, bytes]) -> None:
    def refused(link: Link) -> Recorder:
        link.close(3001, "shutdown")
        return Recorder(link)

    server.accept = refused
    client = await ask(kind[0])
    assert await client.rest() == kind[1]
    client.writer.close()
    [receiver] = server.receivers
    await gone(receiver)
    assert receiver.messages == []


async def test_connection_ends_if_it_is_not_accepted(server: Server, ask: Ask, opening: bytes) -> None:
    def broken(_link: Link) -> Recorder:
        raise RuntimeError

    server.accept = broken
    assert await (await ask(opening)).rest() == b""


async def test_client_that_does_not_go_is_aborted(
    server: Server, ask: Ask, opening: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_link, "CLOSE_SECONDS", 0.05)
    client = await ask(opening, receive_buffer_bytes=4096)
    stop_reading(client)
    [receiver] = server.receivers
    while receiver.link.buffered() == 0:
        receiver.link.write(b"x" * 65536)
    receiver.link.close(3008, "slow")
    await gone(receiver)


async def test_abort_drops_the_connection(server: Server, ask: Ask, opening: bytes) -> None:
    client = await ask(opening)
    [receiver] = server.receivers
    receiver.link.abort()
    receiver.link.close(3001, "shutdown")
    assert await client.rest() == b""
    await gone(receiver)


async def test_client_that_disappears_is_lost_once(server: Server, ask: Ask, opening: bytes) -> None:
    client = await ask(opening)
    [receiver] = server.receivers
    raw = client.writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    client.writer.transport.abort()
    await gone(receiver)
    receiver.link.write(b"x")
    receiver.link.close(3001, "shutdown")
    assert receiver.link.buffered() == 0
    assert receiver.losses == 1


async def test_client_that_only_stops_sending_is_gone(server: Server, ask: Ask, opening: bytes) -> None:
    client = await ask(opening)
    client.writer.write_eof()
    await gone(server.receivers[0])
    assert await client.rest() == b""


async def test_lost_link_is_freed_without_the_garbage_collector(server: Server, ask: Ask, opening: bytes) -> None:
    client = await ask(opening)
    receiver = server.receivers.pop()
    kept = weakref.ref(receiver)
    gc.disable()
    try:
        client.writer.close()
        await receiver.gone.wait()
        del receiver
        assert kept() is None
    finally:
        gc.enable()

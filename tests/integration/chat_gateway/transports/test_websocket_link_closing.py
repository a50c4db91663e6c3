import asyncio
import gc
import socket
import weakref
from collections.abc import Awaitable, Callable

import pytest

from chat_gateway.transports import socket_link
from chat_gateway.transports.socket_link import MESSAGE_LIMIT_BYTES
from tests.integration.chat_gateway.transports.wire import Client, Server
from tests.unit.chat_gateway.transports.client_frames import close, frame, head, text

Connect = Callable[..., Awaitable[Client]]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (head(1, 2, masked=False) + b"hi", 1002),
        (text(b"\xff"), 1007),
        (text("", fin=False) + frame(0, b"", fin=False) * 1100, 1008),
        (head(1, MESSAGE_LIMIT_BYTES + 1), 1009),
    ],
)
async def test_violation_is_answered_with_its_code_and_ends_in_order(
    server: Server, connect: Connect, bad: bytes, code: int
) -> None:
    client = await connect()
    client.send(text("before") + bad + text("after"))
    assert await client.frame() == (1, b"before")
    opcode, payload = await client.frame()
    assert (opcode, int.from_bytes(payload[:2])) == (8, code)
    assert len(payload) > 2
    assert await client.reader.read() == b""  # end of file, not a reset
    client.writer.close()
    [receiver] = server.receivers
    await receiver.gone.wait()
    assert receiver.messages == [b"before"]


async def test_close_of_the_peer_is_echoed_and_nothing_follows(server: Server, connect: Connect) -> None:
    client = await connect()
    client.send(text("a") + close(4001, b"bye") + text("b"))
    assert await client.frame() == (1, b"a")
    assert await client.frame() == (8, (4001).to_bytes(2))
    [receiver] = server.receivers
    receiver.link.write(receiver.link.wrap(b"too late"))
    receiver.link.close(3001, "shutdown")
    assert await client.rest() == b""
    client.writer.close()
    await receiver.gone.wait()
    assert receiver.messages == [b"a"]


async def test_shutdown_tells_every_client_and_hears_of_each_end_once(server: Server, connect: Connect) -> None:
    clients = [await connect() for _ in range(20)]
    for receiver in server.receivers:
        receiver.link.close(3001, "shutdown")
    for client in clients:
        assert await client.rest() == b"\x88\x0a\x0b\xb9shutdown"
        client.writer.close()
    for receiver in server.receivers:
        await receiver.gone.wait()
    assert [receiver.losses for receiver in server.receivers] == [1] * 20


async def test_client_that_does_not_answer_the_close_is_aborted(
    server: Server, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_link, "CLOSE_SECONDS", 0.05)
    client = await connect()
    [receiver] = server.receivers
    receiver.link.close(3001, "shutdown")
    assert await client.frame() == (8, b"\x0b\xb9shutdown")
    client.send(text("still here") * 10)
    async with asyncio.timeout(5):
        await receiver.gone.wait()
    assert receiver.messages == []


async def test_client_that_reads_nothing_cannot_keep_a_closing_link(
    server: Server, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_link, "CLOSE_SECONDS", 0.05)
    client = await connect(receive_buffer_bytes=4096)
    client.reader._transport.pause_reading()  # type: ignore[attr-defined] # the only way to a client that does not read
    [receiver] = server.receivers
    while receiver.link.buffered() == 0:
        receiver.link.write(b"x" * 65536)
    client.send(close())
    async with asyncio.timeout(5):
        await receiver.gone.wait()
    assert receiver.losses == 1


async def test_end_of_file_without_a_close_is_the_end(server: Server, connect: Connect) -> None:
    client = await connect()
    client.writer.write_eof()
    [receiver] = server.receivers
    async with asyncio.timeout(5):
        await receiver.gone.wait()
    assert await client.rest() == b""


async def test_reset_is_the_end_and_later_calls_do_no_harm(server: Server, connect: Connect) -> None:
    client = await connect()
    [receiver] = server.receivers
    receiver.link.pause()
    raw = client.writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    client.writer.transport.abort()
    receiver.link.resume()
    async with asyncio.timeout(5):
        await receiver.gone.wait()
    receiver.link.write(b"x")
    receiver.link.close(3001, "shutdown")
    receiver.link.pause()
    receiver.link.resume()
    receiver.link.abort()
    assert receiver.link.buffered() == 0
    assert receiver.losses == 1


async def test_abort_drops_the_connection(server: Server, connect: Connect) -> None:
    client = await connect()
    [receiver] = server.receivers
    receiver.link.abort()
    receiver.link.close(3001, "shutdown")
    assert await client.rest() == b""
    await receiver.gone.wait()
    assert receiver.losses == 1


async def test_paused_link_still_closes_in_order(server: Server, connect: Connect) -> None:
    client = await connect()
    [receiver] = server.receivers
    receiver.link.pause()
    client.send(text("unread"))
    receiver.link.close(3008, "slow")
    assert await client.rest() == b"\x88\x06\x0b\xc0slow"
    client.writer.close()
    async with asyncio.timeout(5):
        await receiver.gone.wait()
    assert receiver.messages == []


async def test_lost_link_is_freed_without_the_garbage_collector(server: Server, connect: Connect) -> None:
    client = await connect()
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

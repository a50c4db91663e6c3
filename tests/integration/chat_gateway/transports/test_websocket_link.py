from collections.abc import Awaitable, Callable

from chat_gateway.realtime.link import Link
from chat_gateway.transports.websocket_link import CONTROLS_A_SECOND
from tests.integration.chat_gateway.transports.wire import Client, Echo, Recorder, Server
from tests.unit.chat_gateway.transports.client_frames import frame, text

Connect = Callable[..., Awaitable[Client]]


async def test_receiver_may_pause_before_the_early_bytes(server: Server, connect: Connect) -> None:
    def paused(link: Link) -> Recorder:
        link.pause()
        return Echo(link)

    server.accept = paused
    client = await connect(early=text("x" * 100_000) * 3)
    [receiver] = server.receivers
    assert receiver.messages == []
    receiver.link.resume()
    for _ in range(3):
        assert await client.frame() == (1, b"x" * 100_000)


async def test_flood_of_pings_ends_the_connection(server: Server, connect: Connect) -> None:
    client = await connect()
    client.send(frame(9) * (CONTROLS_A_SECOND + 1))
    for _ in range(CONTROLS_A_SECOND):
        assert await client.frame() == (10, b"")
    assert await client.frame() == (8, b"\x03\xf0too many pings")


async def test_pause_stops_between_two_messages_of_one_read(server: Server, connect: Connect) -> None:
    client = await connect()
    [receiver] = server.receivers
    receiver.on_message = lambda payload: receiver.link.pause() if payload == b"stop" else None
    client.send(text("a") + text("stop") + text("b") + text("c"))
    assert await client.frame() == (1, b"a")
    assert await client.frame() == (1, b"stop")
    client.send(text("d"))
    assert receiver.messages == [b"a", b"stop"]
    receiver.link.resume()
    assert receiver.messages == [b"a", b"stop"]  # never from within the call
    assert [await client.frame() for _ in range(3)] == [(1, b"b"), (1, b"c"), (1, b"d")]


async def test_receiver_may_pause_and_resume_within_a_message(server: Server, connect: Connect) -> None:
    client = await connect()
    [receiver] = server.receivers

    def hesitate(_: bytes) -> None:
        receiver.link.pause()
        receiver.link.pause()
        receiver.link.resume()
        receiver.link.resume()

    receiver.on_message = hesitate
    client.send(text("a") + text("b"))
    await client.barrier()
    assert receiver.messages == [b"a", b"b"]


async def test_receiver_hears_as_soon_as_bytes_stay_in_user_space(server: Server, connect: Connect) -> None:
    client = await connect(receive_buffer_bytes=4096)
    transport = client.reader._transport  # type: ignore[attr-defined] # the only way to a client that does not read
    transport.pause_reading()
    [receiver] = server.receivers
    sent = 0
    while not receiver.writable_calls:
        assert receiver.link.buffered() == 0
        receiver.link.write(receiver.link.wrap(b"x" * 4096))
        sent += 4100
    assert receiver.writable_calls == [False]
    assert receiver.link.buffered() > 0
    assert sent < 400 * 1024  # what the kernel took: without the listener's bound it would be megabytes
    client.send(frame(9, b"unanswered while nothing is read"))
    transport.resume_reading()
    await receiver.until(lambda: receiver.writable_calls == [False, True])
    assert receiver.link.buffered() == 0

import asyncio
from collections.abc import Awaitable, Callable

from tests.integration.chat_gateway.transports.wire import Client, Server, post

Ask = Callable[..., Awaitable[Client]]

REQUEST = post("/http_stream", b'{"id":1}')


async def test_requests_behind_the_one_that_became_a_stream_are_dropped(server: Server, ask: Ask) -> None:
    client = await ask(REQUEST * 2)
    assert await client.line() == b'{"id":1}'
    client.send(REQUEST)
    [receiver] = server.receivers
    receiver.link.close(3001, "shutdown")
    assert (await client.rest()).count(b"\n") == 1
    assert len(server.receivers) == 1


async def test_end_of_a_client_that_sent_many_requests_is_heard(server: Server, ask: Ask) -> None:
    """aiohttp stops reading from it until it has answered some, which it never does."""
    client = await ask(REQUEST * 200)
    client.writer.close()
    async with asyncio.timeout(5):
        await server.receivers[0].gone.wait()


async def test_end_of_a_client_that_sent_a_large_body_slowly_is_heard(server: Server, ask: Ask) -> None:
    body = post("/http_stream", b" " * 200_000)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    for start in range(0, len(body), 50_000):
        writer.write(body[start : start + 50_000])
        await writer.drain()
    assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
    writer.close()
    async with asyncio.timeout(5):
        await server.receivers[0].gone.wait()


async def test_client_of_http_1_0_is_served(ask: Ask) -> None:
    client = await ask(REQUEST.replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert await client.line() == b'{"id":1}'
    assert b"Transfer-Encoding" not in client.head


async def test_client_that_asks_for_permission_to_send_is_served(server: Server, ask: Ask) -> None:
    head, _, body = post("/http_stream", b"{}", Expect="100-continue").partition(b"\r\n\r\n")
    client = await ask(head + b"\r\n\r\n")
    assert client.status == 100
    client.send(body)
    client.head = await client.reader.readuntil(b"\r\n\r\n")
    assert client.status == 200
    assert await client.line() == b"{}"

from collections.abc import Awaitable, Callable
from urllib.parse import quote

import pytest

from chat_gateway.transports.socket_link import MESSAGE_LIMIT_BYTES
from tests.integration.chat_gateway.transports.wire import Client, Server, post, request_head

Ask = Callable[..., Awaitable[Client]]

COMMANDS = '{"id":1,"x":"grüße & +"}'


async def event(client: Client) -> bytes:
    return (await client.reader.readuntil(b"\n\n"))[:-2]


@pytest.mark.parametrize(
    "request_",
    [
        request_head(f"/sse?cf_connect={quote(COMMANDS)}", {"Host": "localhost"}),
        post("/sse", COMMANDS.encode()),
    ],
    ids=["address", "body"],
)
async def test_each_reply_is_an_event(server: Server, ask: Ask, request_: bytes) -> None:
    client = await ask(request_)
    assert b"Content-Type: text/event-stream\r\n" in client.head
    assert b"X-Accel-Buffering: no\r\n" in client.head
    assert await event(client) == b"data: " + COMMANDS.encode()
    [receiver] = server.receivers
    receiver.link.write(receiver.link.wrap(b"{}\n{}"))
    assert [await event(client) for _ in range(2)] == [b"data: {}"] * 2
    assert len(receiver.link.session) == 43


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (request_head("/sse", {"Host": "localhost"}), 400),
        (post("/sse", b""), 400),
        (post("/sse", b"x" * (MESSAGE_LIMIT_BYTES + 1)), 413),
        (request_head("/sse?cf_connect={}", {"Host": "localhost", "Origin": "https://evil.example"}), 403),
    ],
)
async def test_a_refused_stream_is_a_problem_document(server: Server, ask: Ask, request_: bytes, status: int) -> None:
    client = await ask(request_)
    assert client.status == status
    assert b"application/problem+json" in client.head
    assert server.receivers == []

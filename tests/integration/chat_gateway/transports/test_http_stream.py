"""The answer that never ends, on real sockets: its form and refusals with a recorder, its life with the engine."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from chat_gateway.protocol import client_pb2
from chat_gateway.protocol.json_codec import JSON
from chat_gateway.protocol.protobuf_codec import PROTOBUF
from chat_gateway.transports import emulation, socket_link
from chat_gateway.transports.socket_link import MESSAGE_LIMIT_BYTES
from tests.clients import Instance, token_of, until
from tests.fakes import MemoryLog, OpenChannels
from tests.faults import eventually, tcp_proxy
from tests.integration.chat_gateway.transports.wire import Client, Recorder, Server, post

Ask = Callable[..., Awaitable[Client]]


def commands(*fields: dict[str, Any]) -> bytes:
    return "\n".join(json.dumps({"id": number, **one}) for number, one in enumerate(fields, 1)).encode()


CONNECT = commands({"connect": {"token": token_of("ann")}}, {"subscribe": {"channel": "news"}})


async def test_replies_are_lines_of_an_answer_without_end(server: Server, ask: Ask) -> None:
    client = await ask(post("/http_stream", b"one"))
    head = dict(line.split(": ", 1) for line in client.head.decode().split("\r\n")[1:-2])
    assert len(head.pop("X-Request-Id")) == 32
    assert head == {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "Connection": "close",
        "X-Accel-Buffering": "no",
        "X-Content-Type-Options": "nosniff",
        "Vary": "Origin",
    }
    assert await client.line() == b"one"
    [receiver] = server.receivers
    receiver.link.write(receiver.link.wrap(b"two"))
    assert await client.line() == b"two"
    assert receiver.link.codec is JSON


async def test_protobuf_is_asked_for_by_the_content_type(server: Server, ask: Ask) -> None:
    client = await ask(post("/http_stream", b"\x02{}", Content_Type="application/octet-stream; x=1"))
    assert b"Content-Type: application/octet-stream\r\n" in client.head
    assert await client.reader.readexactly(3) == b"\x02{}"
    [receiver] = server.receivers
    assert receiver.link.codec is PROTOBUF
    receiver.link.close(3001, "shutdown")
    last = await client.rest()
    assert last[0] == len(last) - 1
    assert client_pb2.Reply.FromString(last[1:]).push.disconnect.code == 3001


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (post("/http_stream", b""), 400),
        (post("/http_stream", b"x" * (MESSAGE_LIMIT_BYTES + 1)), 413),
        (post("/http_stream", b"{}", Origin="https://evil.example"), 403),
    ],
    ids=["empty", "too large", "foreign"],
)
async def test_a_refused_stream_is_a_problem_document(server: Server, ask: Ask, request_: bytes, status: int) -> None:
    client = await ask(request_)
    assert client.status == status
    assert b"application/problem+json" in client.head
    assert server.receivers == []


async def test_body_at_the_limit_is_taken_and_a_chunked_one_is_counted(server: Server, ask: Ask) -> None:
    await ask(post("/http_stream", b"x" * MESSAGE_LIMIT_BYTES))
    assert [receiver.messages for receiver in server.receivers] == [[b"x" * MESSAGE_LIMIT_BYTES]]
    chunk = b"1000\r\n" + b"x" * 0x1000 + b"\r\n"
    body = chunk * (MESSAGE_LIMIT_BYTES // 0x1000 + 1) + b"0\r\n\r\n"
    head = post("/http_stream", b"", Content_Length="", Transfer_Encoding="chunked")
    client = await ask(head + body)
    assert client.status == 413
    assert len(server.receivers) == 1


async def test_a_body_that_comes_too_slowly_is_refused(
    server: Server, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulation, "BODY_SECONDS", 0.05)
    client = await ask(post("/http_stream", b"{}")[:-1])
    assert client.status == 400
    assert server.receivers == []


async def test_the_own_page_may_read_the_stream(ask: Ask) -> None:
    client = await ask(post("/http_stream", b"{}", Origin="http://localhost:8080"))
    assert b"Access-Control-Allow-Origin: http://localhost:8080\r\n" in client.head
    assert b"Vary: Origin\r\n" in client.head


@pytest.fixture
async def instance(server: Server) -> AsyncIterator[Instance]:
    channels = OpenChannels(MemoryLog())
    async with Instance(channels) as instance:
        channels.committed = instance.engine.committed
        instance.engine.instance = "here"
        server.accept = instance.engine.accept  # type: ignore[assignment] # sessions, not recorders
        yield instance


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    await server.start()
    yield server
    for receiver in server.receivers:
        receiver.link.abort()
        if isinstance(receiver, Recorder):
            await receiver.gone.wait()
    await server.runner.cleanup()


async def test_engine_serves_a_stream(instance: Instance, ask: Ask) -> None:
    client = await ask(post("/http_stream", CONNECT))
    welcome = json.loads(await client.line())["connect"]
    assert len(welcome["session"]) == 43
    assert welcome["node"] == "here"
    assert "subscribe" in json.loads(await client.line())
    instance.application.post("news", b"1")
    assert json.loads(await client.line())["push"]["pub"] == {"data": 1, "offset": 1}
    body = {"session": welcome["session"], "node": "here", "data": '{"id":3,"publish":{"channel":"news","data":2}}'}
    assert (await ask(post("/emulation", json.dumps(body).encode()))).status == 204
    assert {json.loads(await client.line()).get("id") for _ in range(2)} == {3, None}


async def test_a_malformed_or_refused_first_command_is_told_by_a_push(instance: Instance, ask: Ask) -> None:
    for body, code in ((b"{", 3501), (commands({"connect": {"token": "forged"}}), 3500)):
        client = await ask(post("/http_stream", body))
        [last] = (await client.rest()).splitlines()
        assert json.loads(last)["push"]["disconnect"]["code"] == code


async def test_a_reader_that_is_too_slow_is_sent_away_and_holds_little(instance: Instance, ask: Ask) -> None:
    client = await ask(post("/http_stream", CONNECT), receive_buffer_bytes=4096)
    for _ in range(2):
        await client.line()
    [session] = instance.engine.sessions
    client.reader._transport.pause_reading()  # type: ignore[attr-defined] # the only way to a client that does not read
    posted = 0
    while not session.closed:
        assert session.outbox.held() < 400 * 1024
        instance.application.post("news", b'"' + b"x" * 8192 + b'"')
        posted += 8192
        await asyncio.sleep(0)
    assert posted < 2 * 1024 * 1024  # the kernel's share, the outbox, and what both ends' libraries had taken
    client.reader._transport.resume_reading()  # type: ignore[attr-defined]
    last = (await client.rest()).splitlines()[-1]
    assert json.loads(last)["push"]["disconnect"] == {"code": 3008, "reason": "slow"}
    assert instance.nothing_attached()


async def test_a_client_behind_a_dead_route_is_given_up(
    instance: Instance, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_link, "CLOSE_SECONDS", 0.05)
    async with tcp_proxy("127.0.0.1", server.port) as proxy:
        client = await Client.ask(proxy.port, post("/http_stream", CONNECT))
        for _ in range(2):
            await client.line()
        [session] = instance.engine.sessions
        proxy.half_open()
        instance.pass_seconds(13)
        assert session.awaiting_pong
        instance.pass_seconds(8)
        assert session.closed
        await eventually(lambda: server.emulation.links._links == {})
        assert instance.nothing_attached()
        client.writer.close()


async def test_a_pong_comes_by_a_request(instance: Instance, ask: Ask) -> None:
    client = await ask(post("/http_stream", CONNECT))
    welcome = json.loads(await client.line())["connect"]
    await client.line()
    instance.pass_seconds(13)
    assert await client.line() == b"{}"
    body = {"session": welcome["session"], "node": "here", "data": "{}"}
    await ask(post("/emulation", json.dumps(body).encode()))
    [session] = instance.engine.sessions
    await until(lambda: not session.awaiting_pong)
    client.writer.close()
    await until(instance.nothing_attached)

"""Requests of an emulated client on one instance, and on two that meet on Valkey."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
import structlog

from chat_gateway.protocol import client_pb2
from chat_gateway.transports import emulation
from chat_gateway.transports.socket_link import MESSAGE_LIMIT_BYTES
from shared.errors import Unavailable
from tests.fakes import MemoryLog, OpenChannels
from tests.faults import TcpProxy, eventually, tcp_proxy
from tests.integration.chat_gateway.transports.nodes import Node, Stream
from tests.integration.chat_gateway.transports.wire import Client, Recorder, Server, post

Ask = Callable[..., Awaitable[Client]]


@pytest.fixture
async def receiver(server: Server, ask: Ask) -> Recorder:
    await ask(post("/http_stream", b"first"))
    return server.receivers[0]


def sent(session: str, data: str, *, node: str = "here") -> bytes:
    return json.dumps({"session": session, "node": node, "data": data}).encode()


async def problem(client: Client) -> tuple[int, str]:
    body = await client.rest() if b"Connection: close" in client.head else await client.reader.read(1 << 16)
    return client.status, json.loads(body)["code"]


async def test_commands_reach_the_link_of_their_session(ask: Ask, receiver: Recorder) -> None:
    client = await ask(post("/emulation", sent(receiver.link.session, '{"id":2}\n{"id":3}')))
    assert client.status == 204
    assert receiver.messages == [b"first", b'{"id":2}\n{"id":3}']


async def test_protobuf_commands_are_bytes(ask: Ask, receiver: Recorder) -> None:
    body = client_pb2.EmulationRequest(session=receiver.link.session, node="here", data=b"\xff\x00").SerializeToString()
    client = await ask(post("/emulation", body, Content_Type="application/octet-stream"))
    assert client.status == 204
    assert receiver.messages == [b"first", b"\xff\x00"]


async def test_an_unknown_session_is_not_found(ask: Ask, receiver: Recorder) -> None:
    client = await ask(post("/emulation", sent(receiver.link.session[:-1], "{}")))
    assert await problem(client) == (404, "session_not_found")
    assert receiver.messages == [b"first"]


async def test_a_session_is_known_until_its_link_is_gone(server: Server, ask: Ask, receiver: Recorder) -> None:
    session = receiver.link.session
    receiver.link.close(3001, "shutdown")
    assert (await ask(post("/emulation", sent(session, "{}")))).status == 204
    receiver.link.abort()
    await receiver.gone.wait()
    assert (await ask(post("/emulation", sent(session, "{}")))).status == 404
    assert receiver.messages == [b"first"]
    assert server.emulation.links._links == {}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b'{"session":"s","node":"here"}', 400),
        (b'{"session":1,"node":"here","data":"{}"}', 400),
        (b'{"session":"s","node":"here","data":{}}', 400),
        (b'{"session":"s","node":"here","data":""}', 400),
        (b'{"session":"s","node":"here","data":"\xff"}', 400),
        (b'{"session":"s","node":"here","data":"\\ud800"}', 400),
        (b"[" * 5000, 400),
        (sent("s" * 65, "{}"), 400),
        (sent("s", "{}", node="n" * 256), 400),
        (sent("s", "{}", node=""), 400),
        (sent("s", "x" * (MESSAGE_LIMIT_BYTES + 1)), 413),
        (b" " * (4 * MESSAGE_LIMIT_BYTES + 1), 413),
    ],
)
async def test_what_is_no_request_of_a_session_is_refused(
    server: Server, ask: Ask, receiver: Recorder, body: bytes, status: int
) -> None:
    client = await ask(post("/emulation", body.replace(b'"s"', b'"%b"' % receiver.link.session.encode())))
    assert client.status == status
    assert b"application/problem+json" in client.head
    assert receiver.messages == [b"first"]
    assert server.forwards == []


async def test_broken_protobuf_is_refused(ask: Ask) -> None:
    client = await ask(post("/emulation", b"\xff", Content_Type="application/octet-stream"))
    assert await problem(client) == (400, "invalid_request")


async def test_a_foreign_page_is_refused_and_the_own_one_may_read_answers(ask: Ask, receiver: Recorder) -> None:
    body = sent(receiver.link.session, "{}")
    assert (await ask(post("/emulation", body, Origin="https://evil.example"))).status == 403
    assert receiver.messages == [b"first"]
    client = await ask(post("/emulation", body, Origin="http://localhost:8080"))
    assert client.status == 204
    assert b"Access-Control-Allow-Origin: http://localhost:8080\r\n" in client.head
    client = await ask(post("/emulation", b"", Origin="http://localhost:8080"))
    assert client.status == 400
    assert b"Access-Control-Allow-Origin: http://localhost:8080\r\n" in client.head


async def test_a_body_that_comes_too_slowly_is_refused(
    ask: Ask, receiver: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulation, "BODY_SECONDS", 0.05)
    client = await ask(post("/emulation", sent(receiver.link.session, "{}"))[:-1])
    assert await problem(client) == (400, "invalid_request")


async def test_what_is_for_another_instance_is_forwarded_without_its_secret(server: Server, ask: Ask) -> None:
    server.forward = lambda node: node == "there"
    assert (await ask(post("/emulation", sent("secret", "{}", node="there")))).status == 204
    assert (await ask(post("/emulation", sent("secret", "{}", node="nowhere")))).status == 404
    assert [(node, message[-2:]) for node, message in server.forwards] == [("there", b"{}"), ("nowhere", b"{}")]
    assert not any(b"secret" in message for _, message in server.forwards)


async def test_forwarding_that_fails_for_now_says_when_to_come_back(server: Server, ask: Ask) -> None:
    def away(_node: str) -> bool:
        raise Unavailable("unavailable", "Not now.", retry_after=1)

    server.forward = away
    client = await ask(post("/emulation", sent("s", "{}", node="there")))
    assert client.status == 503
    assert b"Retry-After: 1\r\n" in client.head


async def test_forwarded_messages_reach_their_link_and_others_nobody(
    server: Server, ask: Ask, receiver: Recorder
) -> None:
    await ask(post("/emulation", sent(receiver.link.session, "{}", node="there")))
    [(_, message)] = server.forwards
    server.emulation.forwarded(message)
    for unreadable in (b"", b"\x02" + message[1:], message[:33], b"\x01" + message[2:]):
        server.emulation.forwarded(unreadable)
    assert receiver.messages == [b"first", b"{}"]


async def test_the_secret_is_in_no_log(server: Server, ask: Ask, receiver: Recorder) -> None:
    with structlog.testing.capture_logs() as logs:
        for body in (sent(receiver.link.session, "{}"), sent(receiver.link.session, ""), b"x"):
            await ask(post("/emulation", body))
        server.emulation.forwarded(b"")
    assert [line["event"] for line in logs] == ["request", "request", "request", "emulation.unreadable"]
    assert receiver.link.session not in str(logs)


@pytest.fixture
async def proxy(valkey_url: str) -> AsyncIterator[TcpProxy]:
    host, _, port = valkey_url.removeprefix("redis://").partition("/")[0].partition(":")
    async with tcp_proxy(host, int(port)) as running:
        yield running


@pytest.fixture
async def nodes(valkey_url: str, proxy: TcpProxy) -> AsyncIterator[tuple[Node, Node]]:
    """The second one reaches Valkey through the proxy."""
    channels = OpenChannels(MemoryLog())
    here = Node("here", valkey_url, channels)
    there = Node("there", f"redis://127.0.0.1:{proxy.port}/0", channels)
    channels.committed = here.instance.engine.committed
    async with here.running(), there.running():
        yield here, there


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_commands_find_their_link_from_any_instance(
    nodes: tuple[Node, Node], http: aiohttp.ClientSession
) -> None:
    here, there = nodes
    stream = await Stream.open(http, here.base)
    assert stream.welcome["node"] == "here"
    for number, node in enumerate((here, there), 2):
        assert await stream.send(node.base, id=number, rpc={"method": "echo", "data": number}) == 204
        assert await stream.next() == {"id": number, "rpc": {"data": number}}
    stream.welcome["node"] = "nowhere"
    assert await stream.send(there.base, id=4, rpc={"method": "echo", "data": 4}) == 404
    stream.answer.close()
    await eventually(lambda: not here.instance.engine.sessions)


async def test_without_valkey_only_the_own_instance_takes_commands(
    nodes: tuple[Node, Node], http: aiohttp.ClientSession, proxy: TcpProxy
) -> None:
    here, there = nodes
    streams = [await Stream.open(http, here.base), await Stream.open(http, there.base)]
    proxy.cut()
    await eventually(lambda: not there.bus.healthy)
    assert await streams[0].send(there.base, id=2, rpc={"method": "echo", "data": 2}) == 503
    assert await streams[1].send(there.base, id=3, rpc={"method": "echo", "data": 3}) == 204
    assert await streams[1].next() == {"id": 3, "rpc": {"data": 3}}
    for stream in streams:
        stream.answer.close()

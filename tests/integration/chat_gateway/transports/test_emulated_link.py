from collections.abc import Awaitable, Callable

import pytest

from chat_gateway.protocol.json_codec import JSON
from chat_gateway.realtime.link import Link
from chat_gateway.transports.emulated_link import WEIGHT_BYTES, EmulatedLink
from chat_gateway.transports.socket_link import MESSAGE_LIMIT_BYTES
from tests.integration.chat_gateway.transports.wire import Client, Echo, Recorder, Server, post

Ask = Callable[..., Awaitable[Client]]

SLOW_DOWN = b'{"push":{"disconnect":{"code":3013,"reason":"too many requests"}}}\n'


@pytest.fixture
async def client(server: Server, ask: Ask) -> Client:
    client = await ask(post("/http_stream", b"first"))
    assert await client.line() == b"first"
    return client


@pytest.fixture
def receiver(server: Server, client: Client) -> Recorder:
    return server.receivers[0]


@pytest.fixture
def link(receiver: Recorder) -> EmulatedLink:
    assert isinstance(receiver.link, EmulatedLink)
    return receiver.link


async def test_first_commands_and_later_ones_are_received_and_answered(client: Client, link: EmulatedLink) -> None:
    link.received(b"later")
    assert await client.line() == b"later"
    assert (link.codec, link.address) == (JSON, "127.0.0.1")


async def test_each_link_has_a_secret_of_its_own(server: Server, ask: Ask, link: EmulatedLink) -> None:
    await ask(post("/http_stream", b"x"))
    secrets = {receiver.link.session for receiver in server.receivers}
    assert link.session in secrets
    assert [len(secret) for secret in secrets] == [43, 43]


async def test_receiver_may_pause_before_the_first_commands(server: Server, ask: Ask) -> None:
    def paused(link: Link) -> Recorder:
        link.pause()
        return Echo(link)

    server.accept = paused
    client = await ask(post("/http_stream", b"first"))
    [receiver] = server.receivers
    assert receiver.messages == []
    receiver.link.resume()
    assert await client.line() == b"first"


async def test_pause_stops_between_two_messages_and_resume_never_calls_back_at_once(
    client: Client, receiver: Recorder, link: EmulatedLink
) -> None:
    receiver.on_message = lambda payload: link.pause() if payload == b"stop" else None
    for payload in (b"a", b"stop", b"b", b"c"):
        link.received(payload)
    assert receiver.messages == [b"first", b"a", b"stop"]
    link.resume()
    link.resume()
    assert receiver.messages == [b"first", b"a", b"stop"]
    assert [await client.line() for _ in range(4)] == [b"a", b"stop", b"b", b"c"]


async def test_largest_message_waits_for_a_receiver_that_pauses(
    client: Client, receiver: Recorder, link: EmulatedLink
) -> None:
    link.pause()
    link.received(b"x" * MESSAGE_LIMIT_BYTES)
    link.resume()
    assert await client.line() == b"x" * MESSAGE_LIMIT_BYTES


@pytest.mark.parametrize("payload", [b"x" * 1000, b"x"])
async def test_client_that_sends_on_to_a_receiver_that_pauses_is_sent_away(
    client: Client, receiver: Recorder, link: EmulatedLink, payload: bytes
) -> None:
    link.pause()
    for _ in range(MESSAGE_LIMIT_BYTES // (len(payload) + WEIGHT_BYTES) + 1):
        link.received(payload)
    link.received(payload)
    assert await client.rest() == SLOW_DOWN
    link.resume()
    client.writer.close()
    await receiver.gone.wait()
    assert receiver.messages == [b"first"]


async def test_nothing_is_received_behind_the_end(client: Client, receiver: Recorder, link: EmulatedLink) -> None:
    link.pause()
    link.received(b"too early")
    link.close(3001, "shutdown")
    link.received(b"too late")
    link.resume()
    client.writer.close()
    await receiver.gone.wait()
    assert receiver.messages == [b"first"]


async def test_bytes_behind_the_request_are_no_commands(client: Client, receiver: Recorder, link: EmulatedLink) -> None:
    client.send(b'{"id":2}\n')
    client.writer.write_eof()
    await receiver.gone.wait()
    assert receiver.messages == [b"first"]

"""The Python SDK in either encoding against the engine, through real sockets: what one sends, the other understands."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import pytest
from aiohttp import web
from centrifuge import Client, PublicationContext, ReplyError, SubscriptionEventHandler, UnsubscribedContext
from typing_extensions import override

from chat_gateway.transports.listener import bound_socket
from chat_gateway.transports.websocket import upgrade
from shared.web import application
from tests.clients import Instance, token_of, until
from tests.fakes import MemoryLog, OpenChannels

DATA = {"body": "grüße", "n": [1, None]}


class Seen(SubscriptionEventHandler):
    def __init__(self) -> None:
        self.publications: list[tuple[int, Any]] = []
        self.unsubscribed: tuple[int, str] | None = None

    @override
    async def on_publication(self, ctx: PublicationContext) -> None:
        self.publications.append((ctx.pub.offset, ctx.pub.data))

    @override
    async def on_unsubscribed(self, ctx: UnsubscribedContext) -> None:
        self.unsubscribed = (ctx.code, ctx.reason)


class Person:
    """One SDK client. The SDK shows data of Protobuf as bytes, of JSON as what they mean."""

    def __init__(self, client: Client, *, protobuf: bool) -> None:
        self.client = client
        self.protobuf = protobuf

    def out(self, data: Any) -> Any:
        return json.dumps(data).encode() if self.protobuf else data

    def into(self, data: Any) -> Any:
        return json.loads(data) if self.protobuf else data

    async def subscribe(self, channel: str) -> Seen:
        seen = Seen()
        subscription = self.client.new_subscription(channel, events=seen)
        await subscription.subscribe()
        await subscription.ready(5)
        return seen


@pytest.fixture
async def people() -> AsyncIterator[dict[bool, Person]]:
    """Two on one engine, by whether they speak Protobuf."""
    channels = OpenChannels(MemoryLog())
    async with Instance(channels) as instance, AsyncExitStack() as stack:
        channels.committed = instance.engine.committed
        app = application(trusted=())
        app.router.add_get("/ws", partial(_upgrade, instance))
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        listener = bound_socket("127.0.0.1", 0)
        await web.SockSite(runner, listener).start()
        address = f"ws://127.0.0.1:{listener.getsockname()[1]}/ws"
        found = {}
        for protobuf in (False, True):
            client = Client(address, token=token_of("ann"), use_protobuf=protobuf)
            stack.push_async_callback(_leave, client)
            await client.connect()
            await client.ready(5)
            found[protobuf] = Person(client, protobuf=protobuf)
        yield found


async def _upgrade(instance: Instance, request: web.Request) -> web.StreamResponse:
    return upgrade(request, origins=[], accept=instance.engine.accept)


async def _leave(client: Client) -> None:
    await client.disconnect()
    if closing := client._background_tasks:  # the SDK closes its socket in a task that it awaits nowhere
        await asyncio.wait(closing)


@pytest.fixture(params=[False, True], ids=["json", "protobuf"])
def person(request: pytest.FixtureRequest, people: dict[bool, Person]) -> Person:
    found: Person = people[request.param]
    return found


async def test_what_one_publishes_all_see(person: Person, people: dict[bool, Person]) -> None:
    seen = {protobuf: await one.subscribe("news") for protobuf, one in people.items()}
    await person.client.publish("news", person.out(DATA))
    await until(lambda: all(one.publications for one in seen.values()))
    for protobuf, one in seen.items():
        [(offset, data)] = one.publications
        assert (offset, people[protobuf].into(data)) == (1, DATA)


async def test_publications_missed_are_recovered(person: Person, people: dict[bool, Person]) -> None:
    seen = await person.subscribe("news")
    subscription = person.client.get_subscription("news")
    assert subscription is not None
    await people[not person.protobuf].client.publish("news", people[not person.protobuf].out(0))
    await until(lambda: seen.publications)
    await subscription.unsubscribe()
    for number in (1, 2):
        await people[not person.protobuf].client.publish("news", people[not person.protobuf].out(number))
    await subscription.subscribe()
    await until(lambda: len(seen.publications) == 3)
    assert [(offset, person.into(data)) for offset, data in seen.publications] == [(1, 0), (2, 1), (3, 2)]


async def test_calls_are_answered_and_refused(person: Person) -> None:
    answer = await person.client.rpc("echo", person.out(DATA))
    assert person.into(answer.data) == DATA
    with pytest.raises(ReplyError) as caught:
        await person.client.rpc("conflict", person.out(None))
    assert (caught.value.code, caught.value.temporary) == (460, False)


async def test_history_is_read(person: Person) -> None:
    for number in range(3):
        await person.client.publish("news", person.out(number))
    history = await person.client.history("news", limit=2)
    assert [(one.offset, person.into(one.data)) for one in history.publications] == [(1, 0), (2, 1)]
    assert (history.offset, history.epoch) == (3, "e1")


async def test_refused_subscription_has_code_and_reason(person: Person) -> None:
    seen = Seen()
    await person.client.new_subscription("room:secret", events=seen).subscribe()
    await until(lambda: seen.unsubscribed)
    assert seen.unsubscribed is not None
    assert seen.unsubscribed[0] == 103
    assert seen.unsubscribed[1]

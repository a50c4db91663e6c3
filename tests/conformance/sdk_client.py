"""A client of the Python SDK, on one subscription whose publications it keeps."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from centrifuge import Client, PublicationContext, SubscribedContext, SubscriptionEventHandler
from typing_extensions import override

from tests.conformance.talk import token

PATIENCE_SECONDS = 10.0


class Subscriber(SubscriptionEventHandler):
    """`data` and `offsets` hold what came, `recovered` whether each of its subscriptions went on where it was."""

    def __init__(self, address: str, user: str, channel: str, *, protobuf: bool) -> None:
        self.client = Client(
            f"ws://{address}/connection/websocket", token=token(user), use_protobuf=protobuf, min_reconnect_delay=0.05
        )
        self.subscription = self.client.new_subscription(channel, events=self)
        self.data: list[Any] = []
        self.offsets: list[int] = []
        self.recovered: list[bool] = []
        self._protobuf = protobuf
        self._changed = asyncio.Condition()

    @override
    async def on_subscribed(self, ctx: SubscribedContext) -> None:
        async with self._changed:
            self.recovered.append(ctx.recovered)
            self._changed.notify_all()

    @override
    async def on_publication(self, ctx: PublicationContext) -> None:
        async with self._changed:
            self.data.append(json.loads(ctx.pub.data) if self._protobuf else ctx.pub.data)
            self.offsets.append(ctx.pub.offset)
            self._changed.notify_all()

    async def has(self, data: list[Any]) -> None:
        """Wait until this came, and no less."""
        async with asyncio.timeout(PATIENCE_SECONDS), self._changed:
            await self._changed.wait_for(lambda: len(self.data) >= len(data))
        assert self.data == data

    async def publish(self, value: Any) -> None:
        await self.subscription.publish(json.dumps(value).encode() if self._protobuf else value)


async def end(client: Client) -> None:
    await client.disconnect()
    if closing := client._background_tasks:  # the SDK closes its socket in a task that it awaits nowhere
        await asyncio.wait(closing, timeout=PATIENCE_SECONDS)


@asynccontextmanager
async def subscribed(address: str, user: str, channel: str, *, protobuf: bool) -> AsyncIterator[Subscriber]:
    subscriber = Subscriber(address, user, channel, protobuf=protobuf)
    await subscriber.client.connect()
    try:
        await subscriber.subscription.subscribe()
        await subscriber.subscription.ready(PATIENCE_SECONDS)
        yield subscriber
    finally:
        await end(subscriber.client)

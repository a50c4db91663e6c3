"""Connections without WebSocket through nginx, with real gateways behind it."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from types import MappingProxyType

import aiohttp
import pytest

from chat_gateway.realtime.limits import Limits
from deploy.front import NGINX
from tests.fakes import MemoryLog, OpenChannels
from tests.faults import eventually
from tests.integration.chat_gateway.transports.nodes import Node, Stream
from tests.integration.deploy.conftest import Front


@pytest.fixture
async def nodes(stopped_front: Front, valkey_url: str) -> AsyncIterator[tuple[Node, Node]]:
    """Two gateways behind the front."""
    channels = OpenChannels(MemoryLog())
    one, other = Node("one", valkey_url, channels), Node("other", valkey_url, channels)
    channels.committed = one.instance.engine.committed
    async with one.running(), other.running():
        servers = " ".join(f"server 127.0.0.1:{node.port} max_fails=0;" for node in (one, other))
        await stopped_front.start(MappingProxyType({"GATEWAY_SERVERS": servers}))
        yield one, other


async def test_replies_come_at_once_and_commands_find_their_gateway(
    nodes: tuple[Node, Node], stopped_front: Front, http: aiohttp.ClientSession
) -> None:
    stream = await Stream.open(http, stopped_front.base)
    assert stream.answer.headers["Cache-Control"] == "no-store"
    assert "Content-Encoding" not in stream.answer.headers
    for number in range(2, 6):  # in turn to the one that has the connection and to the other
        assert await stream.send(stopped_front.base, id=number, rpc={"method": "echo", "data": number}) == 204
        assert await stream.next() == {"id": number, "rpc": {"data": number}}
    stream.answer.close()


async def test_a_client_that_leaves_is_gone_from_its_gateway(
    nodes: tuple[Node, Node], stopped_front: Front, http: aiohttp.ClientSession
) -> None:
    stream = await Stream.open(http, stopped_front.base)
    assert sum(len(node.instance.engine.sessions) for node in nodes) == 1
    stream.answer.close()
    await eventually(lambda: not any(node.instance.engine.sessions for node in nodes))


async def test_the_last_words_of_a_gateway_reach_the_client(
    nodes: tuple[Node, Node], stopped_front: Front, http: aiohttp.ClientSession
) -> None:
    stream = await Stream.open(http, stopped_front.base)
    for node in nodes:
        await node.instance.engine.drain()
    assert (await stream.next())["push"]["disconnect"]["code"] == 3001
    assert await stream.answer.content.read() == b""


async def test_no_answer_of_an_emulated_client_is_kept_by_the_browser(
    nodes: tuple[Node, Node], stopped_front: Front, http: aiohttp.ClientSession
) -> None:
    async with http.get(f"{stopped_front.base}/emulation") as answer:
        assert answer.status == 405
        assert "Cache-Control" not in answer.headers


def test_a_connection_that_only_pings_outlives_the_idle_time_outs() -> None:
    template = Path(NGINX / "parley.conf.template").read_text()
    time_outs = [int(seconds) for seconds in re.findall(r"proxy_(?:read|send)_timeout (\d+)s", template)]
    assert len(time_outs) == 2
    assert min(time_outs) > 2 * (Limits().ping_seconds + Limits().pong_seconds)

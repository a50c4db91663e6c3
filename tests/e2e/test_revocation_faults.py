"""No fault keeps the connections of an ended session open for longer than the design says, and none closes others.

Auth's rows are the truth and the doorbell only says when to look: a gateway that missed it looks when Redis is back,
after it stood still, at its start, and every 20 s.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable

import pytest
from redis.asyncio import Redis

from auth_service.crypto.keys import KeyRing
from auth_service.crypto.wrapping import Vault
from auth_service.store.changes import REVOCATION_LIFE
from auth_service.store.database import Database
from chat_gateway.protocol import codes
from tests.e2e.conftest import Arrive, Dial, MakeDevice
from tests.e2e.conversation import new_room, page_of
from tests.e2e.devices import BELL_SECONDS, LOOK_SECONDS, Device, claims_of, grow_older
from tests.e2e.rest_calls import send
from tests.faults import TcpProxy, eventually, tcp_proxy
from tests.stack import Stack

AFTER = "quillon: not for a session that has ended"
STALL_SECONDS = 1.2
GRACE_SECONDS = 25
"""How long a connection outlives its token."""


@pytest.fixture(scope="module")
def stack(stacks: Callable[[str], Stack]) -> Stack:
    """On one database: the feed's own tests have both."""
    return stacks("postgresql")


class Cables:
    """Proxies that the stack's processes go through: one gateway to Redis, the other to auth, auth to Redis."""

    def __init__(self, stack: Stack, *, redis: TcpProxy, auth: TcpProxy, bell: TcpProxy) -> None:
        self.stack, self.redis, self.auth, self.bell = stack, redis, auth, bell

    def lay(self) -> None:
        self._end()
        self.stack.start_auth(REDIS_URL=f"redis://127.0.0.1:{self.bell.port}/0")
        self.stack.start_gateway(0, REDIS_URL=f"redis://127.0.0.1:{self.redis.port}/0")
        self.stack.start_gateway(1, CHAT_AUTH_URL=f"http://127.0.0.1:{self.auth.port}")
        self._wait()

    def remove(self) -> None:
        self._end()
        self.stack.start_auth()
        self.stack.start_gateway(0)
        self.stack.start_gateway(1)
        self._wait()

    def _end(self) -> None:
        self.stack.kill_gateway(0)
        self.stack.kill_gateway(1)
        self.stack.kill_auth()

    def _wait(self) -> None:
        self.stack.wait_for_auth()
        self.stack.wait_for_gateway(0)
        self.stack.wait_for_gateway(1)


@pytest.fixture
async def cables(stack: Stack) -> AsyncIterator[Cables]:
    redis, auth = ("127.0.0.1", stack.ports.valkey), ("127.0.0.1", stack.ports.auth)
    async with tcp_proxy(*redis) as one, tcp_proxy(*auth) as two, tcp_proxy(*redis) as three:
        cables = Cables(stack, redis=one, auth=two, bell=three)
        try:
            await asyncio.to_thread(cables.lay)
            yield cables
        finally:
            await asyncio.to_thread(cables.remove)


async def flush_all(stack: Stack) -> None:
    async with Redis(port=stack.ports.valkey) as redis:
        await redis.flushall()


async def short_lived(stack: Stack, token: str, seconds: int) -> str:
    """Sign the same token with auth's own key, to die soon."""
    database = Database(stack._databases["AUTH_DATABASE_URL"], on_change=lambda: None)
    try:
        ring = KeyRing(database, Vault({}))
        await ring.refresh()
        return ring.sign({**claims_of(token), "exp": int(time.time()) + seconds})
    finally:
        await database.close()


async def test_a_gateway_that_stood_still_neither_tells_nor_does_anything_for_a_session_that_ended_meanwhile(
    stack: Stack, device: MakeDevice, arrive: Arrive
) -> None:
    gone, witness, speaker = await device(), await arrive(gateway=0), await arrive(gateway=1)
    late = {"room": "lobby", "body": f"too late, {gone.user.id}"}
    await speaker.say("lobby", f"before, {gone.user.id}")
    await gone.wires[0].sees(f"before, {gone.user.id}")
    with stack.frozen_gateway(0):
        frozen_at = time.monotonic()
        await gone.user.log_out()
        await gone.is_closed(1)
        await speaker.say("lobby", f"{AFTER}, at first")
        # What it says now lies before the gateway when that wakes up.
        for number, (method, data) in enumerate([("history.page", {"room": "lobby"}), ("message.post", late)], 100):
            await gone.wires[0].send(json.dumps({"id": number, "rpc": {"method": method, "data": data}}))
        asking = asyncio.create_task(send(stack.gateway_base(0), gone.user.token, "history.page", room="lobby"))
        await eventually(lambda: time.monotonic() > frozen_at + STALL_SECONDS)
        last = f"{AFTER} {frozen_at}"
        await speaker.say("lobby", last)
    await witness.sees("lobby", last)
    await gone.is_closed(0)
    assert AFTER not in "".join(wire.raw for wire in gone.wires)
    assert await asking == (401, {**(await asking)[1], "code": "invalid_token"})
    assert late["body"] not in json.dumps(await page_of(witness, "lobby"))


async def test_a_gateway_that_stood_still_waits_for_auth_but_not_for_ever(stack: Stack, arrive: Arrive) -> None:
    witness, speaker = await arrive(gateway=0), await arrive(gateway=1)
    room = await new_room(witness, speaker)
    with stack.frozen_auth():
        with stack.frozen_gateway(0):
            frozen_at = time.monotonic()
            await eventually(lambda: time.monotonic() > frozen_at + STALL_SECONDS)
            await speaker.say(room, "auth stands still")
        await witness.sees(room, "auth stands still")


async def test_a_gateway_started_after_the_revocation_knows_of_it(stack: Stack, device: MakeDevice, dial: Dial) -> None:
    gone, other = await device(), await device()
    stack.kill_gateway(0)
    try:
        await gone.user.log_out()
        await gone.is_closed(1)
        await grow_older(stack, "change", "changed_at", REVOCATION_LIFE.total_seconds() - 60)
        await other.user.log_out()  # takes out of the feed what is too old
    finally:
        stack.start_gateway(0)
        stack.wait_for_gateway(0)
    for one in (gone, other):
        await one.is_refused(0)
        await one.is_not_let_in(dial, 0)


@pytest.mark.nightly
@pytest.mark.timeout(240)  # two looks' time beside the setting up
async def test_whatever_is_cut_off_ended_sessions_are_closed_in_time(
    cables: Cables, device: MakeDevice, dial: Dial
) -> None:
    stack = cables.stack
    late, unheard, flushed, stranger = [await device() for _ in range(4)]
    short = await device()
    token = short.user.token
    short.user.token = await short_lived(stack, token, 6)
    await short.connect(dial)
    short.user.token = token

    # The first gateway has lost Redis by a dead route, the second has lost auth.
    cables.redis.half_open()
    await late.user.log_out()
    await late.is_closed(1)
    cables.auth.cut()
    await short.user.log_out()

    # Auth commits, answers and is killed: its bell was not heard.
    cables.bell.half_open()
    await unheard.user.log_out()
    await asyncio.to_thread(stack.kill_auth)
    await stranger.is_served()
    newcomer = Device(stack, stranger.user)
    await newcomer.connect(dial)
    await unheard.is_served(1)
    await asyncio.to_thread(stack.start_auth)
    await asyncio.to_thread(stack.wait_for_auth)

    for one in (late, unheard, short):
        await one.is_closed(0, seconds=LOOK_SECONDS)
        await one.is_not_let_in(dial, 0)

    # While auth cannot be reached nothing but the token's own end closes a connection.
    await unheard.is_served(1)
    await eventually(lambda: not short.wires[1].is_open, seconds=GRACE_SECONDS + BELL_SECONDS)
    assert short.wires[1].code == codes.CONNECTION_EXPIRED.code
    cables.auth.heal()
    await unheard.is_closed(1, seconds=LOOK_SECONDS)

    # Redis forgets what it had while nobody heard it, and is back: that is reason enough to look.
    await flushed.user.log_out()
    await flush_all(stack)
    cables.redis.heal()
    await flushed.is_closed()
    for one in (stranger, newcomer):
        await one.is_served()

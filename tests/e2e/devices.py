"""Browsers of people, each in a session of its own with a connection to both gateways, and what becomes of them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import jwt
from sqlalchemy import text

from auth_service.store.database import Database
from chat_gateway.protocol import codes
from tests.driver import ChatUser
from tests.e2e.rest_calls import command, send
from tests.e2e.wires import Wire
from tests.faults import eventually
from tests.stack import Stack

BELL_SECONDS = 10.0
"""With the doorbell it is a fraction of a second. Without it a gateway looks every 20 s, and it looked just now:
whoever registers rings the bell as well."""

LOOK_SECONDS = 30.0
"""A look every 20 s, a request that may take 5 s, and a little for this machine."""

Dial = Callable[..., Awaitable[Wire]]


class Device:
    """`wires` are its connections by gateway: to the first a WebSocket, to the second the transport without one."""

    def __init__(self, stack: Stack, user: ChatUser) -> None:
        self.stack, self.user = stack, user
        self.wires: list[Wire] = []

    @property
    def session(self) -> str:
        return str(claims_of(self.user.token)["sid"])

    async def connect(self, dial: Dial) -> None:
        self.wires = [await dial(self.user, gateway, stream=bool(gateway)) for gateway in (0, 1)]
        await self.is_served()

    async def is_served(self, *gateways: int) -> None:
        for gateway in gateways or (0, 1):
            assert "rpc" in await self.wires[gateway].rpc("room.list"), f"its connection to {gateway} is gone"

    async def is_closed(self, *gateways: int, seconds: float = BELL_SECONDS) -> None:
        """Its connections are ended in time, for good, and its token opens no other."""
        for gateway in gateways or (0, 1):
            wire = self.wires[gateway]
            await eventually(lambda: not wire.is_open, seconds=seconds)  # noqa: B023 - awaited here
            assert wire.code == codes.FORCE_DISCONNECT.code
            await self.is_refused(gateway)

    async def is_refused(self, gateway: int) -> None:
        status, problem = await send(self.stack.gateway_base(gateway), self.user.token, "room.list")
        assert (status, problem["code"]) == (401, "invalid_token")

    async def is_not_let_in(self, dial: Dial, gateway: int) -> None:
        wire = await dial(self.user, gateway)
        await eventually(lambda: not wire.is_open)
        assert (wire.welcome, wire.code) == ({}, codes.INVALID_TOKEN.code)


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


async def auth_command(stack: Stack, *arguments: str) -> str:
    return await asyncio.to_thread(command, stack, *arguments, service="auth_service")


async def grow_older(stack: Stack, table: str, column: str, seconds: float) -> None:
    """Let time pass for rows of auth, whose database has a clock that cannot be moved."""
    database = Database(stack._databases["AUTH_DATABASE_URL"], on_change=lambda: None)
    try:
        async with database._engine.begin() as connection:
            await connection.execute(text(f"UPDATE {table} SET {column} = {column} - {int(seconds * 1000)}"))
    finally:
        await database.close()

"""People for tests: they register, connect with the Python SDK, say things and see things.

Waiting is for an event, never for a time: `sees` returns when the message is there, `barrier` when all that was sent
before it has been answered.
"""

import asyncio
from collections import defaultdict
from http.cookies import Morsel
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp
import uuid_utils
from centrifuge import (
    Client,
    ClientEventHandler,
    ConnectedContext,
    DisconnectedContext,
    ServerPublicationContext,
    ServerSubscribedContext,
    ServerUnsubscribedContext,
)
from typing_extensions import override

PATIENCE_SECONDS = 15
PASSWORD = "correct horse battery"


def _browser() -> aiohttp.ClientSession:
    timeout = aiohttp.ClientTimeout(total=PATIENCE_SECONDS)
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), timeout=timeout)


class ChatUser(ClientEventHandler):
    """One person with one browser's worth of cookies; `entries` is what came by subscription, per channel."""

    def __init__(self, http: aiohttp.ClientSession, base: str, account: dict[str, Any]) -> None:
        self._http = http
        self._base = base
        self.token: str = account["access_token"]
        self._account = account
        self._client: Client | None = None
        self._changed = asyncio.Condition()
        self.id: str = account["user"]["id"]
        self.name: str = account["user"]["name"]
        self.email: str = account["user"]["email"]
        self.entries: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self.channels: set[str] = set()
        self.recovered: dict[str, bool] = {}
        self.welcome: dict[str, Any] = {}
        self.connections = 0
        self.disconnected: tuple[int, str] | None = None

    @classmethod
    async def register(cls, base: str, name: str | None = None, password: str = PASSWORD, **link: str) -> Self:
        """`link` is `invitation`, or `token` of the set-up link, where the site asks for one."""
        name = name or f"user-{uuid_utils.uuid4().hex[:12]}"
        http = _browser()
        body = {"email": f"{name}@test.com", "name": name, "password": password, **link}
        async with http.post(f"{base}/auth/{'setup' if 'token' in link else 'register'}", json=body) as answer:
            account = await answer.json()
            assert answer.status == 201, account
        return cls(http, base, account)

    @classmethod
    async def log_in(cls, base: str, email: str, password: str) -> Self:
        http = _browser()
        async with http.post(f"{base}/auth/login", json={"email": email, "password": password}) as answer:
            account = await answer.json()
            assert answer.status == 200, account
        return cls(http, base, account)

    @property
    def refresh_cookie(self) -> Morsel[str]:
        return next(cookie for cookie in self._http.cookie_jar if "refresh" in cookie.key)

    async def connect(self, websocket: str | None = None, data: Any = None) -> Self:
        """Connect through the front, or to one gateway's own address, and wait until the greeting is there."""
        address = websocket or f"ws://{urlsplit(self._base).netloc}/connection/websocket"
        self._client = Client(
            address, events=self, token=self.token, get_token=self.renew, data=data, max_reconnect_delay=0.5
        )
        await self._client.connect()
        await self._client.ready(PATIENCE_SECONDS)
        return self

    def second_device(self) -> "ChatUser":
        """Give the same person with a connection of its own, and the cookies of the first."""
        return ChatUser(self._http, self._base, self._account)

    async def log_out(self) -> None:
        async with self._http.post(f"{self._base}/auth/logout") as answer:
            assert answer.status == 204, await answer.text()

    async def ask_auth(self, method: str, path: str, **body: Any) -> Any:
        """Ask as the page does, with cookies and access token; answer what came as JSON, None for nothing."""
        headers = {"Authorization": f"Bearer {self.token}"}
        url = f"{self._base}/auth/{path}"
        async with self._http.request(method, url, json=body or None, headers=headers) as answer:
            assert answer.ok, await answer.text()
            return None if answer.status == 204 else await answer.json()

    async def rpc(self, method: str, data: dict[str, Any] | None = None) -> Any:
        assert self._client is not None
        result = await self._client.rpc(method, data or {}, timeout=PATIENCE_SECONDS)
        return result.data

    async def say(self, room: str, body: str, client_id: str | None = None) -> dict[str, Any]:
        request = {"room": room, "body": body, "client_id": client_id or str(uuid_utils.uuid7())}
        posted: dict[str, Any] = await self.rpc("message.post", request)
        return posted

    async def publish(self, channel: str, data: Any) -> None:
        assert self._client is not None
        await self._client.publish(channel, data, timeout=PATIENCE_SECONDS)

    async def sees(self, room: str, body: str) -> dict[str, Any]:
        """Wait for a message of this text to come by subscription."""
        return await self._eventually(
            lambda: next((entry for entry in self.messages(room) if entry["content"]["body"] == body), None),
            f"{self.name} waits for {body!r} in {room}",
        )

    async def hears(self, kind: str) -> dict[str, Any]:
        """Wait for an entry of this type in the user's own log."""
        own = self.entries[f"user:{self.id}"]
        return await self._eventually(
            lambda: next((entry for entry in own if entry["type"] == kind), None), f"{self.name} waits for {kind}"
        )

    async def is_in(self, channel: str) -> None:
        await self._eventually(lambda: channel in self.channels, f"{self.name} waits to be in {channel}")

    async def is_out_of(self, channel: str) -> None:
        await self._eventually(lambda: channel not in self.channels, f"{self.name} waits to leave {channel}")

    async def is_connected_times(self, times: int) -> None:
        await self._eventually(lambda: self.connections >= times, f"{self.name} waits for connection {times}")

    async def is_disconnected(self) -> tuple[int, str]:
        return await self._eventually(lambda: self.disconnected, f"{self.name} waits to be disconnected")

    async def barrier(self) -> None:
        """Return once everything sent before on this connection has been answered."""
        await self.rpc("room.list")

    def messages(self, room: str) -> list[dict[str, Any]]:
        return [entry for entry in self.entries[f"room:{room}"] if entry["type"] == "message.posted"]

    def offsets(self, room: str) -> list[int]:
        return [entry["offset"] for entry in self.entries[f"room:{room}"]]

    async def leave_page(self) -> None:
        """Disconnect and forget the cookies."""
        if self._client is not None:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._client.disconnect()
            # the SDK closes its socket in a task that it awaits nowhere
            if closing := self._client._background_tasks:
                await asyncio.wait(closing, timeout=PATIENCE_SECONDS)
        await self._http.close()

    @override
    async def on_connected(self, ctx: ConnectedContext) -> None:
        self.welcome = dict(ctx.data or {})
        self.connections += 1
        await self._tell()

    @override
    async def on_disconnected(self, ctx: DisconnectedContext) -> None:
        self.disconnected = (ctx.code, ctx.reason)
        await self._tell()

    @override
    async def on_subscribed(self, ctx: ServerSubscribedContext) -> None:
        self.channels.add(ctx.channel)
        self.recovered[ctx.channel] = ctx.recovered
        await self._tell()

    @override
    async def on_unsubscribed(self, ctx: ServerUnsubscribedContext) -> None:
        self.channels.discard(ctx.channel)
        await self._tell()

    @override
    async def on_publication(self, ctx: ServerPublicationContext) -> None:
        self.entries[ctx.channel].append({"offset": ctx.pub.offset, **ctx.pub.data})
        await self._tell()

    async def renew(self) -> str:
        """Fetch a new access token with the cookie."""
        async with self._http.post(f"{self._base}/auth/token") as answer:
            body = await answer.json()
            assert answer.status == 200, body
            self.token = body["access_token"]
            return self.token

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _eventually(self, look: Any, waiting_for: str) -> Any:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS), self._changed:
                while not (found := look()):
                    await self._changed.wait()
                return found
        except TimeoutError as error:
            raise AssertionError(f"{waiting_for}; it has {dict(self.entries)}, {self.channels}") from error

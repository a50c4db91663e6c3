"""Auth as a gateway sees it, in this process: keys and a feed over HTTP, and tokens of whatever kind a test wants."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import jwt
import uuid_utils
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ISSUER = "http://localhost:8080"
INTERNAL_KEY = "k" * 32
JWKS = "/.well-known/jwks.json"
FEED = "/internal/changes"


class Issuer:
    """Signs tokens with keys of its own; `keys` is what it publishes."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.keys: dict[str, Ed25519PrivateKey] = {}
        self._now = now
        self.add("k1")

    def add(self, key_id: str) -> None:
        self.keys[key_id] = Ed25519PrivateKey.generate()

    def public_bytes(self, key_id: str = "k1") -> bytes:
        return self.keys[key_id].public_key().public_bytes_raw()

    def jwks(self) -> bytes:
        def x(key_id: str) -> str:
            return base64.urlsafe_b64encode(self.public_bytes(key_id)).decode().rstrip("=")

        keys = [{"kty": "OKP", "crv": "Ed25519", "kid": key_id, "x": x(key_id)} for key_id in self.keys]
        return json.dumps({"keys": keys}).encode()

    def token(self, key_id: str = "k1", *, key: Any = None, header: dict[str, Any] | None = None, **claims: Any) -> str:
        now = int(self._now())
        payload = {
            "iss": ISSUER,
            "aud": "chat",
            "sub": f"user-{uuid_utils.uuid4()}",
            "sid": "s1",
            "jti": str(uuid_utils.uuid4()),
            "iat": now,
            "exp": now + 600,
            "name": "Somebody",
            "picture": "",
            "roles": [],
            **claims,
        }
        header = {"typ": "at+jwt", "kid": key_id, **(header or {})}
        return jwt.encode(payload, key or self.keys[key_id], algorithm=header.get("alg", "EdDSA"), headers=header)


class Feed:
    """Rows with rising numbers, served by the page like the real ones."""

    def __init__(self, page_rows: int = 3) -> None:
        self.rows: list[dict[str, Any]] = []
        self.asked: list[int] = []
        self._page_rows = page_rows

    def user(self, n: int, id_: str, name: str = "", **more: Any) -> None:
        self.add(n=n, kind="user", id=id_, name=name, picture="", **{"disabled": False, "deleted": False, **more})

    def session(self, n: int, id_: str) -> None:
        self.add(n=n, kind="session", id=id_, user="u")

    def add(self, **row: Any) -> None:
        self.rows.append(row)

    def page(self, request: web.Request) -> bytes:
        assert request.headers["Authorization"] == f"Bearer {INTERNAL_KEY}"
        after = int(request.query["after"])
        self.asked.append(after)
        rows = [row for row in self.rows if row["n"] > after]
        shown = rows[: self._page_rows]
        following = shown[-1]["n"] if shown else after
        return json.dumps({"changes": shown, "next": following, "more": len(rows) > len(shown)}).encode()


class Auth:
    """Serves keys and feed; by `status`, `body` and `answers` it can fail, talk nonsense and make one wait."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.issuer = Issuer(now)
        self.feed = Feed()
        self.key_fetches = 0
        self.key_headers: Mapping[str, str] = {}
        self.status = 200
        self.body: bytes | None = None
        self.answers = asyncio.Event()
        self.answers.set()

    async def _keys(self, request: web.Request) -> web.Response:
        self.key_fetches += 1
        self.key_headers = request.headers
        return await self._answer(self.issuer.jwks())

    async def _changes(self, request: web.Request) -> web.Response:
        return await self._answer(self.feed.page(request))

    async def _answer(self, body: bytes) -> web.Response:
        if self.body is not None:
            body = self.body
        await self.answers.wait()
        return web.Response(body=body, status=self.status, content_type="application/json")

    @asynccontextmanager
    async def served(self) -> AsyncIterator[int]:
        """Give the port."""
        app = web.Application()
        app.router.add_get(JWKS, self._keys)
        app.router.add_get(FEED, self._changes)
        server = TestServer(app, host="127.0.0.1")
        await server.start_server()
        assert server.port
        try:
            yield server.port
        finally:
            self.answers.set()
            await server.close()

"""Somebody at a browser, in the words of a person: register, log in, refresh, log out."""

import time
from typing import Any, TypeAlias

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient

ORIGIN = "http://localhost:8080"
COOKIE = "parley_refresh_8080"

Client: TypeAlias = TestClient[web.Request, web.Application]


class StoppedClock:
    """The application's clock: it stands until a test moves it."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


class Person:
    """Keeps the refresh cookie by hand, so that a test may lose, repeat or steal it."""

    def __init__(self, client: Client, email: str = "ann@example.org", password: str = "correct horse") -> None:
        self.client = client
        self.email = email
        self.password = password
        self.cookie = ""
        self.access_token = ""
        self.id = ""

    async def register(self, name: str = "Ann") -> ClientResponse:
        body = {"email": self.email, "password": self.password, "name": name}
        return await self._keep(await self.post("/auth/register", json=body))

    async def log_in(self, password: str | None = None) -> ClientResponse:
        body = {"email": self.email, "password": self.password if password is None else password}
        return await self._keep(await self.post("/auth/login", json=body))

    async def refresh(self, cookie: str | None = None) -> ClientResponse:
        return await self._keep(await self.post("/auth/token", cookie=self.cookie if cookie is None else cookie))

    async def log_out(self) -> ClientResponse:
        return await self.post("/auth/logout", cookie=self.cookie)

    async def me(self, token: str | None = None) -> ClientResponse:
        return await self.client.get("/auth/me", headers=self.bearer(token))

    async def act(self, method: str, path: str, token: str | None = None, **body: Any) -> ClientResponse:
        """A request with the access token; what is given by name is its JSON."""
        return await self.client.request(method, path, headers=self.bearer(token), json=body or None)

    async def change_password(self, password: str, new_password: str) -> ClientResponse:
        return await self.act("POST", "/auth/password", password=password, new_password=new_password)

    async def sessions(self) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = (await (await self.act("GET", "/auth/sessions")).json())["sessions"]
        return listed

    async def edit_me(self, **changes: Any) -> ClientResponse:
        return await self.client.patch("/auth/me", json=changes, headers=self.bearer())

    async def post(self, path: str, *, cookie: str = "", headers: dict[str, str] | None = None, **body: Any) -> Any:
        sent = {"Origin": ORIGIN, **(headers or {})}
        if cookie:
            sent["Cookie"] = f"{COOKIE}={cookie}"
        self.client.session.cookie_jar.clear()
        return await self.client.post(path, headers=sent, allow_redirects=False, **body)

    def bearer(self, token: str | None = None) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token if token is None else token}"}

    async def _keep(self, response: ClientResponse) -> ClientResponse:
        if response.status < 300:
            body = await response.json()
            self.access_token, self.id = body["access_token"], body["user"]["id"]
            self.cookie = response.cookies[COOKIE].value
        return response


async def problem(response: ClientResponse) -> tuple[int, str]:
    """Status and code of a refusal; it must be a problem document."""
    assert response.content_type == "application/problem+json"
    body = await response.json()
    assert body["status"] == response.status
    assert body["request_id"] == response.headers["X-Request-Id"]
    return response.status, body["code"]

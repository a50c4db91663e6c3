"""No log holds what is nobody's business: everything is done once, well and badly, and then all logs are read.

All that people say here has one word in it; all tokens, keys and secrets that were given out are looked for as well.
"""

import asyncio
import contextlib
import json
import secrets
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from centrifuge import ReplyError

from chat_gateway.api.verbs import VERBS
from tests.driver import ChatUser
from tests.e2e.conftest import Arrive, Dial
from tests.e2e.conversation import new_room
from tests.e2e.disclosure import PASSWORD, secrets_in
from tests.e2e.rest_calls import command
from tests.e2e.wires import http_stream
from tests.postgres import PostgresServer
from tests.stack import Stack

WORD = f"quillon{secrets.token_hex(4)}"
INTERNAL_KEY = "demo-key-that-everybody-knows"


class Everything:
    """Collects what must not be found while it does what the system can do."""

    def __init__(self, stack: Stack, people: tuple[ChatUser, ChatUser], http: aiohttp.ClientSession) -> None:
        self.stack, self.http = stack, http
        self.owner, self.member = people
        self.secrets = {WORD, PASSWORD, INTERNAL_KEY, *(person.token for person in people)}
        self.verbs: set[str] = set()

    async def rpc(self, who: ChatUser, verb: str, /, **data: Any) -> Any:
        self.verbs.add(verb)
        return await who.rpc(verb, data)

    async def talk(self) -> str:
        owner, member, rpc = self.owner, self.member, self.rpc
        room: str = (await rpc(owner, "room.create", name=f"Den {WORD}", kind="private", topic=WORD))["room"]["id"]
        self.secrets.add(invite := (await rpc(owner, "room.invite", room=room))["invite"])
        await rpc(member, "room.join", invite=invite)
        await rpc(owner, "room.update", room=room, topic=f"More {WORD}")
        await rpc(owner, "room.set_role", room=room, user=member.id, role="admin")
        message = (await rpc(owner, "message.post", room=room, body=f"{WORD} one"))["id"]
        about = {"room": room, "message": message}
        await rpc(owner, "message.edit", **about, body=f"{WORD} two")
        await rpc(member, "message.react", **about, emoji=":tada:")
        await rpc(member, "message.unreact", **about, emoji=":tada:")
        await rpc(member, "message.report", **about, reason=f"Too much {WORD}")
        await rpc(owner, "message.pin", **about)
        await rpc(owner, "message.unpin", **about)
        await rpc(member, "message.revisions", **about)
        reply = await rpc(member, "message.post", room=room, thread=message, body=f"{WORD} below")
        thread = {"room": room, "thread": message}
        await rpc(owner, "thread.page", **thread)
        await rpc(owner, "thread.follow", **thread, follow=True)
        await rpc(owner, "thread.mute", **thread, muted=True)
        await rpc(owner, "marker.set", **thread, offset=reply["offset"])
        await rpc(owner, "typing", room=room)
        await rpc(owner, "receipts.get", room=room, offset=reply["offset"])
        await rpc(owner, "history.page", room=room)
        await rpc(owner, "search.messages", query=WORD)
        await rpc(owner, "message.delete", **about)
        return room

    async def rule(self, room: str) -> None:
        owner, member, rpc = self.owner, self.member, self.rpc
        for verb in ("room.list", "room.get", "room.members"):
            await rpc(owner, verb, **({} if verb == "room.list" else {"room": room}))
        await rpc(owner, "people.search", query=WORD)
        await rpc(owner, "people.get", users=[member.id])
        await rpc(owner, "room.remove", room=room, user=member.id)
        await rpc(owner, "room.ban", room=room, user=member.id)
        await rpc(owner, "room.unban", room=room, user=member.id)
        direct = (await rpc(owner, "direct.open", users=[member.id]))["room"]["id"]
        await rpc(owner, "message.post", room=direct, body=f"{WORD} among us")
        await rpc(owner, "people.block", user=member.id)
        await rpc(owner, "people.unblock", user=member.id)
        await rpc(owner, "room.archive", room=room)
        await rpc(owner, "room.leave", room=room)

    async def misbehave(self, dial: Dial) -> None:
        """Send what is refused: refusals are where a log likes to tell what came."""
        room = await new_room(self.owner)
        for verb, data in (
            ("message.post", {"room": room, "body": 7 * [WORD]}),
            ("message.post", {"room": WORD, "body": WORD}),
            ("message.post", {"room": room, "body": WORD, "client_id": WORD}),
            ("message.post", {"room": room, "body": WORD + "\0"}),
            ("message.post", {"room": room, "body": WORD, WORD: WORD}),
            ("message.post", {"room": room, "body": 1_000 * WORD}),
            ("search.messages", {"query": WORD, "after": WORD}),
            ("room.join", {"invite": f"{WORD}{WORD}"}),
            (f"room.{WORD}", {}),
        ):
            with contextlib.suppress(ReplyError):
                await self.owner.rpc(verb, data)
        wire = await dial(self.owner, 0)
        await wire.call(subscribe={"channel": f"room:{WORD}"})
        await wire.call(publish={"channel": f"room:{room}", "data": {"body": WORD, WORD: WORD}})
        await wire.send('{"id": 99, "rpc": {"method": "message.post", "data": {"body": "' + WORD)
        await wire.call(ping={})
        forged = self.owner.token[:-8] + "AAAAAAAA"
        self.secrets.add(forged)
        for token in (forged, f"eyJhbGciOiJub25lIn0.{WORD}", WORD):
            async with http_stream(self.http, self.stack.base, token=token):
                pass

    async def use_http(self, room: str) -> None:
        base, http = self.stack.base, self.http
        bearer = {"Authorization": f"Bearer {self.owner.token}"}
        for headers in (bearer, {"Authorization": f"Bearer {WORD}"}, {"Authorization": f"Basic {WORD}"}):
            for body in (json.dumps({"room": room, "body": WORD}), f'{{"body": "{WORD}'):
                address = f"{base}/api/v1/message.post?access_token={self.owner.token}&body={WORD}"
                async with http.post(address, data=body, headers={**headers, "Content-Type": "application/json"}):
                    pass
        async with http_stream(http, base, token=self.owner.token) as wire:
            self.secrets.add(wire.welcome["session"])
            assert "rpc" in await wire.rpc("message.post", room=room, body=f"{WORD} by stream")
            await wire.send(f'{{"id": 5, "rpc": {WORD}')
        async with http.post(f"{base}/emulation", json={"session": WORD, "node": WORD, "data": WORD}):
            pass

    async def use_a_key(self) -> None:
        room = await new_room(self.owner)
        arguments = ("key", "create", "--name", "CI", "--room", room, "--verb", "message.post")
        key = await asyncio.to_thread(command, self.stack, *arguments)
        self.secrets.add(key)
        for token in (key, f"{key[:-4]}AAAA"):
            data = {"room": room, "body": f"{WORD} by a bot"}
            headers = {"Authorization": f"Bearer {token}"}
            async with self.http.post(f"{self.stack.base}/api/v1/message.post", json=data, headers=headers):
                pass

    async def use_auth(self) -> None:
        base, http = self.stack.base, self.http
        email, password = f"{WORD}@test.com", f"{WORD} {WORD}"
        account = {"email": email, "name": "Ann", "password": password}
        own = {"Origin": base, "Sec-Fetch-Site": "same-origin"}
        for path, body in (
            ("register", account),
            ("register", account),
            ("register", {**account, "email": f"other-{email}", "password": WORD[:7]}),
            ("register", {**account, WORD: WORD}),
            ("login", {"email": email, "password": password}),
            ("login", {"email": email, "password": f"{password}?"}),
            ("login", {"email": f"nobody-{email}", "password": password}),
            ("token", {}),
        ):
            async with http.post(f"{base}/auth/{path}", json=body, headers=own) as answer:
                text = await answer.text()
                if answer.status < 300:
                    self.secrets.add(json.loads(text)["access_token"])
            self.secrets.update(cookie.value for cookie in http.cookie_jar)
        for form in ({"email": email, "password": password, "next": "/"}, {"email": email, "password": WORD}):
            async with http.post(f"{base}/auth/login", data=form, headers=own, allow_redirects=False):
                pass
            self.secrets.update(cookie.value for cookie in http.cookie_jar)
        async with http.post(f"{base}/auth/logout", headers=own):
            pass

    async def use_links(self) -> None:
        """Come by invitation, change the password, lose it, get a new one by link, and go; each also badly."""
        dog1 = await ChatUser.log_in(self.stack.base, "dog1@test.com", "dog1")
        email, passwords = f"{WORD}.late@test.com", [f"{WORD} {number}" for number in range(3)]
        invitation = self._token((await dog1.ask_auth("POST", "invitations", email=email))["link"])
        await dog1.leave_page()
        new = {"email": email, "name": WORD, "password": passwords[0], "invitation": invitation}
        await self._ask("POST", "register", {**new, "email": f"other-{email}"})
        bearer = {"Authorization": f"Bearer {await self._ask('POST', 'register', new)}"}
        for old in (WORD, passwords[0]):
            await self._ask("POST", "password", {"password": old, "new_password": passwords[1]}, bearer)
        link = await asyncio.to_thread(command, self.stack, "user", "start-reset", email, service="auth_service")
        reset = {"token": self._token(link), "password": passwords[2]}
        for path, body in (("password/reset", reset), ("password/reset", reset), ("setup", {**new, "token": WORD})):
            body.pop("invitation", None)
            await self._ask("POST", path, body)
        bearer = {
            "Authorization": f"Bearer {await self._ask('POST', 'login', {'email': email, 'password': passwords[2]})}"
        }
        for password in (WORD, passwords[2]):
            await self._ask("DELETE", "me", {"password": password}, bearer)

    def _token(self, link: str) -> str:
        token = link.strip().rpartition("#token=")[2]
        self.secrets.add(token)
        return token

    async def _ask(self, method: str, path: str, body: dict[str, str], headers: dict[str, str] | None = None) -> str:
        """Answer the access token, if that is what came."""
        own = {"Origin": self.stack.base, "Sec-Fetch-Site": "same-origin", **(headers or {})}
        async with self.http.request(method, f"{self.stack.base}/auth/{path}", json=body, headers=own) as answer:
            said = await answer.json() if answer.status in (200, 201) else {}
        self.secrets.update(cookie.value for cookie in self.http.cookie_jar if cookie.value)
        token = str(said.get("access_token", ""))
        self.secrets |= {token} - {""}
        return token


@asynccontextmanager
async def no_database(stack: Stack, server: PostgresServer | None) -> AsyncIterator[None]:
    """Let nothing be written for longer than a commit waits."""
    if server is None:
        lock = sqlite3.connect(stack.folder / "chat.db", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        yield
        lock.close()
    else:
        name = stack._databases["CHAT_DATABASE_URL"].rpartition("/")[2]
        await asyncio.to_thread(server.execute, "ALTER TABLE log RENAME TO log_away", name)
        yield
        await asyncio.to_thread(server.execute, "ALTER TABLE log_away RENAME TO log", name)


async def test_no_token_no_address_and_nothing_that_was_said_is_in_any_log(
    stack: Stack, arrive: Arrive, dial: Dial, http: aiohttp.ClientSession, request: pytest.FixtureRequest
) -> None:
    on_postgres = "postgresql" in stack._databases["CHAT_DATABASE_URL"]
    server: PostgresServer | None = request.getfixturevalue("postgres_server") if on_postgres else None
    owner, member = await arrive(gateway=0), await arrive(gateway=1)
    everything = Everything(stack, (owner, member), http)
    room = await everything.talk()
    await everything.use_http(room)
    await everything.rule(room)
    await everything.misbehave(dial)
    await everything.use_a_key()
    await everything.use_auth()
    await everything.use_links()
    assert VERBS.keys() <= everything.verbs, "a new verb has to be used here as well"

    room = await new_room(owner, member)
    async with no_database(stack, server):
        with pytest.raises(ReplyError):
            await owner.say(room, f"{WORD} is not kept")
        with pytest.raises(ReplyError):
            await owner.rpc("room.update", {"room": room, "topic": f"{WORD} is not kept"})
    stack.kill_valkey()
    try:
        await owner.say(room, f"{WORD} is heard by nobody at first")
        await member.sees(room, f"{WORD} is heard by nobody at first")
    finally:
        stack.start_valkey()

    logs = stack.logs()
    assert '"path": "/api/v1/message.post"' in logs, "this looks at no log that tells anything"
    assert not secrets_in(logs, *everything.secrets)
    if server is not None:
        of_database = (server._folder / "log").read_text().splitlines()
        assert not [line for line in of_database if WORD in line]

"""The REST face over a real store and a real keyring, whose one public key belongs to the test."""

import asyncio
import base64
import json
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chat_gateway.actions import api_keys
from chat_gateway.api import openapi, rest
from chat_gateway.api.access import Access
from chat_gateway.api.channels import ChatChannels
from chat_gateway.api.pace import Pace, Rates
from chat_gateway.assembly import appender_of, chat_of
from chat_gateway.keyring import Keyring
from chat_gateway.realtime.buckets import Rate
from chat_gateway.store.api_keys import ApiKeys
from chat_gateway.store.database import Database
from chat_gateway.store.group_commit import GroupCommit
from chat_gateway.store.snapshots import Snapshots
from shared.web import application
from tests.builders import Clock, user

ISSUER = "http://localhost:8080"
AUDIENCE = "chat"
UNHURRIED = Rates(**dict.fromkeys(Rates.__struct_fields__, Rate(6e7, 1000)))
"""What no test reaches that is not about the pace."""


class Signer:
    """Auth's key, as far as a gateway can tell."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        self.is_away = False

    async def fetch(self) -> bytes:
        if self.is_away:
            raise OSError
        public = self._key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        x = base64.urlsafe_b64encode(public).rstrip(b"=").decode()
        return json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "key-1", "use": "sig", "x": x}]}).encode()

    def token(self, user: str, **claims: Any) -> str:
        now = int(time.time())
        payload = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": user,
            "sid": f"session of {user}",
            "jti": str(uuid.uuid4()),
            "iat": now,
            "exp": now + 3600,
            "name": user.title(),
            "picture": "",
            "roles": [],
            **claims,
        }
        return jwt.encode(payload, self._key, algorithm="EdDSA", headers={"typ": "at+jwt", "kid": "key-1"})


class RestApi:
    """What a test needs of it: the application to serve, the same chat by rpc, and whatever stands behind."""

    def __init__(
        self, database: Database, commit: GroupCommit, signer: Signer, keyring: Keyring, rates: Rates, **options: Any
    ) -> None:
        self.clock = Clock()
        self.pace = Pace(rates, self.clock.monotonic)
        self.database = database
        self.signer = signer
        self.keys = ApiKeys(database)
        self.chat = chat_of(database, commit, check_new_direct=self.pace.check_new_direct)
        self.channels = ChatChannels(self.chat, Snapshots(database), keyring.user_of, pace=self.pace)
        access = Access(
            self.chat, verify=keyring.user_of, find_key=self.keys.find, monotonic=self.clock.monotonic, **options
        )
        self.application: web.Application = application(trusted=())
        document = openapi.document("test")
        rest.add_routes(self.application, chat=self.chat, access=access, pace=self.pace, document=document)

    async def connect(self, name: str) -> None:
        await self.channels.channels_of(user(name), b"")

    async def rpc(self, name: str, method: str, data: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(await self.channels.rpc(user(name), method, json.dumps(data).encode()))
        return answer

    async def make_key(self, *, verbs: list[str], rooms: list[str], name: str = "CI") -> str:
        parts = (uuid.uuid4().hex[:12], "s" * 43)
        return await api_keys.create(
            self.chat, self.keys, name=name, verbs=verbs, rooms=rooms, parts=parts, now=1_800_000_000_000
        )


@asynccontextmanager
async def rest_api(
    url: str, *, keys_are_away: bool = False, rates: Rates = UNHURRIED, **options: Any
) -> AsyncIterator[RestApi]:
    database, signer = Database(url, read_seconds=10.0), Signer()
    signer.is_away = keys_are_away
    keyring = Keyring(signer.fetch, issuer=ISSUER, audience=AUDIENCE)
    appender = appender_of(database)
    commit = GroupCommit(appender, lambda _log, _epoch, _entries: None)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(commit.run())
        fetching = tasks.create_task(keyring.run())
        yield RestApi(database, commit, signer, keyring, rates, **options)
        commit.close()
        fetching.cancel()
    await appender.close()
    await database.close()

"""As much of the reference server's HTTP API as suites of its SDKs use: publish and history, with an API key."""

from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp import web

from chat_gateway.protocol.json_text import embeddable
from chat_gateway.realtime.ports import User
from chat_gateway.realtime.publication import Position, Publication
from shared.errors import Unauthenticated
from shared.web import json_response, read_json
from tests.conformance.channels import OpenChannels

API_KEY = "test-api-key"

_SERVER = User(id="", name="", picture="", session="", key_id="", expires_at=None)


class _Publish(msgspec.Struct):
    channel: str
    data: msgspec.Raw


class _Since(msgspec.Struct):
    offset: int = 0
    epoch: str = ""


class _History(msgspec.Struct):
    channel: str
    limit: int = 0
    since: _Since | None = None
    reverse: bool = False


def add_routes(app: web.Application, channels: OpenChannels) -> None:
    async def publish(request: web.Request) -> web.Response:
        _check_key(request)
        wish = await read_json(request, _Publish)
        await channels.publish(_SERVER, wish.channel, bytes(wish.data), None)
        return json_response({"result": {}})

    async def history(request: web.Request) -> web.Response:
        _check_key(request)
        wish = await read_json(request, _History)
        since = Position(wish.since.offset, wish.since.epoch) if wish.since else None
        head, publications = await channels.history(
            _SERVER, wish.channel, since=since, limit=wish.limit, reverse=wish.reverse
        )
        result = {"publications": [_shown(one) for one in publications], "epoch": head.epoch, "offset": head.offset}
        return json_response({"result": result})

    app.router.add_post("/api/publish", publish)
    app.router.add_post("/api/history", history)


def _check_key(request: web.Request) -> None:
    if request.headers.get("X-API-Key") != API_KEY:
        raise Unauthenticated("unauthorized", "Send the API key in X-API-Key.")


def _shown(publication: Publication) -> Mapping[str, Any]:
    shown: dict[str, Any] = {"offset": publication.offset}
    try:
        shown["data"] = msgspec.Raw(embeddable(publication.data))
    except msgspec.DecodeError:
        shown["b64data"] = publication.data
    if publication.info is not None:
        shown["info"] = {"user": publication.info.user, "client": publication.info.client}
    return shown

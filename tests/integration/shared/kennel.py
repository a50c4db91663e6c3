"""A small service on shared/web.py: dogs that are echoed, refused, failed on, forwarded and talked to."""

import json
from io import StringIO
from ipaddress import ip_network
from typing import Any, NoReturn

import msgspec
from aiohttp import web
from aiohttp.test_utils import TestClient

from shared.errors import NotFound, Unauthenticated, Unavailable
from shared.web import application, client_address, json_response, read_json

Client = TestClient[web.Request, web.Application]
TRUSTED = (ip_network("127.0.0.0/8"), ip_network("10.0.0.0/8"))


class Dog(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    legs: int = 4
    puppies: list["Dog"] = []


async def echo(request: web.Request) -> web.Response:
    return json_response(await read_json(request, Dog), status=201)


async def refuse(_request: web.Request) -> NoReturn:
    raise NotFound("dog_not_found", "There is no such dog.")


async def let_nobody_in(_request: web.Request) -> NoReturn:
    raise Unauthenticated("who_are_you", "The dog does not know you.")


async def refuse_for_now(_request: web.Request) -> NoReturn:
    raise Unavailable("asleep", "The dog sleeps.", retry_after=2.5)


async def fail(_request: web.Request) -> NoReturn:
    raise RuntimeError("the secret is forty-two")


async def move(_request: web.Request) -> NoReturn:
    raise web.HTTPSeeOther("/elsewhere")


async def who(request: web.Request) -> web.Response:
    return json_response(client_address(request))


async def talk(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.send_str("woof")
    await socket.close()
    return socket


def kennel() -> web.Application:
    app = application(body_limit_bytes=1000, trusted=TRUSTED)
    app.add_routes(
        [
            web.post("/dogs", echo),
            web.get("/dogs/{id}", refuse),
            web.get("/asleep", refuse_for_now),
            web.get("/fail", fail),
            web.get("/gate", let_nobody_in),
            web.get("/move", move),
            web.get("/who", who),
            web.get("/talk", talk),
        ]
    )
    return app


def access_lines(log: StringIO) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    return [line for line in lines if line["logger"] == "access"]

"""python-socketio on aiohttp with its Redis manager, as its documentation shows it. Arguments: port, Redis URL."""

import sys
from typing import Any

import socketio  # type: ignore[import-not-found]
from aiohttp import web

ROOM = "room"


def application(redis_url: str) -> web.Application:
    manager = socketio.AsyncRedisManager(redis_url)
    server = socketio.AsyncServer(async_mode="aiohttp", client_manager=manager)

    async def connect(sid: str, _environ: Any, _auth: Any = None) -> None:
        await server.enter_room(sid, ROOM)

    async def message(_sid: str, data: Any) -> None:
        await server.emit("message", data, room=ROOM)

    server.on("connect", connect)
    server.on("message", message)
    app = web.Application()
    server.attach(app)
    return app


if __name__ == "__main__":
    port, url = int(sys.argv[1]), sys.argv[2]
    web.run_app(application(url), host="127.0.0.1", port=port, backlog=4096, access_log=None, print=None)

"""aiohttp on uvloop, as its documentation shows a chat: one `send_str` after the other. Arguments: port."""

import json
import sys

import uvloop
from aiohttp import WSMsgType, web

ROOM = web.AppKey("room", set[web.WebSocketResponse])


async def websocket(request: web.Request) -> web.WebSocketResponse:
    ws = web.WebSocketResponse()
    await ws.prepare(request)
    room = request.app[ROOM]
    room.add(ws)
    try:
        async for message in ws:
            if message.type is WSMsgType.TEXT:
                json.loads(message.data)
                for other in list(room):
                    await send(other, message.data)
    finally:
        room.discard(ws)
    return ws


async def send(ws: web.WebSocketResponse, text: str) -> None:
    try:
        await ws.send_str(text)
    except ConnectionError:  # gone; its own handler takes it out of the room
        return


def main() -> None:
    app = web.Application()
    app[ROOM] = set()
    app.router.add_get("/", websocket)
    loop = uvloop.new_event_loop()
    port = int(sys.argv[1])
    web.run_app(app, host="127.0.0.1", port=port, loop=loop, backlog=4096, access_log=None, print=None)


if __name__ == "__main__":
    main()

"""Tornado as the first Parley used it, and as its chat demo does: `write_message` in a loop. Arguments: port."""

import asyncio
import json
import sys
from typing import Any

from tornado.web import Application  # type: ignore[import-not-found]
from tornado.websocket import WebSocketClosedError, WebSocketHandler  # type: ignore[import-not-found]
from typing_extensions import override

room: set["RoomSocket"] = set()


class RoomSocket(WebSocketHandler):
    @override
    def open(self, *_path: Any) -> None:
        room.add(self)

    @override
    def on_message(self, message: str) -> None:
        json.loads(message)
        for socket in list(room):
            try:
                socket.write_message(message)
            except WebSocketClosedError:  # gone; on_close takes it out of the room
                continue

    @override
    def on_close(self) -> None:
        room.discard(self)


async def main() -> None:
    app = Application([("/", RoomSocket)])
    app.listen(int(sys.argv[1]), "127.0.0.1", backlog=4096)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())

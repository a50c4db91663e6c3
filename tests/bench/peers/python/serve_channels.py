"""Django Channels on uvicorn, as its tutorial builds a chat. Arguments: port, Redis URL, `core` or `pubsub`.

The layer's capacity is far above its default of 100: past it Channels drops messages, and lost ones cost nothing.
"""

import json
import sys
from importlib import import_module
from typing import Any

import uvicorn  # type: ignore[import-not-found]
from django.conf import settings  # type: ignore[import-not-found]
from typing_extensions import override

_LAYERS = {
    "core": ("channels_redis.core.RedisChannelLayer", {"capacity": 1_000_000}),
    "pubsub": ("channels_redis.pubsub.RedisPubSubChannelLayer", {"capacity": 1_000_000}),
}
ROOM = "room"


def configure(redis_url: str, layer: str) -> None:
    backend, options = _LAYERS[layer]
    config = {"hosts": [redis_url], **options}
    settings.configure(
        SECRET_KEY="of-the-bench",
        ALLOWED_HOSTS=["*"],
        INSTALLED_APPS=["channels"],
        CHANNEL_LAYERS={"default": {"BACKEND": backend, "CONFIG": config}},
    )


def application() -> Any:
    # Channels and Django read the settings when they are imported. The checks know neither.
    generic: Any = import_module("channels.generic.websocket")
    routing: Any = import_module("channels.routing")
    asgi: Any = import_module("django.core.asgi")
    urls: Any = import_module("django.urls")

    class RoomConsumer(generic.AsyncWebsocketConsumer):
        @override
        async def connect(self) -> None:
            await self.channel_layer.group_add(ROOM, self.channel_name)
            await self.accept()

        @override
        async def disconnect(self, code: int) -> None:
            await self.channel_layer.group_discard(ROOM, self.channel_name)

        @override
        async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
            json.loads(text_data or "")
            await self.channel_layer.group_send(ROOM, {"type": "room.message", "text": text_data})

        async def room_message(self, event: dict[str, str]) -> None:
            await self.send(text_data=event["text"])

    routes = routing.URLRouter([urls.path("", RoomConsumer.as_asgi())])
    return routing.ProtocolTypeRouter({"http": asgi.get_asgi_application(), "websocket": routes})


if __name__ == "__main__":
    configure(sys.argv[2], sys.argv[3])
    uvicorn.run(application(), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", backlog=4096)

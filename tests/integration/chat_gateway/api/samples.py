"""A sample request of every verb, and the scene it is made in. A verb without one fails the test of both faces.

Each is sent twice, by rpc and by REST: a change brings a client_id, or is one that finds everything as it wants it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.integration.chat_gateway.api.rest_api import RestApi

CLIENT_ID = "01900000-0000-7000-8000-00000000c1d0"
LOBBY = "lobby"


@dataclass(frozen=True)
class Scene:
    """Ada owns `room`, Bob and Cy are members of it, Dan is not.

    Ada's `message` there was edited, pinned, reacted to by Cy and answered by Bob in its thread.
    """

    room: str
    message: str


async def prepare(api: RestApi) -> Scene:
    for name in ("ada", "bob", "cy", "dan"):
        await api.connect(name)
    made = await api.rpc("ada", "room.create", {"name": "Den"})
    room = made["room"]["id"]
    for name in ("bob", "cy"):
        await api.rpc(name, "room.join", {"room": room})
    posted = await api.rpc("ada", "message.post", {"room": room, "body": "Hello, all."})
    about = {"room": room, "message": posted["id"]}
    await api.rpc("ada", "message.edit", about | {"body": "Hello, <@room>."})
    await api.rpc("ada", "message.pin", about)
    await api.rpc("cy", "message.react", about | {"emoji": ":tada:"})
    await api.rpc("bob", "message.post", {"room": room, "body": "Hello!", "thread": posted["id"]})
    await api.rpc("cy", "message.post", {"room": room, "body": "Hi.", "reply_to": posted["id"]})
    return Scene(room=room, message=posted["id"])


def about(scene: Scene, **more: Any) -> dict[str, Any]:
    return {"room": scene.room, "message": scene.message, **more}


Sample = Callable[[Scene], tuple[str, dict[str, Any]]]

SAMPLES: dict[str, Sample] = {
    "room.list": lambda _: ("ada", {"scope": "mine"}),
    "room.get": lambda scene: ("ada", {"room": scene.room}),
    "room.create": lambda _: ("ada", {"name": "Attic", "kind": "private", "client_id": CLIENT_ID}),
    "room.join": lambda scene: ("dan", {"room": scene.room, "client_id": CLIENT_ID}),
    "room.leave": lambda scene: ("bob", {"room": scene.room, "client_id": CLIENT_ID}),
    "room.remove": lambda scene: ("ada", {"room": scene.room, "user": "bob", "client_id": CLIENT_ID}),
    "search.messages": lambda _: ("ada", {"query": "hello from:bob"}),
    "room.update": lambda scene: ("ada", {"room": scene.room, "topic": "All things", "client_id": CLIENT_ID}),
    "room.archive": lambda scene: ("ada", {"room": scene.room, "client_id": CLIENT_ID}),
    "room.invite": lambda scene: ("ada", {"room": scene.room, "revoke": True}),
    "room.ban": lambda scene: ("ada", {"room": scene.room, "user": "bob", "client_id": CLIENT_ID}),
    "room.unban": lambda scene: ("ada", {"room": scene.room, "user": "bob"}),
    "room.set_role": lambda scene: ("ada", {"room": scene.room, "user": "bob", "role": "admin"}),
    "room.members": lambda scene: ("ada", {"room": scene.room, "limit": 2}),
    "direct.open": lambda _: ("ada", {"users": ["bob", "cy"]}),
    "people.search": lambda _: ("ada", {"query": "bo"}),
    "people.block": lambda _: ("ada", {"user": "bob"}),
    "people.unblock": lambda _: ("ada", {"user": "bob"}),
    "people.get": lambda _: ("ada", {"users": ["ada", "bob", "nobody"]}),
    "message.post": lambda scene: ("bob", {"room": scene.room, "body": "Hello, Ada.", "client_id": CLIENT_ID}),
    "message.edit": lambda scene: ("ada", about(scene, body="Good evening.", client_id=CLIENT_ID)),
    "message.delete": lambda scene: ("ada", about(scene, client_id=CLIENT_ID)),
    "message.revisions": lambda scene: ("bob", about(scene)),
    "message.react": lambda scene: ("bob", about(scene, emoji="\N{THUMBS UP SIGN}", client_id=CLIENT_ID)),
    "message.unreact": lambda scene: ("cy", about(scene, emoji=":tada:", client_id=CLIENT_ID)),
    "message.pin": lambda scene: ("ada", about(scene)),
    "message.unpin": lambda scene: ("ada", about(scene, client_id=CLIENT_ID)),
    "message.report": lambda scene: ("bob", about(scene, reason="Too friendly.")),
    "thread.page": lambda scene: ("bob", {"room": scene.room, "thread": scene.message}),
    "thread.follow": lambda scene: ("cy", {"room": scene.room, "thread": scene.message, "follow": True}),
    "thread.mute": lambda scene: ("bob", {"room": scene.room, "thread": scene.message, "muted": True}),
    "marker.set": lambda scene: ("bob", {"room": scene.room, "offset": 2}),
    "receipts.get": lambda scene: ("bob", {"room": scene.room}),
    "typing": lambda scene: ("bob", {"room": scene.room}),
    "history.page": lambda scene: ("bob", {"room": scene.room, "limit": 10}),
}


def shape(value: Any) -> Any:
    """What stays of an answer when its values are taken out."""
    if isinstance(value, dict):
        return {key: shape(part) for key, part in value.items()}
    return [shape(part) for part in value] if isinstance(value, list) else type(value).__name__

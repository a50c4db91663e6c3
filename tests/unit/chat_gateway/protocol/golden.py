"""What both encodings have to say alike: commands as frames, answers as calls of a codec, and the golden files."""

import json
from collections.abc import Callable
from pathlib import Path

import msgspec

from chat_gateway.protocol import frames
from chat_gateway.protocol.codec import Codec
from chat_gateway.protocol.frames import Command

_FOLDER = Path(__file__).parents[3] / "golden"


def golden(name: str) -> dict[str, str]:
    read: dict[str, str] = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return read


class Shown(msgspec.Struct, frozen=True):
    """A publication as the wire sees it."""

    offset: int
    data: bytes
    info: frames.ClientInfo | None = None


DECODED: dict[str, list[Command]] = {
    "connect": [
        Command(
            1,
            frames.Connect(
                token="t",
                data=b'{"rooms":false}',
                name="js",
                version="1",
                headers={"a": "b"},
                subs={"room:lobby": frames.Resume(recover=True, epoch="e", offset=7)},
            ),
        )
    ],
    "connect with nothing": [Command(1, frames.Connect())],
    "subscribe": [
        Command(
            2,
            frames.Subscribe(
                channel="room:lobby",
                token="t",
                recover=True,
                epoch="e",
                offset=2**63 - 1,
                positioned=True,
                recoverable=True,
                join_leave=True,
                delta="fossil",
                flag=1,
                type=4,
                data=b"[1, 2]",
            ),
        )
    ],
    "subscribe with a filter": [Command(2, frames.Subscribe(channel="live:x", tf=b'{"op":""}'))],
    "unsubscribe": [Command(3, frames.Unsubscribe("room:lobby"))],
    "publish": [Command(4, frames.Publish("room:lobby", '{"body":"grüße"}'.encode()))],
    "rpc": [Command(5, frames.Rpc("message.post", b"null"))],
    "send": [Command(0, frames.Send(b'"x"'))],
    "history": [Command(6, frames.History("room:lobby", -1, frames.StreamPosition(3, "e"), reverse=True))],
    "history of the top": [Command(6, frames.History("room:lobby"))],
    "presence": [Command(7, frames.Presence("room:lobby"))],
    "presence_stats": [Command(8, frames.PresenceStats("room:lobby"))],
    "refresh": [Command(9, frames.Refresh("t"))],
    "sub_refresh": [Command(10, frames.SubRefresh("room:lobby", "t"))],
    "ping": [Command(2**32 - 1, frames.Ping())],
    "pong": [Command(0, frames.Pong())],
    "unknown": [Command(11, None)],
    "two requests in one": [Command(12, frames.Subscribe("c"))],
    "several in one message": [
        Command(1, frames.Connect()),
        Command(2, frames.Subscribe("c")),
        Command(0, frames.Pong()),
    ],
    "lone surrogate": [Command(13, frames.Rpc("m\ufffd", rb'["\ufffd", "\ud83d\ude00", "\\ud83d"]'))],
}


ANN = frames.ClientInfo("ann", "c", conn_info=b'{"name":"Ann"}', chan_info=b"[1]")
NOBODY = frames.ClientInfo("", "")
GREETING = Shown(6, '{"body":"grüße"}'.encode())
ANSWERS: dict[str, Callable[[Codec], bytes]] = {
    "connect": lambda codec: codec.reply(
        1,
        frames.ConnectResult(
            client="c",
            version="1",
            data=b'{"user":{}}',
            expires=True,
            ttl=600,
            ping=25,
            pong=True,
            session="s",
            node="n",
            time=1_700_000_000_000,
            subs={
                "room:lobby": frames.SubscribeResult(
                    recoverable=True,
                    positioned=True,
                    epoch="e",
                    offset=5,
                    publications=(GREETING,),
                    recovered=True,
                    was_recovering=True,
                )
            },
        ),
    ),
    "connect with nothing": lambda codec: codec.reply(1, frames.ConnectResult(client="c")),
    "subscribe": lambda codec: codec.reply(
        2, frames.SubscribeResult(expires=True, ttl=60, epoch="e", offset=2**64 - 1, data=b"[1]")
    ),
    "subscribe with nothing": lambda codec: codec.reply(2, frames.SubscribeResult()),
    "unsubscribe": lambda codec: codec.reply(3, frames.UnsubscribeResult()),
    "publish": lambda codec: codec.reply(4, frames.PublishResult()),
    "presence": lambda codec: codec.reply(7, frames.PresenceResult(presence={"c": ANN})),
    "presence of nobody": lambda codec: codec.reply(7, frames.PresenceResult(presence={})),
    "presence_stats": lambda codec: codec.reply(8, frames.PresenceStatsResult(num_clients=2, num_users=1)),
    "presence_stats of nobody": lambda codec: codec.reply(8, frames.PresenceStatsResult()),
    "rpc": lambda codec: codec.reply(5, frames.RpcResult(data=b"null")),
    "rpc with nothing": lambda codec: codec.reply(5, frames.RpcResult()),
    "history": lambda codec: codec.reply(
        6, frames.HistoryResult(publications=[Shown(1, b"1"), Shown(2, b"2")], epoch="e", offset=2)
    ),
    "history of the top": lambda codec: codec.reply(6, frames.HistoryResult(epoch="e")),
    "history of nothing": lambda codec: codec.reply(6, frames.HistoryResult(publications=[], epoch="e")),
    "refresh": lambda codec: codec.reply(9, frames.RefreshResult(expires=True, ttl=600)),
    "sub_refresh": lambda codec: codec.reply(10, frames.SubRefreshResult(expires=True, ttl=600)),
    "error": lambda codec: codec.error(11, 440, "room_not_found", temporary=False),
    "temporary error": lambda codec: codec.error(12, 100, "internal", temporary=True),
    "publication": lambda codec: codec.publication('room:"ü', GREETING),
    "publication without offset": lambda codec: codec.publication("live:x", Shown(0, b"1")),
    "publication of a client": lambda codec: codec.publication("room:x", Shown(0, b"1", ANN)),
    "publication of an anonymous client": lambda codec: codec.publication("room:x", Shown(0, b"1", NOBODY)),
    "join push": lambda codec: codec.push("room:x", frames.Join(ANN)),
    "leave push": lambda codec: codec.push("room:x", frames.Leave(frames.ClientInfo("ann", "c"))),
    "message push": lambda codec: codec.push("", frames.MessagePush(b'"hello"')),
    "message push with nothing": lambda codec: codec.push("", frames.MessagePush()),
    "refresh push": lambda codec: codec.push("", frames.RefreshPush(expires=True, ttl=600)),
    "refresh push with nothing": lambda codec: codec.push("", frames.RefreshPush()),
    "disconnect push": lambda codec: codec.push("", frames.DisconnectPush(3001, "shutdown")),
    "subscribe push": lambda codec: codec.push(
        "room:x", frames.SubscribePush(recoverable=True, epoch="e", offset=3, positioned=True, data=b"{}")
    ),
    "subscribe push with nothing": lambda codec: codec.push("room:x", frames.SubscribePush()),
    "unsubscribe push": lambda codec: codec.push("room:x", frames.UnsubscribePush(2000, "server unsubscribe")),
    "ping": lambda codec: codec.frame([codec.ping]),
}

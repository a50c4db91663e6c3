"""The looks at opaque bytes, wherever they stand. What the codec says is that of the plain one."""

import json
from collections.abc import Callable

import pytest

from chat_gateway.protocol import frames
from chat_gateway.protocol.checked_json_codec import CHECKED_JSON
from chat_gateway.protocol.codec import Codec, Unencodable
from chat_gateway.protocol.frames import ClientInfo
from chat_gateway.realtime.publication import Publication
from tests.unit.chat_gateway.protocol.golden import ANSWERS, golden

REPLIES = golden("replies")

Told = Callable[[bytes], bytes]


def publication(data: bytes, info: ClientInfo | None = None) -> Publication:
    return Publication(1, 0, "", "", data, info)


def pub(data: bytes, info: ClientInfo | None = None) -> bytes:
    return CHECKED_JSON.publication("a", publication(data, info))


def reply(result: frames.Result) -> bytes:
    return CHECKED_JSON.reply(1, result)


def subscribed(data: bytes) -> frames.SubscribeResult:
    return frames.SubscribeResult(publications=[publication(data)])


PLACES: dict[str, Told] = {
    "publication": pub,
    "its publisher": lambda data: pub(b"1", ClientInfo("u", "c", conn_info=data)),
    "join": lambda data: CHECKED_JSON.push("a", frames.Join(ClientInfo("u", "c", chan_info=data))),
    "subscribe push": lambda data: CHECKED_JSON.push("a", frames.SubscribePush(data=data)),
    "recovery": lambda data: reply(subscribed(data)),
    "recovery at connect": lambda data: reply(frames.ConnectResult(client="c", subs={"a": subscribed(data)})),
    "history": lambda data: reply(frames.HistoryResult(publications=[publication(data)])),
    "presence": lambda data: reply(frames.PresenceResult(presence={"c": ClientInfo("u", "c", data)})),
    "rpc": lambda data: reply(frames.RpcResult(data=data)),
}


@pytest.mark.parametrize("name", REPLIES)
def test_json_is_told_as_by_the_plain_codec(name: str) -> None:
    codec: Codec = CHECKED_JSON
    assert ANSWERS[name](codec).decode() == REPLIES[name]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("data", [b"\x00\xff", b"text", b'1},"more":{"x":1', b"{}\n{}", b"[" * 100_000])
def test_what_is_no_json_is_not_told_anywhere(place: str, data: bytes) -> None:
    with pytest.raises(Unencodable):
        PLACES[place](data)


@pytest.mark.parametrize("place", PLACES)
def test_json_on_several_lines_is_told_on_one(place: str) -> None:
    told = PLACES[place](b'{\n  "a": 1,\r\n  "b": 2\n}')
    assert b"\n" not in told
    assert '"b": 2' in json.dumps(json.loads(told))

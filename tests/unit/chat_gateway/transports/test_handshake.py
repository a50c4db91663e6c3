import pytest
from aiohttp import HttpVersion10, HttpVersion11, web
from aiohttp.http_writer import HttpVersion
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from chat_gateway.transports.handshake import Handshake, UpgradeRequired, check
from shared.errors import AppError, Forbidden, InvalidInput

ORIGIN = "https://chat.example"
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def request(
    path: str = "/connection/websocket",
    *,
    method: str = "GET",
    version: HttpVersion = HttpVersion11,
    without: str = "",
    more: tuple[tuple[str, str], ...] = (),
    **changed: str,
) -> web.Request:
    headers = CIMultiDict(
        {
            "Host": "chat.example",
            "Upgrade": "websocket",
            "Connection": "keep-alive, Upgrade",
            "Sec-WebSocket-Key": KEY,
            "Sec-WebSocket-Version": "13",
        }
    )
    headers.update({name.replace("_", "-"): value for name, value in changed.items()})
    headers.popall(without, None)
    for name, value in more:
        headers.add(name, value)
    return make_mocked_request(method, path, headers=headers, version=version)


def refusal(request: web.Request) -> AppError:
    with pytest.raises(AppError) as caught:
        check(request, origins=[ORIGIN])
    assert caught.value.message.endswith(".")
    return caught.value


def test_good_request_is_answered_with_the_accept_of_the_rfc() -> None:
    agreed = check(request(), origins=[ORIGIN])
    assert agreed == Handshake(KEY, "")
    assert agreed.response() == (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    )


@pytest.mark.parametrize(
    "wrong",
    [
        request(method="HEAD"),
        request(version=HttpVersion10),
        request(without="Upgrade"),
        request(Upgrade="h2c"),
        request(Upgrade="websocket, h2c"),
        request(more=(("Upgrade", "websocket"),)),
        request(without="Connection"),
        request(Connection="keep-alive"),
        request(without="Sec-WebSocket-Version"),
        request(Sec_WebSocket_Version="8"),
        request(more=(("Sec-WebSocket-Version", "13"),)),
    ],
)
def test_what_is_no_upgrade_of_our_version_is_426(wrong: web.Request) -> None:
    error = refusal(wrong)
    assert isinstance(error, UpgradeRequired)
    assert (error.status, error.code) == (426, "upgrade_required")


@pytest.mark.parametrize(
    "wrong",
    [
        request(without="Sec-WebSocket-Key"),
        request(Sec_WebSocket_Key="short"),
        request(Sec_WebSocket_Key="äöü"),
        request(Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ==\t!"),
        request(Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZXM="),
        request(more=(("Sec-WebSocket-Key", KEY),)),
    ],
)
def test_key_must_be_one_of_16_bytes(wrong: web.Request) -> None:
    assert isinstance(refusal(wrong), InvalidInput)


def test_missing_origin_is_let_in_and_a_listed_one() -> None:
    assert check(request(), origins=[]).key == KEY
    assert check(request(Origin=ORIGIN), origins=[ORIGIN]).key == KEY


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://chat.example",
        "https://chat.example:8443",
        "https://chat.example.evil.example",
        "null",
        "",
    ],
)
def test_page_of_a_foreign_origin_is_refused(origin: str) -> None:
    error = refusal(request(Origin=origin))
    assert isinstance(error, Forbidden)
    assert error.code == "origin_not_allowed"


def test_second_origin_does_not_hide_behind_a_good_one() -> None:
    attack = request(more=(("Origin", ORIGIN), ("Origin", "https://evil.example")))
    assert isinstance(refusal(attack), Forbidden)


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        ("centrifuge-json", "centrifuge-json"),
        ("centrifuge-protobuf", "centrifuge-protobuf"),
        ("centrifuge-protobuf, centrifuge-json", "centrifuge-protobuf"),
        ("chat, centrifuge-json, centrifuge-protobuf", "centrifuge-json"),
        ("chat, superchat", ""),
    ],
)
def test_first_subprotocol_that_is_known_is_chosen(offered: str, chosen: str) -> None:
    agreed = check(request(Sec_WebSocket_Protocol=offered), origins=[])
    assert agreed.subprotocol == chosen
    assert agreed.protobuf == (chosen == "centrifuge-protobuf")
    assert (b"Sec-WebSocket-Protocol: %b\r\n" % chosen.encode() in agreed.response()) == bool(chosen)


def test_subprotocols_may_come_in_several_headers() -> None:
    two = request(more=(("Sec-WebSocket-Protocol", "chat"), ("Sec-WebSocket-Protocol", "centrifuge-json")))
    assert check(two, origins=[]).subprotocol == "centrifuge-json"


@pytest.mark.parametrize("query", ["format=protobuf", "cf_protocol=protobuf", "cf_protocol=protobuf&format=json"])
def test_protobuf_may_be_asked_for_in_the_address(query: str) -> None:
    path = f"/connection/websocket?{query}"
    assert check(request(path), origins=[]) == Handshake(KEY, "", protobuf=True)
    both = check(request(path, Sec_WebSocket_Protocol="centrifuge-json, centrifuge-protobuf"), origins=[])
    assert both == Handshake(KEY, "centrifuge-protobuf", protobuf=True)


def test_encoding_is_json_unless_asked_else() -> None:
    assert not check(request("/connection/websocket?format=json&cf_protocol=cbor"), origins=[]).protobuf


def test_address_and_subprotocol_must_not_ask_for_different_encodings() -> None:
    asks = request("/connection/websocket?format=protobuf", Sec_WebSocket_Protocol="centrifuge-json")
    error = refusal(asks)
    assert isinstance(error, InvalidInput)
    assert "one encoding" in error.message

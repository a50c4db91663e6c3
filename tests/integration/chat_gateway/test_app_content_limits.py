"""A whole gateway whose limits of what is said and read are settings: each at its edge, and what is said beyond."""

from typing import Any

import pytest

from tests.integration.chat_gateway.running import LOBBY, Peer, Running, running_gateway


async def call(gateway: Running, verb: str, wish: Any, who: str = "ada") -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {gateway.token(sub=who)}"}
    async with gateway.http.post(f"{gateway.url}/api/v1/{verb}", json=wish, headers=headers) as answer:
        return answer.status, await answer.json()


async def posted(peer: Peer, body: str) -> dict[str, Any]:
    reply = await peer.rpc("message.post", room=LOBBY, body=body)
    assert "rpc" in reply, reply
    data: dict[str, Any] = reply["rpc"]["data"]
    return data


async def test_the_length_of_a_text_is_a_setting(sqlite_url: str, valkey_url: str) -> None:
    async with running_gateway(sqlite_url, valkey_url, text_characters=5, text_bytes=8) as gateway:
        peer = await gateway.connect(sub="ada")
        message = {"room": LOBBY, "message": (await posted(peer, "12345"))["id"]}
        assert "rpc" in await peer.rpc("message.edit", **message, body="\u00e4\u00e4\u00e4\u00e4")
        for body, says in (("123456", "5 characters, this has 6"), ("\u6f22\u6f22\u6f22", "8 bytes of UTF-8")):
            assert (await peer.rpc("message.post", room=LOBBY, body=body))["error"]["code"] == 402
            assert (await peer.rpc("message.edit", **message, body=body))["error"]["code"] == 402
            by_publish = await peer.ask(publish={"channel": f"room:{LOBBY}", "data": {"body": body}})
            assert by_publish["error"] == {"code": 402, "message": "text_too_long"}
            status, problem = await call(gateway, "message.post", {"room": LOBBY, "body": body})
            assert (status, problem["code"]) == (413, "text_too_long")
            assert says in problem["detail"]
        async with gateway.http.get(f"{gateway.url}/api/v1/openapi.json") as answer:
            schemas = (await answer.json())["components"]["schemas"]
        assert schemas["PostMessage"]["properties"]["body"]["maxLength"] == 5


async def test_the_rooms_of_a_person_are_a_setting(sqlite_url: str, valkey_url: str) -> None:
    async with running_gateway(sqlite_url, valkey_url, rooms_per_person=2) as gateway:
        peer = await gateway.connect(sub="ada")
        assert "rpc" in await peer.rpc("room.create", name="Den")
        assert (await peer.rpc("room.create", name="Lair"))["error"] == {"code": 480, "message": "too_many_rooms"}
        status, problem = await call(gateway, "room.create", {"name": "Lair"})
        assert (status, problem["code"]) == (409, "too_many_rooms")
        assert "more rooms than 2" in problem["detail"]


@pytest.mark.parametrize("depth", [5, 9])
async def test_the_depth_of_json_is_a_setting(sqlite_url: str, valkey_url: str, depth: int) -> None:
    async with running_gateway(sqlite_url, valkey_url, json_depth=depth) as gateway:
        peer, levels = await gateway.connect(sub="ada"), depth - 3
        deep: Any = "x"
        for _ in range(levels):
            deep = [deep]
        # what is read is refused for its content, by every door alike
        assert (await peer.rpc("typing", room=deep))["error"]["code"] == 400
        assert (await call(gateway, "typing", {"room": deep}))[1]["detail"].startswith("room: ")
        status, problem = await call(gateway, "typing", {"room": [deep]})
        assert (status, problem["code"]) == (400, "invalid_request")
        assert f"nested deeper than {depth - 2} levels" in problem["detail"]
        await peer.socket.send_json({"id": 9, "rpc": {"method": "typing", "data": {"room": [deep]}}})
        assert await peer.is_closed_with() == 3501


async def recovered(gateway: Running, offset: int, *, by: str) -> bool:
    """Whether a new connection recovers what stands above the offset."""
    position = {"recover": True, "offset": offset, "epoch": ""}
    peer = await gateway.open()
    if by == "connect":
        reply = await peer.ask(connect={"token": gateway.token(sub="ada"), "subs": {f"room:{LOBBY}": position}})
        return bool(reply["connect"]["subs"][f"room:{LOBBY}"].get("recovered"))
    await peer.ask(connect={"token": gateway.token(sub="ada"), "data": {"rooms": False}})
    while "subscribe" not in (reply := await peer.ask(subscribe={"channel": f"room:{LOBBY}", **position})):
        assert reply["error"]["temporary"], reply  # a gateway that stood still on a busy machine says: try again
    return bool(reply["subscribe"].get("recovered"))


@pytest.mark.parametrize(
    ("by", "settings"),
    [
        ("connect", {"connect_recovery_entries": 2, "subscribe_recovery_entries": 9}),
        ("subscribe", {"connect_recovery_entries": 9, "subscribe_recovery_entries": 2}),
    ],
)
async def test_the_entries_of_a_recovery_are_a_setting(
    sqlite_url: str, valkey_url: str, by: str, settings: dict[str, int]
) -> None:
    async with running_gateway(sqlite_url, valkey_url, **settings) as gateway:
        peer = await gateway.connect(sub="ada")
        head = [await posted(peer, f"text {number}") for number in range(3)][-1]["offset"]
        assert await recovered(gateway, head - 2, by=by)
        assert not await recovered(gateway, head - 3, by=by)
        other = "subscribe" if by == "connect" else "connect"
        assert await recovered(gateway, head - 3, by=other)


@pytest.mark.parametrize("by", ["connect", "subscribe"])
async def test_the_bytes_of_a_recovery_are_a_setting(sqlite_url: str, valkey_url: str, by: str) -> None:
    async with running_gateway(sqlite_url, valkey_url, recovery_bytes=16_384) as gateway:
        peer = await gateway.connect(sub="ada")
        head = [await posted(peer, "x" * 7_000) for _ in range(3)][-1]["offset"]
        assert await recovered(gateway, head - 2, by=by)
        assert not await recovered(gateway, head - 3, by=by)


async def test_the_longest_text_fits_the_smallest_frame_however_it_is_escaped(sqlite_url: str, valkey_url: str) -> None:
    tight = {"text_characters": 9_557, "text_bytes": 65_536, "frame_bytes": 131_072}
    async with running_gateway(sqlite_url, valkey_url, **tight) as gateway:
        peer = await gateway.connect(sub="ada")
        await posted(peer, "\N{GRINNING FACE}" * 9_557)  # which is two escapes of six bytes each on its way
        assert (await peer.rpc("message.post", room=LOBBY, body="\N{GRINNING FACE}" * 9_558))["error"]["code"] == 402

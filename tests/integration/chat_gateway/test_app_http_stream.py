"""A whole gateway without WebSocket: a person posts, is told, and is sent away like everybody when it stops."""

import json
from typing import Any

from tests.integration.chat_gateway.auth import ISSUER
from tests.integration.chat_gateway.running import LOBBY, Running, running_gateway
from tests.integration.chat_gateway.transports.nodes import Stream


async def open_stream(gateway: Running) -> Stream:
    return await Stream.open(gateway.http, gateway.url, token=gateway.token())


async def call(gateway: Running, stream: Stream, id_: int, method: str, **data: Any) -> dict[str, Any]:
    assert await stream.send(gateway.url, id=id_, rpc={"method": method, "data": data}) == 204
    while (reply := await stream.next()).get("id") != id_:
        assert "push" in reply
    answer: dict[str, Any] = reply
    return answer


async def test_a_person_without_a_websocket_posts_and_reads(gateway: Running) -> None:
    stream = await open_stream(gateway)
    assert stream.welcome["node"] == "under-test"
    posted = await call(gateway, stream, 2, "message.post", room=LOBBY, body="hello")
    page = await call(gateway, stream, 3, "history.page", room=LOBBY)
    assert posted["rpc"]["data"]["id"] in json.dumps(page)
    stream.answer.close()


async def test_other_pages_and_the_address_that_takes_a_token_are_refused(gateway: Running) -> None:
    for path in ("/connection/http_stream", "/emulation"):
        for origin, status in ((ISSUER, 204), ("https://evil.example", 403)):
            async with gateway.http.options(gateway.url + path, headers={"Origin": origin}) as answer:
                assert answer.status == status
    async with gateway.http.get(f"{gateway.url}/connection/sse?cf_connect={{}}") as answer:
        assert answer.status == 404


async def test_a_gateway_that_stops_sends_its_streams_away(sqlite_url: str, valkey_url: str) -> None:
    async with running_gateway(sqlite_url, valkey_url) as gateway:
        stream = await open_stream(gateway)
    while (last := await stream.next()).get("push", {}).get("disconnect") is None:
        assert "push" in last
    assert last["push"]["disconnect"]["code"] == 3001
    assert await stream.answer.content.read() == b""

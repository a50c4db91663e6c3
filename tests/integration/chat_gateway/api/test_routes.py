from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from chat_gateway.api.routes import CONNECTION, make_application


async def test_every_method_on_the_connection_address_reaches_the_transport_and_nothing_else_is_there() -> None:
    async def connect(request: web.Request) -> web.StreamResponse:
        return web.Response(text=request.method)

    async with TestClient(TestServer(make_application(trusted=(), connect=connect))) as client:
        for method in ("GET", "POST", "DELETE"):
            answer = await client.request(method, CONNECTION)
            assert await answer.text() == method
        missing = await client.get("/api/v1/rooms")
        assert missing.status == 404
        assert (await missing.json())["code"] == "not_found"

import pytest
from pytest_aiohttp import AiohttpClient

from auth_service.app import create_app
from auth_service.crypto.passwords import ArgonPasswords
from auth_service.settings import AuthSettings
from shared.health import Health


@pytest.mark.parametrize("registration", ["open", "invitation", "closed"])
async def test_anybody_may_know_how_one_registers(
    aiohttp_client: AiohttpClient, settings: AuthSettings, passwords: ArgonPasswords, registration: str
) -> None:
    settings = settings.model_copy(update={"registration": registration})
    client = await aiohttp_client(create_app(settings, health=Health(), passwords=passwords))
    answer = await client.get("/auth/site")
    assert (answer.status, await answer.json()) == (200, {"registration": registration})

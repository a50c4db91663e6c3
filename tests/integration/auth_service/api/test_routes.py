import pytest

from tests.integration.auth_service.person import Client, problem


@pytest.mark.parametrize("path", ["/", "/auth", "/auth/nothing", "/auth/../internal", "/internal"])
async def test_there_is_nothing_elsewhere(client: Client, path: str) -> None:
    response = await client.get(path)
    assert await problem(response) == (404, "not_found")
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/auth/login", "/auth/token", "/auth/logout", "/auth/register"])
async def test_link_cannot_act(client: Client, path: str) -> None:
    response = await client.get(path)
    assert await problem(response) == (405, "method_not_allowed")
    assert response.headers["Allow"] == "POST"


async def test_other_sites_get_no_permission(client: Client) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "PATCH"}
    response = await client.options("/auth/me", headers=headers)
    assert response.status == 405
    assert not [name for name in response.headers if name.startswith("Access-Control")]

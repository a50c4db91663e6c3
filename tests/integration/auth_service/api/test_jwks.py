from aiohttp import ClientResponse

from tests.integration.auth_service.person import Client


async def fetch(client: Client) -> ClientResponse:
    return await client.get("/.well-known/jwks.json")


async def test_key_made_at_the_first_start_is_published_and_may_be_cached(client: Client) -> None:
    response = await fetch(client)
    assert response.headers["Cache-Control"] == "public, max-age=300"
    (key,) = (await response.json())["keys"]
    assert key.keys() == {"kty", "crv", "use", "alg", "kid", "x"}
    assert (key["kty"], key["crv"], key["alg"]) == ("OKP", "Ed25519", "EdDSA")

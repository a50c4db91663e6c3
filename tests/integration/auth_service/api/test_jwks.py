import jwt
from aiohttp import ClientResponse
from pytest_aiohttp import AiohttpClient

from auth_service.actions import keys
from auth_service.app import create_app
from auth_service.core.auth import Auth
from auth_service.core.keys import AHEAD
from auth_service.crypto.passwords import ArgonPasswords
from auth_service.settings import AuthSettings
from shared.health import Health
from tests.integration.auth_service.person import Client, Person, problem
from tests.integration.auth_service.rows import Age


async def fetch(client: Client) -> ClientResponse:
    return await client.get("/.well-known/jwks.json")


async def published(client: Client) -> list[str]:
    return [key["kid"] for key in (await (await fetch(client)).json())["keys"]]


def signed_by(person: Person) -> str:
    """The id of the key of the access token."""
    return str(jwt.get_unverified_header(person.access_token)["kid"])


async def test_key_made_at_the_first_start_is_published_and_may_be_cached(client: Client) -> None:
    response = await fetch(client)
    assert response.headers["Cache-Control"] == "public, max-age=300"
    (key,) = (await response.json())["keys"]
    assert key.keys() == {"kty", "crv", "use", "alg", "kid", "x"}
    assert (key["kty"], key["crv"], key["alg"]) == ("OKP", "Ed25519", "EdDSA")


async def test_every_instance_publishes_and_signs_by_new_keys_at_once(
    aiohttp_client: AiohttpClient, settings: AuthSettings, auth: Auth, age: Age
) -> None:
    people = []
    for name in ("ann", "bob"):
        passwords = ArgonPasswords(memory_kib=64, time_cost=1)
        client: Client = await aiohttp_client(create_app(settings, health=Health(), passwords=passwords))
        people.append(Person(client, f"{name}@example.org"))
        assert (await people[-1].register()).status == 201
    old = signed_by(people[0])

    following = (await keys.rotate(auth)).id
    for person in people:
        assert await published(person.client) == [old, following]
        assert (await person.refresh()).status == 200
        assert signed_by(person) == old
    await age(AHEAD.total_seconds())
    for person in people:
        assert (await person.refresh()).status == 200
        assert signed_by(person) == following
        assert (await person.me()).status == 200

    new = (await keys.rotate_now(auth)).id
    for person in people:
        assert await problem(await person.me()) == (401, "token_expired")
        assert await published(person.client) == [new]
        assert (await person.refresh()).status == 200
        assert signed_by(person) == new
        assert (await person.me()).status == 200

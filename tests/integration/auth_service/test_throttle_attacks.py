"""The attacks that the throttle is for, over HTTP; the front's word on where each request comes from is believed."""

import asyncio
import secrets
from collections import Counter
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientResponse
from pydantic import SecretStr
from redis.asyncio import Redis

from auth_service.settings import AuthSettings
from tests.integration.auth_service import waiting
from tests.integration.auth_service.person import ORIGIN, Client, Person, StoppedClock, problem

pytestmark = pytest.mark.no_cover  # many cases, twice as long if traced; smaller tests cover the same lines

ANN, PASSWORD, DEVICE = "ann@example.org", "correct horse", "parley_device_8080"
OFFICE = "198.51.100.7"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def try_in(
    client: Client, email: str = ANN, password: str = "wrong", *, address: str = OFFICE, device: str = ""
) -> ClientResponse:
    """A log-in as the front passes it on."""
    headers = {"Origin": ORIGIN, "X-Forwarded-For": address, "Cookie": f"{DEVICE}={device}"}
    client.session.cookie_jar.clear()
    return await client.post("/auth/login", json={"email": email, "password": password}, headers=headers)


async def statuses(client: Client, *attempts: dict[str, str]) -> list[int]:
    return [(await try_in(client, **attempt)).status for attempt in attempts]


async def test_one_account_is_guessed_from_many_addresses(ann: Person, client: Client) -> None:
    attempts = [{"address": f"203.0.113.{n}"} for n in range(20)]
    assert await statuses(client, *attempts) == [401] * 5 + [429] * 15


async def test_refusal_says_when_to_come_back_and_nothing_of_the_account(ann: Person, client: Client) -> None:
    texts = []
    for email in (ANN, "nobody@example.org"):
        for _ in range(5):
            assert (await try_in(client, email)).status == 401
        refused = await try_in(client, email, PASSWORD)
        assert await problem(refused) == (429, "too_many_attempts")
        assert refused.headers["Retry-After"] == "1"
        body = await refused.json()
        assert body["retry_after"] == 1
        texts.append(body | {"request_id": ""})
    assert texts[0] == texts[1]


async def test_many_accounts_are_guessed_from_one_address(ann: Person, client: Client) -> None:
    attempts = [{"email": f"{n}@example.org"} for n in range(40)]
    assert await statuses(client, *attempts) == [401] * 30 + [429] * 10
    refused = await try_in(client, ANN, PASSWORD)
    assert refused.headers["Retry-After"] == "300"
    assert await statuses(client, {"password": PASSWORD, "address": "203.0.113.1"}) == [200]


async def test_many_accounts_are_guessed_from_one_network_of_ipv6(client: Client) -> None:
    attempts = [{"email": f"{n}@example.org", "address": f"2001:db8:0:1::{n:x}"} for n in range(31)]
    assert await statuses(client, *attempts) == [401] * 30 + [429]


async def test_victim_is_not_locked_out_of_the_devices_they_use(ann: Person, client: Client) -> None:
    device = (await ann.log_in()).cookies[DEVICE].value
    await statuses(client, *[{"address": f"203.0.113.{n}"} for n in range(20)])
    await statuses(client, *[{"email": f"{n}@example.org"} for n in range(40)])
    assert (await try_in(client, password=PASSWORD)).status == 429
    assert (await try_in(client, password=PASSWORD, device=device)).status == 200
    assert (await try_in(client, password=PASSWORD, device="0" * 32)).status == 429


async def test_victim_at_a_new_device_gets_in_after_the_wait(ann: Person, client: Client, clock: StoppedClock) -> None:
    await statuses(client, *[{"address": f"203.0.113.{n}"} for n in range(20)])
    refused = await try_in(client, password=PASSWORD, address="192.0.2.1")
    clock.now += float(refused.headers["Retry-After"])
    assert (await try_in(client, password=PASSWORD, address="192.0.2.1")).status == 200


async def test_device_of_one_account_is_a_stranger_to_another(ann: Person, client: Client) -> None:
    mallory = Person(client, "mallory@example.org")
    device = (await mallory.register()).cookies[DEVICE].value
    assert await statuses(client, *[{"device": device}] * 8) == [401] * 5 + [429] * 3


async def test_stolen_device_has_its_own_limit(ann: Person, client: Client) -> None:
    device = (await ann.log_in()).cookies[DEVICE].value
    assert await statuses(client, *[{"device": device}] * 8) == [401] * 5 + [429] * 3


async def test_office_behind_one_address_logs_in_whatever_its_size(client: Client) -> None:
    people = [Person(client, f"{n}@example.org") for n in range(35)]
    for person in people:
        assert (await person.register()).status == 201
    attempts = [{"email": person.email, "password": PASSWORD} for person in people]
    assert await statuses(client, *attempts) == [200] * 35


async def test_office_with_a_guesser_keeps_its_known_devices(ann: Person, client: Client) -> None:
    device = (await ann.log_in()).cookies[DEVICE].value
    await statuses(client, *[{"email": f"{n}@example.org"} for n in range(40)])
    for _ in range(3):
        assert (await try_in(client, password="mistyped", device=device)).status == 401
    assert (await try_in(client, password=PASSWORD, device=device)).status == 200


async def test_of_a_hundred_guesses_at_once_at_most_five_are_looked_at(ann: Person, client: Client) -> None:
    answers = await asyncio.gather(*(try_in(client, address=f"203.0.113.{n}") for n in range(100)))
    assert Counter(answer.status for answer in answers) == {401: 5, 429: 95}


async def test_form_goes_back_to_the_page_with_the_reason(ann: Person, client: Client) -> None:
    await statuses(client, *[{}] * 5)
    response = await ann.post("/auth/login", data=f"email={ANN}&password={PASSWORD}", headers=FORM)
    assert response.status == 303
    assert "error=too_many_attempts&" in urlsplit(response.headers["Location"]).fragment


async def test_guessing_the_password_in_an_open_session_is_limited_too(ann: Person, client: Client) -> None:
    found = []
    for _ in range(7):
        body = {"password": "wrong", "new_password": "another good one"}
        found.append((await client.post("/auth/password", json=body, headers=ann.bearer())).status)
    assert found == [403] * 5 + [429] * 2


class TestWithoutAFront:
    """A service whose port strangers reach: what they write of themselves is not believed."""

    @pytest.fixture
    def settings(self, settings: AuthSettings) -> AuthSettings:
        return settings.model_copy(update={"trusted_proxies": ()})

    async def test_forged_address_does_not_help(self, client: Client) -> None:
        attempts = [{"email": f"{n}@example.org", "address": f"203.0.113.{n}"} for n in range(35)]
        assert await statuses(client, *attempts) == [401] * 30 + [429] * 5


class TestWithRedis:
    @pytest.fixture
    def settings(self, settings: AuthSettings, valkey_url: str) -> AuthSettings:
        """The buckets are those of the test."""
        return settings.model_copy(update={"redis_url": valkey_url, "internal_key": SecretStr(secrets.token_hex())})

    @pytest.mark.usefixtures("ann")
    async def test_address_is_limited(self, client: Client) -> None:
        attempts = [{"email": f"{n}@example.org"} for n in range(32)]
        assert await statuses(client, *attempts) == [401] * 30 + [429] * 2

    @pytest.mark.usefixtures("ann")
    async def test_victim_gets_in_after_the_wait(self, client: Client, valkey_url: str) -> None:
        while (await try_in(client)).status == 401:
            pass
        async with Redis.from_url(valkey_url) as redis:
            await waiting.let_pass(redis, 1000)
        assert (await try_in(client, password=PASSWORD)).status == 200


class TestWithHangingRedis:
    @pytest.fixture
    def settings(self, settings: AuthSettings, silent_url: str) -> AuthSettings:
        return settings.model_copy(update={"redis_url": silent_url})

    @pytest.mark.usefixtures("ann")
    async def test_throttle_is_neither_open_nor_hanging(self, client: Client) -> None:
        async with asyncio.timeout(30):
            attempts = [{"address": f"203.0.113.{n}"} for n in range(20)]
            assert await statuses(client, *attempts) == [401] * 5 + [429] * 15

    @pytest.mark.usefixtures("ann")
    async def test_good_people_get_in(self, client: Client) -> None:
        assert (await try_in(client, password=PASSWORD)).status == 200

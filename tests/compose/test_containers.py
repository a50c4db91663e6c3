"""The real docker-compose.yml: built, started, talked through, scaled, and one gateway killed."""

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.compose.composed import NETWORK, Composed
from tests.driver import PASSWORD, ChatUser

pytestmark = [pytest.mark.compose, pytest.mark.timeout(1200)]

LOBBY = "lobby"
_TRIES = 12
_RECOVERY_SECONDS = 60


@pytest.fixture(scope="session")
def first_account(composed: Composed) -> str:
    """The first administrator's address; made once, by the link that the migration has printed."""

    async def make() -> str:
        token = composed.setup_token()
        administrator = await ChatUser.register(composed.base, "first", token=token)
        await administrator.leave_page()
        return administrator.email

    return asyncio.run(make())


@pytest.fixture
async def administrator(composed: Composed, first_account: str) -> AsyncIterator[ChatUser]:
    administrator = await ChatUser.log_in(composed.base, first_account, PASSWORD)
    yield administrator
    await administrator.leave_page()


async def arrive(composed: Composed, administrator: ChatUser, elsewhere_than: set[int]) -> tuple[ChatUser, int]:
    """Connect somebody through the front to a gateway that is none of these; nginx takes turns."""
    for _ in range(_TRIES):
        invited = await administrator.ask_auth("POST", "invitations", email=None)
        token = invited["link"].partition("#token=")[2]
        user = await (await ChatUser.register(composed.base, invitation=token)).connect()
        gateway = composed.gateway_of(user.id)
        if gateway not in elsewhere_than:
            return user, gateway
        await user.leave_page()
    raise AssertionError(f"nobody came to a gateway other than {elsewhere_than}")


async def eventually_healthy(composed: Composed, count: int) -> None:
    async with asyncio.timeout(_RECOVERY_SECONDS):
        while composed.healthy_gateways() != count:  # noqa: ASYNC110 -- a container's health has no event
            await asyncio.sleep(1)


async def test_people_on_different_gateways_talk_both_ways(composed: Composed, administrator: ChatUser) -> None:
    ann, first = await arrive(composed, administrator, set())
    ben, second = await arrive(composed, administrator, {first})
    assert first != second

    await ann.say(LOBBY, "from the first gateway")
    await ben.sees(LOBBY, "from the first gateway")
    await ben.say(LOBBY, "from the second gateway")
    await ann.sees(LOBBY, "from the second gateway")

    await ann.leave_page()
    await ben.leave_page()


async def test_a_gateway_added_by_scaling_gets_people(composed: Composed, administrator: ChatUser) -> None:
    composed.scale_gateways(3)
    ann, first = await arrive(composed, administrator, {3})
    ben, third = await arrive(composed, administrator, {1, 2})
    assert (first in (1, 2), third) == (True, 3)

    await ben.say(LOBBY, "from the third gateway")
    await ann.sees(LOBBY, "from the third gateway")

    await ann.leave_page()
    await ben.leave_page()


async def test_a_killed_gateway_loses_nothing_and_is_started_again(composed: Composed, administrator: ChatUser) -> None:
    composed.scale_gateways(3)
    ann, first = await arrive(composed, administrator, set())
    ben, second = await arrive(composed, administrator, {first})

    composed.kill_gateway(first)
    await ben.say(LOBBY, "said while the other gateway was dead")
    await ann.is_connected_times(2)
    await ann.sees(LOBBY, "said while the other gateway was dead")
    assert ann.recovered[f"room:{LOBBY}"]
    assert composed.gateway_of(ben.id) == second
    await eventually_healthy(composed, 3)

    await ann.leave_page()
    await ben.leave_page()


async def test_nobody_registers_without_an_invitation(composed: Composed) -> None:
    body = {"email": "eve@test.com", "name": "Eve", "password": PASSWORD}
    async with aiohttp.request("POST", f"{composed.base}/auth/register", json=body) as refused:
        assert (refused.status, (await refused.json())["code"]) == (403, "invitation_needed")


async def test_outside_sees_the_front_and_no_demo_user(composed: Composed) -> None:
    async with aiohttp.ClientSession(composed.base) as http:
        async with http.get("/") as page:
            assert (page.status, page.headers["X-Content-Type-Options"]) == (200, "nosniff")
        for path in ("/internal/changes?after=0", "/metrics"):
            async with http.get(path) as hidden:
                assert hidden.status == 404
        async with http.post("/auth/login", json={"email": "dog1@test.com", "password": "dog1"}) as refused:
            assert refused.status == 401


async def test_the_front_sees_this_machine_under_the_address_that_the_runbook_names(composed: Composed) -> None:
    async with aiohttp.request("GET", f"{composed.base}/seen-from-the-host") as page:
        assert page.status == 200
    (line,) = (line for line in composed.compose("logs", "--no-color", "nginx").splitlines() if "seen-from" in line)
    assert json.loads(line.partition("|")[2])["client"] == f"{NETWORK}.129"


@pytest.mark.parametrize("service", ["nginx", "auth_service", "chat_gateway", "valkey", "postgres"])
def test_no_container_runs_as_root_or_writes_its_root(composed: Composed, service: str) -> None:
    assert composed.compose("exec", "-T", service, "id", "-u").strip() != "0"
    assert "Read-only" in composed.compose("exec", "-T", service, "touch", "/etc/planted", check=False)


def test_a_service_cannot_open_the_others_database(composed: Composed) -> None:
    password = composed.settings["CHAT_DATABASE_PASSWORD"]
    psql = ("exec", "-T", "-e", f"PGPASSWORD={password}", "postgres", "psql", "-h", "127.0.0.1", "-U", "chat", "-tA")
    locale = "SELECT datlocprovider, datctype FROM pg_database WHERE datname = 'chat'"
    assert composed.compose(*psql, "-d", "chat", "-c", locale).strip() == "c|C.UTF-8"
    assert "permission denied" in composed.compose(*psql, "-d", "auth", "-c", "SELECT 1", check=False)

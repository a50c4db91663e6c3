import asyncio
import base64
from dataclasses import replace

import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import REGISTRY
from pydantic import SecretStr
from pytest_aiohttp import AiohttpClient

from auth_service.app import _repeating, create_app, system_randomness
from auth_service.core.keys import ROTATION
from auth_service.core.sessions import ABSOLUTE
from auth_service.crypto.passwords import ArgonPasswords
from auth_service.settings import AuthSettings
from auth_service.store.database import Database
from auth_service.store.migrate import upgrade
from shared.health import Health, ops_application
from shared.web import StartError
from tests.faults import eventually
from tests.integration.auth_service.person import Person, problem
from tests.integration.auth_service.rows import Age, a_user
from tests.integration.auth_service.sql import execute

DEMO = {"parley_mode": "demo", "refresh_keys": SecretStr(""), "internal_key": SecretStr("")}


async def start(settings: AuthSettings, passwords: ArgonPasswords) -> TestServer:
    server = TestServer(create_app(settings, health=Health(), passwords=passwords))
    await server.start_server()
    return server


async def test_demo_mode_seeds_its_users_and_needs_no_secret(
    aiohttp_client: AiohttpClient, settings: AuthSettings, passwords: ArgonPasswords
) -> None:
    app = create_app(settings.model_copy(update=DEMO), health=Health(), passwords=passwords)
    client = await aiohttp_client(app)
    dog1 = Person(client, "dog1@test.com", "dog1")
    body = await (await dog1.log_in()).json()
    assert (body["user"]["name"], body["user"]["profile"]) == ("dog1", {"role": "administrator"})
    assert (await Person(client, "dog2@test.com", "dog2").log_in()).status == 200
    assert (await dog1.refresh()).status == 200
    for header in ("Bearer ", "Bearer", ""):
        refused = await client.get("/internal/changes", headers={"Authorization": header})
        assert refused.status == 401


async def test_production_does_not_start_with_demo_users(settings: AuthSettings) -> None:
    await (await start(settings.model_copy(update=DEMO), ArgonPasswords(memory_kib=64, time_cost=1))).close()
    with pytest.raises(StartError, match="demo users"):
        await start(settings, ArgonPasswords(memory_kib=64, time_cost=1))


async def test_nobody_stops_production_by_taking_an_address_of_the_demo(
    settings: AuthSettings, database: Database
) -> None:
    server = await start(settings, cheap := ArgonPasswords(memory_kib=64, time_cost=1))
    client = TestClient(server)
    response = await Person(client, "dog1@test.com", "a password of mine").register()
    assert await problem(response) == (400, "invalid_request")
    # On a site that let somebody do so before.
    user = replace(a_user("dog1@test.com"), password=await cheap.hash("a password of mine"))
    async with database.transaction() as tx:
        await tx.users.add(user)
    await client.close()
    await (await start(settings, ArgonPasswords(memory_kib=64, time_cost=1))).close()


async def test_signing_keys_that_cannot_be_decrypted_stop_the_start_with_what_to_set(
    settings: AuthSettings, passwords: ArgonPasswords
) -> None:
    await (await start(settings, ArgonPasswords(memory_kib=64, time_cost=1))).close()
    other = SecretStr("b:" + base64.b64encode(b"b" * 32).decode())
    with pytest.raises(StartError, match="'a', which is not in AUTH_KEY_ENCRYPTION_KEYS"):
        await start(settings.model_copy(update={"key_encryption_keys": other}), passwords)


async def test_keys_are_looked_after_while_the_service_runs(
    settings: AuthSettings, passwords: ArgonPasswords, age: Age, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auth_service.app._KEYS_SECONDS", 0.01)
    with structlog.testing.capture_logs() as logs:
        server = await start(settings, passwords)
        await age(ROTATION.total_seconds())
        # The audit log is the sign that the next key was made.
        await eventually(lambda: [line["details"]["why"] for line in logs if line["event"] == "keys.rotated"][1:])
        await server.close()
    assert [line["details"]["why"] for line in logs if line["event"] == "keys.rotated"] == ["first", "schedule"]


async def test_sessions_that_are_over_are_pruned_while_the_service_runs(
    settings: AuthSettings, passwords: ArgonPasswords, age: Age, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pruned() -> float:
        return REGISTRY.get_sample_value("parley_auth_pruned_total", {"table": "session"}) or 0.0

    monkeypatch.setattr("auth_service.app._PRUNING_SECONDS", 0.01)
    server = await start(settings, passwords)
    client, before = TestClient(server), pruned()
    await Person(client).register()
    await age(ABSOLUTE.total_seconds() + 3600)
    await eventually(lambda: pruned() == before + 1)
    await client.close()


async def test_work_that_fails_is_logged_and_tried_again() -> None:
    tries: list[int] = []
    succeeded = asyncio.Event()

    async def work() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise RuntimeError("not now")
        succeeded.set()

    with structlog.testing.capture_logs() as logs:
        async with asyncio.timeout(10), _repeating(0.001, "trying", work):
            await succeeded.wait()
    assert [(line["event"], line["work"], line["error"]) for line in logs] == [
        ("repeating.failed", "trying", "RuntimeError")
    ] * 2


async def test_database_without_tables_stops_the_start_with_what_to_do(
    settings: AuthSettings, database_url: str, passwords: ArgonPasswords
) -> None:
    with pytest.raises(StartError, match="python -m auth_service migrate"):
        await start(settings.model_copy(update={"database_url": database_url}), passwords)


async def test_schema_of_an_older_release_stops_the_start_with_what_to_do(
    settings: AuthSettings, database_url: str, passwords: ArgonPasswords
) -> None:
    await asyncio.to_thread(upgrade, database_url)
    await execute(database_url, "UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(StartError, match=r"at migration 0001.* Run `python -m auth_service migrate` first"):
        await start(settings.model_copy(update={"database_url": database_url}), passwords)


async def test_database_that_is_away_stops_the_start_with_what_to_check(
    settings: AuthSettings, passwords: ArgonPasswords
) -> None:
    away = settings.model_copy(update={"database_url": "postgresql://nobody@127.0.0.1:1/nothing"})
    with pytest.raises(StartError, match="AUTH_DATABASE_URL"):
        await start(away, passwords)


async def test_second_instance_verifies_the_tokens_and_continues_the_sessions_of_the_first(
    aiohttp_client: AiohttpClient, settings: AuthSettings
) -> None:
    clients = []
    for _ in range(2):
        app = create_app(settings, health=Health(), passwords=ArgonPasswords(memory_kib=64, time_cost=1))
        clients.append(await aiohttp_client(app))
    ann = Person(clients[0])
    await ann.register()
    first = ann.cookie
    await ann.refresh()
    successor = ann.cookie
    ann.client = clients[1]
    assert (await ann.me()).status == 200
    await ann.refresh(first)
    assert ann.cookie == successor
    assert (await ann.refresh()).status == 200


async def test_ready_says_whether_the_database_answers(
    aiohttp_client: AiohttpClient, settings: AuthSettings, passwords: ArgonPasswords
) -> None:
    health = Health()
    server = TestServer(create_app(settings, health=health, passwords=passwords))
    await server.start_server()
    ops = await aiohttp_client(ops_application(health))
    assert (await ops.get("/readyz")).status == 200
    await server.close()


def test_ids_rise_with_time() -> None:
    new_id = system_randomness().new_id
    ids = [new_id() for _ in range(10)]
    assert ids == sorted(ids)
    assert {identifier[14] for identifier in ids} == {"7"}


@pytest.mark.usefixtures("log")
async def test_inside_of_the_database_is_in_no_answer(
    aiohttp_client: AiohttpClient, settings: AuthSettings, passwords: ArgonPasswords, database_url: str
) -> None:
    await asyncio.to_thread(upgrade, database_url)
    settings = settings.model_copy(update={"database_url": database_url})
    client = await aiohttp_client(create_app(settings, health=Health(), passwords=passwords))
    database = Database(database_url, on_change=lambda: None)
    async with database._engine.begin() as connection:
        await connection.exec_driver_sql("DROP TABLE refresh_token")
    await database.close()
    response = await Person(client).register()
    assert response.status in (web.HTTPInternalServerError.status_code, web.HTTPServiceUnavailable.status_code)
    assert "refresh_token" not in await response.text()

import asyncio

import pytest

from auth_service.core.users import UserId
from auth_service.store.database import Database
from tests.integration.auth_service.person import COOKIE, Client, Person, problem
from tests.integration.auth_service.rows import Feed


async def test_registering_answers_token_user_and_cookie(person: Person, database: Database) -> None:
    person.email = "Ann@Example.org"
    response = await person.register()
    body = await response.json()
    assert response.status == 201
    assert body["user"] == {
        "id": person.id,
        "email": "ann@example.org",
        "name": "Ann",
        "picture": "",
        "profile": {},
        "role": "member",
    }
    assert response.cookies[COOKIE].value
    assert (await person.me()).status == 200
    entry = {"kind": "user", "id": person.id, "name": "Ann", "picture": "", "disabled": False, "deleted": False}
    page = await database.changes_after(0)
    assert page.changes[1:] == [{"n": page.next, **entry}]


async def test_address_that_is_taken_is_a_conflict_in_any_case(ann: Person) -> None:
    ann.email = "ANN@example.org"
    response = await ann.register("Somebody else")
    assert await problem(response) == (409, "email_taken")
    assert (await response.json())["errors"] == {"email": "is taken"}


async def test_of_many_who_register_one_address_at_once_one_gets_it(client: Client) -> None:
    responses = await asyncio.gather(*(Person(client).register() for _ in range(5)))
    assert sorted(response.status for response in responses) == [201, 409, 409, 409, 409]


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"email": "ann"}, "invalid_request", "email"),
        ({"email": "ann@example.org\x00"}, "invalid_request", "email"),
        ({"email": "a" * 128 + "@b"}, "invalid_request", "email"),
        ({"password": "short"}, "password_too_short", "password"),
        ({"password": "x" * 257}, "password_too_long", "password"),
        ({"name": "\u202e"}, "invalid_request", "name"),
        ({"name": None}, "invalid_request", "name"),
        ({"name": ["x"]}, "invalid_request", "name"),
    ],
)
async def test_refused_registration_names_the_field(
    person: Person, changed: dict[str, object], code: str, field: str
) -> None:
    body = {"email": person.email, "password": person.password, "name": "Ann"} | changed
    response = await person.post("/auth/register", json=body)
    assert await problem(response) == (400, code)
    assert list((await response.json())["errors"]) == [field]


async def test_nobody_registers_as_administrator(person: Person) -> None:
    body = {"email": person.email, "password": person.password, "name": "Ann", "role": "administrator"}
    assert await problem(await person.post("/auth/register", json=body)) == (400, "invalid_request")


async def test_profile_of_mine_is_changed_by_me(ann: Person, database: Database) -> None:
    picture = "https://a.example/p.png"
    before = (await database.changes_after(0)).next
    response = await ann.edit_me(name="Anna", picture=picture, profile={"town": "Ulm", "n": [1, None]})
    assert response.status == 200
    body = await (await ann.me()).json()
    assert body == await response.json()
    assert (body["name"], body["picture"]) == ("Anna", picture)
    assert body["profile"] == {"town": "Ulm", "n": [1, None]}
    page = await database.changes_after(before)
    assert [(entry["id"], entry["name"]) for entry in page.changes] == [(ann.id, "Anna")]


async def test_profile_is_merged(ann: Person) -> None:
    await ann.edit_me(profile={"town": "Ulm", "age": 5})
    response = await ann.edit_me(profile={"age": None, "emoji": "🐶", "nul": "\x00"})
    assert (await response.json())["profile"] == {"town": "Ulm", "emoji": "🐶", "nul": "\x00"}


@pytest.mark.parametrize(
    "changes",
    [
        {"email": "other@example.org"},
        {"role": "administrator"},
        {"name": "\n"},
        {"picture": "http://plain.example/"},
        {"profile": []},
        {"profile": {"a": "x" * 9000}},
    ],
)
async def test_refused_edit_changes_nothing(ann: Person, changes: dict[str, object]) -> None:
    before = await (await ann.me()).json()
    assert await problem(await ann.edit_me(**changes)) == (400, "invalid_request")
    assert await (await ann.me()).json() == before


async def test_edit_that_touches_many_at_once_loses_none(ann: Person) -> None:
    await asyncio.gather(*(ann.edit_me(profile={f"key{n}": n}) for n in range(6)))
    assert (await (await ann.me()).json())["profile"] == {f"key{n}": n for n in range(6)}


async def test_password_is_changed_by_whoever_knows_the_old_one(ann: Person) -> None:
    assert (await ann.change_password(ann.password, "another horse")).status == 204
    assert await problem(await ann.log_in()) == (401, "bad_credentials")
    assert (await ann.log_in("another horse")).status == 200


async def test_wrong_old_password_is_no_fault_of_the_token(ann: Person) -> None:
    response = await ann.change_password("not mine", "another horse")
    assert await problem(response) == (403, "wrong_password")
    assert (await response.json())["errors"] == {"password": "is wrong"}
    assert (await ann.me()).status == 200
    assert (await ann.log_in()).status == 200


async def test_new_password_keeps_the_rules(ann: Person) -> None:
    assert await problem(await ann.change_password(ann.password, "short")) == (400, "password_too_short")
    assert await problem(await ann.change_password(ann.password, ann.password)) == (400, "password_unchanged")


async def test_account_is_deleted_by_whoever_knows_its_password(ann: Person, feed: Feed) -> None:
    assert await problem(await ann.act("DELETE", "/auth/me", password="not mine")) == (403, "wrong_password")
    response = await ann.act("DELETE", "/auth/me", password=ann.password)
    assert response.status == 204
    assert response.cookies[COOKIE]["max-age"] == "0"
    assert ("user", ann.id) in await feed()
    assert await problem(await ann.me()) == (401, "session_expired")
    assert await problem(await ann.log_in()) == (401, "bad_credentials")
    assert (await ann.register()).status == 201


async def test_last_administrator_stays(ann: Person, database: Database) -> None:
    async with database.transaction() as tx:
        assert await tx.users.set_role(UserId(ann.id), "administrator")
    assert await problem(await ann.act("DELETE", "/auth/me", password=ann.password)) == (409, "last_administrator")
    assert (await ann.me()).status == 200

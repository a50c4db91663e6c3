import pytest

from tests.integration.auth_service.person import Client, Person, problem

KEY = {"Authorization": "Bearer " + "i" * 32}


async def test_service_reads_what_happened_after_its_cursor(client: Client, person: Person) -> None:
    await person.register()
    await person.log_out()
    page = await (await client.get("/internal/changes", headers=KEY)).json()
    kinds = [entry["kind"] for entry in page["changes"]]
    first, second, third = [entry["n"] for entry in page["changes"]]
    assert (kinds, page["next"], page["more"]) == (["keys", "user", "session"], third, False)
    assert page["changes"][0] == {"n": first, "kind": "keys", "version": first}
    assert page["changes"][2]["user"] == person.id
    rest = await (await client.get(f"/internal/changes?after={second}", headers=KEY)).json()
    assert rest["changes"] == page["changes"][2:]
    end = await client.get(f"/internal/changes?after={third}", headers=KEY)
    assert await end.json() == {"changes": [], "next": third, "more": False}


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer " + "i" * 31, "Bearer " + "j" * 32, "i" * 32, "é"])
async def test_stranger_reads_nothing(client: Client, header: str) -> None:
    response = await client.get("/internal/changes", headers={"Authorization": header})
    assert await problem(response) == (401, "invalid_internal_key")


@pytest.mark.parametrize("after", ["", "-1", "x", "1.5", "٣", "9" * 19, "9" * 400])
async def test_cursor_that_is_no_number_is_refused(client: Client, after: str) -> None:
    response = await client.get("/internal/changes", params={"after": after}, headers=KEY)
    assert await problem(response) == (400, "invalid_request")

import asyncio

from auth_service.store.database import Database
from auth_service.store.keys import KeyRow


async def test_of_instances_that_start_together_one_writes_the_first_key(database: Database) -> None:
    async def start(name: str) -> list[KeyRow]:
        async with database.transaction() as tx:
            await tx.keys.add_first(name, name.encode() * 32)
            return await tx.keys.all()

    seen = await asyncio.gather(*(start(name) for name in "abcde"))
    assert len(seen[0]) == 1
    assert seen == [seen[0]] * 5
    (key,) = seen[0]
    assert (key.generation, key.private_key) == (1, key.id.encode() * 32)


async def test_first_key_is_told_to_the_gateways_once(database: Database, rings: list[str]) -> None:
    for name in "ab":
        async with database.transaction() as tx:
            assert await tx.keys.add_first(name, b"k" * 32) is (name == "a")
    page = await database.changes_after(0)
    assert page.changes == [{"n": 1, "kind": "keys", "version": 1}]
    assert rings == ["ring"]

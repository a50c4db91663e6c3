from datetime import timedelta

from auth_service.core.callers import DeviceHash
from auth_service.store.database import Database
from auth_service.store.devices import LIFE, MOST
from tests.integration.auth_service.rows import Age, a_user

PHONE, LAPTOP = DeviceHash(b"p" * 32), DeviceHash(b"l" * 32)
DAY = timedelta(days=1).total_seconds()


async def test_device_is_known_to_those_who_used_it(database: Database) -> None:
    ann, bob = a_user(), a_user("bob@example.org")
    async with database.transaction() as tx:
        await tx.users.add(ann)
        await tx.users.add(bob)
        for device, user in ((PHONE, ann), (PHONE, ann), (LAPTOP, ann), (PHONE, bob)):
            await tx.devices.add(device, user.id)
        assert [await tx.devices.knows(PHONE, user.id) for user in (ann, bob)] == [True, True]
        assert [await tx.devices.knows(LAPTOP, user.id) for user in (ann, bob)] == [True, False]
        assert [await tx.devices.count(user.id) for user in (ann, bob)] == [2, 1]
        await tx.users.remove(ann.id)
        assert [await tx.devices.knows(PHONE, user.id) for user in (ann, bob)] == [False, True]


async def test_device_is_forgotten_a_year_after_its_last_use(database: Database, age: Age) -> None:
    user = a_user()
    async with database.transaction() as tx:
        await tx.users.add(user)
        await tx.devices.add(PHONE, user.id)
    await age(LIFE.total_seconds() - DAY)
    async with database.transaction() as tx:
        assert await tx.devices.knows(PHONE, user.id)
        await tx.devices.add(PHONE, user.id)
    await age(LIFE.total_seconds() - DAY)
    async with database.reading() as tx:
        assert (await tx.devices.knows(PHONE, user.id), await tx.devices.count(user.id)) == (True, 1)
    await age(2 * DAY)
    async with database.reading() as tx:
        assert (await tx.devices.knows(PHONE, user.id), await tx.devices.count(user.id)) == (False, 0)


async def test_new_device_drops_what_is_forgotten(database: Database, age: Age) -> None:
    user = a_user()
    async with database.transaction() as tx:
        await tx.users.add(user)
        await tx.devices.add(PHONE, user.id)
    await age(LIFE.total_seconds() + DAY)
    async with database.transaction() as tx:
        await tx.devices.add(LAPTOP, user.id)
        await tx.devices.add(PHONE, user.id)
        assert await tx.devices.count(user.id) == 2


async def test_of_too_many_devices_the_one_used_longest_ago_is_forgotten(database: Database, age: Age) -> None:
    ann, bob = a_user(), a_user("bob@example.org")
    async with database.transaction() as tx:
        await tx.users.add(ann)
        await tx.users.add(bob)
        await tx.devices.add(PHONE, ann.id)
        await tx.devices.add(PHONE, bob.id)
        await tx.devices.add(LAPTOP, ann.id)
    await age(10)
    async with database.transaction() as tx:
        await tx.devices.add(PHONE, ann.id)
        for n in range(MOST - 1):
            await tx.devices.add(DeviceHash(bytes([n]) * 32), ann.id)
        assert await tx.devices.count(ann.id) == MOST
        assert [await tx.devices.knows(device, ann.id) for device in (PHONE, LAPTOP)] == [True, False]
        assert await tx.devices.knows(PHONE, bob.id)


async def test_device_suits_who_used_it_and_anybody_while_nobody_did(database: Database) -> None:
    ann, bob = a_user(), a_user("bob@example.org")
    async with database.transaction() as tx:
        await tx.users.add(ann)
        await tx.users.add(bob)
        assert await tx.devices.suits(PHONE, ann.id)
        await tx.devices.add(PHONE, ann.id)
        assert [await tx.devices.suits(PHONE, user.id) for user in (ann, bob)] == [True, False]
        await tx.devices.add(PHONE, bob.id)
        assert [await tx.devices.suits(PHONE, user.id) for user in (ann, bob)] == [True, True]


async def test_devices_of_a_user_are_forgotten_all_or_but_one(database: Database) -> None:
    ann, bob = a_user(), a_user("bob@example.org")
    async with database.transaction() as tx:
        for user in (ann, bob):
            await tx.users.add(user)
            for device in (PHONE, LAPTOP):
                await tx.devices.add(device, user.id)
        await tx.devices.forget(ann.id, but=PHONE)
        assert [await tx.devices.knows(device, ann.id) for device in (PHONE, LAPTOP)] == [True, False]
        await tx.devices.forget(ann.id)
        assert [await tx.devices.count(user.id) for user in (ann, bob)] == [0, 2]

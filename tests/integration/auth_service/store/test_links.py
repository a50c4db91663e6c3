from datetime import timedelta

import pytest

from auth_service.core.links import LIFETIMES, Link, LinkHash, LinkKind
from auth_service.core.users import User
from auth_service.store.database import Database
from tests.integration.auth_service.rows import Age, a_user

FIRST, SECOND = LinkHash(b"1" * 32), LinkHash(b"2" * 32)


@pytest.fixture
async def user(database: Database) -> User:
    user = a_user()
    async with database.transaction() as tx:
        await tx.users.add(user)
    return user


async def test_link_is_found_as_it_was_made_until_it_is_taken(database: Database, user: User) -> None:
    link = Link(LinkKind.INVITATION, "member", user.id, "bob@example.org")
    async with database.transaction() as tx:
        before = await tx.now()
        expires_at = await tx.links.add(FIRST, link)
        assert before <= expires_at - LIFETIMES[LinkKind.INVITATION] <= await tx.now()
    async with database.transaction() as tx:
        assert await tx.links.find(FIRST, LinkKind.INVITATION) == link
        assert await tx.links.find(FIRST, LinkKind.RESET) is None
        assert await tx.links.take(FIRST, LinkKind.RESET) is None
        assert await tx.links.take(FIRST, LinkKind.INVITATION) == link
        assert await tx.links.find(FIRST, LinkKind.INVITATION) is None
        assert await tx.links.take(FIRST, LinkKind.INVITATION) is None


async def test_link_that_was_taken_is_there_again_if_the_rest_fails(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.links.add(FIRST, Link(LinkKind.INVITATION))

    async def fail() -> None:
        async with database.transaction() as tx:
            assert await tx.links.take(FIRST, LinkKind.INVITATION) is not None
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with database.reading() as tx:
        assert await tx.links.find(FIRST, LinkKind.INVITATION) is not None


async def test_old_links_go_when_a_new_one_is_made(database: Database, age: Age) -> None:
    async with database.transaction() as tx:
        await tx.links.add(FIRST, Link(LinkKind.INVITATION))
    await age((LIFETIMES[LinkKind.INVITATION] + timedelta(seconds=1)).total_seconds())
    async with database.transaction() as tx:
        assert await tx.links.find(FIRST, LinkKind.INVITATION) is None
        assert await tx.links.take(FIRST, LinkKind.INVITATION) is None
        await tx.links.add(FIRST, Link(LinkKind.INVITATION))


async def test_of_set_up_links_there_is_one(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.links.add(FIRST, Link(LinkKind.SETUP, "administrator"))
        await tx.links.add(SECOND, Link(LinkKind.SETUP, "administrator"))
        assert await tx.links.find(FIRST, LinkKind.SETUP) is None
        assert await tx.links.find(SECOND, LinkKind.SETUP) is not None


async def test_links_of_one_kind_and_user_are_removed(database: Database, user: User) -> None:
    other = a_user("bob@example.org")
    async with database.transaction() as tx:
        await tx.users.add(other)
        for n, (kind, owner) in enumerate(
            [(LinkKind.RESET, user), (LinkKind.RESET, other), (LinkKind.INVITATION, user)]
        ):
            await tx.links.add(LinkHash(bytes([n]) * 32), Link(kind, user=owner.id))
        assert await tx.links.remove(LinkKind.RESET, user.id) == 1
        assert await tx.links.remove(LinkKind.RESET, user.id) == 0
        assert await tx.links.find(LinkHash(b"\x01" * 32), LinkKind.RESET) is not None
        assert await tx.links.find(LinkHash(b"\x02" * 32), LinkKind.INVITATION) is not None


async def test_links_go_with_their_user(database: Database, user: User) -> None:
    async with database.transaction() as tx:
        await tx.links.add(FIRST, Link(LinkKind.RESET, user=user.id))
        await tx.users.remove(user.id)
        assert await tx.links.find(FIRST, LinkKind.RESET) is None

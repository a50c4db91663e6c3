import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import structlog
from typing_extensions import override

from auth_service.actions import keys
from auth_service.core.auth import Auth
from auth_service.core.claims import access_claims
from auth_service.core.keys import AHEAD
from auth_service.core.sessions import SessionId
from auth_service.core.users import User, UserId
from auth_service.crypto.keys import KeyRing
from auth_service.crypto.wrapping import Vault
from auth_service.store.database import Database, OpenTransaction
from shared import tokens
from shared.errors import Unavailable
from tests.faults import eventually
from tests.integration.auth_service.rows import Age

ANN = User(UserId("ann"), "ann@example.org", "hash", "Ann", "", {}, "member")
CLAIMS = access_claims(ANN, SessionId("s"), token_id="t", issuer="i", now=1000)
DAY = AHEAD.total_seconds()


class Clock:
    """The monotonic clock by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Counted(Database):
    """Counts how often it is read, and can be made to wait or fail."""

    def __init__(self, url: str) -> None:
        super().__init__(url, on_change=lambda: None)
        self.reads = 0
        self.goes_on = asyncio.Event()
        self.goes_on.set()
        self.fails = False

    @override
    @asynccontextmanager
    async def looking(self) -> AsyncIterator[OpenTransaction]:
        self.reads += 1
        async with super().looking() as tx:
            await self.goes_on.wait()
            if self.fails:
                raise Unavailable("store_unavailable", "It is away.")
            yield tx


@pytest.fixture
async def ring(auth: Auth) -> KeyRing:
    """On the first key, as after a start."""
    await keys.ensure(auth)
    ring = KeyRing(auth.store, auth.vault)
    await ring.refresh()
    return ring


@pytest.fixture
async def counted(migrated_url: str) -> AsyncIterator[Counted]:
    counted = Counted(migrated_url)
    yield counted
    await counted.close()


def signed_by(ring: KeyRing) -> str:
    """Sign a token, check that it is good by what is published, and give the id of its key."""
    published = tokens.key_set(ring.jwks())
    assert published.keys() == ring.public_keys.keys()
    return tokens.verify(ring.sign(CLAIMS), published, issuer="i", audience="chat", now=1001).key_id


async def test_token_is_signed_by_a_published_key_and_says_who(ring: KeyRing) -> None:
    claims = tokens.verify(ring.sign(CLAIMS), ring.public_keys, issuer="i", audience="chat", now=1001)
    assert (claims.user, claims.session, claims.key_id) == ("ann", "s", signed_by(ring))


async def test_ring_without_any_key_signs_nothing_and_says_so(auth: Auth) -> None:
    with pytest.raises(Unavailable, match="keys_unreadable"):
        await KeyRing(auth.store, auth.vault).refresh()


async def test_document_is_made_when_the_keys_change_and_not_for_each_who_asks(auth: Auth, ring: KeyRing) -> None:
    before = ring.jwks()
    await ring.refresh()
    assert ring.jwks() is before
    await keys.rotate(auth)
    await ring.refresh()
    assert len(tokens.key_set(ring.jwks())) == len(tokens.key_set(before)) + 1


async def test_private_half_is_never_published(ring: KeyRing) -> None:
    assert b'"d"' not in ring.jwks()


async def test_next_key_is_published_at_once_and_signs_a_day_later(auth: Auth, ring: KeyRing, age: Age) -> None:
    old = signed_by(ring)
    new = (await keys.rotate(auth)).id
    await ring.refresh()
    assert list(ring.public_keys) == [old, new]
    assert signed_by(ring) == old
    await age(DAY - 60)
    await ring.refresh()
    assert signed_by(ring) == old
    await age(60)
    await ring.refresh()
    assert signed_by(ring) == new
    assert list(ring.public_keys) == [old, new]


async def test_between_two_reads_the_databases_time_goes_on_by_the_clock_here(auth: Auth, age: Age) -> None:
    await keys.ensure(auth)
    await keys.rotate(auth)
    await age(DAY - 60)
    clock = Clock()
    ring = KeyRing(auth.store, auth.vault, clock)
    await ring.refresh()
    old = signed_by(ring)
    clock.now += 50
    assert signed_by(ring) == old
    clock.now += 15
    assert signed_by(ring) != old


async def test_new_key_at_once_is_the_only_one_wherever_the_ring_was_read_before(auth: Auth, ring: KeyRing) -> None:
    other = KeyRing(auth.store, auth.vault)
    await other.refresh()
    token = other.sign(CLAIMS)
    new = (await keys.rotate_now(auth)).id
    for each in (ring, other):
        await each.refresh()
        assert list(each.public_keys) == [new]
        assert signed_by(each) == new
        with pytest.raises(tokens.UnknownKey):
            tokens.verify(token, each.public_keys, issuer="i", audience="chat", now=1001)


async def test_all_who_ask_while_a_read_is_under_way_share_the_next(auth: Auth, counted: Counted) -> None:
    await keys.ensure(auth)
    ring = KeyRing(counted, auth.vault)
    counted.goes_on.clear()
    first = asyncio.create_task(ring.refresh())
    await eventually(lambda: counted.reads)
    others = [asyncio.create_task(ring.refresh()) for _ in range(20)]
    await asyncio.sleep(0)
    new = (await keys.rotate_now(auth)).id
    counted.goes_on.set()
    await asyncio.gather(first, *others)
    assert counted.reads == 2
    assert signed_by(ring) == new


async def test_database_that_is_away_is_asked_once_for_all_who_wait(
    auth: Auth, ring: KeyRing, counted: Counted
) -> None:
    ring._store = counted
    counted.fails = True
    counted.goes_on.clear()
    asked = [asyncio.create_task(ring.refresh()) for _ in range(20)]
    await eventually(lambda: counted.reads)
    counted.goes_on.set()
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(answer, Unavailable) for answer in answers)
    assert counted.reads == 2
    counted.fails = False
    await ring.refresh()
    assert signed_by(ring)


async def test_one_who_gives_up_waiting_stops_nobody(auth: Auth, ring: KeyRing, counted: Counted) -> None:
    ring._store = counted
    counted.goes_on.clear()
    first, second = (asyncio.create_task(ring.refresh()) for _ in range(2))
    await eventually(lambda: counted.reads)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    counted.goes_on.set()
    await second
    assert counted.reads == 2


async def test_key_once_opened_is_kept_though_another_instance_encrypts_it_by_newer_settings(
    auth: Auth, ring: KeyRing, database: Database
) -> None:
    before = signed_by(ring)
    newer = Vault({"b": b"b" * 32, "a": b"e" * 32})
    async with database.transaction() as tx:
        for row in await tx.keys.all():
            rewrapped = newer.rewrapped(row)
            assert rewrapped is not None
            await tx.keys.replace_wrapping(rewrapped)
    await ring.refresh()
    assert signed_by(ring) == before


async def test_key_that_cannot_be_opened_here_is_an_outage_and_not_a_token_nobody_can_check(
    auth: Auth, ring: KeyRing, database: Database
) -> None:
    async with database.transaction() as tx:
        (row,) = await tx.keys.all()
        await tx.keys.add(Vault({"b": b"b" * 32}).new_key(2, row.signs_from))
    with structlog.testing.capture_logs() as logs, pytest.raises(Unavailable, match="keys_unreadable"):
        await ring.refresh()
    assert [line["event"] for line in logs] == ["keys.unreadable"]

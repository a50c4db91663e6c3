import asyncio
import os
from collections.abc import Iterator
from threading import Event

import pytest

from auth_service.crypto.passwords import ArgonPasswords
from shared.errors import Unavailable


@pytest.fixture
def passwords() -> Iterator[ArgonPasswords]:
    passwords = ArgonPasswords(workers=1, queue=2, memory_kib=64, time_cost=1)
    yield passwords
    passwords.close()


async def test_right_password_is_told_from_a_wrong_one(passwords: ArgonPasswords) -> None:
    stored = await passwords.hash("correct horse")
    assert await passwords.verify(stored, "correct horse")
    assert not await passwords.verify(stored, "wrong horse")


async def test_same_password_never_hashes_alike(passwords: ArgonPasswords) -> None:
    assert await passwords.hash("x") != await passwords.hash("x")


async def test_nobody_has_a_password(passwords: ArgonPasswords) -> None:
    assert not await passwords.verify(None, "")
    assert not await passwords.verify("not a hash", "x")


async def test_hash_at_other_costs_is_outdated(passwords: ArgonPasswords) -> None:
    other = ArgonPasswords(workers=1, memory_kib=128, time_cost=1)
    assert passwords.is_outdated(await other.hash("x"))
    assert not passwords.is_outdated(await passwords.hash("x"))
    other.close()


async def test_costs_are_those_of_the_design() -> None:
    passwords = ArgonPasswords()
    assert "$argon2id$v=19$m=65536,t=3,p=4$" in await passwords.hash("x")
    passwords.close()


def test_no_more_than_four_hash_at_once_however_many_cores_a_machine_has(monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, workers in ((64, 4), (2, 2)):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _process, cores=cores: set(range(cores)), raising=False)
        passwords = ArgonPasswords(memory_kib=64, time_cost=1)
        assert passwords._executor._max_workers == workers
        passwords.close()


def test_system_that_does_not_tell_its_affinity_is_asked_for_its_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    passwords = ArgonPasswords(memory_kib=64, time_cost=1)
    assert passwords._executor._max_workers == 3
    passwords.close()


async def test_more_than_the_queue_holds_is_refused_until_a_place_is_free(passwords: ArgonPasswords) -> None:
    gate = Event()
    waiting = [asyncio.create_task(passwords._run(gate.wait)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as refused:
        await passwords.hash("x")
    assert refused.value.retry_after == 2.0
    gate.set()
    await asyncio.gather(*waiting)
    assert await passwords.hash("x")


async def test_caller_who_gives_up_keeps_the_place_taken_while_the_hash_runs(passwords: ArgonPasswords) -> None:
    gate, started = Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def work() -> bool:
        loop.call_soon_threadsafe(started.set)
        return gate.wait()

    running = asyncio.create_task(passwords._run(work))
    await started.wait()
    running.cancel()
    waiting = [asyncio.create_task(passwords._run(gate.wait)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await passwords.hash("x")
    gate.set()
    await asyncio.gather(*waiting)
    assert running.cancelled()

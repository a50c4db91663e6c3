"""Passwords over HTTP: which may be chosen, in every place where one is; and what a full queue of hashes answers."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from threading import Event
from urllib.parse import urlsplit

import pytest
from typing_extensions import override

from auth_service.actions import accounts, links, sessions
from auth_service.api.sessions import LOG_INS
from auth_service.core import errors
from auth_service.core.auth import Auth
from auth_service.core.callers import Caller
from auth_service.core.users import UserId
from auth_service.crypto.passwords import HASHES, ArgonPasswords
from shared.errors import InvalidInput
from tests.integration.auth_service.person import Client, Person, problem

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize("password", ["password", "Password", "iloveyou", "ann@example.org", "AnnAnn Ann", "localhost"])
async def test_password_that_is_easy_to_guess_is_refused_at_registration(client: Client, password: str) -> None:
    person = Person(client, password=password)
    refused = await person.register("Ann Annann")
    assert await problem(refused) == (400, "password_too_common")
    assert list((await refused.json())["errors"]) == ["password"]


@pytest.mark.parametrize("password", ["trustno1", "Ann.Example"])
async def test_password_that_is_easy_to_guess_is_refused_at_a_change(ann: Person, password: str) -> None:
    ann.email = "ann.example@example.org"
    other = Person(ann.client, "ann.example@mail.org")
    await other.register()
    body = {"password": other.password, "new_password": password}
    refused = await ann.client.post("/auth/password", json=body, headers=other.bearer())
    assert await problem(refused) == (400, "password_too_common")


@pytest.mark.parametrize("password", ["trustno1", "ann@example.org"])
async def test_password_that_is_easy_to_guess_is_refused_at_a_reset_and_the_link_stays(
    ann: Person, auth: Auth, password: str
) -> None:
    offer = await links.start_reset(auth, UserId(ann.id))
    token = urlsplit(offer.address).fragment.removeprefix("token=")
    refused = await ann.post("/auth/password/reset", json={"token": token, "password": password})
    assert await problem(refused) == (400, "password_too_common")
    chosen = await ann.post("/auth/password/reset", json={"token": token, "password": "a good one"})
    assert chosen.status == 204


async def test_command_line_keeps_to_the_same_rules(auth: Auth) -> None:
    with pytest.raises(InvalidInput, match="password_too_common"):
        await accounts.create(auth, email="ann@example.org", password="password", name="Ann")


async def test_password_is_taken_exactly_as_it_is_typed(client: Client) -> None:
    person = Person(client, password="  Caf\u00e9 au LAIT ")
    assert (await person.register()).status == 201
    for other in ("Caf\u00e9 au LAIT", "  caf\u00e9 au lait ", "  Cafe\u0301 au LAIT "):
        assert (await person.log_in(other)).status == 401
    assert (await person.log_in()).status == 200


class TestFullQueue:
    """One hash runs and two wait: the next is told to come back."""

    @pytest.fixture
    def passwords(self) -> Iterator[ArgonPasswords]:
        passwords = ArgonPasswords(workers=1, queue=2, memory_kib=64, time_cost=1)
        yield passwords
        passwords.close()

    async def test_log_in_gets_503_and_a_time_until_a_place_is_free(
        self, ann: Person, passwords: ArgonPasswords
    ) -> None:
        gate = Event()
        before = LOG_INS.labels("busy")._value.get()
        try:
            waiting = [asyncio.create_task(passwords._run(gate.wait)) for _ in range(3)]
            await asyncio.sleep(0)
            assert HASHES._value.get() == 3
            refused = await ann.log_in()
            assert await problem(refused) == (503, "busy")
            assert refused.headers["Retry-After"] == "2"
            form = await ann.post("/auth/login", data=f"email={ann.email}&password=x", headers=FORM)
            assert "error=busy&" in urlsplit(form.headers["Location"]).fragment
        finally:
            gate.set()
        await asyncio.gather(*waiting)
        assert (await ann.log_in()).status == 200
        assert LOG_INS.labels("busy")._value.get() == before + 2
        assert HASHES._value.get() == 0

    async def test_log_ins_that_met_it_lock_nobody_out(self, ann: Person, passwords: ArgonPasswords) -> None:
        gate = Event()
        try:
            waiting = [asyncio.create_task(passwords._run(gate.wait)) for _ in range(3)]
            await asyncio.sleep(0)
            for _ in range(8):
                assert await problem(await ann.log_in()) == (503, "busy")
            refused = await ann.change_password(ann.password, "another good one")
            assert await problem(refused) == (503, "busy")
        finally:
            gate.set()
        await asyncio.gather(*waiting)
        assert (await ann.log_in()).status == 200

    async def test_two_waiting_log_ins_are_both_answered(self, ann: Person) -> None:
        answers = await asyncio.gather(*(ann.log_in() for _ in range(3)))
        assert [answer.status for answer in answers] == [200] * 3


class OutdatedPasswords(ArgonPasswords):
    """Whose costs were raised a moment ago; its queue is full whenever a hash is made anew."""

    @override
    def is_outdated(self, stored: str) -> bool:
        return bool(stored)

    @override
    async def hash(self, password: str) -> str:
        raise errors.busy(2.0)


async def test_log_in_goes_on_with_the_old_hash_where_there_is_no_place_for_a_new_one(auth: Auth) -> None:
    user = await accounts.create(auth, email="ann@example.org", password="correct horse", name="Ann")
    busy = OutdatedPasswords(workers=1, memory_kib=64, time_cost=1)
    try:
        later = replace(auth, passwords=busy)
        logged_in = await sessions.log_in(later, Caller(), email=user.email, password="correct horse")
    finally:
        busy.close()
    assert logged_in.user == user


async def test_log_ins_are_counted_by_what_became_of_them(ann: Person) -> None:
    def counts() -> list[float]:
        return [LOG_INS.labels(result)._value.get() for result in ("succeeded", "bad_credentials", "too_many_attempts")]

    before = counts()
    await ann.log_in()
    for _ in range(6):
        await ann.log_in("wrong")
    assert [after - first for after, first in zip(counts(), before, strict=True)] == [1, 5, 1]

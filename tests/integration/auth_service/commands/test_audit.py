import asyncio
import json
import os
import re
import subprocess
import sys

import pytest

from auth_service.actions import accounts, sessions, users
from auth_service.core.audit import EVERYTHING, Record
from auth_service.core.auth import Auth
from auth_service.core.users import User
from shared.errors import Unauthenticated
from tests.integration.auth_service.commands.conftest import Run, Said
from tests.integration.auth_service.rows import CALLER
from tests.processes import inherited

GOOD = "correct horse battery"


@pytest.fixture
async def ann(auth: Auth) -> User:
    """Ann logged in; somebody else failed to; Bob is there too."""
    user = await accounts.create(auth, email="ann@example.org", password=GOOD, name="Ann")
    await accounts.create(auth, email="bob@example.org", password=GOOD, name="Bob")
    await sessions.log_in(auth, CALLER, email="ann@example.org", password=GOOD)
    with pytest.raises(Unauthenticated):
        await sessions.log_in(auth, CALLER, email="ann@example.org", password="wrong")
    return user


def events(said: Said) -> list[str]:
    return [json.loads(line)["event"] for line in said.out.splitlines()]


async def test_records_stand_in_columns_the_oldest_first(run: Run, ann: User) -> None:
    head, *lines = (await run("audit")).out.splitlines()
    assert re.split(r" {2,}", head) == ["at", "event", "user", "actor", "network", "details"]
    cells = [re.split(r" {2,}", line) for line in lines]
    assert [line[1] for line in cells] == ["user.created", "user.created", "login.succeeded", "login.failed"]
    assert cells[0][2:] == [ann.id, "command line", "-", "role=member"]
    assert cells[2][2:5] == [ann.id, ann.id, "203.0.113.0/24"]
    assert cells[3][2:] == [ann.id, "unknown", "203.0.113.0/24", "why=log-in"]


async def test_records_are_json_for_programs(run: Run, ann: User) -> None:
    first = json.loads((await run("audit", "--json")).out.splitlines()[0])
    assert list(first) == ["n", "at", "event", "user", "actor", "network", "details"]
    assert (first["event"], first["user"], first["details"]) == ("user.created", ann.id, {"role": "member"})
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", first["at"])


async def test_records_of_one_person_or_event_are_found(run: Run, ann: User) -> None:
    of_ann = ["user.created", "login.succeeded", "login.failed"]
    assert events(await run("audit", "--json", "--user", "Ann@example.org")) == of_ann
    assert events(await run("audit", "--json", "--user", ann.id)) == of_ann
    assert events(await run("audit", "--json", "--event", "user.created")) == ["user.created"] * 2
    assert events(await run("audit", "--json", "--event", "user.created", "--user", ann.id)) == ["user.created"]
    assert events(await run("audit", "--json", "--user", "nobody")) == []
    assert (await run("audit", "--event", "nonsense")).status == 2


async def test_records_of_somebody_deleted_are_found_by_the_id(auth: Auth, run: Run, ann: User) -> None:
    await users.delete(auth, ann.id)
    assert events(await run("audit", "--json", "--user", ann.id))[-2:] == ["session.ended", "user.deleted"]
    said = await run("audit", "--json", "--user", "ann@example.org")
    assert (said.status, said.out) == (1, "")
    assert said.sentences == (
        "There is no account with this address or id. `user list` shows all. Who is deleted is found by id only.\n"
    )


@pytest.mark.usefixtures("ann")
@pytest.mark.parametrize(
    ("since", "is_before"),
    [("1d", True), ("2000-01-01", True), ("2000-01-01T10:00+02:00", True), ("2999-01-01", False), ("0m", False)],
)
async def test_records_since_a_moment_are_found(run: Run, since: str, *, is_before: bool) -> None:
    assert len(events(await run("audit", "--json", "--since", since))) == (4 if is_before else 0)


async def test_record_of_the_very_moment_is_found(auth: Auth, run: Run, ann: User) -> None:
    entries = [entry async for entry in users.audit(auth.store, EVERYTHING)]
    found = events(await run("audit", "--json", "--since", entries[-1].at.isoformat()))
    assert found[-1] == "login.failed"
    assert len(found) == len([entry for entry in entries if entry.at >= entries[-1].at])


@pytest.mark.parametrize("since", ["yesterday", "7", "d7", "-1d", "2026-13-01", "999999d", ""])
async def test_time_that_is_none_is_a_sentence(run: Run, since: str) -> None:
    said = await run("audit", f"--since={since}")
    assert said.status == 1
    assert said.sentences == "--since takes a day like 2026-11-01, or a span like 90m, 12h or 7d.\n"


async def test_record_of_a_newer_release_is_printed_as_it_is(auth: Auth, run: Run) -> None:
    async with auth.store.transaction() as tx:
        await tx.audit.add(Record("user.promoted\x1b", None, "", details={"to": "king\nqueen"}))
    assert re.split(r" {2,}", (await run("audit")).out.splitlines()[1])[1:] == [
        "user.promoted",
        "-",
        "-",
        "-",
        "to=king queen",
    ]


@pytest.mark.usefixtures("ann")
async def test_reader_may_leave_before_the_end(auth: Auth) -> None:
    async with auth.store.transaction() as tx:
        for _ in range(2_000):
            await tx.audit.add(Record("login.succeeded", None, "x" * 60))
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "auth_service", "audit"]
    done = await asyncio.to_thread(
        subprocess.run, command, env=inherited(), stdout=write, stderr=subprocess.PIPE, check=False
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (1, b"")

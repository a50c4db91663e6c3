import getpass
import io
import re
import sys

import pytest
from typing_extensions import override

from auth_service.actions import accounts, sessions, users
from auth_service.core.auth import Auth
from auth_service.core.users import User
from shared.errors import Unauthenticated
from tests.integration.auth_service.commands.conftest import Run
from tests.integration.auth_service.rows import CALLER, Feed

GOOD = "correct horse battery"


@pytest.fixture
async def boss(auth: Auth) -> User:
    return await accounts.create(auth, email="boss@example.org", password=GOOD, name="Boss", role="administrator")


@pytest.fixture
async def ann(auth: Auth) -> User:
    return await accounts.create(auth, email="ann@example.org", password=GOOD, name="Ann")


async def test_account_is_made_with_the_role_that_was_said(auth: Auth, run: Run) -> None:
    create = ["user", "create", "--email", "Ann@example.org", "--name", "Ann", "--password-stdin"]
    said = await run(*create, "--role", "administrator", stdin=f"{GOOD}\n")
    user = await users.find(auth.store, "ann@example.org")
    assert said.out == f"ann@example.org may log in now; the id is {user.id}.\n"
    assert user.role == "administrator"
    assert (await run(*create, stdin=f"{GOOD}\n")).sentences.startswith("There is an account with this e-mail address.")


async def test_password_is_typed_twice_where_stdin_is_not_it(
    auth: Auth, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = iter([GOOD, GOOD, GOOD, "another one"])
    monkeypatch.setattr(getpass, "getpass", lambda _prompt: next(typed))
    assert (await run("user", "create", "--email", "ann@example.org", "--name", "Ann")).status == 0
    said = await run("user", "create", "--email", "bob@example.org", "--name", "Bob")
    assert (said.status, said.sentences) == (1, "The two passwords differ. Start again.\n")
    assert [account.user.name async for account in users.everybody(auth.store)] == ["Ann"]


@pytest.mark.usefixtures("boss")
async def test_list_shows_everybody_in_columns(auth: Auth, run: Run, ann: User) -> None:
    await sessions.log_in(auth, CALLER, email=ann.email, password=GOOD)
    head, first, second = (await run("user", "list")).out.splitlines()
    assert re.split(r" {2,}", head) == ["id", "role", "state", "made", "last used", "address", "name"]
    user_id, role, state, made, last_used, email, name = re.split(r" {2,}", first)
    assert (user_id, role, state, email, name) == (ann.id, "member", "enabled", "ann@example.org", "Ann")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", made)
    assert last_used >= made
    assert re.split(r" {2,}", second)[4] == "-"
    assert first.index("ann@") == second.index("boss@") == head.index("address")


async def test_name_cannot_give_orders_to_the_terminal(auth: Auth, run: Run) -> None:
    async with auth.store.transaction() as tx:
        await tx.users.add(User(auth.randomness.new_id(), "a\x1b[2J@x", "", "N\nM\x1b", "", {}, "member"))  # type: ignore[arg-type]
    printed = (await run("user", "list")).out + (await run("user", "show", "a\x1b[2J@x")).out
    assert "\x1b" not in printed
    assert "N M" in printed


async def test_somebody_is_shown_with_sessions(auth: Auth, run: Run, ann: User) -> None:
    await sessions.log_in(auth, CALLER, email=ann.email, password=GOOD)
    said = await run("user", "show", " Ann@example.org")
    shown = dict(re.split(r" {2,}", line, maxsplit=1) for line in said.out.splitlines())
    assert [shown[name] for name in ("id", "address", "name", "role", "state", "devices")] == [
        ann.id,
        "ann@example.org",
        "Ann",
        "member",
        "enabled",
        "1",
    ]
    assert shown["session"].endswith("203.0.113.0/24  Firefox")
    assert (await run("user", "show", ann.id)).out == said.out


async def test_somebody_is_disabled_and_enabled(auth: Auth, run: Run, ann: User, feed: Feed) -> None:
    session = await sessions.log_in(auth, CALLER, email=ann.email, password=GOOD)
    said = await run("user", "disable", "ann@example.org")
    assert said.out == "ann@example.org is disabled, and all sessions have ended.\n"
    assert ("session", session.session) in await feed()
    assert "disabled" in (await run("user", "show", ann.id)).out
    with pytest.raises(Unauthenticated):
        await sessions.log_in(auth, CALLER, email=ann.email, password=GOOD)
    assert (await run("user", "enable", ann.id)).out == "ann@example.org may log in again.\n"
    await sessions.log_in(auth, CALLER, email=ann.email, password=GOOD)


async def test_somebody_is_logged_out_everywhere_and_nobody_else(
    auth: Auth, run: Run, ann: User, boss: User, feed: Feed
) -> None:
    opened = [await sessions.log_in(auth, CALLER, email=user.email, password=GOOD) for user in (ann, ann, boss)]
    said = await run("user", "log-out", ann.email)
    assert said.out == "All sessions of ann@example.org have ended.\n"
    ended = {subject for kind, subject in await feed() if kind == "session"}
    assert ended == {opened[0].session, opened[1].session}
    with pytest.raises(Unauthenticated):
        await sessions.refresh(auth, CALLER, opened[0].refresh_token)
    await sessions.refresh(auth, CALLER, opened[2].refresh_token)
    await sessions.log_in(auth, CALLER, email=ann.email, password=GOOD)


async def test_everybody_is_logged_out(auth: Auth, run: Run, ann: User, boss: User, feed: Feed) -> None:
    opened = [await sessions.log_in(auth, CALLER, email=user.email, password=GOOD) for user in (ann, boss)]
    said = await run("user", "log-out", "--all")
    assert said.out == "All sessions of the site have ended.\n"
    assert {subject for kind, subject in await feed() if kind == "session"} == {one.session for one in opened}
    for one in opened:
        with pytest.raises(Unauthenticated):
            await sessions.refresh(auth, CALLER, one.refresh_token)


async def test_nobody_is_logged_out_by_an_order_that_names_nobody_or_both(run: Run) -> None:
    assert (await run("user", "log-out")).status == 2
    assert (await run("user", "log-out", "ann@example.org", "--all")).status == 2


async def test_role_is_set_and_only_to_one_there_is(auth: Auth, run: Run, ann: User) -> None:
    said = await run("user", "set-role", ann.email, "administrator")
    assert said.out == "ann@example.org has the role administrator.\n"
    assert (await users.find(auth.store, ann.id)).role == "administrator"
    assert (await run("user", "set-role", ann.email, "king")).status == 2


async def test_somebody_is_deleted_without_a_question_if_told_so(auth: Auth, run: Run, ann: User, feed: Feed) -> None:
    assert (
        await run("user", "delete", ann.email, "--yes")
    ).out == f"ann@example.org is deleted; the id was {ann.id}.\n"
    assert await feed() == [("user", ann.id)]
    assert [account async for account in users.everybody(auth.store)] == []


async def test_nobody_is_deleted_where_nobody_can_be_asked(auth: Auth, run: Run, ann: User) -> None:
    said = await run("user", "delete", ann.email, stdin=f"{ann.email}\n")
    assert (said.status, said.sentences) == (
        1,
        "Nothing was deleted: nobody is here to ask. Say --yes if you are sure.\n",
    )
    assert await users.find(auth.store, ann.id) == ann


@pytest.mark.parametrize(("typed", "is_deleted"), [("ann@example.org", True), ("yes", False), ("", False)])
async def test_deletion_is_confirmed_by_the_address(
    auth: Auth, run: Run, ann: User, monkeypatch: pytest.MonkeyPatch, typed: str, *, is_deleted: bool
) -> None:
    class Terminal(io.StringIO):
        @override
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(io, "StringIO", Terminal)
    said = await run("user", "delete", ann.id, stdin=f"{typed}\n")
    assert "ann@example.org (Ann) will be deleted" in said.sentences
    assert said.status == (0 if is_deleted else 1)
    assert [account.user async for account in users.everybody(auth.store)] == ([] if is_deleted else [ann])
    assert sys.stdin.isatty()


@pytest.mark.parametrize(
    "arguments",
    [
        ("disable", "boss@example.org"),
        ("delete", "boss@example.org", "--yes"),
        ("set-role", "boss@example.org", "member"),
    ],
)
async def test_last_administrator_is_kept_with_a_sentence(
    auth: Auth, run: Run, boss: User, arguments: tuple[str, ...]
) -> None:
    said = await run("user", *arguments)
    assert (said.status, said.sentences) == (1, "This is the last administrator. Make somebody else one first.\n")
    assert await users.find(auth.store, boss.id) == boss


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "nobody"),
        ("disable", "nobody"),
        ("enable", "nobody"),
        ("set-role", "nobody", "member"),
        ("delete", "nobody", "--yes"),
        ("export", "nobody"),
        ("start-reset", "nobody"),
        ("log-out", "nobody"),
    ],
)
async def test_nobody_is_a_sentence(run: Run, arguments: tuple[str, ...]) -> None:
    said = await run("user", *arguments)
    assert (said.status, said.out) == (1, "")
    assert said.sentences == "There is no account with this address or id. `user list` shows all.\n"

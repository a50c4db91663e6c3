import re

import pytest

from auth_service.actions import accounts, links, users
from auth_service.core.auth import Auth
from auth_service.core.users import User
from shared.errors import Forbidden
from tests.integration.auth_service.commands.conftest import Run, Said
from tests.integration.auth_service.offers import BETTER, GOOD, registered, set_up
from tests.integration.auth_service.rows import CALLER

LINK = re.compile(r"http://localhost:8080(/[a-z]+)#token=([A-Za-z0-9_-]{43})\n")
UNTIL = re.compile(r"It works once, until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\.\n")


@pytest.fixture
async def ann(auth: Auth) -> User:
    return await accounts.create(auth, email="ann@example.org", password=GOOD, name="Ann")


def link(said: Said) -> tuple[str, str]:
    """Page and token of the link, which is all that is on stdout and nowhere else."""
    found = LINK.fullmatch(said.out)
    assert said.status == 0
    assert found is not None
    assert UNTIL.search(said.sentences)
    assert found[2] not in said.err
    return found[1], found[2]


async def test_invitation_is_printed(auth: Auth, run: Run) -> None:
    said = await run("user", "invite", "--email", "ann@example.org")
    page, token = link(said)
    assert page == "/register"
    assert said.sentences.startswith("Anybody may register here: nobody needs this link.\n")
    assert (await registered(auth, token)).email == "ann@example.org"


@pytest.mark.parametrize(
    ("registration", "sentence"),
    [
        ("invitation", "Whoever opens this link makes an account, once.\n"),
        ("closed", "Nobody can register here. Ask an administrator for an account.\n"),
    ],
)
async def test_what_an_invitation_is_good_for_depends_on_the_site(
    run: Run, monkeypatch: pytest.MonkeyPatch, registration: str, sentence: str
) -> None:
    monkeypatch.setenv("AUTH_REGISTRATION", registration)
    said = await run("user", "invite")
    assert said.sentences.startswith(sentence)
    assert bool(said.out) == (registration == "invitation")


async def test_reset_prints_a_link_and_chooses_no_password(auth: Auth, run: Run, ann: User) -> None:
    said = await run("user", "start-reset", "ann@example.org")
    page, token = link(said)
    assert page == "/reset"
    assert said.sentences.startswith("Give this link to ann@example.org by a way that reaches nobody else.")
    assert (await users.find(auth.store, ann.id)).password == ann.password
    await links.reset_password(auth, CALLER, token=token, password=BETTER)
    assert (await users.find(auth.store, ann.id)).password != ann.password


async def test_set_up_link_is_printed_until_there_is_an_administrator(auth: Auth, run: Run) -> None:
    _, first = link(await run("user", "setup-link"))
    page, second = link(await run("user", "setup-link"))
    assert page == "/setup"
    with pytest.raises(Forbidden, match="link_invalid"):
        await set_up(auth, first)
    await set_up(auth, second)
    said = await run("user", "setup-link")
    assert (said.status, said.out) == (1, "")
    assert said.sentences.startswith("The site has an administrator already")

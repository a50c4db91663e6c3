import json

import pytest

from auth_service.actions import accounts, sessions
from auth_service.core.auth import Auth
from auth_service.core.users import User
from tests.integration.auth_service.commands.conftest import Run
from tests.integration.auth_service.rows import CALLER

GOOD = "correct horse battery"


@pytest.fixture
async def ann(auth: Auth) -> User:
    user = await accounts.create(auth, email="ann@example.org", password=GOOD, name="Ann")
    await accounts.create(auth, email="bob@example.org", password=GOOD, name="Bob")
    await sessions.log_in(auth, CALLER, email="ann@example.org", password=GOOD)
    return user


async def test_export_has_the_fields_it_always_had(run: Run, ann: User) -> None:
    said = await run("user", "export", "ann@example.org")
    document = json.loads(said.out)
    assert list(document) == ["format", "account", "sessions", "devices", "audit"]
    account, (session,), audit = document["account"], document["sessions"], document["audit"]
    assert {name: value for name, value in account.items() if not name.endswith("_at")} == {
        "id": ann.id,
        "email": "ann@example.org",
        "name": "Ann",
        "picture": "",
        "profile": {},
        "role": "member",
        "disabled": False,
    }
    assert list(session) == ["id", "user_agent", "network", "started_at", "last_used_at"]
    assert (session["user_agent"], session["network"]) == ("Firefox", "203.0.113.0/24")
    assert list(audit[0]) == ["n", "at", "event", "user", "actor", "network", "details"]
    assert [record["event"] for record in audit] == ["user.created", "login.succeeded", "user.exported"]
    assert (document["format"], document["devices"]) == (1, 1)
    assert account["created_at"] <= session["started_at"] <= audit[-1]["at"]


@pytest.mark.usefixtures("ann")
async def test_export_holds_no_secret_and_nobody_else(run: Run, ann: User) -> None:
    said = await run("user", "export", ann.id)
    assert "argon2" not in said.out
    assert "bob@example.org" not in said.out
    assert "Messages and rooms of this person are in the database of the chat gateway." in said.sentences

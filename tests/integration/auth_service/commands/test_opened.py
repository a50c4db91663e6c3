import argparse
import os
import pwd
from pathlib import Path

import pytest
import structlog
from redis.asyncio import Redis

from auth_service.actions import links
from auth_service.commands.opened import opened, operator
from auth_service.core import errors
from shared.events import DOORBELL
from shared.settings import SettingsError
from shared.web import StartError
from tests.integration.auth_service.rows import a_user

OPTIONS = argparse.Namespace(config=None)


async def test_refusal_inside_is_a_sentence() -> None:
    with pytest.raises(StartError, match=r"^There is no account"):
        async with opened(OPTIONS):
            raise errors.user_not_found()


async def test_database_that_cannot_be_used_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AUTH_DATABASE_URL", f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(StartError, match=r"Run `python -m auth_service migrate` first\.$"):
        async with opened(OPTIONS):
            pass
    monkeypatch.setenv("AUTH_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(StartError, match="Check AUTH_DATABASE_URL"):
        async with opened(OPTIONS):
            pass


async def test_settings_that_do_not_allow_it_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERNAL_KEY", "short")
    with pytest.raises(SettingsError, match="INTERNAL_KEY"):
        async with opened(OPTIONS):
            pass


async def test_gateways_are_rung_before_the_command_ends(monkeypatch: pytest.MonkeyPatch, valkey_url: str) -> None:
    monkeypatch.setenv("REDIS_URL", valkey_url)
    async with Redis.from_url(valkey_url) as redis, redis.pubsub() as listener:
        await listener.subscribe(DOORBELL)
        assert (await listener.get_message(timeout=5)) is not None
        async with opened(OPTIONS) as auth, auth.store.transaction() as tx:
            await tx.users.add(user := a_user())
            tx.note_user(user.id)
        assert await listener.get_message(ignore_subscribe_messages=True, timeout=5) is not None


async def test_audit_names_the_user_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    # What anybody may write into the environment is not asked.
    monkeypatch.setenv("LOGNAME", "somebody-else")
    monkeypatch.setenv("USER", "somebody-else")
    async with opened(OPTIONS) as auth:
        await links.make_setup(auth)
        async with auth.store.reading() as tx:
            (entry,) = await tx.audit.page()
    assert entry.record.actor == "command line"
    assert entry.record.details == {"kind": "setup", "os_user": pwd.getpwuid(os.getuid()).pw_name}


def test_user_of_the_machine_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getuid", lambda: 4_000_000_001)
    assert operator().os_user == "4000000001"


async def test_log_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    async with opened(OPTIONS):
        structlog.get_logger("any").info("something.happened")
    printed = capsys.readouterr()
    assert printed.out == ""
    assert '"something.happened"' in printed.err

import asyncio
import base64

import pytest

from auth_service.__main__ import main
from auth_service.actions import keys
from auth_service.core.auth import Auth
from auth_service.settings import AuthSettings


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, settings: AuthSettings) -> None:
    """The settings of the service, as the command reads them."""
    for field in AuthSettings.model_fields:
        monkeypatch.delenv(AuthSettings.env_name(field), raising=False)
    for field in ("database_url", "parley_mode", "public_url", "redis_url"):
        monkeypatch.setenv(AuthSettings.env_name(field), str(getattr(settings, field)))
    for field in ("internal_key", "refresh_keys", "key_encryption_keys"):
        monkeypatch.setenv(AuthSettings.env_name(field), getattr(settings, field).get_secret_value())


async def run(*arguments: str) -> int:
    return await asyncio.to_thread(main, ["keys", *arguments])


async def test_next_key_is_made_and_listed_beside_the_one_that_signs(
    auth: Auth, capsys: pytest.CaptureFixture[str]
) -> None:
    await keys.ensure(auth)
    capsys.readouterr()
    assert await run("rotate") == 0
    first, second = (each.key for each in await keys.listed(auth))
    assert capsys.readouterr().out == (
        f"The key {second.id}, generation 2, signs from {second.signs_from:%Y-%m-%d %H:%M} UTC on.\n"
    )
    assert await run("list") == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["id", "generation", "signs", "from", "(UTC)", "state", "encrypted", "by"]
    assert [(line[0], line[1], *line[4:]) for line in lines[1:]] == [
        (first.id, "1", "signing", "a"),
        (second.id, "2", "next", "a"),
    ]


async def test_key_at_once_is_the_only_one_afterwards(auth: Auth, capsys: pytest.CaptureFixture[str]) -> None:
    await keys.ensure(auth)
    capsys.readouterr()
    assert await run("rotate", "--now") == 0
    (only,) = (each.key for each in await keys.listed(auth))
    assert capsys.readouterr().out == f"The key {only.id}, generation 2, signs now, and is the only one.\n"


async def test_no_private_key_is_printed(auth: Auth, capsys: pytest.CaptureFixture[str]) -> None:
    await keys.ensure(auth)
    capsys.readouterr()
    assert await run("list") == 0
    (only,) = (each.key for each in await keys.listed(auth))
    printed = capsys.readouterr().out
    for secret in (only.private_key, auth.vault.open(only)):
        assert secret.hex() not in printed
        assert base64.b64encode(secret).decode() not in printed


async def test_settings_that_do_not_fit_are_a_sentence(
    auth: Auth, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await keys.ensure(auth)
    monkeypatch.setenv("AUTH_KEY_ENCRYPTION_KEYS", "b:" + base64.b64encode(b"b" * 32).decode())
    assert await run("rotate") == 1
    assert "is encrypted by the key 'a', which is not in AUTH_KEY_ENCRYPTION_KEYS" in capsys.readouterr().err
    assert len(await keys.listed(auth)) == 1

"""Every limit of the design is a setting with the design's number, and combinations that cannot work do not start."""

import re
from pathlib import Path

import pytest

from chat_gateway.api.pace import Rates
from chat_gateway.content_limit_settings import ContentLimitSettings
from chat_gateway.limit_settings import LimitSettings
from chat_gateway.presence.exchange import Times
from chat_gateway.realtime.buckets import Rate
from chat_gateway.realtime.limits import Limits
from chat_gateway.realtime.outbox import OutboxLimits
from chat_gateway.transports.listener import SEND_BUFFER_BYTES
from chat_gateway.transports.socket_link import MESSAGE_LIMIT_BYTES
from shared.settings import SettingsError

ROOT = Path(__file__).resolve().parents[3]
FRONT = ROOT / "deploy" / "nginx" / "parley.conf.template"


def load(monkeypatch: pytest.MonkeyPatch, **environment: str) -> LimitSettings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return LimitSettings.load(None, "chat")


def test_the_defaults_are_those_of_the_engine_and_so_of_the_design(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch)
    assert settings.limits() == Limits()
    assert settings.outbox_limits() == OutboxLimits()
    assert settings.rates() == Rates()
    assert settings.presence_times() == Times()
    assert (settings.frame_bytes, settings.kernel_buffer_bytes) == (MESSAGE_LIMIT_BYTES, SEND_BUFFER_BYTES)


def test_the_front_keeps_a_silent_connection_as_long_as_the_gateways_believe(monkeypatch: pytest.MonkeyPatch) -> None:
    time_outs = re.findall(r"proxy_(?:read|send)_timeout (\d+)s;", FRONT.read_text("utf-8"))
    assert time_outs
    assert {int(seconds) for seconds in time_outs} == {load(monkeypatch).proxy_idle_seconds}


def test_what_is_set_reaches_what_enforces_it(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(
        monkeypatch,
        CHAT_DRAIN_SECONDS="3",
        CHAT_SOCKETS_PER_USER="4",
        CHAT_COMMANDS_PER_MINUTE="60",
        CHAT_COMMANDS_BURST="5",
        CHAT_MESSAGES_PER_MINUTE="0.5",
        CHAT_DIRECTS_PER_HOUR="6",
        CHAT_OUTBOX_BYTES="65536",
    )
    limits = settings.limits()
    assert (limits.spread_seconds, limits.sockets_per_user, limits.commands) == (3, 4, Rate(60, 5))
    assert (settings.rates().requests, settings.rates().messages) == (Rate(60, 5), Rate(0.5, 20))
    assert settings.rates().directs == Rate(0.1, 6)
    assert settings.outbox_limits().per_connection_bytes == 65_536


@pytest.mark.parametrize(
    ("environment", "named", "says"),
    [
        ({"CHAT_PONG_SECONDS": "25"}, "CHAT_PONG_SECONDS", "before the next ping"),
        ({"CHAT_PING_SECONDS": "67"}, "CHAT_PONG_SECONDS", "75 s"),
        ({"CHAT_PROXY_IDLE_SECONDS": "33"}, "CHAT_PONG_SECONDS", "33 s"),
        ({"CHAT_OUTBOX_BYTES": "268435457"}, "CHAT_INSTANCE_OUTBOX_BYTES", "less than a single client"),
        ({"CHAT_CONNECT_WAIT_SECONDS": "5"}, "CHAT_CONNECT_WAIT_SECONDS", "after 5 s"),
        ({"CHAT_HALF_OPEN_SECONDS": "5"}, "CHAT_HALF_OPEN_SECONDS", "after 5 s"),
        ({"CHAT_HALF_OPEN_SOCKETS": "199"}, "CHAT_HALF_OPEN_PER_ADDRESS", "more than there may be"),
        ({"CHAT_FRAME_BYTES": "131071"}, "CHAT_FRAME_BYTES", "131072"),
        ({"CHAT_COMMANDS_BURST": "1"}, "CHAT_COMMANDS_BURST", "2"),
        ({"CHAT_PRESENCE_REFRESH_SECONDS": "60"}, "CHAT_PRESENCE_TTL_SECONDS", "after 60 s"),
    ],
)
def test_a_combination_that_cannot_work_does_not_start(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], named: str, says: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        load(monkeypatch, **environment)
    assert re.search(rf"{named}: .*{says}.* Set it to ", str(refusal.value))
    assert str(refusal.value).count("Set it to") == 1


@pytest.mark.parametrize(
    "environment",
    [
        {"CHAT_PONG_SECONDS": "24"},
        {"CHAT_PING_SECONDS": "66"},
        {"CHAT_PROXY_IDLE_SECONDS": "34"},
        {"CHAT_PING_SECONDS": "100", "CHAT_PROXY_IDLE_SECONDS": "300"},
        {"CHAT_OUTBOX_BYTES": "268435456"},
        {"CHAT_CONNECT_WAIT_SECONDS": "4.9"},
        {"CHAT_HALF_OPEN_SOCKETS": "200"},
        {"CHAT_FRAME_BYTES": "131072"},
    ],
)
def test_a_combination_at_its_edge_starts(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    load(monkeypatch, **environment)


def test_a_wrong_number_is_named_once_and_not_again_by_what_is_compared_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(SettingsError) as refusal:
        load(
            monkeypatch,
            CHAT_PING_SECONDS="often",
            CHAT_PROXY_IDLE_SECONDS="long",
            CHAT_OUTBOX_BYTES="big",
            CHAT_CONNECT_SECONDS="soon",
            CHAT_HALF_OPEN_SOCKETS="many",
        )
    assert str(refusal.value).count("Set it to") == 5


def table() -> str:
    return (ROOT / "ARCHITECTURE.md").read_text("utf-8").partition("## Limits")[2].partition("\n## ")[0]


def test_the_table_of_limits_has_every_setting() -> None:
    assert set(re.findall(r"`(CHAT_[A-Z_]+)`", table())) == {
        ContentLimitSettings.env_name(field) for field in ContentLimitSettings.model_fields
    }


def test_the_tests_the_table_names_are_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", table()))
    written = {
        name for path in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text())
    }
    assert named
    assert not named - written

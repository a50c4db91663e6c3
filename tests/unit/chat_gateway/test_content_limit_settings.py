"""The limits of what is said and read: the design's numbers, the edges of each, and what cannot work together."""

import re
from collections.abc import Mapping

import pytest

from chat_gateway.api.channels import ChannelLimits
from chat_gateway.content_limit_settings import ContentLimitSettings
from chat_gateway.core.limits import ChatLimits
from chat_gateway.realtime.limits import Limits
from chat_gateway.realtime.tails import TailLimits
from chat_gateway.settings import CommandSettings
from shared.settings import SettingsError


def load(monkeypatch: pytest.MonkeyPatch, environment: Mapping[str, str]) -> ContentLimitSettings:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return ContentLimitSettings.load(None, "chat")


def test_the_defaults_are_those_of_what_enforces_them(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(monkeypatch, {})
    assert settings.chat_limits() == ChatLimits()
    assert settings.channel_limits() == ChannelLimits()
    assert settings.tail_limits() == TailLimits()
    assert settings.limits() == Limits()


def test_what_is_set_reaches_what_enforces_it(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(
        monkeypatch,
        {
            "CHAT_TEXT_CHARACTERS": "100",
            "CHAT_TEXT_BYTES": "200",
            "CHAT_JSON_DEPTH": "12",
            "CHAT_ROOMS_PER_PERSON": "2000",
            "CHAT_SUBSCRIBE_RECOVERY_ENTRIES": "30",
            "CHAT_CONNECT_RECOVERY_ENTRIES": "600",
            "CHAT_RECOVERY_BYTES": "1048576",
            "CHAT_INSTANCE_RECOVERY_BYTES": "2000000",
        },
    )
    assert settings.chat_limits() == ChatLimits(text_characters=100, text_bytes=200, rooms_per_person=2_000)
    assert settings.channel_limits() == ChannelLimits(
        subscribe_recovery_entries=30, connect_recovery_entries=600, recovery_bytes=1 << 20, data_depth=10
    )
    limits, tails = settings.limits(), settings.tail_limits()
    assert (limits.json_depth, limits.recovery_bytes, limits.instance_recovery_bytes) == (12, 1 << 20, 2_000_000)
    assert limits.channels == 4_001, "each room and what nobody keeps of it, and the person's own"
    assert tails.entries == 600
    assert tails.channel_bytes > 1 << 20


EDGES = {
    "CHAT_TEXT_CHARACTERS": (1, 16_000),
    "CHAT_TEXT_BYTES": (8_000, 65_536),
    "CHAT_JSON_DEPTH": (5, 32),
    "CHAT_ROOMS_PER_PERSON": (1, 2_000),
    "CHAT_SUBSCRIBE_RECOVERY_ENTRIES": (1, 1_000),
    "CHAT_CONNECT_RECOVERY_ENTRIES": (1, 1_000),
    "CHAT_RECOVERY_BYTES": (16_384, 1_048_576),
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, edge in EDGES.items() for value in edge])
def test_a_limit_at_its_edge_starts(monkeypatch: pytest.MonkeyPatch, name: str, value: int) -> None:
    load(monkeypatch, {name: str(value)})


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, (low, high) in EDGES.items() for value in (low - 1, high + 1)]
)
def test_a_limit_beyond_its_edge_does_not_start(monkeypatch: pytest.MonkeyPatch, name: str, value: int) -> None:
    with pytest.raises(SettingsError) as refusal:
        load(monkeypatch, {name: str(value)})
    assert re.search(rf"  {name}: .*\. Set it to ", str(refusal.value))
    assert str(refusal.value).count("Set it to") == 1


@pytest.mark.parametrize(
    ("edge", "beyond", "named", "says"),
    [
        (
            {"CHAT_TEXT_CHARACTERS": "9557", "CHAT_FRAME_BYTES": "131072"},
            {"CHAT_TEXT_CHARACTERS": "9558", "CHAT_FRAME_BYTES": "131072"},
            "CHAT_TEXT_CHARACTERS",
            "131080 bytes, and CHAT_FRAME_BYTES is 131072",
        ),
        (
            {"CHAT_TEXT_CHARACTERS": "10240", "CHAT_OUTBOX_BYTES": "65536"},
            {"CHAT_TEXT_CHARACTERS": "10241", "CHAT_OUTBOX_BYTES": "65536"},
            "CHAT_TEXT_CHARACTERS",
            "65542 bytes, and CHAT_OUTBOX_BYTES is 65536",
        ),
        (
            {"CHAT_TEXT_CHARACTERS": "100", "CHAT_TEXT_BYTES": "100"},
            {"CHAT_TEXT_CHARACTERS": "101", "CHAT_TEXT_BYTES": "100"},
            "CHAT_TEXT_BYTES",
            "less than 101 characters have",
        ),
        (
            {"CHAT_RECOVERY_BYTES": "20000", "CHAT_INSTANCE_RECOVERY_BYTES": "20000"},
            {"CHAT_RECOVERY_BYTES": "20001", "CHAT_INSTANCE_RECOVERY_BYTES": "20000"},
            "CHAT_INSTANCE_RECOVERY_BYTES",
            "less than a single recovery",
        ),
    ],
)
def test_a_combination_works_up_to_its_edge(
    monkeypatch: pytest.MonkeyPatch, edge: dict[str, str], beyond: dict[str, str], named: str, says: str
) -> None:
    load(monkeypatch, edge)
    with pytest.raises(SettingsError) as refusal:
        load(monkeypatch, beyond)
    assert re.search(rf"{named}: .*{says}.* Set it to ", str(refusal.value))
    assert str(refusal.value).count("Set it to") == 1


def test_a_wrong_number_is_named_once_and_not_again_by_what_is_compared_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong = ("CHAT_FRAME_BYTES", "CHAT_OUTBOX_BYTES", "CHAT_TEXT_CHARACTERS", "CHAT_RECOVERY_BYTES")
    with pytest.raises(SettingsError) as refusal:
        load(monkeypatch, dict.fromkeys(wrong, "big"))
    assert str(refusal.value).count("Set it to") == len(wrong)


def test_a_command_is_told_of_the_rooms_and_needs_no_other_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAT_ROOMS_PER_PERSON", "3")
    monkeypatch.setenv("CHAT_PING_SECONDS", "often")
    assert CommandSettings.load(None, "chat").chat_limits() == ChatLimits(rooms_per_person=3)

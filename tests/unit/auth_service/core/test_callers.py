import pytest

from auth_service.core.callers import MAX_USER_AGENT, Caller, DeviceToken, device_hash, shown_user_agent
from auth_service.core.sessions import RefreshToken


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ("", ""),
        ("unknown", ""),
        ("203.0.113.9, 10.0.0.1", ""),
    ],
)
def test_of_an_address_the_network_is_kept(address: str, network: str) -> None:
    assert Caller(address).network == network


def test_user_agent_is_printable_and_short() -> None:
    assert shown_user_agent("Fire\nfox\x00\u202e é") == "Firefox é"
    assert shown_user_agent("x" * 1000) == "x" * MAX_USER_AGENT


def test_secrets_of_a_caller_are_not_shown() -> None:
    shown = repr(Caller("203.0.113.9", device=DeviceToken(b"device!"), session=RefreshToken(b"token!")))
    assert "device!" not in shown
    assert "token!" not in shown


def test_device_is_known_by_its_hash() -> None:
    assert device_hash(DeviceToken(b"a" * 16)) != device_hash(DeviceToken(b"b" * 16))
    assert len(device_hash(DeviceToken(b"a" * 16))) == 32

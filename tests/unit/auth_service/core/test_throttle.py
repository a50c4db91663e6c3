from ipaddress import ip_network

import pytest

from auth_service.core.callers import Caller, DeviceToken
from auth_service.core.throttle import BucketNames, wait_after

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
NAMES = BucketNames(b"k" * 32, PROXIES)
PHONE = DeviceToken(b"p" * 16)


def address_bucket(address: str) -> str | None:
    return NAMES.of("ann@example.org", Caller(address), is_known_device=False).address


def test_five_failures_are_free_then_the_wait_doubles_up_to_a_quarter_of_an_hour() -> None:
    assert [wait_after(failures) for failures in range(5)] == [0] * 5
    assert [wait_after(failures) for failures in range(5, 17)] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]
    assert wait_after(10**9) == 900


def test_all_strangers_share_the_bucket_of_an_account() -> None:
    one = NAMES.of("ann@example.org", Caller("192.0.2.1"), is_known_device=False)
    other = NAMES.of("ann@example.org", Caller("192.0.2.2", device=PHONE), is_known_device=False)
    assert one.account == other.account
    assert one.address != other.address


def test_known_device_has_a_bucket_of_its_own_and_none_for_its_address() -> None:
    stranger = NAMES.of("ann@example.org", Caller("192.0.2.1", device=PHONE), is_known_device=False)
    known = NAMES.of("ann@example.org", Caller("192.0.2.1", device=PHONE), is_known_device=True)
    other = NAMES.of("ann@example.org", Caller("192.0.2.1", device=DeviceToken(b"o" * 16)), is_known_device=True)
    assert len({stranger.account, known.account, other.account}) == 3
    assert (known.address, other.address) == (None, None)


def test_two_people_on_one_device_do_not_share_its_bucket() -> None:
    buckets = [NAMES.of(account, Caller(device=PHONE), is_known_device=True) for account in ("ann@a.b", "bob@a.b")]
    assert buckets[0].account != buckets[1].account


def test_device_that_is_not_there_is_not_known() -> None:
    assert NAMES.of("ann", Caller("192.0.2.1"), is_known_device=True).address is not None


def test_account_cannot_be_written_so_that_it_meets_the_bucket_of_another() -> None:
    assert (
        NAMES.of(f"{PHONE.hex()}\nann", Caller(), is_known_device=False).account
        != NAMES.of("ann", Caller(device=PHONE), is_known_device=True).account
    )


def test_addresses_of_one_ipv6_network_share_a_bucket() -> None:
    assert address_bucket("2001:db8:0:1::1") == address_bucket("2001:db8:0:1:ffff::2")
    assert address_bucket("2001:db8:0:1::1") != address_bucket("2001:db8:0:2::1")


def test_ipv4_address_has_a_bucket_of_its_own_on_a_socket_for_both_kinds_too() -> None:
    assert address_bucket("192.0.2.1") != address_bucket("192.0.2.2")
    assert address_bucket("::ffff:192.0.2.1") == address_bucket("192.0.2.1")


@pytest.mark.parametrize("address", ["10.1.2.3", "::ffff:10.1.2.3", "fd00::1", "", "not an address", "unix:"])
def test_address_of_a_proxy_of_ours_or_none_does_not_count(address: str) -> None:
    assert address_bucket(address) is None
    assert NAMES.of_address(Caller(address)) is None


def test_bucket_names_tell_nothing_and_depend_on_the_key() -> None:
    caller = Caller("192.0.2.1", device=PHONE)
    for is_known_device in (False, True):
        buckets = NAMES.of("ann@example.org", caller, is_known_device=is_known_device)
        others = BucketNames(b"o" * 32, PROXIES).of("ann@example.org", caller, is_known_device=is_known_device)
        text = f"{buckets.account} {buckets.address}"
        assert not any(clear in text for clear in ("ann", "192.0.2", PHONE.hex()))
        assert buckets.account != others.account

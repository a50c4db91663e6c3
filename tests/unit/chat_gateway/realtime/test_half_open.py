"""How many may say nothing, and who goes where that is one too many."""

import pytest
from typing_extensions import override

from chat_gateway.protocol import codes
from chat_gateway.realtime.half_open import HalfOpen, Quiet, network_of
from chat_gateway.realtime.limits import Limits
from tests.clients import Client, Instance, RecordingLink
from tests.fakes import OpenChannels

TOO_MANY = (codes.TOO_MANY_REQUESTS.code, codes.TOO_MANY_REQUESTS.reason)
STALE = (codes.STALE.code, codes.STALE.reason)


class Visitor(Quiet):
    def __init__(self, table: HalfOpen, address: str) -> None:
        self.link = RecordingLink()
        self.link.address = address
        self._table = table
        table.enter(self)

    @override
    def close(self, disconnect: codes.Disconnect) -> None:
        self.link.close(disconnect.code, disconnect.reason)
        self._table.leave(self)

    @property
    def is_closed(self) -> bool:
        return self.link.closed is not None


def test_the_oldest_of_an_address_goes_when_there_is_one_too_many_of_it() -> None:
    table = HalfOpen(per_address=2, in_all=100)
    other = Visitor(table, "192.0.2.2")
    visitors = [Visitor(table, "192.0.2.1") for _ in range(2)]
    assert not any(visitor.is_closed for visitor in visitors)
    visitors.append(Visitor(table, "192.0.2.1"))
    assert [visitor.is_closed for visitor in visitors] == [True, False, False]
    assert not other.is_closed
    assert len(table) == 3


def test_the_oldest_of_the_address_with_most_goes_when_there_are_too_many_in_all() -> None:
    table = HalfOpen(per_address=3, in_all=3)
    single = Visitor(table, "192.0.2.2")
    pair = [Visitor(table, "192.0.2.1") for _ in range(2)]
    newest = Visitor(table, "192.0.2.3")
    assert [visitor.is_closed for visitor in (single, *pair, newest)] == [False, True, False, False]
    assert len(table) == 3


def test_who_leaves_makes_room_and_leaves_nothing_behind() -> None:
    table = HalfOpen(per_address=1, in_all=1)
    first = Visitor(table, "192.0.2.1")
    table.leave(first)
    table.leave(first)
    assert not table._by_address
    assert not Visitor(table, "192.0.2.1").is_closed


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("unknown", "unknown", True),
    ],
)
def test_the_addresses_of_one_customer_count_as_one(one: str, other: str, *, is_same: bool) -> None:
    assert (network_of(one) == network_of(other)) is is_same


async def test_a_session_counts_after_a_second_without_a_connect_command(instance: Instance) -> None:
    client = instance.client()
    client.send_raw(b"")
    quiet, gone = instance.client(), instance.client()
    spoken = await instance.connected()
    gone.lose()
    assert len(instance.engine.half_open) == 0
    instance.pass_seconds(1)
    assert list(instance.engine.half_open._places) == [quiet.session]
    assert spoken.link.closed is None


async def test_a_late_connect_command_is_taken_and_counts_no_more(instance: Instance) -> None:
    client = instance.client()
    instance.pass_seconds(4)
    assert len(instance.engine.half_open) == 1
    await client.connect()
    assert len(instance.engine.half_open) == 0


async def test_honest_clients_get_in_past_a_stranger_of_their_own_address(application: OpenChannels) -> None:
    limits = Limits(half_open_per_address=2)
    async with Instance(application, limits=limits) as instance:
        silent = [instance.client() for _ in range(2)]
        instance.pass_seconds(1)
        silent += [instance.client() for _ in range(2)]
        instance.pass_seconds(1)
        assert [client.link.closed for client in silent] == [TOO_MANY, TOO_MANY, None, None]
        honest: Client = await instance.connected()
        instance.pass_seconds(5)
        assert honest.link.closed is None
        assert [client.link.closed for client in silent[2:]] == [STALE, STALE]
        assert len(instance.engine.half_open) == 0

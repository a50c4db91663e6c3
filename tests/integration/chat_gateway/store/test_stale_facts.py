"""What a change was decided from may change before it is made: between the reading of the facts and the locks.

PostgreSQL only: on SQLite one write transaction holds both.
"""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from chat_gateway.core.changes import Ban, Invite, Join, Leave, Revoke
from chat_gateway.core.entries import Kind
from chat_gateway.core.ids import RoomId, UserId
from shared.errors import Conflict, Forbidden, NotFound, Unavailable
from tests.integration.chat_gateway.store.conftest import OpenGateway
from tests.integration.chat_gateway.store.gateway import (
    LOBBY,
    Gateway,
    change,
    codes,
    create,
    direct,
    execute,
    has_no_gap,
    join,
    leave,
    post,
    remove,
    rows,
    set_marker,
)

Step = Callable[[], Awaitable[object]]


@pytest.fixture
async def late(postgres_url: str, open_gateway: OpenGateway) -> Gateway:
    """The gateway that decides too early."""
    return await open_gateway(postgres_url)


@pytest.fixture
async def other(postgres_url: str, open_gateway: OpenGateway) -> Gateway:
    return await open_gateway(postgres_url)


def meanwhile(gateway: Gateway, *steps: Step) -> list[Step]:
    """Take these steps, one each time the gateway has decided and is about to write; answers those still to come."""
    waiting = list(steps)
    apply = gateway.appender._apply  # type: ignore[attr-defined] # the very moment that this is about

    async def _apply(*values: object) -> str:
        if waiting:
            await waiting.pop(0)()
        return str(await apply(*values))

    gateway.appender._apply = _apply  # type: ignore[attr-defined]
    return waiting


async def test_who_loses_the_right_meanwhile_is_refused_and_nothing_is_written(late: Gateway) -> None:
    den = await late.create("ann")
    await late.join("bob", den)
    left = meanwhile(late, lambda: execute(late.url, "UPDATE member SET role = 'member' WHERE user_id = 'ann'"))
    with pytest.raises(Forbidden, match="not_allowed"):
        await late.log.append(remove("ann", "bob", den))
    assert left == []
    assert await rows(late.url, f"SELECT head FROM log WHERE id = 'room:{den}'") == [(2,)]
    assert await rows(late.url, "SELECT status FROM member WHERE user_id = 'bob'") == [("joined",)]


async def test_who_is_banned_meanwhile_does_not_come_in(late: Gateway, other: Gateway) -> None:
    den = await late.create("ann")
    await late.join("bob", den)
    await late.log.append(leave("bob", den))
    meanwhile(late, lambda: other.log.append(change(Ban, "ann", den, subject=UserId("bob"))))
    with pytest.raises(Forbidden, match="banned"):
        await late.log.append(join("bob", den))
    assert await has_no_gap(late.url)


async def test_the_same_change_made_meanwhile_is_a_repeat_with_the_same_rows(late: Gateway, other: Gateway) -> None:
    same = create("ann", cid="c")
    made = []

    async def make_it_elsewhere() -> None:
        made.append(await other.log.append(create("ann", cid="c")))

    meanwhile(late, make_it_elsewhere)
    again = await late.log.append(same)
    assert (again.repeated, again.entry, again.others) == (True, made[0].entry, made[0].others)


async def test_of_two_owners_who_leave_at_once_one_stays(late: Gateway, other: Gateway) -> None:
    den = await late.create("ann")
    for user in ("bob", "cid"):
        await late.join(user, den)
    await execute(late.url, "UPDATE member SET role = 'owner' WHERE user_id = 'bob'")
    meanwhile(late, lambda: other.log.append(leave("bob", den)))
    with pytest.raises(Conflict, match="last_owner"):
        await late.log.append(leave("ann", den))


async def test_the_last_use_of_an_invitation_lets_one_in(late: Gateway, other: Gateway) -> None:
    den = await late.create("ann", kind="private")
    await late.log.append(change(Invite, "ann", den, token_hash="h", expires_in_ms=60_000, uses=1))
    meanwhile(late, lambda: other.log.append(change(Join, "bob", den, invite="h")))
    with pytest.raises(NotFound, match="room_not_found"):
        await late.log.append(change(Join, "cid", den, invite="h"))
    assert await rows(late.url, "SELECT uses_left FROM invite") == [(0,)]


async def test_a_revoked_invitation_lets_nobody_in_who_had_it_checked_before(late: Gateway, other: Gateway) -> None:
    den = await late.create("ann", kind="private")
    await late.log.append(change(Invite, "ann", den, token_hash="h", expires_in_ms=60_000, uses=9))
    meanwhile(late, lambda: other.log.append(change(Revoke, "ann", den)))
    with pytest.raises(NotFound, match="room_not_found"):
        await late.log.append(change(Join, "bob", den, invite="h"))


async def test_facts_that_never_stand_still_are_known_not_to_be_committed(late: Gateway) -> None:
    den = await late.create("ann")

    def rename(number: int) -> Step:
        return lambda: execute(late.url, f"UPDATE room SET name = 'n{number}' WHERE id = '{den}'")

    left = meanwhile(late, *(rename(number) for number in range(24)))
    with pytest.raises(Unavailable):
        await late.log.append(join("bob", den))
    assert len(left) == 4
    assert await rows(late.url, f"SELECT head FROM log WHERE id = 'room:{den}'") == [(1,)]
    left.clear()
    assert (await late.log.append(join("bob", den))).offset == 2


async def test_posts_make_no_decision_stale_not_even_a_marker_beyond_the_head(late: Gateway, other: Gateway) -> None:
    await late.join("ann")
    await late.join("bob")
    calls = meanwhile(late, lambda: other.log.append(post("bob")), lambda: other.log.append(post("bob")))
    moved = await late.log.append(set_marker("ann", 1 << 40))
    assert (moved.offset, len(calls)) == (2, 1), "made at once, at the head that was found"


async def test_a_post_moves_the_marker_further_than_one_that_was_decided_before(late: Gateway, other: Gateway) -> None:
    await late.join("ann")
    await late.join("bob")
    meanwhile(late, lambda: other.log.append(post("ann")))
    assert await late.log.append(set_marker("ann", 2)) == await late.log.append(set_marker("ann", 2))
    assert await rows(late.url, "SELECT marker FROM member WHERE user_id = 'ann'") == [(3,)]


async def test_changes_that_meet_in_many_logs_wait_for_each_other_and_never_deadlock(
    postgres_url: str, open_gateway: OpenGateway
) -> None:
    gateways = [await open_gateway(postgres_url, patience_seconds=10) for _ in range(3)]
    people = [f"p{number}" for number in range(6)]
    values = ", ".join(f"('{user}', '{user}')" for user in people)
    await execute(postgres_url, f"INSERT INTO person (id, name) VALUES {values}")
    den = await gateways[0].create("p0")
    answers = []
    for number in range(20):
        for turn, gateway in enumerate(gateways):
            shift = (number + turn) % 6
            around = [*people[shift:], *people[:shift]]
            answers += [
                gateway.log.append(direct(around[0], *around[1 : 2 + number % 4])),
                gateway.log.append(join(around[1], den)),
                gateway.log.append(post(around[1], room=den)),
                gateway.log.append(remove("p0", around[1], den)),
                gateway.log.append(set_marker(around[2], 1 + number, den)),
                gateway.log.append(leave(around[3], LOBBY)),
            ]
    results = await asyncio.gather(*answers, return_exceptions=True)
    refused = {"room_not_found", "member_not_found", "last_owner", "not_allowed", "invalid_request"}
    assert set(codes(results)) - {"ok"} <= refused
    assert await has_no_gap(postgres_url)
    opened = await rows(postgres_url, "SELECT id, members FROM room WHERE kind = 'direct'")
    assert len(opened) == len({room for room, _ in opened}) > 10
    for room, members in opened:
        joined = f"SELECT count(*) FROM member WHERE room_id = '{room}' AND status = 'joined'"
        assert await rows(postgres_url, joined) == [(members,)]


async def test_a_change_that_is_found_again_after_a_lost_connection_is_answered_with_its_own_rows(
    late: Gateway, postgres_url: str
) -> None:
    den = create("ann")
    made = await late.log.append(den)
    joined = change(Join, "bob", RoomId(den.room))
    _, (nothing,) = await late.appender.find([joined])
    assert nothing is None
    _, (again,) = await late.appender.find([den])
    assert again is not None
    assert (again.entry, again.others, again.repeated) == (made.entry, made.others, True)
    assert made.entry is not None
    assert made.entry.kind == Kind.MEMBER_JOINED
    _, (other,) = await late.appender.find([change(Leave, "ann", RoomId(den.room))])
    assert other is None

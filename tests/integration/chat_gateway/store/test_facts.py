"""Both databases answer the same facts to the same question, and look up nothing else."""

import json

import msgspec

from chat_gateway.core.facts import (
    Facts,
    InviteFact,
    MarkerFact,
    MemberFact,
    MessageFact,
    OthersFact,
    Question,
    RoomFact,
    ThreadFact,
)
from chat_gateway.core.ids import ClientId, EntryId, LogId, RoomId, UserId
from chat_gateway.store import facts_sqlite
from chat_gateway.store.ledger_sqlite import Ledger
from tests.integration.chat_gateway.store.gateway import (
    Gateway,
    create,
    direct,
    execute,
    join,
    post,
    remove,
    rows,
    set_marker,
)

ANN, BOB, CID = UserId("ann"), UserId("bob"), UserId("cid")
NOWHERE = RoomId("nowhere")
FUTURE = 1 << 50


async def read(gateway: Gateway, asked: Question) -> Facts:
    if gateway.database.writer:
        return await gateway.database.writer.transaction(
            lambda connection: facts_sqlite.read(Ledger(connection), asked)
        )
    question = msgspec.json.encode(asked).decode().replace("'", "''")
    ((text,),) = await rows(gateway.url, f"SELECT facts_v1('{question}'::jsonb)::text")
    assert json.loads(text).keys() == {field.name for field in msgspec.structs.fields(Facts)}
    return msgspec.json.decode(text, type=Facts, strict=True)


def about(room: RoomId, *users: UserId, **fields: object) -> Question:
    return msgspec.structs.replace(
        Question(room=room, author=ANN, client_id=ClientId("c"), logs=(), users=users), **fields
    )


async def test_nothing_is_known_of_nothing(gateway: Gateway) -> None:
    asked = about(
        NOWHERE,
        ANN,
        logs=(LogId("room:nowhere"),),
        message=EntryId("m"),
        emoji="x",
        offset=3,
        invite="h",
        departure=True,
    )
    assert await read(gateway, asked) == Facts(members=(MemberFact(user=ANN),))


async def test_a_room_and_how_people_stand_to_it(gateway: Gateway) -> None:
    den = create("ann", "The den", "private", cid="c")
    await gateway.log.append(den)
    await gateway.join("ann")
    await execute(gateway.url, f"UPDATE room SET topic = 'Talk', archived = true WHERE id = '{den.room}'")
    await execute(
        gateway.url, "INSERT INTO person (id, name, disabled) VALUES ('ann', 'Ann', false), ('bob', 'Bob', true)"
    )
    await execute(
        gateway.url,
        f"INSERT INTO member (room_id, user_id, role, status) VALUES ('{den.room}', 'bob', 'admin', 'banned')",
    )
    facts = await read(gateway, about(den.room, ANN, CID, BOB, admission=True))
    assert facts == Facts(
        room=RoomFact(name="The den", kind="private", topic="Talk", read_only=False, archived=True),
        members=(
            MemberFact(user=ANN, role="owner", status="joined", person="enabled", rooms=2),
            MemberFact(user=CID),
            MemberFact(user=BOB, role="admin", status="banned", person="disabled"),
        ),
    )
    assert (await read(gateway, about(den.room, ANN))).author.rooms == 0, "memberships are counted only where asked"


async def test_earlier_entries_are_the_authors_own_in_the_order_of_the_logs(gateway: Gateway) -> None:
    den = create("ann", cid="c")
    made = await gateway.log.append(den)
    await gateway.log.append(join("bob", den.room, cid="c"))
    logs = (LogId("user:ann"), LogId("user:bob"), LogId(f"room:{den.room}"))
    first, second = (await read(gateway, about(den.room, logs=logs))).repeats
    assert made.entry is not None
    assert (first.log, first.id, first.subject) == ("user:ann", made.others[0].id, None)
    assert (second.log, second.id, second.subject, second.content, second.at) == (
        f"room:{den.room}",
        made.entry.id,
        "ann",
        made.entry.content,
        made.entry.at,
    )


async def test_a_marker_goes_to_the_head_at_most(gateway: Gateway) -> None:
    await gateway.join("ann")
    await gateway.join("bob")
    await gateway.log.append(post("bob"))
    lobby = RoomId("lobby")
    assert (await read(gateway, about(lobby, offset=2))).marker == MarkerFact(marker=1, offset=2, posts=0)
    assert (await read(gateway, about(lobby, offset=(1 << 63) - 1))).marker == MarkerFact(marker=1, offset=3, posts=1)
    assert (await read(gateway, about(lobby, offset=0))).marker == MarkerFact(marker=1, offset=0, posts=0)
    assert (await read(gateway, about(lobby))).marker is None


async def test_whom_a_leaver_leaves_behind(gateway: Gateway) -> None:
    den = await gateway.create("ann")
    assert (await read(gateway, about(den, departure=True))).others == OthersFact(members=False, owners=False)
    await gateway.join("bob", den)
    assert (await read(gateway, about(den, departure=True))).others == OthersFact(members=True, owners=False)
    await execute(gateway.url, "UPDATE member SET role = 'owner' WHERE user_id = 'bob'")
    assert (await read(gateway, about(den, departure=True))).others == OthersFact(members=True, owners=True)
    await gateway.log.append(remove("ann", "bob", den))
    assert (await read(gateway, about(den, departure=True))).others == OthersFact(members=False, owners=False)
    assert (await read(gateway, about(den))).others is None


async def test_an_owner_who_is_deleted_owns_nothing_and_one_who_is_disabled_does(gateway: Gateway) -> None:
    den = await gateway.create("ann")
    await gateway.join("bob", den)
    await execute(gateway.url, "UPDATE member SET role = 'owner' WHERE user_id = 'bob'")
    for name, disabled, owns in (("", "true", False), ("Bob", "true", True), ("Bob", "false", True)):
        await execute(gateway.url, "DELETE FROM person WHERE id = 'bob'")
        await execute(gateway.url, f"INSERT INTO person (id, name, disabled) VALUES ('bob', '{name}', {disabled})")
        others = (await read(gateway, about(den, departure=True))).others
        assert others == OthersFact(members=True, owners=owns), (name, disabled)


async def test_a_room_falls_to_who_has_been_in_it_longest_an_admin_first(gateway: Gateway) -> None:
    den = await gateway.create("ann")
    for user in ("cid", "bob", "dan", "eve"):
        await gateway.join(user, den)
        await execute(gateway.url, f"INSERT INTO person (id, name) VALUES ('{user}', '{user}')")

    async def heir() -> str | None:
        return (await read(gateway, about(den, heir=True))).heir

    assert (await read(gateway, about(den, departure=True))).heir is None, "not asked for"
    assert await heir() == "cid"
    await execute(gateway.url, "UPDATE member SET role = 'admin' WHERE user_id IN ('dan', 'eve')")
    assert await heir() == "dan"
    await execute(gateway.url, "UPDATE person SET disabled = true WHERE id = 'dan'")
    assert await heir() == "eve"
    await gateway.log.append(remove("ann", "eve", den))
    assert await heir() == "cid"
    await gateway.log.append(remove("ann", "cid", den))
    await gateway.join("cid", den)
    assert await heir() == "bob", "who comes back begins anew"
    await execute(gateway.url, "UPDATE person SET disabled = true, name = ''")
    assert await heir() is None
    await execute(gateway.url, "INSERT INTO person (id, name) VALUES ('ann', 'Ann')")
    assert await heir() is None, "nobody is their own heir"


async def test_an_invitation_is_usable_for_a_while_and_so_many_times(gateway: Gateway) -> None:
    for token, uses, expires, usable in (("a", 1, FUTURE, True), ("b", 0, FUTURE, False), ("c", 1, 1, False)):
        await execute(gateway.url, f"INSERT INTO invite VALUES ('{token}', 'den', 'bob', {expires}, {uses})")
        facts = await read(gateway, about(NOWHERE, invite=token))
        assert facts.invite == InviteFact(room=RoomId("den"), usable=usable)


async def test_who_blocked_the_author(gateway: Gateway) -> None:
    await execute(gateway.url, "INSERT INTO block VALUES ('bob', 'ann'), ('ann', 'cid')")
    assert (await read(gateway, about(NOWHERE, ANN, CID))).blocked is False
    assert (await read(gateway, about(NOWHERE, ANN, CID, BOB))).blocked is True


async def test_a_message_as_it_stands(gateway: Gateway) -> None:
    lobby = RoomId("lobby")
    await gateway.join("bob")
    change = post("bob", "hi")
    posted = await gateway.log.append(change)
    assert posted.entry is not None
    plain = MessageFact(
        id=change.id,
        offset=2,
        author=BOB,
        author_role="member",
        at=posted.entry.at,
        content='{"body":"hi"}',
        body=None,
        edits=0,
        deleted=False,
        pinned=False,
        thread=None,
        thread_posts=0,
        reacted=False,
        emojis=0,
        pins=0,
    )
    assert (await read(gateway, about(lobby, message=change.id))).message == plain
    assert (await read(gateway, about(NOWHERE, message=change.id))).message is None, "of another room"

    await execute(
        gateway.url,
        'INSERT INTO message (room_id, "offset", body, edits, deleted, pinned_at, thread_posts)'
        " VALUES ('lobby', 2, 'ho', 2, true, 7, 4), ('lobby', 9, NULL, 0, false, 8, 0)",
    )
    for table, values in {
        "revision": "('lobby', 2, 2, 6, 'bob', 1, 'b'), ('lobby', 2, 1, 5, 'bob', 1, 'a')",
        "reaction": "('lobby', 2, 'x', 'ann', 1), ('lobby', 2, 'x', 'bob', 1), ('lobby', 2, 'y', 'bob', 1)",
        "thread_member": "('ann', 'lobby', 2, true, false, 11, 3)",
    }.items():
        await execute(gateway.url, f"INSERT INTO {table} VALUES {values}")
    facts = await read(gateway, about(lobby, message=change.id, emoji="x"))
    assert facts.message == msgspec.structs.replace(
        plain,
        body="ho",
        edits=2,
        edit_entries=(5, 6),
        deleted=True,
        pinned=True,
        thread_posts=4,
        reacted=True,
        used=True,
        emojis=2,
        pins=2,
    )
    assert facts.thread == ThreadFact(follows=True, muted=False, marker=11, marker_posts=3)
    other = await read(gateway, about(lobby, message=change.id, emoji="y"))
    assert other.message is not None
    assert (other.message.reacted, other.message.emojis) == (False, 2)


async def test_the_head_is_in_no_fact_so_posts_make_none_stale(gateway: Gateway) -> None:
    await gateway.join("ann")
    await gateway.join("bob")
    asked = about(RoomId("lobby"), ANN, BOB, logs=(LogId("room:lobby"),), offset=1, departure=True, admission=True)
    before = await read(gateway, asked)
    await gateway.log.append(post("bob"))
    await gateway.log.append(set_marker("bob", 3))
    assert await read(gateway, asked) == before


async def test_a_message_with_what_its_decisions_need(gateway: Gateway) -> None:
    den = await gateway.create("bob")
    await gateway.join("ann", den)
    posted = await gateway.post("bob", room=den)
    assert posted.entry is not None
    message = posted.entry.id
    asked = about(den, ANN, message=message, emoji="x", offset=1 << 40)
    found = await read(gateway, asked)
    assert found.message is not None
    assert (found.message.author_role, found.message.used, found.message.reported) == ("owner", False, False)
    assert found.marker == MarkerFact(marker=0, offset=0, posts=0)
    reply = await gateway.log.append(msgspec.structs.replace(post("ann", room=den), thread=message))
    for sql in (
        f"INSERT INTO reaction (room_id, message, emoji, user_id, at) VALUES ('{den}', {posted.offset}, 'x', 'bob', 1)",
        f"INSERT INTO report(id, room_id, \"offset\", reporter, reason, at) VALUES ('r', '{den}', 3, 'ann', 'rude', 1)",
        f"UPDATE member SET status = 'left' WHERE room_id = '{den}' AND user_id = 'bob'",
    ):
        await execute(gateway.url, sql)
    found = await read(gateway, asked)
    assert found.message is not None
    assert (found.message.author_role, found.message.used, found.message.reacted) == (None, True, False)
    assert found.message.reported
    assert found.marker == MarkerFact(marker=reply.offset, offset=reply.offset, posts=1)
    assert (await read(gateway, about(den, ANN, message=EntryId("missing"), offset=5))).marker is None
    before = await read(gateway, about(den, BOB, message=message, offset=posted.offset))
    assert before.marker == MarkerFact(marker=reply.offset, offset=0, posts=0)


async def test_the_other_of_a_direct_room_of_two_may_have_blocked_the_author(gateway: Gateway) -> None:
    for people, expected in ((("ann", "bob"), True), (("ann", "bob", "cid"), False)):
        for user in people:
            await execute(
                gateway.url, f"INSERT INTO person (id, name) VALUES ('{user}', '{user}') ON CONFLICT DO NOTHING"
            )
        await execute(gateway.url, "DELETE FROM block")
        opened = direct(*people)
        await gateway.log.append(opened)
        posted = await gateway.post("bob", room=opened.room)
        assert posted.entry is not None
        asked = about(opened.room, ANN, message=posted.entry.id)
        assert not (await read(gateway, asked)).blocked
        await execute(gateway.url, "INSERT INTO block (user_id, blocked_id) VALUES ('bob', 'ann')")
        assert (await read(gateway, asked)).blocked is expected
        assert not (await read(gateway, about(opened.room, ANN))).blocked

import pytest

from chat_gateway.core.changes import Change, Invite, Refusal, Revoke
from chat_gateway.core.decisions import decide
from chat_gateway.core.effects import Drop, Effects, Put
from chat_gateway.core.invitations import DEFAULT_SECONDS, MAX_SECONDS, token_hash
from tests.unit.chat_gateway.core.standing import ANN, ROOM, a_room, asked, facts, nowhere, who

INVITE = asked(Invite, token_hash="hash", expires_in_ms=1000, uses=3)
REVOKE = asked(Revoke)


def test_an_invitation_counts_its_time_from_the_databases_now_and_those_long_over_go() -> None:
    assert decide(INVITE, facts(who(ANN, "admin"))) == Effects(
        (
            Drop(
                table="invite",
                key={"room_id": ROOM},
                before={"expires_at": "now"},
                added={"expires_at": -604_800_000},
            ),
            Put(
                table="invite",
                key={"token_hash": "hash"},
                values={"room_id": ROOM, "created_by": ANN, "uses_left": 3},
                filled={"expires_at": "now"},
                added={"expires_at": 1000},
            ),
        )
    )


def test_all_invitations_of_a_room_end_at_once() -> None:
    assert decide(REVOKE, facts(who(ANN, "owner"))) == Effects((Drop(table="invite", key={"room_id": ROOM}),))


@pytest.mark.parametrize("change", [INVITE, REVOKE])
def test_who_may_invite(change: Change) -> None:
    assert decide(change, nowhere(who(ANN))) == Refusal.NO_SUCH_ROOM
    assert decide(change, facts(who(ANN))) == Refusal.NO_SUCH_ROOM
    assert decide(change, facts(who(ANN, "member"))) == Refusal.NOT_ALLOWED
    assert decide(change, facts(who(ANN, "member"), room=a_room(kind="direct"))) == Refusal.DIRECT_ROOM


def test_only_a_hash_of_a_token_is_kept_whatever_text_it_is() -> None:
    assert token_hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert len({token_hash(text) for text in ("", "abc", "\ud800", "é")}) == 4


def test_an_invitation_lasts_a_week_unless_told_and_a_month_at_most() -> None:
    assert (DEFAULT_SECONDS, MAX_SECONDS) == (604_800, 2_592_000)

from chat_gateway.core.changes import Join
from chat_gateway.core.entries import Kind
from chat_gateway.core.ids import EntryId
from chat_gateway.core.notices import notice
from tests.unit.chat_gateway.core.standing import ANN, ANNS_LOG, BOB, ID, asked


def test_a_notice_names_the_room_in_the_users_own_log() -> None:
    told = notice(asked(Join), ANN, Kind.ROOM_JOINED)
    assert (told.log, told.kind, told.content) == (ANNS_LOG, Kind.ROOM_JOINED, '{"room":"r1"}')


def test_a_notice_has_an_id_of_its_own_that_a_repeat_shares() -> None:
    ids = {
        notice(change, user, Kind.ROOM_JOINED).id
        for change in (asked(Join), asked(Join), asked(Join, id=EntryId("e2")))
        for user in (ANN, BOB)
    }
    assert len(ids) == 4
    assert ID not in ids

from chat_gateway.core.changes import Leave
from chat_gateway.core.entries import Kind
from chat_gateway.core.facts import ask_of_author
from tests.unit.chat_gateway.core.standing import ANN, ANNS_LOG, BOB, ROOM, ROOM_LOG, asked, facts, old, who


def test_the_author_is_the_first_of_the_members() -> None:
    known = facts(who(ANN, "owner"), who(BOB, status="left"))
    assert (known.author.user, known.author.joined, known.members[1].joined) == (ANN, True, False)


def test_an_earlier_entry_is_found_by_its_log() -> None:
    first, second = old(ROOM_LOG, Kind.MEMBER_LEFT), old(ANNS_LOG, Kind.ROOM_LEFT)
    known = facts(who(ANN), repeats=(first, second))
    assert (known.repeat(ANNS_LOG), known.repeat(ROOM_LOG), facts(who(ANN)).repeat(ROOM_LOG)) == (second, first, None)


def test_the_plain_question_is_about_the_room_and_its_author() -> None:
    about = ask_of_author(asked(Leave))
    assert (about.room, about.author, about.client_id, about.logs, about.users) == (ROOM, ANN, "c", (ROOM_LOG,), (ANN,))

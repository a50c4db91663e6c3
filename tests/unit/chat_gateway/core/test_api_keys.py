import pytest

from chat_gateway.core import api_keys
from chat_gateway.core.api_keys import Scope
from chat_gateway.core.ids import RoomId
from shared.errors import InvalidInput

ID = "0123456789ab"
SECRET = "s" * 43
SCOPE = Scope(("message.post", "room.join", "room.create", "direct.open"), (RoomId("lobby"),))


@pytest.mark.parametrize(
    ("verb", "rooms", "allowed"),
    [
        ("message.post", ["lobby"], True),
        ("message.post", ["den"], False),
        ("message.post", [], True),
        ("history.page", ["lobby"], False),
        ("room.list", [], False),
        ("room.join", [None], False),
        ("room.join", ["lobby", "den"], False),
        ("room.create", [], False),
        ("direct.open", [], False),
    ],
)
def test_a_scope_allows_its_verbs_in_its_rooms_and_nothing_that_names_no_room_where_one_is_meant(
    verb: str, rooms: list[str | None], *, allowed: bool
) -> None:
    assert SCOPE.allows(verb, *rooms) is allowed


def test_a_key_shows_its_prefix_and_its_id() -> None:
    key = api_keys.make_key(ID, SECRET)
    assert key == f"parley_{ID}_{SECRET}"
    assert api_keys.is_key(key)


@pytest.mark.parametrize(("key_id", "secret"), [("", SECRET), ("ABCDEF012345", SECRET), (ID, "short"), (ID, "!" * 43)])
def test_parts_of_another_form_make_no_key(key_id: str, secret: str) -> None:
    with pytest.raises(ValueError, match="id of 12"):
        api_keys.make_key(key_id, secret)


@pytest.mark.parametrize(
    "text", ["", "parley_", f"parley_{ID}_{SECRET}\n", f"x{ID}_{SECRET}", f"parley_{ID}_{SECRET}s"]
)
def test_other_texts_are_no_keys(text: str) -> None:
    assert not api_keys.is_key(text)


def test_a_hash_tells_nothing_of_the_key_and_differs_with_it() -> None:
    one, other = api_keys.digest(f"parley_{ID}_{SECRET}"), api_keys.digest(f"parley_{ID}_{'t' * 43}")
    assert one != other
    assert len(one) == 64
    assert SECRET not in one


def test_a_bot_is_no_users_id() -> None:
    assert api_keys.bot_of(ID) == f"bot:{ID}"


def test_a_name_is_tidied() -> None:
    assert api_keys.key_name("  Build \n server ") == "Build server"


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a\x00b"])
def test_a_name_nobody_can_read_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        api_keys.key_name(name)

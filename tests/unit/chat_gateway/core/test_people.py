from chat_gateway.core.ids import UserId
from chat_gateway.core.people import Person


def test_a_person_is_known_by_id_and_name_and_may_lack_a_picture() -> None:
    assert Person(id=UserId("ann"), name="Ann") == Person(id=UserId("ann"), name="Ann", picture="", disabled=False)

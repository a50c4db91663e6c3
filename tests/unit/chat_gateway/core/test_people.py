import pytest

from chat_gateway.core.ids import UserId
from chat_gateway.core.people import MAX_WORDS, Person, name_words


def test_a_person_is_known_by_id_and_name_and_may_lack_a_picture() -> None:
    assert Person(id=UserId("ann"), name="Ann") == Person(id=UserId("ann"), name="Ann", picture="", disabled=False)


@pytest.mark.parametrize(
    ("name", "disabled", "deleted"),
    [("", True, True), ("Ann", True, False), ("Ann", False, False), ("", False, False)],
)
def test_whoever_is_disabled_and_has_no_name_is_deleted(name: str, *, disabled: bool, deleted: bool) -> None:
    assert Person(id=UserId("ann"), name=name, disabled=disabled).deleted is deleted


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Ada Lovelace", ["ada", "lovelace"]),
        ("Jean-Luc O'Neil (he)", ["jean", "luc", "o", "neil", "he"]),
        ("ANNA anna Anna2", ["anna", "anna2"]),
        ("Straße ﬁne", ["strasse", "fine"]),
        ("日本 太郎", ["日本", "太郎"]),
        ("e\N{COMBINING ACUTE ACCENT}t", ["\N{LATIN SMALL LETTER E WITH ACUTE}t"]),
        (" !? ", []),
    ],
)
def test_a_name_is_found_by_its_words_in_lower_case(name: str, words: list[str]) -> None:
    assert name_words(name) == words


def test_only_the_first_words_of_a_name_count() -> None:
    assert len(name_words(" ".join(f"w{number}" for number in range(50)))) == MAX_WORDS

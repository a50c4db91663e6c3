import pytest

from auth_service.core.users import (
    MAX_PROFILE_BYTES,
    Edit,
    User,
    UserId,
    checked_email,
    checked_name,
    edited,
    normalised_email,
)
from shared.errors import InvalidInput

ANN = User(UserId("ann"), "ann@example.org", "hash", "Ann", "", {"likes": "cats", "age": 5}, "member")


def nested(levels: int) -> dict[str, object]:
    """Objects and arrays in turns, `levels` of them with the profile itself."""
    value: object = []
    for level in range(levels - 2):
        value = [1, value] if level % 2 else {"a": value, "b": "x"}
    return {"a": value}


def test_address_is_trimmed_composed_and_lowered() -> None:
    assert normalised_email("  Zoe\u0308@Example.ORG ") == "zo\u00eb@example.org"
    assert checked_email("A@B") == "a@b"


@pytest.mark.parametrize(
    "text", ["", "a", "@", "a@", "@b", "a b@c", "a@b@c", "a@b\x00", "a@b\n.c", "a\u202e@b", "a@ b"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked_email(text)
    assert refused.value.code == "invalid_request"
    assert list(refused.value.details) == ["email"]


def test_address_takes_128_characters() -> None:
    longest = "a" * 126 + "@b"
    assert checked_email(longest) == longest
    with pytest.raises(InvalidInput):
        checked_email("a" + longest)


@pytest.mark.parametrize(("text", "name"), [(" Ann ", "Ann"), ("日本", "日本"), ("x" * 64, "x" * 64), ("🐶", "🐶")])
def test_name_is_trimmed(text: str, name: str) -> None:
    assert checked_name(text) == name


@pytest.mark.parametrize("text", ["", "  ", "\x00", "a\nb", "a\u202eb", "x" * 65])
def test_name_that_cannot_be_shown_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked_name(text)
    assert list(refused.value.details) == ["name"]


def test_edit_that_names_nothing_changes_nothing() -> None:
    assert edited(ANN, Edit()) == ANN


def test_edit_changes_what_it_names() -> None:
    after = edited(ANN, Edit(name=" Anna ", picture="https://a.example/p.png"))
    assert (after.name, after.picture, after.profile) == ("Anna", "https://a.example/p.png", ANN.profile)
    assert edited(after, Edit(picture="")).picture == ""


def test_profile_is_merged_and_null_removes() -> None:
    assert edited(ANN, Edit(profile={"age": None, "town": "Ulm"})).profile == {"likes": "cats", "town": "Ulm"}


def test_profile_grants_nothing() -> None:
    assert edited(ANN, Edit(profile={"role": "administrator"})).role == "member"


@pytest.mark.parametrize(
    "picture",
    [
        "http://a.example/p",
        "javascript:alert(1)",
        "data:image/png;base64,AA",
        "https://",
        "https://[::1",
        "https://a.example/ p",
        "https://ä.example/",
        "https://a.example/\n",
        "https://a.example/" + "p" * 512,
    ],
)
def test_picture_is_a_short_https_address(picture: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        edited(ANN, Edit(picture=picture))
    assert list(refused.value.details) == ["picture"]


def test_profile_has_a_depth_and_a_size() -> None:
    largest = {"a": "x" * (MAX_PROFILE_BYTES - 9)}
    assert edited(ANN, Edit(profile={"likes": None, "age": None, **largest})).profile == largest
    assert edited(ANN, Edit(profile=nested(8))).profile["a"] == nested(8)["a"]
    for profile in ({"a": "x" * MAX_PROFILE_BYTES}, nested(9), nested(5000)):
        with pytest.raises(InvalidInput) as refused:
            edited(ANN, Edit(profile=profile))
        assert list(refused.value.details) == ["profile"]

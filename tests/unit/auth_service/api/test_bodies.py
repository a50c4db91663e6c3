import msgspec
import pytest

from auth_service.api.bodies import EditBody, LoginBody, RegisterBody, TokenBody, user_body
from auth_service.core.users import User, UserId

ANN = User(UserId("ann"), "ann@example.org", "$argon2id$...", "Ann", "", {"town": "Ulm"}, "administrator")


def test_user_is_shown_without_hash_and_role() -> None:
    assert msgspec.to_builtins(user_body(ANN)) == {
        "id": "ann",
        "email": "ann@example.org",
        "name": "Ann",
        "picture": "",
        "profile": {"town": "Ulm"},
    }


def test_token_answer_has_the_names_of_oauth() -> None:
    body = msgspec.to_builtins(TokenBody(access_token="t", user=user_body(ANN)))
    assert (body["access_token"], body["token_type"], body["expires_in"]) == ("t", "Bearer", 600)


@pytest.mark.parametrize("kind", [RegisterBody, LoginBody, EditBody])
def test_unknown_member_is_refused(kind: type[object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"email": "a", "password": "b", "name": "c", "role": "administrator"}', type=kind)


def test_edit_names_what_it_changes_only() -> None:
    assert msgspec.json.decode(b"{}", type=EditBody) == EditBody()

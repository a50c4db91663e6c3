from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from auth_service.api.bodies import EditBody, LoginBody, RegisterBody, TokenBody, session_body, user_body
from auth_service.core.sessions import Session, SessionId
from auth_service.core.users import User, UserId

ANN = User(UserId("ann"), "ann@example.org", "$argon2id$...", "Ann", "", {"town": "Ulm"}, "administrator")


def test_user_is_shown_without_hash() -> None:
    assert msgspec.to_builtins(user_body(ANN)) == {
        "id": "ann",
        "email": "ann@example.org",
        "name": "Ann",
        "picture": "",
        "profile": {"town": "Ulm"},
        "role": "administrator",
    }


def test_session_is_shown_in_milliseconds_and_the_current_one_is_marked() -> None:
    at = datetime(2026, 1, 1, 0, 0, 0, 5000, tzinfo=UTC)
    session = Session(SessionId("s"), "Firefox", "203.0.113.0/24", at, at + timedelta(seconds=1))
    assert msgspec.to_builtins(session_body(session, SessionId("s"))) == {
        "id": "s",
        "user_agent": "Firefox",
        "network": "203.0.113.0/24",
        "started_at": 1767225600005,
        "last_used_at": 1767225601005,
        "is_current": True,
    }
    assert not session_body(session, SessionId("other")).is_current


def test_token_answer_has_the_names_of_oauth() -> None:
    body = msgspec.to_builtins(TokenBody(access_token="t", user=user_body(ANN)))
    assert (body["access_token"], body["token_type"], body["expires_in"]) == ("t", "Bearer", 600)


@pytest.mark.parametrize("kind", [RegisterBody, LoginBody, EditBody])
def test_unknown_member_is_refused(kind: type[object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"email": "a", "password": "b", "name": "c", "role": "administrator"}', type=kind)


def test_edit_names_what_it_changes_only() -> None:
    assert msgspec.json.decode(b"{}", type=EditBody) == EditBody()

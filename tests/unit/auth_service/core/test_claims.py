from dataclasses import replace

from auth_service.core.claims import access_claims
from auth_service.core.sessions import SessionId
from auth_service.core.users import User, UserId

ANN = User(UserId("ann"), "ann@example.org", "hash", "Ann", "https://a.example/p", {"secret": 1}, "member")


def test_token_states_who_where_and_for_how_long_and_no_address() -> None:
    claims = access_claims(ANN, SessionId("s"), token_id="t", issuer="https://chat.example.org", now=1000.9)
    assert claims == {
        "iss": "https://chat.example.org",
        "aud": "chat",
        "sub": "ann",
        "sid": "s",
        "jti": "t",
        "iat": 1000,
        "exp": 1600,
        "name": "Ann",
        "picture": "https://a.example/p",
        "roles": [],
    }


def test_administrator_is_named_in_the_roles() -> None:
    boss = replace(ANN, role="administrator")
    claims = access_claims(boss, SessionId("s"), token_id="t", issuer="i", now=0)
    assert claims["roles"] == ["administrator"]

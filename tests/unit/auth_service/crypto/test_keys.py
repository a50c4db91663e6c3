from auth_service.core.claims import access_claims
from auth_service.core.sessions import SessionId
from auth_service.core.users import User, UserId
from auth_service.crypto.keys import KeyRing, new_key
from shared import tokens

ANN = User(UserId("ann"), "ann@example.org", "hash", "Ann", "", {}, "member")
CLAIMS = access_claims(ANN, SessionId("s"), token_id="t", issuer="i", now=1000)


def test_newest_key_signs_and_all_are_published() -> None:
    old, new = new_key(), new_key()
    ring = KeyRing()
    ring.load([(old.id, old.private_key)])
    before = ring.sign(CLAIMS)
    ring.load([(old.id, old.private_key), (new.id, new.private_key)])
    after = ring.sign(CLAIMS)
    published = tokens.key_set(ring.jwks())
    verified = [tokens.verify(token, published, issuer="i", audience="chat", now=1001) for token in (before, after)]
    assert [claims.key_id for claims in verified] == [old.id, new.id]
    assert {claims.user for claims in verified} == {"ann"}
    assert ring.public_keys.keys() == published.keys()


def test_private_half_is_never_published() -> None:
    key = new_key()
    ring = KeyRing()
    ring.load([(key.id, key.private_key)])
    assert b'"d"' not in ring.jwks()


def test_keys_are_drawn_anew() -> None:
    assert new_key() != new_key()

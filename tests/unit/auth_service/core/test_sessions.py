import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_service.core.sessions import (
    ABSOLUTE,
    GRACE,
    IDLE,
    Decision,
    Exchange,
    Exchanged,
    Presented,
    RefreshToken,
    SessionId,
    TokenHash,
    as_text,
    decide,
    from_text,
    latest,
    successor,
    token_hash,
)
from auth_service.core.users import User, UserId

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TICK = timedelta(milliseconds=1)
ANN = User(UserId("ann"), "ann@example.org", "hash", "Ann", "", {}, "member")
FRESH = Presented(
    hash=TokenHash(b"h" * 32),
    session=SessionId("s"),
    user=ANN,
    started_at=NOW - timedelta(days=1),
    last_used_at=NOW - timedelta(hours=1),
    is_ended=False,
    is_killed=False,
    exchanged=None,
    now=NOW,
)


def exchanged(ago: timedelta, *, used: bool = False) -> Presented:
    return replace(FRESH, exchanged=Exchanged(b"s" * 16, "a", NOW - ago, used))


@pytest.mark.parametrize(
    ("presented", "decision"),
    [
        (FRESH, Decision.ROTATE),
        (exchanged(timedelta(0)), Decision.REPEAT),
        (exchanged(GRACE), Decision.REPEAT),
        (exchanged(GRACE, used=True), Decision.REPEAT),
        (exchanged(-timedelta(minutes=5)), Decision.REPEAT),
        (exchanged(GRACE + TICK), Decision.REPLACE),
        (exchanged(GRACE + TICK, used=True), Decision.REUSE),
        (replace(FRESH, is_killed=True), Decision.REUSE),
        (replace(FRESH, is_ended=True), Decision.REFUSE),
        (replace(exchanged(GRACE + TICK, used=True), is_ended=True), Decision.REFUSE),
        (replace(FRESH, user=replace(ANN, is_disabled=True)), Decision.REFUSE),
        (replace(FRESH, last_used_at=NOW - IDLE), Decision.ROTATE),
        (replace(FRESH, last_used_at=NOW - IDLE - TICK), Decision.REFUSE),
        (replace(FRESH, started_at=NOW - ABSOLUTE), Decision.ROTATE),
        (replace(FRESH, started_at=NOW - ABSOLUTE - TICK), Decision.REFUSE),
    ],
)
def test_what_happens_to_a_presented_token(presented: Presented, decision: Decision) -> None:
    assert decide(presented, {"a"}) is decision


@pytest.mark.parametrize(
    ("presented", "decision"),
    [
        (exchanged(GRACE), Decision.REPLACE),
        (exchanged(GRACE, used=True), Decision.REFUSE),
        (exchanged(GRACE + TICK, used=True), Decision.REUSE),
    ],
)
def test_successor_whose_key_left_the_settings_is_never_called_reuse_in_grace(
    presented: Presented, decision: Decision
) -> None:
    assert decide(presented, {"b"}) is decision


def test_successor_is_an_hmac_over_salt_and_token() -> None:
    token, salt, key = RefreshToken(b"t" * 32), b"s" * 16, b"k" * 32
    assert successor(key, salt, token) == hmac.new(key, salt + token, hashlib.sha256).digest()
    assert successor(key, b"x" * 16, token) != successor(key, salt, token)


def test_latest_of_a_line_is_its_end_or_the_last_one_whose_key_is_known() -> None:
    keys, salt = {"a": b"k" * 32, "b": b"l" * 32}, b"s" * 16
    first = RefreshToken(b"t" * 32)
    second = successor(keys["a"], salt, first)
    third = successor(keys["b"], salt, second)
    line = {
        token_hash(first): Exchange(salt, "a", token_hash(second)),
        token_hash(second): Exchange(salt, "b", token_hash(third)),
    }
    assert latest(keys, line, first) == latest(keys, line, second) == latest(keys, line, third) == third
    assert latest({"a": keys["a"]}, line, first) == second
    assert latest(keys, {}, first) == first


def test_only_the_hash_of_a_token_is_kept() -> None:
    assert token_hash(RefreshToken(b"t" * 32)) == hashlib.sha256(b"t" * 32).digest()


@given(st.binary(min_size=32, max_size=32))
def test_token_survives_the_cookie(raw: bytes) -> None:
    token = RefreshToken(raw)
    assert from_text(as_text(token)) == token


@pytest.mark.parametrize("text", ["", "a", "A" * 42, "A" * 44, "A" * 42 + "=", "A" * 42 + "/", "ä" * 43])
def test_text_that_is_no_token_is_none(text: str) -> None:
    assert from_text(text) is None

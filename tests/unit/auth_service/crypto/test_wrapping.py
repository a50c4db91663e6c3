from dataclasses import replace
from datetime import UTC, datetime

import pytest

from auth_service.core.keys import KeyRow, UnreadableKey
from auth_service.crypto.wrapping import Vault

AT = datetime(2026, 1, 1, tzinfo=UTC)
A, B = b"a" * 32, b"b" * 32


def clear_key() -> KeyRow:
    return Vault({}).new_key(1, AT)


def test_new_key_is_encrypted_and_opens_again() -> None:
    vault = Vault({"a": A})
    key = vault.new_key(3, AT)
    assert (key.generation, key.signs_from, key.wrapped_by) == (3, AT, "a")
    private_key = vault.open(key)
    assert len(private_key) == 32
    assert private_key not in key.private_key
    assert vault.rewrapped(key) is None


def test_keys_and_nonces_are_drawn_anew() -> None:
    vault = Vault({"a": A})
    one, two = vault.new_key(1, AT), vault.new_key(1, AT)
    assert one.id != two.id
    assert vault.open(one) != vault.open(two)
    clear = clear_key()
    first, second = vault.rewrapped(clear), vault.rewrapped(clear)
    assert first is not None
    assert second is not None
    assert first.private_key != second.private_key
    assert vault.open(first) == vault.open(second) == clear.private_key


def test_without_keys_in_the_settings_it_stays_in_the_clear() -> None:
    key = clear_key()
    assert key.wrapped_by is None
    assert Vault({}).open(key) == key.private_key
    assert Vault({}).rewrapped(key) is None


def test_new_first_key_of_the_settings_encrypts_what_the_old_one_did() -> None:
    before = Vault({"a": A}).new_key(1, AT)
    both = Vault({"b": B, "a": A})
    after = both.rewrapped(before)
    assert after is not None
    assert after.wrapped_by == "b"
    assert Vault({"b": B}).open(after) == Vault({"a": A}).open(before)
    assert both.open(before) == both.open(after)


@pytest.mark.parametrize("settings", [{}, {"b": B}], ids=["none", "another"])
def test_key_of_the_settings_that_is_missing_is_named(settings: dict[str, bytes]) -> None:
    key = Vault({"a": A}).new_key(1, AT)
    with pytest.raises(UnreadableKey, match=r"'a', which is not in AUTH_KEY_ENCRYPTION_KEYS. Add it"):
        Vault(settings).open(key)
    with pytest.raises(UnreadableKey):
        Vault(settings).rewrapped(key)


def test_wrong_key_of_the_settings_is_told() -> None:
    key = Vault({"a": A}).new_key(1, AT)
    with pytest.raises(UnreadableKey, match="cannot be decrypted by 'a'"):
        Vault({"a": B}).open(key)


@pytest.mark.parametrize(
    "change",
    [
        lambda key: replace(key, id="other"),
        lambda key: replace(key, generation=2),
        lambda key: replace(key, private_key=key.private_key[:-1] + bytes([key.private_key[-1] ^ 1])),
        lambda key: replace(key, private_key=bytes([key.private_key[0] ^ 1]) + key.private_key[1:]),
        lambda key: replace(key, private_key=b""),
        lambda key: replace(key, private_key=key.private_key[:20]),
    ],
    ids=["row of another key", "other generation", "changed", "other nonce", "empty", "cut"],
)
def test_secret_that_was_moved_or_changed_does_not_open(change: object) -> None:
    vault = Vault({"a": A})
    assert callable(change)
    with pytest.raises(UnreadableKey, match="AUTH_KEY_ENCRYPTION_KEYS"):
        vault.open(change(vault.new_key(1, AT)))

import pytest

from auth_service.core.links import (
    LIFETIMES,
    PATHS,
    TOKEN_BYTES,
    Link,
    LinkKind,
    address,
    admits,
    from_text,
    link_hash,
    token_text,
)


def test_token_of_a_link_has_256_bits_and_reads_back() -> None:
    token = token_text(bytes(range(TOKEN_BYTES)))
    assert TOKEN_BYTES == 32
    assert from_text(token) == token
    assert len({link_hash(token), link_hash(token_text(bytes(TOKEN_BYTES)))}) == 2
    assert len(link_hash(token)) == 32


@pytest.mark.parametrize("text", ["", "x" * 42, "x" * 44, "x" * 42 + "=", "x" * 42 + "\n", "é" * 43, "x" * 43 + "\n"])
def test_what_is_no_token_is_none(text: str) -> None:
    assert from_text(text) is None


@pytest.mark.parametrize("kind", LinkKind)
def test_token_rides_in_the_fragment_which_no_server_sees(kind: LinkKind) -> None:
    token = token_text(bytes(TOKEN_BYTES))
    found = address("https://chat.example.org", kind, token)
    assert found == f"https://chat.example.org{PATHS[kind]}#token={token}"
    assert LIFETIMES[kind].days <= 7


def test_invitation_is_for_its_address_or_for_all() -> None:
    bound = Link(LinkKind.INVITATION, email="ann@example.org")
    assert admits(bound, "ann@example.org")
    assert not admits(bound, "bob@example.org")
    assert admits(Link(LinkKind.INVITATION), "bob@example.org")

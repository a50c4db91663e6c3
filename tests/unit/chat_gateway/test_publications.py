import json

from chat_gateway.core.entries import Entry, Kind
from chat_gateway.core.ids import ClientId, EntryId, LogId, UserId
from chat_gateway.publications import batch_of, publication_of


def entry(offset: int, subject: str | None = None) -> Entry:
    return Entry(
        log=LogId("room:lobby"),
        offset=offset,
        kind=Kind.MEMBER_REMOVED,
        id=EntryId("e-1"),
        author=UserId("ada"),
        client_id=ClientId("c-1"),
        at=1,
        posts=0,
        subject=UserId(subject) if subject else None,
    )


def test_a_publication_says_whom_it_is_about_and_carries_the_entry_as_json() -> None:
    publication = publication_of(entry(7, "bob"))
    assert (publication.offset, publication.kind, publication.id, publication.subject) == (7, 12, "e-1", "bob")
    assert json.loads(publication.data)["type"] == "member.removed"
    assert publication_of(entry(7)).subject == ""


def test_a_batch_keeps_the_order_of_its_entries() -> None:
    batch = batch_of(LogId("room:lobby"), "epoch", [entry(7), entry(8)])
    assert (batch.channel, batch.epoch) == ("room:lobby", "epoch")
    assert [publication.offset for publication in batch.publications] == [7, 8]

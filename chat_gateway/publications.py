"""An entry of a log as the engine moves it: where the chat's words meet the engine's."""

from collections.abc import Sequence

from chat_gateway.core.entries import Entry, encode
from chat_gateway.core.ids import LogId
from chat_gateway.realtime.publication import Batch, Publication


def publication_of(entry: Entry) -> Publication:
    return Publication(
        offset=entry.offset, kind=entry.kind, id=entry.id, subject=entry.subject or "", data=encode(entry)
    )


def batch_of(log: LogId, epoch: str, entries: Sequence[Entry]) -> Batch:
    return Batch(log, epoch, tuple(publication_of(entry) for entry in entries))

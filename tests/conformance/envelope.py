"""A client's publication as the chat's store and bus can carry it: its data and its publisher in one JSON text."""

import msgspec
from msgspec.structs import replace

from chat_gateway.protocol.frames import ClientInfo
from chat_gateway.realtime.publication import Batch, Publication


class _Envelope(msgspec.Struct, omit_defaults=True):
    data: bytes
    info: ClientInfo | None = None


def seal(data: bytes, info: ClientInfo | None) -> str:
    return msgspec.json.encode(_Envelope(bytes(data), info)).decode()


def opened(publication: Publication) -> Publication:
    """Make the publication that clients are shown out of one whose data is an envelope."""
    envelope = msgspec.json.decode(publication.data, type=_Envelope)
    return replace(publication, data=envelope.data, info=envelope.info)


def sealed_batch(batch: Batch) -> Batch:
    publications = [replace(one, data=seal(one.data, one.info).encode(), info=None) for one in batch.publications]
    return replace(batch, publications=tuple(publications))


def opened_batch(batch: Batch) -> Batch:
    return replace(batch, publications=tuple(map(opened, batch.publications)))

"""The bus message: a batch of one channel as bytes, so that a gateway relays without reading any JSON.

    version u8 | channel u16+text | epoch u8+text | count u32
    count times: offset u64 | kind u8 | id u16+text | subject u16+text | payload length u32
    the payloads, one after the other

Big endian. Neighbouring releases share one Redis: kinds this one does not know pass, versions it does not know do not.
"""

import struct
from collections.abc import Iterator

from chat_gateway.realtime.publication import Batch, Publication

VERSION = 1
MAX_MESSAGE_BYTES = 256 * 1024

_HEAD = struct.Struct(">BHB")
_COUNT = struct.Struct(">I")
_ENTRY = struct.Struct(">QBHHI")


class UnknownVersion(ValueError):
    """Written by a release that speaks another format."""


class Malformed(ValueError):
    """No bus message of ours, or a damaged one."""


def encode(batch: Batch) -> list[bytes]:
    """Make the messages of a batch, each at most 256 KiB, rising; an entry that is larger alone goes alone."""
    channel, epoch = batch.channel.encode(), batch.epoch.encode()
    head = _HEAD.pack(VERSION, len(channel), len(epoch)) + channel + epoch
    return [
        b"".join((head, _COUNT.pack(len(payloads)), *entries, *payloads))
        for entries, payloads in _split(batch, MAX_MESSAGE_BYTES - len(head) - _COUNT.size)
    ]


def decode(data: bytes) -> Batch:
    """Read one message. Raises UnknownVersion or Malformed."""
    if not data:
        raise Malformed("The message is empty.")
    if data[0] != VERSION:
        raise UnknownVersion(f"The message has version {data[0]}.")
    try:
        return _decode(data)
    except (struct.error, UnicodeDecodeError) as error:
        raise Malformed("The message is damaged.") from error


def _split(batch: Batch, room: int) -> Iterator[tuple[list[bytes], list[bytes]]]:
    entries: list[bytes] = []
    payloads: list[bytes] = []
    used = 0
    for publication in batch.publications:
        entry = _entry(publication)
        size = len(entry) + len(publication.data)
        if entries and used + size > room:
            yield entries, payloads
            entries, payloads, used = [], [], 0
        entries.append(entry)
        payloads.append(publication.data)
        used += size
    if entries:
        yield entries, payloads


def _entry(publication: Publication) -> bytes:
    id_, subject = publication.id.encode(), publication.subject.encode()
    fixed = _ENTRY.pack(publication.offset, publication.kind, len(id_), len(subject), len(publication.data))
    return fixed + id_ + subject


def _decode(data: bytes) -> Batch:
    _, channel_size, epoch_size = _HEAD.unpack_from(data)
    at = _HEAD.size + channel_size
    channel, epoch = data[_HEAD.size : at].decode(), data[at : at + epoch_size].decode()
    at += epoch_size
    (count,) = _COUNT.unpack_from(data, at)
    at += _COUNT.size
    # The count is a stranger's word: what it promises must fit before anything is made of it.
    if not 0 < count <= (len(data) - at) // _ENTRY.size:
        raise Malformed("The message promises other entries than it holds.")
    publications = _publications(data, at, count)
    return Batch(channel=channel, epoch=epoch, publications=publications)


def _publications(data: bytes, at: int, count: int) -> tuple[Publication, ...]:
    heads: list[tuple[int, int, str, str, int]] = []
    last = -1
    for _ in range(count):
        offset, kind, id_size, subject_size, size = _ENTRY.unpack_from(data, at)
        if offset <= last:
            raise Malformed("The offsets do not rise.")
        last = offset
        at += _ENTRY.size
        subject_at = at + id_size
        end = subject_at + subject_size
        heads.append((offset, kind, data[at:subject_at].decode(), data[subject_at:end].decode(), size))
        at = end
    publications = []
    for offset, kind, id_, subject, size in heads:
        publications.append(Publication(offset, kind, id_, subject, data[at : at + size]))
        at += size
    if at != len(data):
        raise Malformed("The payloads are shorter or longer than announced.")
    return tuple(publications)

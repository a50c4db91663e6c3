"""What is documented is what is encoded."""

import json

import msgspec
import pytest

from chat_gateway.api import entry_schema
from chat_gateway.core import entries
from chat_gateway.core.entries import Kind
from chat_gateway.core.history import Excerpt, MessageState
from chat_gateway.core.ids import EntryId, UserId
from tests.builders import ID, entry


def test_every_field_there_can_be_is_documented() -> None:
    state = MessageState(deleted=True)
    reply = Excerpt(id=EntryId(ID), offset=1, author=UserId("bob"))
    full = entry(subject=UserId("bob"), thread=EntryId(ID), thread_posts=1)
    encoded = json.loads(entries.encode(full, with_offset=True, state=state, reply=reply))
    assert encoded.keys() == {field.name for field in msgspec.structs.fields(entry_schema.Entry)}


@pytest.mark.parametrize("kind", Kind)
def test_an_entry_of_any_kind_is_what_is_documented(kind: Kind) -> None:
    encoded = entries.encode(entry(kind=kind), with_offset=True)
    assert msgspec.json.decode(encoded, type=entry_schema.Entry).offset == 7

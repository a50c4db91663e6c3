"""Whatever a client sends, decoding gives commands or Malformed; and what both encodings say is the same."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat_gateway.protocol import frames
from chat_gateway.protocol.codec import Malformed
from chat_gateway.protocol.frames import MAX_OFFSET, Command, Request
from chat_gateway.protocol.json_codec import JSON
from chat_gateway.protocol.protobuf_codec import PROTOBUF
from tests.unit.chat_gateway.protocol import sdk
from tests.unit.chat_gateway.protocol.golden import Shown
from tests.unit.chat_gateway.protocol.test_protobuf_codec import COMMANDS

pytestmark = pytest.mark.no_cover  # many cases, twice as long if traced; smaller tests cover the same lines

text = st.text(max_size=5)
data = st.sampled_from([b"", b"null", b'{"a":"gr\xc3\xbc\xc3\x9fe"}', b"[1,2]"])
offsets = st.integers(0, MAX_OFFSET)
int32 = st.integers(-(2**31), 2**31 - 1)
resumes = st.builds(frames.Resume, st.booleans(), text, offsets)
requests: st.SearchStrategy[Request] = st.one_of(
    st.builds(
        frames.Connect,
        text,
        data,
        text,
        text,
        st.dictionaries(text, text, max_size=2),
        st.dictionaries(text, resumes, max_size=2),
    ),
    st.builds(
        frames.Subscribe,
        channel=text,
        token=text,
        recover=st.booleans(),
        epoch=text,
        offset=offsets,
        positioned=st.booleans(),
        recoverable=st.booleans(),
        join_leave=st.booleans(),
        delta=text,
        flag=st.integers(-(2**63), 2**63 - 1),
        data=data,
    ),
    st.builds(frames.Unsubscribe, text),
    st.builds(frames.Publish, text, data),
    st.builds(frames.Presence, text),
    st.builds(frames.PresenceStats, text),
    st.builds(frames.History, text, int32, st.none() | st.builds(frames.StreamPosition, offsets, text), st.booleans()),
    st.builds(frames.Rpc, text, data),
    st.builds(frames.Send, data),
    st.builds(frames.Refresh, text),
    st.builds(frames.SubRefresh, text, text),
    st.just(frames.Ping()),
)
commands = st.builds(Command, st.integers(1, 2**32 - 1), requests) | st.just(Command(0, frames.Pong()))
golden = st.sampled_from([bytes.fromhex(wire) for wire in COMMANDS.values()])
infos = st.builds(frames.ClientInfo, text, text, data, data)
publications = st.builds(Shown, st.integers(0, 2**64 - 1), st.binary(max_size=200), st.none() | infos)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A good message in which a few places were overwritten."""
    message = bytearray(draw(golden))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(message)))
        message[at : at + draw(st.integers(0, 4))] = draw(st.binary(max_size=4))
    return bytes(message)


@settings(max_examples=500, deadline=None, database=None)
@given(damaged() | st.binary(max_size=50))
def test_nothing_but_malformed_escapes(payload: bytes) -> None:
    with contextlib.suppress(Malformed):
        assert PROTOBUF.decode(payload)


@settings(max_examples=200, deadline=None, database=None)
@given(st.lists(commands, min_size=1, max_size=3))
def test_what_the_sdk_encodes_is_what_json_says(sent: list[Command]) -> None:
    assert PROTOBUF.decode(b"".join(map(sdk.encoded, sent))) == sent
    assert JSON.decode(b"\n".join(map(sdk.line, sent))) == sent


@settings(max_examples=200, deadline=None, database=None)
@given(text, publications)
def test_publication_passes_unchanged(channel: str, publication: Shown) -> None:
    [reply] = sdk.parsed(PROTOBUF.publication(channel, publication))
    shown = reply.push.pub
    assert (reply.push.channel, shown.offset, shown.data) == (channel, publication.offset, publication.data)
    assert shown.HasField("info") == (publication.info is not None)
    if publication.info is not None:
        info = frames.ClientInfo(shown.info.user, shown.info.client, shown.info.conn_info, shown.info.chan_info)
        assert info == publication.info

"""Whatever a client sends, decoding gives commands or Malformed; and what it gives is what was sent."""

import contextlib
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from chat_gateway.protocol.codec import Malformed
from chat_gateway.protocol.frames import Publish, Send
from chat_gateway.protocol.json_codec import JSON
from tests.unit.chat_gateway.protocol.test_json_codec import COMMANDS

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
values = scalars | st.lists(scalars, max_size=3) | st.dictionaries(st.text(max_size=3), scalars, max_size=3)
golden = st.sampled_from([wire.encode() for wire in COMMANDS.values()])
pieces = st.sampled_from([b"{", b"]", b'"', b"\\", b"\n", b",", b"null", b"-1", b"1e9", b"\\ud800", b"\xff", b"{}"])


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A good message in which a few places were overwritten."""
    message = bytearray(draw(golden))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(message)))
        message[at : at + draw(st.integers(0, 4))] = draw(pieces)
    return bytes(message)


@settings(max_examples=300, deadline=None, database=None)
@given(damaged() | st.binary(max_size=50))
def test_nothing_but_malformed_escapes(payload: bytes) -> None:
    with contextlib.suppress(Malformed):
        for command in JSON.decode(payload):
            if isinstance(command.request, Publish | Send) and command.request.data:
                json.loads(command.request.data.decode())


@settings(max_examples=100, deadline=None, database=None)
@given(st.integers(1, 2**32 - 1), st.text(max_size=10), values, st.booleans())
def test_data_passes_unchanged(number: int, channel: str, value: object, ascii_only: bool) -> None:  # noqa: FBT001
    data = json.dumps(value, ensure_ascii=ascii_only).replace("NaN", "0").replace("Infinity", "0")
    line = f'{{"id":{number},"publish":{{"channel":{json.dumps(channel)},"data":{data}}}}}'
    [command] = JSON.decode(line.encode())
    assert command.id == number
    assert command.request == Publish(channel, data.encode())

"""Whatever clients, networks, clocks and the application do: no exception escapes, nothing leaks, nobody is misled.

Replies come for what was asked, once, and on a connection that lives every command gets one. Nothing is written after
the end. When all are gone, the engine is as it was. `tell` (session_story.py) asserts all of it.
"""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat_gateway.protocol import frames
from chat_gateway.protocol.frames import Request
from tests.clients import EXPIRES_AT
from tests.unit.chat_gateway.realtime.session_story import nothing_escapes, tell

pytestmark = pytest.mark.no_cover  # many cases, twice as long if traced; smaller tests cover the same lines

CHANNELS = ["open", "room:r", "room:s", "user:ann", "user:bob", "live", ""]
NAMES = ["verify", "channels_of", "channels_of answered", "snapshot", "snapshot answered", "admit", "history"]

users = st.sampled_from(["ann", "bob"])
channels = st.sampled_from(CHANNELS)
offsets = st.integers(0, 4)
epochs = st.sampled_from(["", "e1", "e1", "e1", "e2"])
data = st.sampled_from([b"{}", b'{"a":1}', b'"room:r"', b""])
tokens = st.sampled_from(["", "broken", "expired", "unknown key", "ann/0/s1", f"ann/{EXPIRES_AT}/s1"]) | st.builds(
    lambda user, session: f"{user}/{EXPIRES_AT}/{session}", users, st.sampled_from(["s1", "s2"])
)
good_tokens = st.builds(lambda user: f"{user}/{EXPIRES_AT}/s1", users)
resumes = st.builds(frames.Resume, st.booleans(), epochs, offsets)
connects = st.builds(
    frames.Connect,
    token=st.one_of(*[good_tokens] * 10, tokens),
    data=st.sampled_from([b"", b'{"rooms":false}']),
    subs=st.dictionaries(channels.filter(bool), resumes, max_size=2),
)
subscribes = st.builds(
    frames.Subscribe,
    channel=channels,
    token=st.sampled_from(["", "", "", "expired", "bad", str(EXPIRES_AT - 300)]),
    recover=st.booleans(),
    epoch=epochs,
    offset=offsets,
    positioned=st.booleans(),
    recoverable=st.booleans(),
    flag=st.integers(0, 3),
)
positions = st.none() | st.builds(frames.StreamPosition, offsets, epochs)
others = st.one_of(
    st.builds(frames.Unsubscribe, channels),
    st.builds(frames.Publish, channels, data.filter(bool)),
    st.builds(frames.Rpc, st.sampled_from(["echo", "search", "conflict", "busy"]), data),
    st.builds(frames.Rpc, st.just("leave"), st.just(b'"room:r"')),
    st.builds(frames.History, channels, st.integers(-1, 3), positions, st.booleans()),
    st.builds(frames.Presence, channels | st.just("secret")),
    st.builds(frames.PresenceStats, channels),
    st.builds(frames.Refresh, good_tokens | tokens),
    st.builds(frames.SubRefresh, channels, st.sampled_from(["", str(EXPIRES_AT)])),
)
odd: st.SearchStrategy[Request | None] = st.one_of(
    st.builds(frames.Send, data), st.just(frames.Pong()), st.just(frames.Ping()), st.none()
)
usual = st.one_of(subscribes, others, subscribes, others)
requests = st.lists(st.one_of(*[usual] * 40, connects, odd), min_size=1, max_size=5)
begins = st.builds(lambda connect, more: [connect, *more], connects, st.lists(usual, max_size=3))
numbers = st.integers(0, 3)
names = st.sampled_from([*NAMES, "rpc echo", "rpc search"])


def step(name: str, /, **arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[str, dict[str, Any], int]]:
    return st.tuples(st.just(name), st.fixed_dictionaries(arguments), st.sampled_from([0, 1, 3, 20]))


often = st.one_of(
    step("say", number=numbers, requests=begins),
    step("say", number=numbers, requests=requests),
    step("say", number=numbers, requests=requests),
    step("post", channel=channels.filter(bool)),
    step("live", seconds=st.sampled_from([1, 5, 40])),
    step("move", user=users, room=st.sampled_from(["room:r", "room:s"])),
    step("jam", number=numbers),
    step("relieve", number=numbers),
    step("release"),
    step("hold", name=names),
    step("fail", name=names, is_bug=st.booleans()),
    step("wait", seconds=st.sampled_from([0.1, 1.0])),
)
seldom = st.one_of(
    step("accept", protobuf=st.booleans()),
    step("damage", number=numbers, requests=requests, at=st.integers(0, 200), piece=st.binary(min_size=1, max_size=4)),
    step("noise", number=numbers, payload=st.binary(max_size=20)),
    step("lose", number=numbers),
    step("wait", seconds=st.sampled_from([6.0, 13.0, 30.0, 400.0])),
    step("restore", epoch=st.sampled_from(["e1", "e2"])),
    step("revoke", session=st.sampled_from(["s1", "s2"])),
)
steps = st.one_of(*[often] * 4, seldom)
beginnings = st.lists(st.tuples(st.booleans(), begins), min_size=1, max_size=3)
stories = st.builds(
    lambda peers, more: [
        *[("accept", {"protobuf": protobuf}, 0) for protobuf, _ in peers],
        *[("say", {"number": number, "requests": requests}, 3) for number, (_, requests) in enumerate(peers)],
        *more,
    ],
    beginnings,
    st.lists(steps, min_size=8, max_size=40),
)


@settings(max_examples=150, deadline=None, database=None)
@given(stories)
def test_nothing_escapes_nothing_leaks_and_nobody_is_misled(story: list[Any]) -> None:
    with nothing_escapes():
        asyncio.run(tell(story))

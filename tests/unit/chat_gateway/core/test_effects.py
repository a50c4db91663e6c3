import msgspec

from chat_gateway.core.effects import Effect, OpenLog, Set, Write
from chat_gateway.core.ids import EntryId, LogId


def test_effects_travel_as_json_by_their_names() -> None:
    effects: list[Effect] = [
        OpenLog(log=LogId("room:r1")),
        Write(log=LogId("room:r1"), kind=1, id=EntryId("e")),
        Set(table="room", key={"id": "r1"}, added={"members": 1}),
    ]
    text = msgspec.json.encode(effects)
    assert [effect["type"] for effect in msgspec.json.decode(text)] == ["OpenLog", "Write", "Set"]
    assert msgspec.json.decode(text, type=list[Effect]) == effects

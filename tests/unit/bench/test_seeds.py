"""Who is in which room: publishers post where they are members, spread over all rooms."""

import json

import pytest

from tests.bench.seeds import Layout, call, post

LAYOUTS = [
    Layout(clients=50),
    Layout(clients=1000, rooms=1000, members=10),
    Layout(clients=300, rooms=300, members=200),
    Layout(clients=500, rooms=50, members=10),
    Layout(clients=100, rooms=10, members=10),
]


def members(layout: Layout) -> set[tuple[str, int]]:
    """The same row of places that the SQL makes."""
    size = layout.members_of_each
    return {(layout.room(place // size), place % layout.clients) for place in range(layout.rooms * size)}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_whoever_posts_is_a_member_of_the_room(layout: Layout) -> None:
    joined = members(layout)
    assert len(joined) == layout.rooms * layout.members_of_each
    turns = range(0, layout.clients, 7)
    assert {(layout.room_of(client, turn), client) for turn, client in enumerate(turns)} <= joined


def test_so_many_publish_as_were_asked_for_and_the_first_is_one_of_them() -> None:
    clients = Layout(clients=40, rooms=4, members=10).posting(40, 4)
    assert [number for number, client in enumerate(clients) if client.publish] == [0, 10, 20, 30]
    assert all('"connect":{"token":' in client.hello for client in clients)


def test_a_command_is_json_once_the_load_client_has_put_number_and_time_in() -> None:
    sent = post("lobby").replace("%I", "7").replace("%T", "~0123456789012345")
    command = json.loads(sent)
    assert command["id"] == 7
    assert len(command["rpc"]["data"]["body"]) == 200
    assert json.loads(call("room.list").replace("%I", "8")) == {"id": 8, "rpc": {"method": "room.list", "data": {}}}

import msgspec
import pytest

from chat_gateway.core.ids import RoomId, UserId
from chat_gateway.realtime.publication import Position
from chat_gateway.store.room_log import RoomLog
from tests.integration.chat_gateway.store.gateway import LOBBY, Gateway, leave, rows
from tests.log_contract import Append, ChannelLogContract

ANN = UserId("ann")


@pytest.fixture
async def lobby(gateway: Gateway) -> Gateway:
    """Ann's joining and nine posts of hers."""
    await gateway.join("ann")
    for number in range(9):
        await gateway.post("ann", str(number))
    return gateway


@pytest.mark.parametrize(
    ("after", "before", "expected"),
    [
        (None, None, [8, 9, 10]),
        (4, None, [5, 6, 7]),
        (None, 4, [1, 2, 3]),
        (None, 3, [1, 2]),
        (9, None, [10]),
        (10, None, []),
        (4, 6, [5]),
    ],
)
async def test_a_page_is_rising_and_lies_where_it_was_asked_for(
    lobby: Gateway, after: int | None, before: int | None, expected: list[int]
) -> None:
    page = await lobby.room_log.page(LOBBY, ANN, after=after, before=before, limit=3)
    assert page is not None
    assert [entry.offset for entry in page.entries] == expected
    assert page.head == 10
    assert [(page.epoch,)] == await rows(lobby.url, "SELECT epoch FROM epoch")


async def test_one_who_is_no_member_gets_no_page(lobby: Gateway) -> None:
    assert await lobby.room_log.page(LOBBY, UserId("bob"), limit=3) is None
    assert await lobby.room_log.page(RoomId("nowhere"), ANN, limit=3) is None
    await lobby.log.append(leave("ann"))
    assert await lobby.room_log.page(LOBBY, ANN, limit=3) is None


async def test_heads_of_many_channels_come_in_one_answer_without_the_unknown_ones(lobby: Gateway) -> None:
    ((epoch,),) = await rows(lobby.url, "SELECT epoch FROM epoch")
    wanted = ["room:lobby", "user:ann", "user:nobody", *(f"room:{n}" for n in range(40_000))]
    assert await lobby.room_log.heads(wanted) == {"room:lobby": Position(10, epoch), "user:ann": Position(1, epoch)}
    assert await lobby.room_log.heads([]) == {}


async def test_publications_are_read_in_order_as_clients_see_them(lobby: Gateway) -> None:
    epoch, publications = await lobby.room_log.read("room:lobby", after=0, limit=2)
    assert [(epoch,)] == await rows(lobby.url, "SELECT epoch FROM epoch")
    assert [(item.offset, item.kind, item.subject) for item in publications] == [(1, 10, "ann"), (2, 1, "")]
    seen = msgspec.json.decode(publications[1].data)
    assert (seen["type"], seen["author"], seen["content"], seen["id"]) == (
        "message.posted",
        "ann",
        {"body": "0"},
        publications[1].id,
    )
    assert await lobby.room_log.read("room:lobby", after=10, limit=2) == (epoch, [])


class TestRoomLog(ChannelLogContract):
    """The stored log keeps the promises that the engine's fake is held to."""

    @pytest.fixture
    def log(self, gateway: Gateway) -> RoomLog:
        return gateway.room_log

    @pytest.fixture
    def append(self, gateway: Gateway) -> Append:
        async def append(channel: str, number: int) -> None:
            """The first entry of a room is somebody's joining."""
            room = channel.removeprefix("room:")
            await gateway.join("ann", room)
            for _ in range(number - 1):
                await gateway.post("ann", room=room)

        return append

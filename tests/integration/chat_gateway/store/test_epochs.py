"""The epoch is one name, the same for all who look."""

from chat_gateway.store.epochs import Epochs
from tests.integration.chat_gateway.store.gateway import Gateway, execute, rows


async def test_a_fresh_epoch_is_what_gateways_find_with_the_heads(gateway: Gateway, other: Gateway) -> None:
    await gateway.join("ann")
    epochs = Epochs(gateway.database)
    old = await epochs.get()
    await epochs.replace("another1")
    assert old != await epochs.get() == "another1"
    assert (await other.room_log.heads(["room:lobby"]))["room:lobby"].epoch == "another1"
    await gateway.post("ann")
    assert gateway.published[-1][1] == "another1"


async def test_there_is_never_a_second_one(gateway: Gateway) -> None:
    await Epochs(gateway.database).replace("another1")
    assert await rows(gateway.url, "SELECT count(*) FROM epoch") == [(1,)]
    await execute(gateway.url, "UPDATE epoch SET epoch = 'a'")
    assert await Epochs(gateway.database).get() == "a"

"""Two instances with open channels on one log and one Redis: the relay carries publishers, joins and leaves."""

import pytest

from tests.conformance.sdk_client import subscribed
from tests.conformance.talk import connected


async def test_a_publication_shows_its_publisher_on_the_other_instance(two: tuple[str, str]) -> None:
    async with connected(two[0], "ann") as ann, connected(two[1], "bob", info={"name": "Bob"}) as bob:
        for talker in (ann, bob):
            assert "epoch" in await talker.call(subscribe={"channel": "news"})
        assert await bob.call(publish={"channel": "news", "data": {"n": 1}}) == {}
        for talker in (ann, bob):
            publication = await talker.push("pub", "news")
            assert (publication["data"], publication["offset"]) == ({"n": 1}, 1)
            assert (publication["info"]["user"], publication["info"]["conn_info"]) == ("bob", {"name": "Bob"})


async def test_who_comes_and_goes_is_told_on_the_other_instance_once(two: tuple[str, str]) -> None:
    async with connected(two[0], "ann") as ann:
        await ann.call(subscribe={"channel": "hall"})
        assert (await ann.push("join", "hall"))["info"]["user"] == "ann"
        async with connected(two[1], "bob") as bob:
            await bob.call(subscribe={"channel": "hall"})
            assert (await bob.push("join", "hall"))["info"]["user"] == "bob"
            while (join := await ann.push("join", "hall"))["info"]["user"] != "bob":
                pass
            assert set(join["info"]) == {"user", "client"}
        assert (await ann.push("leave", "hall"))["info"]["user"] == "bob"


async def test_what_was_missed_is_recovered_from_the_other_instance(two: tuple[str, str]) -> None:
    async with connected(two[0], "ann") as ann:
        position = await ann.call(subscribe={"channel": "log"})
        for number in range(3):
            await ann.call(publish={"channel": "log", "data": number})
    async with connected(two[1], "ann") as ann:
        wish = {"channel": "log", "recover": True, "offset": 1, "epoch": position["epoch"]}
        reply = await ann.call(subscribe=wish)
        assert [one["data"] for one in reply["publications"]] == [1, 2]


@pytest.mark.parametrize("encoding", ["JSON", "Protobuf"])
async def test_two_clients_of_the_python_sdk_meet_across_instances(two: tuple[str, str], encoding: str) -> None:
    channel, protobuf = f"sdk-{encoding}", encoding == "Protobuf"
    async with (
        subscribed(two[0], "ann", channel, protobuf=protobuf) as ann,
        subscribed(two[1], "bob", channel, protobuf=protobuf) as bob,
    ):
        await ann.publish({"n": 1})
        for reader in (ann, bob):
            await reader.has([{"n": 1}])
            stats = await reader.subscription.presence_stats()
            assert (stats.num_clients, stats.num_users) == (2, 2)
            assert {one.user for one in (await reader.subscription.presence()).clients.values()} == {"ann", "bob"}
        await bob.client.disconnect()
        for number in (2, 3):
            await ann.publish({"n": number})
        await bob.client.connect()
        await bob.has([{"n": 1}, {"n": 2}, {"n": 3}])
        assert (bob.recovered, bob.offsets) == ([False, True], [1, 2, 3])

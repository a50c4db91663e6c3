"""Two instances with open channels on one log and one Redis: the relay carries publishers, joins and leaves."""

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

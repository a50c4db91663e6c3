"""`epoch new` names the logs anew, and clients that are connected meanwhile begin again."""

import asyncio
import re

from tests.integration.chat_gateway.commands.command import run
from tests.integration.chat_gateway.running import LOBBY, Running, running_gateway
from tests.integration.chat_gateway.store.gateway import execute, rows


async def test_the_logs_get_a_fresh_name_and_it_says_what_that_means(url: str) -> None:
    old = (await rows(url, "SELECT epoch FROM epoch"))[0][0]
    done = run(url, "epoch", "new")
    new = (await rows(url, "SELECT epoch FROM epoch"))[0][0]
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"old  {old}\nnew  {new}\n")
    assert "begin again" in done.stdout
    assert new != old
    assert re.fullmatch("[a-z0-9]{8}", new)


async def test_a_client_with_rooms_of_its_own_is_sent_to_connect_again(url: str, valkey_url: str) -> None:
    async with running_gateway(url, valkey_url) as running:
        peer = await running.connect()
        await peer.rpc("message.post", room=LOBBY, body="seen")
        assert (await asyncio.to_thread(run, url, "epoch", "new")).returncode == 0
        assert await peer.is_closed_with() == 3010


async def test_a_client_that_subscribed_by_hand_is_told_to_subscribe_again(gateway: Running) -> None:
    database = gateway.settings.database_url
    await gateway.connect(sub="ann")
    peer = await gateway.open()
    await peer.ask(connect={"token": gateway.token(sub="ann"), "data": {"rooms": False}})
    first = (await peer.ask(subscribe={"channel": f"room:{LOBBY}", "positioned": True, "recoverable": True}))[
        "subscribe"
    ]
    assert (await asyncio.to_thread(run, database, "epoch", "new")).returncode == 0
    while "unsubscribe" not in (pushed := (await peer.hear()).get("push", {})):
        assert "connect" not in pushed
    assert (pushed["channel"], pushed["unsubscribe"]["code"]) == (f"room:{LOBBY}", 2500)
    again = await peer.ask(
        subscribe={
            "channel": f"room:{LOBBY}",
            "recover": True,
            "offset": first["offset"],
            "epoch": first["epoch"],
        }
    )
    assert again["subscribe"]["epoch"] != first["epoch"]
    assert not again["subscribe"].get("recovered", False)


async def test_an_unfinished_copy_keeps_its_mark(sqlite_url: str) -> None:
    await execute(sqlite_url, "UPDATE epoch SET epoch = '~abcdefg'")
    done = run(sqlite_url, "epoch", "new")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Run the copy again" in done.stderr
    assert await rows(sqlite_url, "SELECT epoch FROM epoch") == [("~abcdefg",)]

"""Three gateway processes on one database, one of them killed: nothing acknowledged is missing, no gap, no double."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

from tests.integration.chat_gateway.store.gateway import Gateway, has_no_gap, rows

_ROOT = Path(__file__).parents[4]
_POSTS = 600


async def test_nothing_acknowledged_is_lost_or_doubled_when_a_process_is_killed(url: str) -> None:
    async with Gateway(url) as gateway:
        await gateway.join("ann")
    processes = [await _start(url, name) for name in ("a", "b", "c")]
    victim = processes[0]
    acks = await asyncio.gather(_acks(victim, kill_after=200), *(_acks(process) for process in processes[1:]))
    assert victim.returncode == -9
    acks.append(await _acks(await _start(url, "a")))

    stored = dict(await rows(url, 'SELECT client_id, "offset" FROM entry WHERE kind = 1'))
    expected = {f"shared-{n}" if n % 3 == 0 else f"{name}-{n}" for name in "abc" for n in range(_POSTS)}
    assert set(stored) == expected
    for cid, offset in [ack for one in acks for ack in one]:
        assert stored[cid] == offset
    assert await has_no_gap(url)
    assert await rows(url, "SELECT head, posts FROM log WHERE id = 'room:lobby'") == [
        (len(expected) + 1, len(expected))
    ]


async def _start(url: str, name: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.integration.chat_gateway.store.poster",
        url,
        name,
        str(_POSTS),
        stdout=PIPE,
        cwd=_ROOT,
    )


async def _acks(process: Process, kill_after: int | None = None) -> list[tuple[str, int]]:
    """Collect the acknowledged posts of a process until it ends, or until it has been killed in the middle."""
    acks: list[tuple[str, int]] = []
    assert process.stdout is not None
    async for line in process.stdout:
        words = line.decode().split()
        if len(words) == 2:
            acks.append((words[0], int(words[1])))
        if len(acks) == kill_after:
            process.kill()
    await process.wait()
    assert process.returncode == (0 if kill_after is None else -9)
    return acks

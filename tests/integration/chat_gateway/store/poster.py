"""A gateway's store as a process of its own, for tests that kill it: posts, repeats, and reports each answer.

Lines on stdout: `begun`, then one `client_id offset` per acknowledged post, then `done`. Every third post is one that
all processes send, and every fifth is sent twice.
"""

import asyncio
import sys

from tests.integration.chat_gateway.store.gateway import Gateway, post

_WINDOW = 64


async def _run(url: str, name: str, count: int) -> None:
    async with Gateway(url, patience_seconds=30) as gateway:
        _say("begun")
        for start in range(0, count, _WINDOW):
            await asyncio.gather(*(_send(gateway, name, n) for n in range(start, min(count, start + _WINDOW))))
    _say("done")


async def _send(gateway: Gateway, name: str, number: int) -> None:
    cid = f"shared-{number}" if number % 3 == 0 else f"{name}-{number}"
    answers = [gateway.log.append(post("ann", cid, cid=cid)) for _ in range(2 if number % 5 == 0 else 1)]
    for applied in await asyncio.gather(*answers):
        _say(f"{cid} {applied.offset}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_run(sys.argv[1], sys.argv[2], int(sys.argv[3])))

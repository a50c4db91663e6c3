"""The REST face and the command line as somebody outside uses them."""

import subprocess
import sys
from typing import Any

import aiohttp

from tests.stack import CONFIG, ROOT, Stack


def command(stack: Stack, *arguments: str, service: str = "chat_gateway") -> str:
    done = subprocess.run(
        [sys.executable, "-m", service, *arguments, "--config", str(CONFIG)],
        check=False,
        cwd=ROOT,
        env=stack._env({}),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


async def send(base: str, token: str, verb: str, **data: Any) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{base}/api/v1/{verb}", json=data, headers=headers) as answer,
    ):
        return answer.status, await answer.json()

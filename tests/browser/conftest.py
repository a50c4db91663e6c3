"""One system with the built client, and a Chromium, for all browser stories."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from deploy.client import ensure_build
from deploy.node import WEB
from tests.stack import Stack

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Iterator[Stack]:
    ensure_build()
    folder: Path = tmp_path_factory.mktemp("browser")
    databases = {"auth_database": f"sqlite:///{folder}/auth.db", "chat_database": f"sqlite:///{folder}/chat.db"}
    with Stack(folder, client=WEB / "dist", **databases) as stack:
        yield stack


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with AsyncExitStack() as opened:
        playwright = await opened.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        await browser.close()

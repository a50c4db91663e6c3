"""A browser whose network goes and comes back: after connects that failed it asks for less, and misses nothing."""

import asyncio
import json
from typing import Any

import pytest
from playwright.async_api import Browser, Page, WebSocketRoute, expect

from tests.stack import Stack

pytestmark = pytest.mark.browser

_ENOUGH = 3


class Network:
    """Between the page and the gateways. While `down` it ends every socket; `connects` are the commands that passed."""

    def __init__(self) -> None:
        self.down = False
        self.refused_enough = asyncio.Event()
        self._refused = 0
        self.connects: list[dict[str, Any]] = []
        self._open: WebSocketRoute | None = None

    async def meet(self, socket: WebSocketRoute) -> None:
        if self.down:
            self._refused += 1
            if self._refused == _ENOUGH:
                self.refused_enough.set()
            await socket.close(code=1001)
            return
        server = socket.connect_to_server()
        socket.on_message(lambda message: self._pass(server, message))
        self._open = socket

    async def cut(self) -> None:
        self.down = True
        if self._open is not None:
            await self._open.close(code=1001)

    def _pass(self, server: WebSocketRoute, message: str | bytes) -> None:
        commands = [json.loads(line) for line in str(message).split("\n")]
        self.connects += [command["connect"] for command in commands if "connect" in command]
        server.send(message)


async def log_in(browser: Browser, stack: Stack, name: str, network: Network) -> Page:
    context = await browser.new_context()
    await context.route_web_socket("**/connection/websocket", network.meet)
    page = await context.new_page()
    await page.goto(f"{stack.base}/login")
    await page.get_by_test_id("login-email").fill(f"{name}@test.com")
    await page.get_by_test_id("login-password").fill(name)
    await page.get_by_test_id("login-submit").click()
    await expect(page.get_by_test_id("connection-state")).to_have_attribute("data-state", "connected")
    await expect(page).to_have_url(f"{stack.base}/rooms/lobby")
    return page


async def say(page: Page, text: str) -> None:
    await page.get_by_test_id("composer-input").fill(text)
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("message").filter(has_text=text)).to_have_count(1)


async def test_after_failed_connects_only_the_open_rooms_position_is_sent_and_nothing_is_missing(
    stack: Stack, browser: Browser
) -> None:
    network = Network()
    away, other = await log_in(browser, stack, "dog1", network), await log_in(browser, stack, "dog2", Network())
    await say(other, "Before it went dark.")
    await expect(away.get_by_test_id("message").filter(has_text="Before it went dark.")).to_have_count(1)
    await network.cut()
    await say(other, "While it was dark.")
    await expect(away.get_by_test_id("connection-state")).to_have_attribute("data-state", "connecting")
    await network.refused_enough.wait()

    network.down = False
    await away.evaluate("window.dispatchEvent(new Event('online'))")
    await expect(away.get_by_test_id("connection-state")).to_have_attribute("data-state", "connected")
    await expect(away.get_by_test_id("message").filter(has_text="While it was dark.")).to_have_count(1)
    first, last = network.connects
    assert "subs" not in first
    assert list(last["subs"]) == ["room:lobby"]

"""A visitor of Parley: a browser of its own with one page, and what it did that a page of ours must not do."""

import re
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect

from tests.stack import Stack

_REFUSAL = re.compile(r"the server responded with a status of 4\d\d")


class Visitor:
    """`foreign` is every request to another host, `complaints` the console's."""

    def __init__(self, context: BrowserContext, page: Page, base: str) -> None:
        self.context = context
        self.page = page
        self._base = base
        self.foreign: list[str] = []
        self.complaints: list[str] = []
        page.on("request", self._note_request)
        page.on("console", self._note_console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    async def log_in(self, email: str, password: str) -> None:
        await self.page.get_by_test_id("login-email").fill(email)
        await self.page.get_by_test_id("login-password").fill(password)
        await self.page.get_by_test_id("login-submit").click()

    async def is_connected(self) -> None:
        state = self.page.get_by_test_id("connection-state")
        await expect(state).to_have_attribute("data-state", "connected")

    async def say(self, text: str) -> None:
        await self.page.get_by_test_id("composer-input").fill(text)
        await self.page.keyboard.press("Enter")

    async def sees(self, text: str, *, own: bool) -> None:
        message = self.page.get_by_test_id("message").filter(has_text=text)
        await expect(message).to_have_count(1)
        await expect(message).to_have_attribute("data-own", str(own).lower())

    def _note_request(self, request: Request) -> None:
        if urlsplit(request.url).scheme in ("http", "https", "ws") and not request.url.startswith(self._base):
            self.foreign.append(request.url)

    def _note_console(self, message: ConsoleMessage) -> None:
        # Chromium prints every refusal itself, and a first visit without a session is one already.
        if message.type in ("error", "warning") and not _REFUSAL.search(message.text):
            self.complaints.append(message.text)


async def visit(browser: Browser, stack: Stack, path: str = "/") -> Visitor:
    context = await browser.new_context()
    page = await context.new_page()
    visitor = Visitor(context, page, stack.base)
    await page.goto(stack.base + path)
    return visitor

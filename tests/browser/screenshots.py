"""Makes the screenshots of the README from the running system: `make screenshots`."""

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, Page, async_playwright, expect

from deploy.client import ensure_build
from deploy.node import WEB
from tests.browser.conftest import ARGUMENTS
from tests.stack import ROOT, Stack

TARGET = ROOT / "deploy" / "screenshots"
TALK = [
    ("dog1", "Morning! The new gateway survived the night: 11,000 sockets, nobody lost a message."),
    ("dog2", "Nice. What happened at 03:12? My tab said “reconnecting” for a second."),
    ("dog1", "That was me, killing one of the two gateways."),
    ("dog1", "Your client went to the other one and read what it had missed."),
    ("dog2", "I had not noticed anything missing."),
    ("dog1", "That is the idea."),
]


async def log_in(
    browser: Browser, stack: Stack, name: str, scheme: Literal["light", "dark"], width: int, height: int
) -> Page:
    context = await browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": height}, device_scale_factor=1.5
    )
    page = await context.new_page()
    await page.goto(f"{stack.base}/login")
    await page.get_by_test_id("login-email").fill(f"{name}@test.com")
    await page.get_by_test_id("login-password").fill(name)
    await page.get_by_test_id("login-submit").click()
    await expect(page.get_by_test_id("connection-state")).to_have_attribute("data-state", "connected")
    return page


async def talk(pages: dict[str, Page]) -> None:
    for name, text in TALK:
        await pages[name].get_by_test_id("composer-input").fill(text)
        await pages[name].keyboard.press("Enter")
        for page in pages.values():
            await expect(page.get_by_test_id("message").filter(has_text=text)).to_have_count(1)


async def main() -> int:
    chromium = shutil.which("chromium")
    if chromium is None:
        print("Install Chromium first (Debian: apt-get install chromium).", file=sys.stderr)
        return 1
    ensure_build()
    TARGET.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        urls = {"auth_database": f"sqlite:///{folder}/auth.db", "chat_database": f"sqlite:///{folder}/chat.db"}
        with Stack(Path(folder), client=WEB / "dist", **urls) as stack:
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
                await take(browser, stack)
                await browser.close()
    print(f"The screenshots are in {TARGET}.")
    return 0


async def take(browser: Browser, stack: Stack) -> None:
    first = await log_in(browser, stack, "dog1", "light", 1100, 720)
    second = await log_in(browser, stack, "dog2", "dark", 1100, 720)
    await talk({"dog1": first, "dog2": second})
    phone = await log_in(browser, stack, "dog2", "light", 390, 760)
    await expect(phone.get_by_test_id("message")).to_have_count(len(TALK))
    await first.screenshot(path=TARGET / "chat-light.png")
    await second.screenshot(path=TARGET / "chat-dark.png")
    await phone.screenshot(path=TARGET / "chat-phone.png")
    context = await browser.new_context(viewport={"width": 1100, "height": 720}, device_scale_factor=1.5)
    login = await context.new_page()
    await login.goto(f"{stack.base}/login")
    await expect(login.get_by_test_id("login-email")).to_be_visible()
    await login.screenshot(path=TARGET / "login.png")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

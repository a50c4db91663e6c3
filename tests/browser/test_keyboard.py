"""Everything without a mouse: in, to another room, say something, the settings, and out."""

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.visitor import visit
from tests.driver import ChatUser
from tests.stack import Stack

pytestmark = pytest.mark.browser

_MOST_STOPS = 30


async def go_to(page: Page, wanted: Locator, key: str = "Tab") -> None:
    """Press the key until the focus is there, as somebody does who cannot click."""
    await expect(wanted).to_be_visible()
    for _ in range(_MOST_STOPS):
        await page.keyboard.press(key)
        if await wanted.evaluate("element => element === document.activeElement"):
            assert await wanted.evaluate("element => element.matches(':focus-visible')"), "the focus can be seen"
            return
    raise AssertionError("the keyboard does not get there")


@pytest.fixture
async def kennel(stack: Stack) -> str:
    """A second room of dog1."""
    dog1 = await ChatUser.log_in(stack.base, "dog1@test.com", "dog1")
    await dog1.connect()
    made = await dog1.rpc("room.create", {"name": "Kennel", "kind": "public"})
    await dog1.leave_page()
    return str(made["room"]["id"])


async def test_the_whole_visit_without_a_mouse(stack: Stack, browser: Browser, kennel: str) -> None:
    visitor = await visit(browser, stack, "/login")
    page = visitor.page
    await expect(page.get_by_test_id("login-email")).to_be_focused()
    await page.keyboard.type("dog1@test.com")
    await page.keyboard.press("Tab")
    await page.keyboard.type("cat1")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("password is wrong")
    await expect(page.get_by_test_id("login-password")).to_be_focused()
    await page.keyboard.type("dog1")
    await page.keyboard.press("Enter")
    await visitor.is_connected()

    await expect(page.get_by_test_id("composer-input")).to_be_focused()
    await go_to(page, page.get_by_role("link", name="Kennel"), "Shift+Tab")
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{stack.base}/rooms/{kennel}")
    await expect(page.get_by_test_id("composer-input")).to_be_focused()
    await page.keyboard.type("Without a mouse.")
    await page.keyboard.press("Enter")
    await visitor.sees("Without a mouse.", own=True)

    await go_to(page, page.get_by_test_id("settings-link"), "Shift+Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Settings")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page).to_have_url(f"{stack.base}/rooms/{kennel}")
    await go_to(page, page.get_by_test_id("logout"), "Shift+Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("login-email")).to_be_focused()
    assert visitor.complaints == []


async def test_on_a_small_screen_the_rooms_take_the_focus_and_give_it_back(stack: Stack, browser: Browser) -> None:
    visitor = await visit(browser, stack, "/login")
    page = visitor.page
    await page.set_viewport_size({"width": 390, "height": 844})
    await visitor.log_in("dog2@test.com", "dog2")
    await visitor.is_connected()
    await go_to(page, page.get_by_test_id("side-menu"), "Shift+Tab")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("link", name="Lobby")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("side-menu")).to_be_focused()
    await expect(page.get_by_role("link", name="Lobby")).to_be_hidden()


async def test_a_text_above_the_gateways_limit_is_counted_and_stays_in_the_composer(
    stack: Stack, browser: Browser
) -> None:
    visitor = await visit(browser, stack, "/login")
    await visitor.log_in("dog2@test.com", "dog2")
    await visitor.is_connected()
    await visitor.say("x" * 9000)
    await expect(visitor.page.get_by_test_id("composer-hint")).to_contain_text("1000 too many")
    await expect(visitor.page.get_by_test_id("composer-input")).to_have_value("x" * 9000)
    await expect(visitor.page.get_by_test_id("message").filter(has_text="x" * 100)).to_have_count(0)

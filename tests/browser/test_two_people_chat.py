"""The first story: two people open Parley in two browsers and talk."""

from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.visitor import visit
from tests.stack import Stack

pytestmark = pytest.mark.browser


async def left_of(page: Page, text: str) -> float:
    box = await page.get_by_test_id("message-body").filter(has_text=text).bounding_box()
    assert box is not None
    return box["x"]


async def test_two_people_log_in_and_see_each_others_messages_at_once(stack: Stack, browser: Browser) -> None:
    first, second = await visit(browser, stack), await visit(browser, stack)
    for visitor, name in ((first, "dog1"), (second, "dog2")):
        await expect(visitor.page).to_have_url(f"{stack.base}/login?next=/")
        await visitor.log_in(f"{name}@test.com", name)
        await visitor.is_connected()
        await expect(visitor.page).to_have_url(f"{stack.base}/rooms/lobby")

    await first.say("Is anybody there?")
    await first.sees("Is anybody there?", own=True)
    await second.sees("Is anybody there?", own=False)
    await second.say("Woof.")
    await first.sees("Woof.", own=False)

    assert await left_of(first.page, "Is anybody there?") < await left_of(first.page, "Woof."), "own left, others right"

    await second.page.reload()
    await second.is_connected()
    await second.sees("Is anybody there?", own=False)
    await second.sees("Woof.", own=True)
    assert first.foreign == second.foreign == [], "no third party is asked for anything"
    assert first.complaints == second.complaints == [], "neither scripts nor the content policy complain"


async def test_a_wrong_password_shows_the_form_again_with_the_email_kept(stack: Stack, browser: Browser) -> None:
    visitor = await visit(browser, stack, "/login")
    await visitor.log_in("dog1@test.com", "cat1")
    await expect(visitor.page.get_by_test_id("login-error")).to_be_visible()
    await expect(visitor.page.get_by_test_id("login-email")).to_have_value("dog1@test.com")
    await expect(visitor.page.get_by_test_id("login-password")).to_have_value("")


async def test_a_visit_without_a_session_comes_back_to_where_it_wanted_to_go(stack: Stack, browser: Browser) -> None:
    visitor = await visit(browser, stack, "/rooms/lobby")
    await expect(visitor.page).to_have_url(f"{stack.base}/login?next=/rooms/lobby")
    await visitor.log_in("dog1@test.com", "dog1")
    await expect(visitor.page).to_have_url(f"{stack.base}/rooms/lobby")


@pytest.mark.parametrize(
    "target", ["//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
async def test_a_login_link_cannot_lead_to_another_site(stack: Stack, browser: Browser, target: str) -> None:
    visitor = await visit(browser, stack, f"/login?next={target}")
    await visitor.log_in("dog1@test.com", "dog1")
    await visitor.is_connected()
    assert urlsplit(visitor.page.url).netloc == urlsplit(stack.base).netloc


async def test_logging_out_ends_the_session_of_this_browser(stack: Stack, browser: Browser) -> None:
    visitor = await visit(browser, stack, "/login")
    await visitor.log_in("dog2@test.com", "dog2")
    await visitor.is_connected()
    await visitor.page.get_by_test_id("logout").click()
    await expect(visitor.page.get_by_test_id("login-email")).to_be_visible()
    await visitor.page.goto(f"{stack.base}/rooms/lobby")
    await expect(visitor.page).to_have_url(f"{stack.base}/login?next=/rooms/lobby")

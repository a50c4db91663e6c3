"""The story of an account: let in by an invitation, ended on one device from another, its password changed."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from deploy.client import ensure_build
from deploy.node import WEB
from tests.browser.visitor import Visitor, visit
from tests.stack import Stack

pytestmark = pytest.mark.browser

EMAIL = "ann@test.com"
FIRST, SECOND = "blue stairs in autumn", "a kettle full of maps"


@pytest.fixture(scope="module")
def closed_site(tmp_path_factory: pytest.TempPathFactory, chromium: str) -> Iterator[Stack]:
    """A site that lets nobody in without an invitation."""
    ensure_build()
    folder: Path = tmp_path_factory.mktemp("closed")
    databases = {"auth_database": f"sqlite:///{folder}/auth.db", "chat_database": f"sqlite:///{folder}/chat.db"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTH_REGISTRATION", "invitation")
        with Stack(folder, client=WEB / "dist", **databases) as stack:
            yield stack


async def invitation_by_dog1(browser: Browser, stack: Stack, email: str = EMAIL) -> str:
    dog1 = await visit(browser, stack, "/login")
    await dog1.log_in("dog1@test.com", "dog1")
    await dog1.page.get_by_role("link", name="Settings").click()
    await dog1.page.get_by_test_id("invitation-email").fill(email)
    await dog1.page.get_by_role("button", name="Make a link").click()
    link = await dog1.page.get_by_test_id("invitation-link").input_value()
    assert dog1.complaints == []
    return link


async def register(page: Page, link: str) -> None:
    await page.goto(link)
    await page.get_by_label("Name").fill("Ann")
    await page.get_by_label("E-mail").fill(EMAIL)
    await page.get_by_label("Password").fill(FIRST)
    await page.get_by_role("button", name="Create account").click()


async def new_device(browser: Browser, stack: Stack, password: str) -> Visitor:
    visitor = await visit(browser, stack, "/login")
    await visitor.log_in(EMAIL, password)
    return visitor


async def test_an_account_from_its_invitation_to_a_new_password(closed_site: Stack, browser: Browser) -> None:
    link = await invitation_by_dog1(browser, closed_site)
    first = await visit(browser, closed_site, "/register")
    await expect(first.page.get_by_text("needs an invitation")).to_be_visible()
    await register(first.page, link)
    await first.is_connected()
    await expect(first.page).to_have_url(f"{closed_site.base}/rooms/lobby")
    assert "token" not in str(await first.page.evaluate("JSON.stringify(history.state)"))

    stranger = await visit(browser, closed_site, "/login")
    await register(stranger.page, link)
    await expect(stranger.page.get_by_role("alert")).to_contain_text("link is not valid")
    await expect(stranger.page).to_have_url(f"{closed_site.base}/register")

    second = await new_device(browser, closed_site, FIRST)
    await second.is_connected()
    await first.page.get_by_role("link", name="Settings").click()
    sessions = first.page.get_by_test_id("session")
    await expect(sessions).to_have_count(2)
    await expect(sessions.filter(has_text="This device")).to_have_count(1)
    await first.page.get_by_role("button", name="Log out Chrome on Linux").click()
    await expect(sessions).to_have_count(1)
    await expect(second.page.get_by_test_id("login-email")).to_be_visible()
    await expect(second.page).to_have_url(f"{closed_site.base}/login?next=/rooms/lobby")

    await first.page.get_by_label("Current password").fill(SECOND)
    await first.page.get_by_label("New password").fill(SECOND + "!")
    await first.page.get_by_role("button", name="Change password").click()
    await expect(first.page.get_by_label("Current password")).to_be_focused()
    await expect(first.page.get_by_label("Current password")).to_have_accessible_description(re.compile("is wrong"))
    await first.page.get_by_label("Current password").fill(FIRST)
    await first.page.get_by_label("New password").fill(SECOND)
    await first.page.get_by_role("button", name="Change password").click()
    await expect(first.page.get_by_text("Your password is changed")).to_be_visible()
    await first.page.keyboard.press("Escape")
    await expect(first.page).to_have_url(f"{closed_site.base}/rooms/lobby")
    await first.is_connected()

    await second.log_in(EMAIL, FIRST)
    await expect(second.page.get_by_role("alert")).to_contain_text("password is wrong")
    await second.log_in(EMAIL, SECOND)
    await second.is_connected()
    assert [first.foreign, second.foreign, stranger.foreign] == [[], [], []]
    assert [first.complaints, second.complaints, stranger.complaints] == [[], [], []]


async def test_an_invitation_opened_by_somebody_logged_in_works_after_a_log_out(
    closed_site: Stack, browser: Browser
) -> None:
    link = await invitation_by_dog1(browser, closed_site, "ben@test.com")
    visitor = await visit(browser, closed_site, "/login")
    await visitor.log_in("dog2@test.com", "dog2")
    await visitor.is_connected()
    await visitor.page.goto(f"{closed_site.base}/login?next=/settings")
    await expect(visitor.page).to_have_url(f"{closed_site.base}/settings")
    await visitor.page.goto(link)
    await expect(visitor.page.get_by_test_id("member-note")).to_contain_text("logged in as dog2")
    await visitor.page.get_by_role("button", name="Log out and use the link").click()

    await expect(visitor.page.get_by_label("Name")).to_be_focused()
    await visitor.page.get_by_label("Name").fill("Ben")
    await visitor.page.get_by_label("E-mail").fill("cuckoo@test.com")
    await visitor.page.get_by_label("Password").fill("12345678")
    await visitor.page.keyboard.press("Enter")
    await expect(visitor.page.get_by_role("alert")).to_contain_text("for somebody else")
    await visitor.page.get_by_label("E-mail").fill("ben@test.com")
    await visitor.page.keyboard.press("Enter")
    password = visitor.page.get_by_label("Password")
    await expect(password).to_be_focused()
    await expect(password).to_have_accessible_description(re.compile("easy to guess"))
    await password.fill(FIRST)
    await visitor.page.keyboard.press("Enter")
    await visitor.is_connected()
    assert visitor.complaints == []


async def test_a_session_that_ends_while_its_settings_are_open_ends_there(closed_site: Stack, browser: Browser) -> None:
    here, there = [await visit(browser, closed_site, "/login?next=/settings") for _ in range(2)]
    for visitor in (here, there):
        await visitor.log_in("dog2@test.com", "dog2")
        await expect(visitor.page.get_by_test_id("profile-form")).to_be_visible()
    await here.page.get_by_role("button", name="Log out everywhere").click()
    for visitor in (here, there):
        await expect(visitor.page.get_by_test_id("login-email")).to_be_visible()
        await visitor.page.goto(f"{closed_site.base}/settings")
        await expect(visitor.page).to_have_url(f"{closed_site.base}/login?next=/settings")

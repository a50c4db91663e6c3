"""A browser for the tests of sessions."""

from dataclasses import replace

import pytest

from auth_service.actions import accounts
from auth_service.core.auth import Auth
from tests.integration.auth_service.browsing import EMAIL, KEYS, PASSWORD, Browser
from tests.integration.auth_service.rows import Age, Feed


@pytest.fixture
async def browser(auth: Auth, age: Age, feed: Feed) -> Browser:
    """Ann has an account."""
    await accounts.create(auth, email=EMAIL, password=PASSWORD, name="Ann")
    return Browser(replace(auth, refresh_keys=KEYS), age, feed)

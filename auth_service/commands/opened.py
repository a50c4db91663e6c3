"""Auth as a command of an administrator finds it: the settings, the database, and the bell of the gateways."""

import argparse
import os
import pwd
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from auth_service.app import auth_of, check_database, throttle_of
from auth_service.bus.doorbell import Doorbell
from auth_service.core.auth import Auth
from auth_service.core.callers import COMMAND_LINE, Caller
from auth_service.crypto.passwords import ArgonPasswords
from auth_service.settings import AuthSettings
from auth_service.store.database import Database
from shared import logs
from shared.errors import AppError
from shared.web import StartError


@asynccontextmanager
async def opened(options: argparse.Namespace) -> AsyncIterator[Auth]:
    """Open auth as the options name it. What is refused inside becomes a StartError, a sentence for the person.

    What the audit log notes is logged to stderr as the service does it; stdout is the command's own.
    Gateways hear of a change at once where Redis answers within a second, by their next look (20 s) otherwise.
    """
    settings = AuthSettings.load(options.config, "auth")
    logs.configure("auth_service", settings.log_level)
    doorbell = Doorbell(settings.redis_url)
    database = Database(settings.database_url, on_change=doorbell.ring)
    passwords = ArgonPasswords()
    throttle = throttle_of(settings)
    try:
        await check_database(database)
        yield replace(auth_of(settings, database, passwords, throttle), operator=operator())
    except AppError as error:
        raise StartError(error.message) from error
    finally:
        passwords.close()
        await doorbell.close()
        await throttle.close()
        await database.close()


def operator() -> Caller:
    """Whoever runs the command, as the kernel knows him: names in the environment are what anybody writes there."""
    number = os.getuid()
    try:
        name = pwd.getpwuid(number).pw_name
    except KeyError:  # a container may run under a number that nobody has
        name = str(number)
    return replace(COMMAND_LINE, os_user=name)

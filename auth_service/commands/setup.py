"""The end of a migration: what it recorded is logged, and a site of production without any account gets its link.

That one makes the administrator.
"""

import sys
from collections.abc import Sequence

from auth_service.actions import links
from auth_service.app import system_randomness
from auth_service.commands.links import SETUP, tell
from auth_service.commands.opened import operator
from auth_service.core.audit import Record
from auth_service.settings import MigrationSettings
from auth_service.store.audit import tell as log
from auth_service.store.database import Database
from shared import logs
from shared.errors import AppError
from shared.web import StartError


async def finish(settings: MigrationSettings, written: Sequence[Record]) -> None:
    """Print a new link each time, until there is an account; the one before is void. Raises StartError."""
    logs.configure("auth_service", "info")
    log(written)
    if settings.parley_mode == "demo":
        return
    database = Database(settings.database_url, on_change=lambda: None)
    try:
        made = await links.offer_setup(database, system_randomness(), settings.public_url, operator())
    except AppError as error:
        raise StartError(error.message) from error
    finally:
        await database.close()
    if made is not None:
        sys.stderr.write("The site has no account yet. ")
        tell(made, SETUP)

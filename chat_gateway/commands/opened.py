"""The chat as a command of an administrator finds it: the database, and the commit queue every change goes through.

A command is no gateway: it has no sockets and no bus. The gateways find what it wrote by comparing heads, within 3 s.
"""

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import ProgrammingError

from chat_gateway.assembly import appender_of, chat_of
from chat_gateway.core.chat import Chat
from chat_gateway.settings import CommandSettings
from chat_gateway.store.database import Database
from chat_gateway.store.group_commit import GroupCommit
from shared.errors import AppError
from shared.web import StartError


@asynccontextmanager
async def opened(options: argparse.Namespace) -> AsyncIterator[tuple[Database, Chat]]:
    """Open the chat that the options name. What is refused inside becomes a StartError, a sentence for the person."""
    settings = CommandSettings.load(options.config, "chat")
    database = Database(settings.database_url)
    appender = appender_of(database)
    commit = GroupCommit(appender, lambda _log, _epoch, _entries: None)
    committing = asyncio.ensure_future(commit.run())
    chat = chat_of(database, commit, limits=settings.chat_limits())
    try:
        yield database, chat
    except AppError as error:
        raise StartError(error.message) from error
    except ProgrammingError as error:
        raise StartError("The chat database is not up to date. Run: python -m chat_gateway migrate") from error
    finally:
        commit.close()
        await committing
        await appender.close()
        await database.close()

"""Logs: one JSON object a line on stderr, ours and those of libraries alike.

The request id rides in a contextvar, so every line of a request carries it. Values under names that hold secrets are
masked here, once, whoever logs them; tokens, texts and query strings must not be handed to a log in the first place.
"""

import logging
import re
import sys
from typing import TextIO

import structlog
from aiohttp.http_exceptions import HttpProcessingError
from structlog.typing import EventDict, Processor, WrappedLogger

_SECRET_NAMES = frozenset(
    {"password", "token", "access_token", "refresh_token", "authorization", "cookie", "set_cookie", "internal_key"}
)

_DETAIL = re.compile(r"\nDETAIL: .*?(?=\n\[SQL: |\n\nThe above exception |\n\nDuring handling |\Z)", re.DOTALL)
"""PostgreSQL quotes the row that it refused: an address, a profile, a message."""


def mask_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    for name in _SECRET_NAMES & event.keys():
        event[name] = "***"
    return event


def drop_rows(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The type of an error of the database and the constraint are enough to find a mistake of ours."""
    if "exception" in event:
        event["exception"] = _DETAIL.sub("", event["exception"])
    return event


def _without_echo(record: logging.LogRecord) -> bool:
    """Drop the traceback of a request that cannot be parsed: it quotes the request, and whatever secret stood there."""
    if record.exc_info and isinstance(record.exc_info[1], HttpProcessingError):
        record.msg, record.args = "A request that is not HTTP was refused.", ()
        record.exc_info = record.exc_text = None
        record.levelno, record.levelname = logging.INFO, "INFO"
    return True


def configure(service: str, level: str, stream: TextIO | None = None) -> None:
    """Routes structlog and the standard library's logging to the stream, as JSON lines. A later call wins."""
    chain: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        drop_rows,
        mask_secrets,
        _with_service(service),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *chain,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=chain,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.getLogger("aiohttp.server").addFilter(_without_echo)
    # Statements with their values and addresses with their query strings have no place in the log, whoever turns it up.
    for noisy in ("aiohttp.access", "aiosqlite", "asyncio", "sqlalchemy.engine"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _with_service(service: str) -> Processor:
    def add(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    return add

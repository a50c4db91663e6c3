import json
import logging
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import pytest
import structlog

from shared import logs

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What was logged so far, by a service of the name `dog` at level info."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = StringIO()
    logs.configure("dog", "info", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:], root.level = before
    structlog.reset_defaults()


def test_line_is_a_json_object_with_service_level_and_time(lines: Lines) -> None:
    structlog.get_logger("kennel").info("barked", times=3)
    (line,) = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "barked", "times": 3, "level": "info", "logger": "kennel", "service": "dog"}


def test_request_id_rides_along_in_our_lines_and_those_of_libraries(lines: Lines) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r-1"):
        structlog.get_logger().info("ours")
        logging.getLogger("library").warning("theirs %s", 5)
    assert [(line["event"], line["request_id"]) for line in lines()] == [("ours", "r-1"), ("theirs 5", "r-1")]


def test_what_is_below_the_level_is_not_written(lines: Lines) -> None:
    structlog.get_logger().debug("whisper")
    logging.getLogger("library").debug("whisper")
    logging.getLogger("sqlalchemy.engine").info("SELECT secret")
    assert lines() == []


def test_traceback_stays_in_one_line(lines: Lines) -> None:
    try:
        int("bone")
    except ValueError:
        structlog.get_logger().exception("failed")
    (line,) = lines()
    assert "ValueError: invalid literal" in line["exception"]


def test_row_that_a_database_refused_is_not_in_the_traceback(lines: Lines) -> None:
    # As the driver says it, and SQLAlchemy after it; values may have lines of their own.
    refused = 'breaks "uq_user_email"\nDETAIL:  Key (email)=(ann@example.org) is there.\nann was here'
    error = RuntimeError(f"{refused}\n[SQL: INSERT]")
    error.__cause__ = ValueError(refused)
    structlog.get_logger().error("failed", exc_info=error)
    (line,) = lines()
    assert "ann" not in line["exception"]
    assert line["exception"].count('breaks "uq_user_email"\n') == 2
    assert line["exception"].endswith("[SQL: INSERT]")


@pytest.mark.parametrize("name", ["password", "access_token", "authorization", "cookie", "internal_key"])
def test_secret_under_its_name_is_masked(lines: Lines, name: str) -> None:
    structlog.get_logger().info("oops", **{name: "hunter2"})
    logging.getLogger("library").info("oops")
    assert "hunter2" not in json.dumps(lines())


def test_later_call_replaces_the_first(lines: Lines) -> None:
    other = StringIO()
    logs.configure("cat", "info", other)
    structlog.get_logger().info("meow")
    assert lines() == []
    assert json.loads(other.getvalue())["service"] == "cat"

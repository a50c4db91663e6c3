"""How commands print: plain text in columns, one fact a line, and nothing in it that a terminal would obey."""

from collections.abc import Sequence
from datetime import UTC, datetime


def facts(pairs: Sequence[tuple[str, object]]) -> str:
    """Lay out names and values, one a line."""
    width = max((len(name) for name, _ in pairs), default=0)
    return "".join(f"{name:<{width}}  {value}".rstrip() + "\n" for name, value in pairs)


def columns(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Lay out a table; numbers stand right."""
    lines = [list(head), *([f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row] for row in rows)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(head))]
    is_number = [bool(rows) and isinstance(rows[0][n], int) for n in range(len(head))]
    return "".join(
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, is_number, strict=True)
        ).rstrip()
        + "\n"
        for line in lines
    )


def shown(text: str, most: int = 200) -> str:
    """Make what people wrote safe to print: one line, no escape sequences, no text that runs backwards."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return line if len(line) <= most else f"{line[: most - 3]}..."


def moment(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")

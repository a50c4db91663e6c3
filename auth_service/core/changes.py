"""The changes feed as the gateways read it: every entry is the latest word about one subject."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ChangesPage:
    """Entries in the order of their numbers; `next` is the cursor to go on from, `more` that there is a next page."""

    changes: list[dict[str, Any]]
    next: int
    more: bool

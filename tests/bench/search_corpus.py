"""A chat of many messages with its search index, made once and kept: some minutes' work of the indexer by bulk SQL.

The words are invented and as unevenly spread as those of a language (Zipf): the first is in every fifth message or so,
the last in hardly any.
"""

import hashlib
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import accumulate, product
from pathlib import Path

from chat_gateway.core.search import index
from tests.bench.databases import ROOT, SQLite, migrate
from tests.bench.seeds import Layout

LAYOUT = Layout(clients=1)
_WORDS_A_MESSAGE = 12
_VOCABULARY = 8000
_SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprst" for vowel in "aeiou"]
_ENTRY = (
    'INSERT INTO entry (log_id, "offset", kind, id, author, client_id, at, posts, content)'
    " VALUES (:log, :offset, 1, :id, 'bench-0', :id, :offset, :offset, :content)"
)
_FOUND = (
    'INSERT INTO search (room_id, "offset", author, at, folded, tokens, grams, has_link)'
    " VALUES (:room, :offset, 'bench-0', :offset, :folded, :tokens, :grams, :has_link)"
)


def words() -> list[str]:
    """The vocabulary, the most frequent first."""
    made = ["".join(parts) for parts in product(_SYLLABLES, repeat=3)]
    random.Random(1).shuffle(made)
    return made[:_VOCABULARY]


def corpus(messages: int, folder: Path) -> Path:
    """Give the database file, made where it is missing or of another schema."""
    file = folder / f"search-{messages}-{_schema()}.db"
    if not file.exists():
        print(f"    writing {messages:,} messages to search in, once", flush=True)
        unfinished = file.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        migrate(SQLite(unfinished))
        SQLite(unfinished).execute(LAYOUT.sql())
        _fill(unfinished, messages)
        unfinished.rename(file)
    return file


def _schema() -> str:
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for version in sorted((ROOT / "chat_gateway" / "migrations" / "versions").glob("*.py")):
        digest.update(version.read_bytes())
    return digest.hexdigest()[:12]


def _fill(file: Path, messages: int) -> None:
    room = LAYOUT.room(0)
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")
        for offset, body in enumerate(_bodies(messages), 1):
            made = index(body)
            entry = {"log": f"room:{room}", "room": room, "offset": offset, "id": str(offset)}
            found = {"folded": made.folded, "tokens": " ".join(made.tokens), "grams": " ".join(made.grams)}
            row = {**entry, **found, "has_link": made.has_link, "content": f'{{"body":"{body}"}}'}
            connection.execute(_ENTRY, row)
            connection.execute(_FOUND, row)
        for statement in (
            "UPDATE log SET head = ?, posts = ? WHERE id LIKE 'room:%'",
            "INSERT INTO search_cursor (log_id, \"offset\") SELECT id, head FROM log WHERE id LIKE 'room:%'",
        ):
            connection.execute(statement, (messages,) * statement.count("?"))


def _bodies(count: int) -> Iterator[str]:
    vocabulary, chance = words(), random.Random(2)
    weights = list(accumulate(1 / (rank + 10) for rank in range(len(vocabulary))))
    for _ in range(count):
        yield " ".join(chance.choices(vocabulary, cum_weights=weights, k=_WORDS_A_MESSAGE))

"""Writes the effects of a decision on SQLite, as migrations/functions/apply_v1.sql does on PostgreSQL.

The SQL is made from names of tables and columns that core/effects.py fixes; values are always bound.
"""

from collections.abc import Mapping, Sequence

from chat_gateway.core.changes import Change
from chat_gateway.core.effects import Drop, Effect, OpenLog, Put, Scrub, Set, Value, Write
from chat_gateway.core.entries import Entry
from chat_gateway.store.ledger_sqlite import Ledger

_SCRUB = 'UPDATE entry SET content = ? WHERE log_id = ? AND "offset" = ?'


def write(ledger: Ledger, change: Change, effects: Sequence[Effect]) -> list[Entry]:
    """Write the effects in their order and answer the entries among them."""
    entries: list[Entry] = []
    known: dict[str, Value] = {"now": ledger.now}
    for effect in effects:
        match effect:
            case OpenLog():
                ledger.open(effect.log)
            case Write():
                entries.append(
                    ledger.write(
                        effect.log, effect.kind, effect.id, change, subject=effect.subject, content=effect.content
                    )
                )
                known |= {"offset": entries[0].offset, "posts": entries[0].posts}
            case Scrub():
                scrubbed = [(content, effect.log, offset) for offset, content in effect.contents.items()]
                ledger.connection.executemany(_SCRUB, scrubbed)
            case Put() | Set() | Drop():
                ledger.connection.execute(*_statement(effect, known))
    return entries


def _statement(effect: Put | Set | Drop, known: Mapping[str, Value]) -> tuple[str, list[Value]]:
    where = " AND ".join(f'"{column}" = ?' for column in effect.key)
    if isinstance(effect, Drop):
        limits = {column: int(known[name] or 0) + effect.added.get(column, 0) for column, name in effect.before.items()}
        below = "".join(f' AND "{column}" < ?' for column in limits)
        return f'DELETE FROM "{effect.table}" WHERE {where}{below}', [*effect.key.values(), *limits.values()]
    row = _row(effect, known)
    counted = effect.added.keys() - effect.filled.keys()
    if isinstance(effect, Set):
        changes = ", ".join(f'"{name}" = "{name}" + ?' if name in counted else f'"{name}" = ?' for name in row)
        return f'UPDATE "{effect.table}" SET {changes} WHERE {where}', [*row.values(), *effect.key.values()]
    columns = ", ".join(f'"{name}"' for name in (*effect.key, *row))
    marks = ", ".join("?" * (len(effect.key) + len(row)))
    changes = ", ".join(
        f'"{name}" = "{effect.table}"."{name}" + excluded."{name}"'
        if name in counted
        else f'"{name}" = excluded."{name}"'
        for name in row
    )
    key = ", ".join(f'"{name}"' for name in effect.key)
    otherwise = f"DO UPDATE SET {changes}" if row else "DO NOTHING"
    sql = f'INSERT INTO "{effect.table}" ({columns}) VALUES ({marks}) ON CONFLICT ({key}) {otherwise}'
    return sql, [*effect.key.values(), *row.values()]


def _row(effect: Put | Set, known: Mapping[str, Value]) -> dict[str, Value]:
    """Answer the columns' values; what is filled and added to is the sum of both."""
    filled = {column: known[name] for column, name in effect.filled.items()}
    added = {column: int(filled.get(column) or 0) + number for column, number in effect.added.items()}
    return {**effect.values, **filled, **added}
